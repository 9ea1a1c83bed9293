// Finds what makes programs of generated CUDA: nvcc where there is a GPU to run them, else a C++ compiler and the
// emulation of runtime-c, which runs kernels on the processor.

import { existsSync } from 'node:fs';
import { runtimeFolder } from '../../codegen/runtime-text.ts';
import type { Target } from '../../ir/target.ts';
import { ToolError } from '../errors.ts';
import { tryCompiler } from './compiler.ts';

export interface CudaCompiler {
  readonly kind: 'device' | 'emulation';
  readonly command: string;
  /** What stands before all other arguments. */
  readonly leading: readonly string[];
  compileFlags(options: CudaFlagOptions): readonly string[];
  /** What the linker, which is this compiler for a device, needs besides objects. */
  readonly linkFlags: readonly string[];
}

export interface CudaFlagOptions {
  readonly target: Pick<Target, 'compilerFlags'>;
  readonly math: 'fast' | 'strict';
  /** The sanitizers' flags, if they are wanted. */
  readonly sanitizers: readonly string[];
  /** Position-independent code, for shared libraries. */
  readonly shared: boolean;
}

/** `LAPIDARY_CUDA` decides where the machine could do both: `device` or `emulation`. */
export async function findCudaCompiler(): Promise<CudaCompiler> {
  const wanted = process.env.LAPIDARY_CUDA;
  const hasDevice = wanted === 'device' || (wanted !== 'emulation' && existsSync('/dev/nvidiactl'));
  const nvcc = hasDevice ? await findNvcc() : undefined;
  if (nvcc) return nvcc;
  if (wanted === 'device') throw new ToolError('nvcc was not found. Install the CUDA toolkit, or set NVCC.');
  return findEmulation();
}

/** nvcc, whether there is a GPU or not. */
export async function findNvcc(): Promise<CudaCompiler | undefined> {
  for (const candidate of [process.env.NVCC, 'nvcc', '/usr/local/cuda/bin/nvcc']) {
    const found = candidate ? await tryCompiler(candidate) : undefined;
    if (!found) continue;
    return {
      kind: 'device',
      command: found.command,
      leading: found.leading,
      compileFlags: ({ target, math, shared }) => [
        '-O3',
        ...target.compilerFlags,
        ...(math === 'strict' ? ['-fmad=false'] : []),
        ...(shared ? ['-Xcompiler', '-fPIC'] : []),
      ],
      linkFlags: ['-lm', '-Xcompiler', '-pthread'],
    };
  }
  return undefined;
}

const cppCompilers = ['g++', 'c++', 'clang++', ...[21, 20, 19, 18, 17, 16].map((number) => `clang++-${number}`)];

async function findEmulation(): Promise<CudaCompiler> {
  for (const candidate of [process.env.CXX, ...cppCompilers]) {
    const found = candidate ? await tryCompiler(candidate) : undefined;
    if (!found) continue;
    const { command, leading } = found;
    return { kind: 'emulation', command, leading, compileFlags: emulationFlags, linkFlags: ['-lm', '-pthread'] };
  }
  throw new ToolError(
    'Without a GPU and nvcc, CUDA runs in an emulation that needs a C++ compiler, and none (g++, clang++) was found. ' +
      'Install it: apt install g++; or set CXX.',
  );
}

/** The guard needs memory of its own, where the sanitizers do not look. */
const emulationFlags: CudaCompiler['compileFlags'] = ({ math, sanitizers, shared }) => [
  ...['-x', 'c++', '-std=gnu++14', '-O1', '-fno-exceptions', '-fno-rtti', '-fno-math-errno', '-fno-trapping-math'],
  `-ffp-contract=${math === 'strict' ? 'off' : 'fast'}`,
  `-I${runtimeFolder()}`,
  ...(sanitizers.length > 0 ? sanitizers : ['-DLAP_EMULATION_GUARD']),
  ...(shared ? ['-fPIC'] : []),
];
