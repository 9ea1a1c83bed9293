// The typed arrays that stand for buffers when a kernel is evaluated: bool and uint8 as bytes, 64-bit integers as
// bigint, index as double.

import type { DType } from './dtype.ts';
import { IrError } from './expr-make.ts';

export type TypedArrayLike =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

const makers = {
  Int8Array: (bytes: ArrayBuffer, start?: number, length?: number) => new Int8Array(bytes, start, length),
  Int16Array: (bytes: ArrayBuffer, start?: number, length?: number) => new Int16Array(bytes, start, length),
  Int32Array: (bytes: ArrayBuffer, start?: number, length?: number) => new Int32Array(bytes, start, length),
  BigInt64Array: (bytes: ArrayBuffer, start?: number, length?: number) => new BigInt64Array(bytes, start, length),
  Uint8Array: (bytes: ArrayBuffer, start?: number, length?: number) => new Uint8Array(bytes, start, length),
  Uint16Array: (bytes: ArrayBuffer, start?: number, length?: number) => new Uint16Array(bytes, start, length),
  Uint32Array: (bytes: ArrayBuffer, start?: number, length?: number) => new Uint32Array(bytes, start, length),
  BigUint64Array: (bytes: ArrayBuffer, start?: number, length?: number) => new BigUint64Array(bytes, start, length),
  Float32Array: (bytes: ArrayBuffer, start?: number, length?: number) => new Float32Array(bytes, start, length),
  Float64Array: (bytes: ArrayBuffer, start?: number, length?: number) => new Float64Array(bytes, start, length),
} satisfies Record<string, (bytes: ArrayBuffer, start?: number, length?: number) => TypedArrayLike>;

export type ArrayName = keyof typeof makers;

const storage: Partial<Readonly<Record<DType, readonly [name: ArrayName, bytes: number]>>> = {
  bool: ['Uint8Array', 1],
  int8: ['Int8Array', 1],
  int16: ['Int16Array', 2],
  int32: ['Int32Array', 4],
  int64: ['BigInt64Array', 8],
  uint8: ['Uint8Array', 1],
  uint16: ['Uint16Array', 2],
  uint32: ['Uint32Array', 4],
  uint64: ['BigUint64Array', 8],
  float32: ['Float32Array', 4],
  float64: ['Float64Array', 8],
  index: ['Float64Array', 8],
};

function storageOf(dtype: DType): readonly [name: ArrayName, bytes: number] {
  const found = storage[dtype];
  if (!found) throw new IrError(`the evaluator has no ${dtype}: legalize it to an integer type of its width first`);
  return found;
}

/** The class of typed array that holds elements of this type. */
export const arrayNameOf = (dtype: DType): ArrayName => storageOf(dtype)[0];

/** A zeroed typed array for `count` elements. */
export function makeArray(dtype: DType, count: number): TypedArrayLike {
  const [name, bytes] = storageOf(dtype);
  return makers[name](new ArrayBuffer(count * bytes));
}

/** The elements that these bytes are (little-endian, as in ONNX tensors); copied, so alignment does not matter. */
export const arrayFromBytes = (dtype: DType, bytes: Uint8Array): TypedArrayLike =>
  makers[arrayNameOf(dtype)](new Uint8Array(bytes).buffer);

/** A typed array over the bytes themselves, which must be aligned to their elements. */
export function arrayOverBytes(dtype: DType, bytes: Uint8Array): TypedArrayLike {
  const [name, width] = storageOf(dtype);
  return makers[name](bytes.buffer as ArrayBuffer, bytes.byteOffset, Math.floor(bytes.byteLength / width));
}
