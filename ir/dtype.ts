// Element types: one table that every other part reads. Numbers are ONNX TensorProto.DataType codes.
// `index` is ours: the type of sizes, loop indices and addresses; a target prints it as its natural width.

export type DType =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float16'
  | 'bfloat16'
  | 'float32'
  | 'float64'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'float8e8m0'
  | 'float4e2m1'
  | 'int4'
  | 'uint4'
  | 'int2'
  | 'uint2'
  | 'string'
  | 'complex64'
  | 'complex128'
  | 'index';

export type DTypeClass = 'bool' | 'int' | 'uint' | 'float' | 'string' | 'complex' | 'index';

export interface DTypeInfo {
  readonly class: DTypeClass;
  /** Width of one element in bits; sub-byte types are packed in ONNX tensors. */
  readonly bits: number;
  /** ONNX TensorProto.DataType; -1 for our own `index`. */
  readonly onnx: number;
}

export const dtypes: Readonly<Record<DType, DTypeInfo>> = {
  float32: { class: 'float', bits: 32, onnx: 1 },
  uint8: { class: 'uint', bits: 8, onnx: 2 },
  int8: { class: 'int', bits: 8, onnx: 3 },
  uint16: { class: 'uint', bits: 16, onnx: 4 },
  int16: { class: 'int', bits: 16, onnx: 5 },
  int32: { class: 'int', bits: 32, onnx: 6 },
  int64: { class: 'int', bits: 64, onnx: 7 },
  string: { class: 'string', bits: 64, onnx: 8 },
  bool: { class: 'bool', bits: 8, onnx: 9 },
  float16: { class: 'float', bits: 16, onnx: 10 },
  float64: { class: 'float', bits: 64, onnx: 11 },
  uint32: { class: 'uint', bits: 32, onnx: 12 },
  uint64: { class: 'uint', bits: 64, onnx: 13 },
  complex64: { class: 'complex', bits: 64, onnx: 14 },
  complex128: { class: 'complex', bits: 128, onnx: 15 },
  bfloat16: { class: 'float', bits: 16, onnx: 16 },
  float8e4m3fn: { class: 'float', bits: 8, onnx: 17 },
  float8e4m3fnuz: { class: 'float', bits: 8, onnx: 18 },
  float8e5m2: { class: 'float', bits: 8, onnx: 19 },
  float8e5m2fnuz: { class: 'float', bits: 8, onnx: 20 },
  uint4: { class: 'uint', bits: 4, onnx: 21 },
  int4: { class: 'int', bits: 4, onnx: 22 },
  float4e2m1: { class: 'float', bits: 4, onnx: 23 },
  float8e8m0: { class: 'float', bits: 8, onnx: 24 },
  uint2: { class: 'uint', bits: 2, onnx: 25 },
  int2: { class: 'int', bits: 2, onnx: 26 },
  index: { class: 'index', bits: 64, onnx: -1 },
};

export const isFloat = (dtype: DType): boolean => dtypes[dtype].class === 'float';
export const isSigned = (dtype: DType): boolean => dtypes[dtype].class === 'int' || dtype === 'index';
export const isUnsigned = (dtype: DType): boolean => dtypes[dtype].class === 'uint';
export const isInteger = (dtype: DType): boolean => isSigned(dtype) || isUnsigned(dtype);
/** 64-bit integers, whose constants are bigint; all other constants are number. */
export const isWide = (dtype: DType): boolean => dtype === 'int64' || dtype === 'uint64';
export const isSubByte = (dtype: DType): boolean => dtypes[dtype].bits < 8;

/** Bytes of `count` elements in a tensor as ONNX stores it (sub-byte types packed, low bits first). */
export const byteSize = (dtype: DType, count: number): number => Math.ceil((dtypes[dtype].bits * count) / 8);

/** Bytes of `count` elements in memory while a program runs: sub-byte types take one byte each. */
export const storedSize = (dtype: DType, count: number): number => Math.max(1, dtypes[dtype].bits / 8) * count;

/** The element type with this ONNX number, or undefined. */
export const dtypeFromOnnx = (code: number): DType | undefined =>
  (Object.keys(dtypes) as DType[]).find((name) => dtypes[name].onnx === code && name !== 'index');

/** Smallest and largest value of an integer type. */
export function integerRange(dtype: DType): { readonly min: bigint; readonly max: bigint } {
  const { bits } = dtypes[dtype];
  if (isUnsigned(dtype) || dtype === 'bool') return { min: 0n, max: dtype === 'bool' ? 1n : (1n << BigInt(bits)) - 1n };
  return { min: -(1n << BigInt(bits - 1)), max: (1n << BigInt(bits - 1)) - 1n };
}
