// Runs kernels as compiled C: many in one program and one compilation. All their buffers lie in one output tensor of
// bytes, whose contents before and after the run go through stdin and stdout.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { arrayFromBytes, type TypedArrayLike } from '../../../ir/eval-arrays.ts';
import { int } from '../../../ir/expr-make.ts';
import type { Buffer, Kernel } from '../../../ir/kernel.ts';
import type { Place, Program, Step } from '../../../ir/program.ts';
import type { OutputFile, Target } from '../../../ir/target.ts';
import { type BuildOptions, compileFlags } from '../../../src/toolchain/build-c.ts';
import type { Compiler } from '../../../src/toolchain/compiler.ts';
import { runTool } from '../../../src/toolchain/run-tool.ts';

export interface KernelCase {
  readonly kernel: Kernel;
  /** The contents of the params before the run. */
  readonly arrays: readonly TypedArrayLike[];
  readonly dims?: readonly number[];
}

export interface RunSettings {
  readonly target: Target;
  readonly compiler: Compiler;
  readonly flags?: readonly string[];
  readonly sanitize?: boolean;
  readonly threads?: boolean;
  readonly math?: BuildOptions['math'];
}

/** What the portable target promises to compile with, on every compiler. */
export const strictFlags = ['-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Wvla', '-Werror'];

const driver = `#include <stdio.h>
#include <stdlib.h>
#include "kernels.h"
int main(void) {
  const lap_model *model = kernels_describe();
  const size_t size = (size_t)model->outputs[0].shape[0];
  unsigned char *bytes = malloc(size + 64), *data = bytes + (64 - (uintptr_t)bytes % 64) % 64;
  void *outputs[1];
  lap_call call = {0};
  outputs[0] = data;
  call.outputs = outputs;
  if (fread(data, 1, size, stdin) != size) return 100;
  const int status = model->run(&call);
  if (fwrite(data, 1, size, stdout) != size) return 101;
  free(bytes);
  return status;
}
`;

export interface Outcome {
  readonly status: number;
  readonly arrays: readonly (readonly TypedArrayLike[])[];
}

export interface KernelProgram {
  readonly program: Program;
  /** The one output tensor before the run. */
  readonly before: Uint8Array;
  outcome(status: number, after: Uint8Array): Outcome;
}

/** Runs the cases in order; a kernel that reports an error ends the run. */
export async function runKernels(cases: readonly KernelCase[], settings: RunSettings): Promise<Outcome> {
  const { program, before, outcome } = programOf(cases);
  const { status, bytes } = await runDriver(program, before, settings);
  return outcome(status, bytes);
}

export function programOf(cases: readonly KernelCase[]): KernelProgram {
  const places = new Map<Buffer, Place>();
  const body: Step[] = [];
  const views: { readonly at: number; readonly array: TypedArrayLike }[][] = [];
  let size = 0;
  for (const { kernel, arrays, dims = [] } of cases) {
    const own: { at: number; array: TypedArrayLike }[] = [];
    const buffers = kernel.params.map((param, position): Buffer => {
      const array = arrays[position]!;
      const buffer = { ...param };
      places.set(buffer, { kind: 'output', index: 0, offset: int(size) });
      own.push({ at: size, array });
      size += Math.ceil(array.byteLength / 64) * 64;
      return buffer;
    });
    views.push(own);
    body.push({ kind: 'call', kernel, arguments: buffers, dims: dims.map(int) });
  }
  const all: Buffer = { name: 'all', dtype: 'uint8', shape: [int(size)], memory: 'argument' };
  places.set(all, { kind: 'output', index: 0, offset: int(0) });
  const program: Program = {
    name: 'kernels',
    inputs: [],
    outputs: [{ name: 'all', buffer: all }],
    dims: [],
    computedDims: [],
    body,
    weights: new Uint8Array(0),
    places,
    arenaBytes: int(0),
    arenaLowerBound: int(0),
  };
  const before = new Uint8Array(size);
  for (const { at, array } of views.flat()) {
    before.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
  }
  const outcome = (status: number, after: Uint8Array): Outcome => {
    const read = ({ at, array }: { at: number; array: TypedArrayLike }, dtype: Buffer['dtype']): TypedArrayLike =>
      arrayFromBytes(dtype, after.slice(at, at + array.byteLength));
    return {
      status,
      arrays: cases.map(({ kernel }, i) => views[i]!.map((view, j) => read(view, kernel.params[j]!.dtype))),
    };
  };
  return { program, before, outcome };
}

async function runDriver(program: Program, input: Uint8Array, settings: RunSettings) {
  const { target, compiler, flags = [], sanitize = false, threads = false, math = 'strict' } = settings;
  const folder = mkdtempSync(join(tmpdir(), 'lapidary-kernels-'));
  try {
    const options = { name: 'kernels', weights: 'embed', threads, math } as const;
    const generated = await target.generate(program, options);
    const files: OutputFile[] = [...generated, { path: 'main.c', bytes: new TextEncoder().encode(driver) }];
    const { writeFileSync } = await import('node:fs');
    for (const { path, bytes } of files) writeFileSync(join(folder, path), bytes);
    const executable = join(folder, 'main');
    const sources = ['kernels.c', 'main.c'];
    const all = [...compileFlags(target, math, sanitize), ...flags, ...sources, '-o', executable, '-lm'];
    await runTool(compiler.command, [...compiler.leading, ...all], folder);
    const result = await execa(executable, [], { input, encoding: 'buffer', reject: false, maxBuffer: 1e9 });
    if (result.exitCode === undefined || result.exitCode >= 7) {
      throw new Error(`the compiled program failed: ${new TextDecoder().decode(result.stderr)}`);
    }
    return { status: result.exitCode, bytes: new Uint8Array(result.stdout) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
