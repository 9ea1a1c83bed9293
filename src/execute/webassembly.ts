// Runs a model as WebAssembly in this process, through the JavaScript that is generated with it.

import { dtypes, isSubByte } from '../../ir/dtype.ts';
import type { Program } from '../../ir/program.ts';
import type { OutputFile, Target } from '../../ir/target.ts';
import { importBytes, toProgram } from '../compile.ts';
import { UsageError } from '../errors.ts';
import { RunError } from '../evaluate.ts';
import { packElements, unpackElements } from '../npy-packing.ts';
import { loadWasm, runErrorCode, type WasmModel, type WasmTensor } from '../toolchain/run-wasm.ts';
import type { Executable, ExecuteOptions, GivenInput, ModelSource, NamedTensor } from './executable.ts';
import { inputsFor, outputsOf } from './match-inputs.ts';

export interface WebAssemblyModel {
  readonly program: Program;
  readonly files: readonly OutputFile[];
  readonly model: WasmModel;
}

export async function buildWebAssembly(
  source: ModelSource,
  target: Target,
  options: ExecuteOptions,
): Promise<WebAssemblyModel> {
  if (options.sanitize) throw new UsageError('--sanitize is for the C targets.');
  const { math = 'fast', threads = 1 } = options;
  const program = toProgram(importBytes(source.bytes, { ...options, modelFile: source.file }), target, options);
  const files = await target.generate(program, { name: 'net', weights: 'embed', threads: threads > 1, math });
  return { program, files, model: await loadWasm(files, 'net', threads) };
}

export async function buildWebAssemblyExecutable(
  source: ModelSource,
  target: Target,
  options: ExecuteOptions,
): Promise<Executable> {
  const { program, model } = await buildWebAssembly(source, target, options);
  return {
    run: async (given) => outputsOf(program, runWebAssembly(model, inputsFor(program, given))),
    dispose: model.close,
  };
}

/** The inputs are those of the program, in its order. */
export function runWebAssembly(model: WasmModel, given: readonly GivenInput[]): readonly NamedTensor[] {
  try {
    return model.run(given.map(toWasm)).map(fromWasm);
  } catch (error) {
    const code = runErrorCode(error);
    if (code) throw new RunError(code);
    throw error;
  }
}

/** Elements of 2 and 4 bits are packed in ONNX, and bytes in JavaScript. */
function toWasm({ name, tensor: { dtype, dims, bytes } }: GivenInput): WasmTensor {
  const count = dims.reduce((a, b) => a * b, 1);
  // A copy, since a Buffer shares its memory with others.
  return { name, dtype, dims, bytes: isSubByte(dtype) ? unpackElements(bytes, count, dtype) : new Uint8Array(bytes) };
}

function fromWasm({ name, dtype, dims, bytes }: WasmTensor): NamedTensor {
  return { name, tensor: { dtype, dims, bytes: isSubByte(dtype) ? packElements(bytes, dtypes[dtype].bits) : bytes } };
}
