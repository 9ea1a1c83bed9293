// Runs generated WebAssembly in this process, through the JavaScript that users get, from files that need not be on disk.

import { setFlagsFromString } from 'node:v8';
import type { DType } from '../../ir/dtype.ts';
import type { ErrorCode } from '../../ir/expr.ts';
import type { OutputFile } from '../../ir/target.ts';
import { CompilerBug } from '../errors.ts';

export interface WasmTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** One element after the other; integers of 2 and 4 bits take a byte each. */
  readonly bytes: Uint8Array;
}

export interface WasmModel {
  /** Names of the model's inputs, in order. */
  readonly inputs: readonly string[];
  /** Inputs in any order, by the names of the model. An Error of the generated code has a `code`. */
  run(inputs: readonly WasmTensor[]): readonly WasmTensor[];
  /** Microseconds of each of `runs` further runs over the same inputs. */
  time(runs: number): readonly number[];
  /** Ends the workers, where there are any. */
  close(): void;
  readonly threads: number;
  readonly sizes: { readonly arenaBytes: number | null; readonly arenaLowerBoundBytes: number | null };
}

/** What the generated JavaScript exports, as far as we use it. */
interface Generated {
  load(options: {
    readonly wasm: Uint8Array;
    readonly weights?: Uint8Array;
    readonly threads: number;
  }): Promise<GeneratedModel>;
}
interface GeneratedModel {
  readonly describe: {
    readonly inputs: readonly GeneratedTensor[];
    readonly outputs: readonly GeneratedTensor[];
    readonly arenaBytes: number | null;
    readonly arenaLowerBoundBytes: number | null;
  };
  readonly threads?: number;
  close?(): void;
  run(inputs?: Readonly<Record<string, GeneratedInput>>): Readonly<Record<string, ArrayBufferView | GeneratedOutput>>;
}
interface GeneratedTensor {
  readonly key: string;
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}
interface GeneratedInput {
  readonly data: ArrayBufferView;
  readonly shape: readonly number[];
}
interface GeneratedOutput {
  readonly data: ArrayBufferView;
  readonly shape: readonly number[];
}

const arrays: Partial<Readonly<Record<DType, new (bytes: ArrayBuffer) => ArrayBufferView>>> = {
  int2: Int8Array,
  int4: Int8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
};

const typedArray = (dtype: DType, bytes: Uint8Array): ArrayBufferView =>
  new (arrays[dtype] ?? Uint8Array)(bytes.slice().buffer);

let relaxedAllowed = false;
/** Node 20 has relaxed SIMD behind a flag, which may be set until a module uses it. */
function allowRelaxedSimd(): void {
  if (!relaxedAllowed && process.versions.node.startsWith('20.'))
    setFlagsFromString('--experimental-wasm-relaxed-simd');
  relaxedAllowed = true;
}

export async function loadWasm(files: readonly OutputFile[], name: string, threads = 1): Promise<WasmModel> {
  const fileOf = (ending: string): Uint8Array | undefined =>
    files.find(({ path }) => path === `${name}.${ending}`)?.bytes;
  const script = fileOf('js');
  const wasm = fileOf('wasm');
  const weights = fileOf('bin');
  if (!script || !wasm) throw new CompilerBug(`the WebAssembly target made no ${name}.js or ${name}.wasm`);
  allowRelaxedSimd();
  const source = Buffer.from(script).toString('base64');
  const generated: Generated = await import(`data:text/javascript;base64,${source}`);
  const model = await generated.load({ wasm, threads, ...(weights ? { weights } : {}) });
  return wrap(model);
}

function wrap(model: GeneratedModel): WasmModel {
  const { inputs, outputs, arenaBytes, arenaLowerBoundBytes } = model.describe;
  return {
    inputs: inputs.map(({ name }) => name),
    sizes: { arenaBytes, arenaLowerBoundBytes },
    threads: model.threads ?? 1,
    close: () => model.close?.(),
    run(given) {
      const byName = new Map(given.map((tensor) => [tensor.name, tensor]));
      const values: Record<string, GeneratedInput> = {};
      for (const { key, name, dtype } of inputs) {
        const tensor = byName.get(name);
        if (tensor) values[key] = { data: typedArray(dtype, tensor.bytes), shape: tensor.dims };
      }
      const found = model.run(values);
      return outputs.map(({ key, name, dtype, shape }) => {
        const output = found[key]!;
        const data = ArrayBuffer.isView(output) ? output : output.data;
        const dims = ArrayBuffer.isView(output) ? shape.map(Number) : output.shape;
        return { name, dtype, dims, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice() };
      });
    },
    time(runs) {
      return Array.from({ length: runs }, () => {
        const start = performance.now();
        model.run();
        return (performance.now() - start) * 1000;
      });
    },
  };
}

/** The code that a failed run reports, if this is such a failure. */
export function runErrorCode(error: unknown): ErrorCode | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const { code } = error;
  return code === 'index' || code === 'divide' || code === 'shape' ? code : undefined;
}
