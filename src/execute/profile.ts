// Which kernels the time goes to, from samples of where a program was.

import * as fs from 'node:fs';
import { type Profiler, Session } from 'node:inspector/promises';
import { functionSymbols } from './elf-symbols.ts';

export interface KernelShare {
  readonly name: string;
  /** Of all samples, from 0 to 1. */
  readonly share: number;
}

/** Samples are addresses in decimal, one a line, after the address of `main`. */
export function nativeShares(executable: string, samples: string): readonly KernelShare[] {
  const symbols = [...functionSymbols(fs.readFileSync(executable))].sort((a, b) => a.address - b.address);
  const main = symbols.find(({ name }) => name === 'main');
  const [base, ...addresses] = samples.trim().split('\n').map(Number);
  if (!main || base === undefined) return [];
  const names = addresses.map((address) => {
    const at = address - base + main.address;
    const symbol = symbols.find((candidate) => at >= candidate.address && at < candidate.address + candidate.bytes);
    return symbol?.name ?? '(outside of the program)';
  });
  return sharesOf(names.map((name) => [name, 1] as const));
}

/** `functionNames` are those of the module's functions by index: engines know their numbers alone. */
export async function profileWebAssembly(
  work: () => void,
  functionNames: readonly string[],
): Promise<readonly KernelShare[]> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 200 });
    await session.post('Profiler.start');
    work();
    const { profile } = await session.post('Profiler.stop');
    return sharesOf(samplesOf(profile, functionNames));
  } finally {
    session.disconnect();
  }
}

const samplesOf = (
  { nodes }: Profiler.Profile,
  functionNames: readonly string[],
): readonly (readonly [string, number])[] =>
  nodes.map(({ callFrame, hitCount = 0 }) => {
    const number = /^wasm-function\[(\d+)\]$/.exec(callFrame.functionName)?.[1];
    const name = number === undefined ? '(JavaScript)' : (functionNames[Number(number)] ?? callFrame.functionName);
    return [name, hitCount] as const;
  });

function sharesOf(counts: readonly (readonly [string, number])[]): readonly KernelShare[] {
  const sums = new Map<string, number>();
  for (const [name, count] of counts) sums.set(name, (sums.get(name) ?? 0) + count);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  return [...sums]
    .filter(([, count]) => count > 0)
    .map(([name, count]) => ({ name, share: count / total }))
    .sort((a, b) => b.share - a.share);
}
