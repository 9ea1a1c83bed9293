// Measures scheduled kernels alone: prints them as C, compiles, and reports GFLOP/s next to the machine's peak.
//   node --import=tsx bench/kernels.ts [--lanes 16] [name …]

import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gnuC } from '../codegen/c/dialect.ts';
import { printKernel } from '../codegen/c/print-kernel.ts';
import { cTargets } from '../codegen/c/targets.ts';
import { helpers } from '../codegen/clike/helpers.ts';
import { noAliasing } from '../codegen/clike/parameters.ts';
import { constantOf, product as productOf } from '../ir/expr-make.ts';
import type { Kernel } from '../ir/kernel.ts';
import { expandMathStmt } from '../ir/math/expand-math.ts';
import { scheduleKernel } from '../src/schedule/index.ts';
import { panelWidth } from '../src/schedule/panel.ts';
import { winograd } from '../src/schedule/winograd.ts';
import { added, convolution, mean, product, scaled, softmax, transposed, window } from '../test/schedule/lowered.ts';
import { clockSource, peakSource } from './peak.ts';

interface Case {
  readonly name: string;
  readonly kernel: Kernel;
  /** Operations of one run, or elements where that says more. */
  readonly operations: number;
}

const target = cTargets.host!;
const options = { math: 'fast' } as const;

function matrix(rows: number, depth: number, columns: number): Case {
  const panel = panelWidth(target, { rows, columns, depth, ...options });
  return {
    name: `product ${rows}x${depth}x${columns}`,
    kernel: product({ rows, columns, depth, panel }),
    operations: 2 * rows * depth * columns,
  };
}

const plain = (rows: number, depth: number, columns: number): Case => ({
  name: `product ${rows}x${depth}x${columns} not packed`,
  kernel: product({ rows, columns, depth }),
  operations: 2 * rows * depth * columns,
});

function conv(size: number, channels: number, outputs: number, kernel: number, stride = 1): Case {
  const depth = kernel * kernel * channels;
  const panel = panelWidth(target, { rows: size * size, columns: outputs, depth, ...options });
  return {
    name: `conv ${kernel}x${kernel}/${stride} ${channels}->${outputs} at ${size}x${size}`,
    kernel: convolution({ height: size, width: size, channels, outputs, kernel, stride, panel }),
    operations: 2 * size * size * outputs * depth,
  };
}

function winogradConv(size: number, channels: number, outputs: number): Case {
  const direct = conv(size, channels, outputs, 3);
  const fast = winograd(direct.kernel, ({ name }) => name === 'W', target);
  return { ...direct, name: `winograd ${direct.name}`, kernel: fast?.kernel ?? direct.kernel };
}

const depthwise = (channels: number, size: number, kernel = 3, stride = 1): Case => ({
  name: `depthwise ${kernel}x${kernel}/${stride} ${channels}x${size}x${size}`,
  kernel: window({ height: size, width: size, channels, kernel, stride }),
  operations: 2 * kernel * kernel * channels * size * size,
});

const cases: readonly Case[] = [
  matrix(49, 512, 512),
  matrix(196, 256, 256),
  matrix(3136, 64, 64),
  matrix(12544, 27, 32),
  matrix(128, 768, 3072),
  matrix(512, 512, 512),
  matrix(64, 64, 10),
  matrix(1, 1024, 1000),
  matrix(1, 256, 256),
  matrix(300, 256, 1),
  plain(64, 64, 77),
  plain(256, 256, 256),
  plain(128, 64, 1024),
  conv(56, 64, 64, 3),
  conv(28, 128, 128, 3),
  conv(14, 256, 256, 3),
  conv(7, 512, 512, 3),
  winogradConv(56, 64, 64),
  winogradConv(28, 128, 128),
  winogradConv(14, 256, 256),
  winogradConv(56, 32, 32),
  winogradConv(32, 16, 16),
  winogradConv(16, 32, 32),
  winogradConv(8, 64, 64),
  winogradConv(80, 32, 16),
  winogradConv(26, 48, 48),
  winogradConv(104, 12, 16),
  winogradConv(52, 8, 8),
  winogradConv(64, 24, 24),
  conv(112, 3, 32, 3, 2),
  conv(28, 24, 144, 1),
  conv(14, 96, 40, 1),
  depthwise(96, 56),
  depthwise(576, 14),
  depthwise(144, 28),
  depthwise(96, 28, 5, 2),
  depthwise(960, 7),
  {
    name: 'max pool 2x2/2 64x56x56',
    kernel: window({ height: 56, width: 56, channels: 64, kernel: 2, stride: 2, op: 'max' }),
    operations: 4 * 64 * 56 * 56,
  },
  { name: 'softmax 128x128', kernel: softmax(128, 128), operations: 128 * 128 },
  { name: 'softmax 1x1000', kernel: softmax(1, 1000), operations: 1000 },
  { name: 'mean of rows 512x49', kernel: mean(512, 49, 'last'), operations: 512 * 49 },
  { name: 'mean of columns 49x512', kernel: mean(49, 512, 'first'), operations: 49 * 512 },
  { name: 'scaled 56x56x64', kernel: scaled([56, 56, 64]), operations: 56 * 56 * 64 },
  { name: 'added 56x56x64', kernel: added([56, 56, 64]), operations: 56 * 56 * 64 },
  { name: 'transposed 64x56x56', kernel: transposed(56, 56, 64), operations: 56 * 56 * 64 },
  { name: 'transposed 3x224x224', kernel: transposed(224, 224, 3), operations: 3 * 224 * 224 },
];

