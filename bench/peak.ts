// What one core does at best: independent fused multiply-adds of the widest vectors, in GFLOP/s.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cTargets } from '../codegen/c/targets.ts';

export const clockSource =
  'static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec * 1e-9; }\n';

export const peakSource = `
static double peak(void) {
  typedef float v __attribute__((vector_size(64)));
  v a[12], m, c;
  for (int j = 0; j < 16; j++) { m[j] = 0.999f; c[j] = 1e-3f; for (int i = 0; i < 12; i++) a[i][j] = i + j * 1e-3f; }
  double best = 1e9;
  for (int r = 0; r < 5000; r++) {
    double t = now();
    for (long n = 0; n < 40000; n++) {
_Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) a[i] = a[i] * m + c; __asm__ volatile("" ::"v"(a[0]), "v"(a[1])); }
    t = now() - t;
    if (t < best) best = t;
  }
  float s = 0;
  for (int i = 0; i < 12; i++) for (int j = 0; j < 16; j++) s += a[i][j];
  return 12 * 4e4 * 32 / best * 1e-9 + (s == 0.12345f);
}
`;

export function measurePeak(): number {
  const folder = mkdtempSync(join(tmpdir(), 'peak-'));
  try {
    const file = join(folder, 'peak.c');
    const main = 'int main(void) { printf("%.1f\\n", peak()); return 0; }\n';
    writeFileSync(file, `#include <stdio.h>\n#include <time.h>\n${clockSource}${peakSource}${main}`);
    execFileSync('gcc', [
      '-std=gnu11',
      '-ffp-contract=fast',
      ...cTargets.host!.compilerFlags,
      file,
      '-o',
      `${file}.out`,
    ]);
    return Number(execFileSync(`${file}.out`, { encoding: 'utf8' }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
