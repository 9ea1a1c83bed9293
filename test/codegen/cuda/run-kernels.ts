// Runs kernels as compiled CUDA in the emulation: many in one program and one compilation.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { targets } from '../../../codegen/index.ts';
import { sanitizerFlags } from '../../../src/toolchain/build-c.ts';
import { findCudaCompiler } from '../../../src/toolchain/cuda-compiler.ts';
import { runTool } from '../../../src/toolchain/run-tool.ts';
import { type KernelCase, type Outcome, programOf } from '../c/run-kernels.ts';

/** A user's program: the buffers lie on the device, in the one output tensor, whose contents go through stdin and stdout. */
const driver = `#include <stdio.h>
#include "kernels.h"
#if defined(__CUDACC__)
#include <cuda_runtime.h>
#else
#include "cuda-emulation.h"
#endif
int main() {
  const size_t size = (size_t)kernels_describe()->outputs[0].shape[0];
  unsigned char *bytes = (unsigned char *)malloc(size);
  void *data, *arena;
  cudaStream_t stream;
  if (fread(bytes, 1, size, stdin) != size) return 100;
  if (cudaMalloc(&data, size) || cudaMalloc(&arena, KERNELS_ARENA_BYTES) || cudaStreamCreate(&stream)) return 101;
  if (cudaMemcpy(data, bytes, size, cudaMemcpyHostToDevice)) return 102;
  kernels_io io;
  io.all = (uint8_t *)data;
  const int status = kernels_run(&io, arena, stream);
  if (cudaMemcpy(bytes, data, size, cudaMemcpyDeviceToHost)) return 103;
  if (fwrite(bytes, 1, size, stdout) != size) return 104;
  cudaStreamDestroy(stream);
  cudaFree(data);
  cudaFree(arena);
  free(bytes);
  return status;
}
`;

export const target = targets['cuda-sm80']!;

/** Runs the cases in order; kernels that report an error do not keep later ones from running. */
export async function runKernels(cases: readonly KernelCase[], sanitize = false): Promise<Outcome> {
  const { program, before, outcome } = programOf(cases);
  const folder = mkdtempSync(join(tmpdir(), 'lapidary-kernels-'));
  try {
    const files = await target.generate(program, { name: 'kernels', weights: 'embed', threads: false, math: 'strict' });
    for (const { path, bytes } of files) writeFileSync(join(folder, path), bytes);
    writeFileSync(join(folder, 'main.cu'), driver);
    const cuda = await findCudaCompiler();
    const sanitizers = sanitize ? sanitizerFlags : [];
    const flags = cuda.compileFlags({ target, math: 'strict', sanitizers, shared: false });
    const sources = ['kernels.cu', 'main.cu', '-o', 'main', ...cuda.linkFlags];
    await runTool(cuda.command, [...cuda.leading, ...flags, ...sources], folder);
    const options = { input: before, encoding: 'buffer', reject: false, maxBuffer: 1e9 } as const;
    const result = await execa(join(folder, 'main'), [], options);
    if (result.exitCode === undefined || result.exitCode >= 7) {
      throw new Error(`the compiled program failed: ${new TextDecoder().decode(result.stderr)}`);
    }
    return outcome(result.exitCode, new Uint8Array(result.stdout));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