const wanted = process.argv.slice(2);
const chosen = cases.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));

function source(): string {
  const shared = helpers();
  const functions = chosen.map(({ kernel }, i) => {
    const scheduled = scheduleKernel(kernel, target, options);
    const plainMath = { ...scheduled, body: expandMathStmt(scheduled.body) };
    const printed = printKernel(plainMath, {
      name: `kernel_${i}`,
      dialect: gnuC,
      helpers: shared,
      aliasing: noAliasing(plainMath),
      threads: false,
    });
    return { printed, kernel: scheduled };
  });
  const mains = functions.map(({ printed, kernel }, i) => {
    const pointers = printed.params.map((param) => {
      const count = constantOf(productOf(kernel.params[param]!.shape))!;
      return `filled(${count})`;
    });
    const names = pointers.map((_, j) => `p${j}`);
    const declared = pointers.map((pointer, j) => `float *p${j} = ${pointer};`).join(' ');
    const label = JSON.stringify(chosen[i]!.name);
    return `  { ${declared} MEASURE(${label}, ${chosen[i]!.operations}.0, kernel_${i}(${names.join(', ')})); }`;
  });
  return [
    '#include <stdio.h>\n#include <stdlib.h>\n#include <time.h>\n#include <math.h>\n#include <string.h>\n',
    shared.includes(),
    '#define LAP_KERNEL static __attribute__((noinline))\n#define LAP_OK 0\n',
    shared.text(),
    ...functions.map(({ printed }) => printed.text),
    clockSource,
    peakSource,
    'static float *filled(long n) { float *p = aligned_alloc(64, (4 * n + 127) / 64 * 64); for (long i = 0; i < n; i++) p[i] = (rand() % 2000 - 1000) * 1e-3f; return p; }\n',
    `#define MEASURE(name, operations, call) do { double best = 1e9; double start = now(); long inner = 1; \\
  for (;;) { double t = now(); for (long i = 0; i < inner; i++) call; t = now() - t; if (t > 5e-5) break; inner *= 2; } \\
  while (now() - start < 0.4) { double t = now(); for (long i = 0; i < inner; i++) call; t = (now() - t) / inner; if (t < best) best = t; } \\
  printf("%-44s %10.1f us %8.1f G/s %5.1f %%\\n", name, best * 1e6, operations / best * 1e-9, operations / best * 1e-7 / top); fflush(stdout); } while (0)\n`,
    'int main(void) {\n  double top = peak();\n  printf("peak %.1f GFLOP/s\\n", top);\n',
    ...mains.map((line) => `${line}\n`),
    '  return 0;\n}\n',
  ].join('');
}

const folder = mkdtempSync(join(tmpdir(), 'kernels-'));
const file = join(folder, 'kernels.c');
writeFileSync(file, source());
const flags = ['-std=gnu11', '-ffp-contract=fast', ...target.compilerFlags];
execFileSync('gcc', [...flags, file, '-o', join(folder, 'kernels'), '-lm'], { stdio: 'inherit' });
process.stderr.write(`${file}\n`);
execFileSync(join(folder, 'kernels'), { stdio: 'inherit' });
