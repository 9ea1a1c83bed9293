// Times a model: C in its own process, WebAssembly in this one. Only `run` is inside the clock.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { runtimeText } from '../../codegen/runtime-text.ts';
import type { Program } from '../../ir/program.ts';
import { callsOf } from '../../ir/program-print.ts';
import type { Target } from '../../ir/target.ts';
import { UsageError } from '../errors.ts';
import { sizesAt } from '../sizes-at.ts';
import { nativeCodeBytes, wasmCodeBytes } from './code-size.ts';
import type { ExecuteOptions, GivenInput, ModelSource } from './executable.ts';
import { madeUpInputs } from './made-up-inputs.ts';
import { inputsFor } from './match-inputs.ts';
import { buildNative, type NativeProgram, runProgramFile } from './native.ts';
import { type KernelShare, nativeShares, profileWebAssembly } from './profile.ts';
import { buildWebAssembly, runWebAssembly } from './webassembly.ts';

export interface BenchSettings {
  /** Made up where there are none. */
  readonly inputs: readonly GivenInput[];
  /** undefined: about a second of runs. */
  readonly runs: number | undefined;
  readonly perKernel: boolean;
  readonly execute: ExecuteOptions;
}

export interface BenchResult {
  readonly target: string;
  readonly threads: number;
  readonly medianUs: number;
  readonly minUs: number;
  readonly p90Us: number;
  readonly runs: number;
  readonly arenaBytes: number | null;
  readonly arenaLowerBoundBytes: number | null;
  readonly weightsBytes: number;
  readonly codeBytes: number | null;
  /** Where the time goes, the most first; only if asked for. */
  readonly kernels?: readonly KernelShare[];
}

export function benchModel(model: ModelSource, target: Target, settings: BenchSettings): Promise<BenchResult> {
  switch (target.language) {
    case 'c':
      return benchNative(model, target, settings);
    case 'wasm':
      return benchWebAssembly(model, target, settings);
    case 'cuda':
      throw new UsageError('Models cannot be timed on CUDA targets yet.');
  }
}

/** What the executable prints. */
interface Timings {
  readonly medianUs: number;
  readonly minUs: number;
  readonly p90Us: number;
  readonly runs: number;
  readonly threads: number;
  readonly arenaBytes: number;
}

async function benchNative(model: ModelSource, target: Target, settings: BenchSettings): Promise<BenchResult> {
  const native = await buildNative(model, target, settings.execute);
  try {
    const args = await runArguments(native.program, settings);
    const timings: Timings = JSON.parse(await runProgramFile(native.file, args, target));
    const { medianUs, minUs, p90Us, runs, threads, arenaBytes } = timings;
    const kernels = settings.perKernel ? await sharesOf(model, target, settings, args) : undefined;
    return {
      target: target.name,
      threads,
      medianUs,
      minUs,
      p90Us,
      runs,
      arenaBytes,
      arenaLowerBoundBytes: lowerBound(native.program, settings.inputs),
      weightsBytes: native.program.weights.length,
      codeBytes: nativeCodeBytes(native.file, 'net'),
      ...(kernels ? { kernels } : {}),
    };
  } finally {
    native.dispose();
  }
}

async function runArguments(program: Program, { inputs, runs, execute }: BenchSettings): Promise<readonly string[]> {
  const { threads = 1 } = execute;
  const given = inputs.length === 0 ? [] : inputsFor(program, inputs);
  if (given.length === 0 && program.dims.length > 0) throw openSizes(program);
  return [
    ...given.flatMap(({ name, file }) => ['--input', `${name}=${path.resolve(file)}`]),
    ...(threads > 1 ? ['--threads', `${threads}`] : []),
    '--bench',
    runs === undefined ? 'auto' : `${runs}`,
  ];
}

const openSizes = ({ dims }: Program): UsageError =>
  new UsageError(
    `The sizes ${dims.map(({ name }) => JSON.stringify(name)).join(', ')} are open. ` +
      'Give them with --dim NAME=SIZE, or inputs with --data.',
  );

/** A program of its own, so that its ticks are not in the timings. */
async function sharesOf(
  model: ModelSource,
  target: Target,
  settings: BenchSettings,
  args: readonly string[],
): Promise<readonly KernelShare[]> {
  const profile = { path: 'profile.c', bytes: new TextEncoder().encode(runtimeText('profile.c')) };
  const native: NativeProgram = await buildNative(model, target, settings.execute, [profile]);
  const samples = path.join(native.folder, 'samples');
  try {
    await runProgramFile(native.file, args, target, undefined, { LAPIDARY_PROFILE: samples });
    return nativeShares(native.file, fs.existsSync(samples) ? fs.readFileSync(samples, 'utf8') : '');
  } finally {
    native.dispose();
  }
}

async function benchWebAssembly(model: ModelSource, target: Target, settings: BenchSettings): Promise<BenchResult> {
  const { program, files, model: wasm } = await buildWebAssembly(model, target, settings.execute);
  if (settings.inputs.length === 0 && program.dims.length > 0) throw openSizes(program);
  const inputs = inputsFor(program, settings.inputs.length > 0 ? settings.inputs : madeUpInputs(program));
  runWebAssembly(wasm, inputs);
  // The engine compiles hot functions while they run: let it finish first.
  const once = Math.max(warmUp(wasm.time), 0.1);
  const runs = settings.runs ?? Math.min(100_000, Math.max(5, Math.ceil(1e6 / once)));
  const times = [...wasm.time(runs)].sort((a, b) => a - b);
  // The module has one function a kernel, in the order of the calls, before `run`.
  const names = [...new Set(callsOf(program.body).map(({ kernel }) => kernel))].map(({ name }) => name);
  const kernels = settings.perKernel ? await profileWebAssembly(() => wasm.time(runs), [...names, 'run']) : undefined;
  wasm.close();
  return {
    target: target.name,
    threads: wasm.threads,
    medianUs: round((times[(runs - 1) >> 1]! + times[runs >> 1]!) / 2),
    minUs: round(times[0]!),
    p90Us: round(times[Math.ceil(runs * 0.9) - 1]!),
    runs,
    arenaBytes: sizesAt(program, shapesOf(program, inputs))(program.arenaBytes) ?? null,
    arenaLowerBoundBytes: lowerBound(program, inputs),
    weightsBytes: program.weights.length,
    codeBytes: wasmCodeBytes(files.find(({ path: file }) => file.endsWith('.wasm'))!.bytes),
    ...(kernels ? { kernels } : {}),
  };
}

const warmUpMicroseconds = 300_000;

/** Gives the time of one of the last runs. */
function warmUp(time: (runs: number) => readonly number[]): number {
  let spent = 0;
  let last = 0;
  while (spent < warmUpMicroseconds) {
    const times = time(Math.max(1, Math.min(1000, Math.floor(10_000 / Math.max(last, 1)))));
    spent += times.reduce((a, b) => a + b, 0) + 1;
    last = times.at(-1)!;
  }
  return last;
}

const round = (microseconds: number): number => Math.round(microseconds * 1000) / 1000;

const shapesOf = (program: Program, inputs: readonly GivenInput[]) =>
  inputs.length === 0 ? undefined : inputsFor(program, inputs).map(({ tensor }) => tensor.dims);

const lowerBound = (program: Program, inputs: readonly GivenInput[]): number | null =>
  sizesAt(program, shapesOf(program, inputs))(program.arenaLowerBound) ?? null;
