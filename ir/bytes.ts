// Tensor bytes and element values: how each element type is read from and written to little-endian ONNX storage.

import { byteSize, type DType, dtypes, isSubByte } from './dtype.ts';
import { normalize, type Scalar } from './scalar.ts';

/** Small float formats by exponent bits, mantissa bits and bias; `kind` says what the largest codes mean. */
interface SmallFloat {
  readonly exponent: number;
  readonly mantissa: number;
  readonly bias: number;
  /** ieee: infinities and NaNs; fn: only all-ones is NaN; fnuz: only negative zero is NaN; finite: every code is a number. */
  readonly kind: 'ieee' | 'fn' | 'fnuz' | 'finite';
}
export const smallFloats: Partial<Readonly<Record<DType, SmallFloat>>> = {
  float16: { exponent: 5, mantissa: 10, bias: 15, kind: 'ieee' },
  bfloat16: { exponent: 8, mantissa: 7, bias: 127, kind: 'ieee' },
  float8e4m3fn: { exponent: 4, mantissa: 3, bias: 7, kind: 'fn' },
  float8e4m3fnuz: { exponent: 4, mantissa: 3, bias: 8, kind: 'fnuz' },
  float8e5m2: { exponent: 5, mantissa: 2, bias: 15, kind: 'ieee' },
  float8e5m2fnuz: { exponent: 5, mantissa: 2, bias: 16, kind: 'fnuz' },
  float4e2m1: { exponent: 2, mantissa: 1, bias: 1, kind: 'finite' },
};

function decodeSmallFloat({ exponent, mantissa, bias, kind }: SmallFloat, code: number): number {
  const sign = code >> (exponent + mantissa) ? -1 : 1;
  const field = (code >> mantissa) & ((1 << exponent) - 1);
  const fraction = code & ((1 << mantissa) - 1);
  const top = field === (1 << exponent) - 1;
  if (kind === 'ieee' && top) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (kind === 'fn' && top && fraction === (1 << mantissa) - 1) return Number.NaN;
  if (kind === 'fnuz' && sign < 0 && field === 0 && fraction === 0) return Number.NaN;
  if (field === 0) return sign * fraction * 2 ** (1 - bias - mantissa);
  return sign * (1 + fraction / (1 << mantissa)) * 2 ** (field - bias);
}

/** The number that a code of a float type of at most 16 bits stands for. */
export function decodeFloat(dtype: DType, code: number): number {
  if (dtype === 'float8e8m0') return code === 255 ? Number.NaN : 2 ** (code - 127);
  const format = smallFloats[dtype];
  if (!format) throw new RangeError(`${dtype} is not a small float`);
  return decodeSmallFloat(format, code);
}

const bytesView = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Element `index` of a tensor; complex and string tensors have no scalar elements. */
export function readElement(dtype: DType, bytes: Uint8Array, index: number): Scalar {
  const view = bytesView(bytes);
  const { bits } = dtypes[dtype];
  if (isSubByte(dtype)) {
    const code = (bytes[(index * bits) >> 3]! >> ((index * bits) & 7)) & ((1 << bits) - 1);
    if (dtype === 'float4e2m1') return decodeFloat(dtype, code);
    return dtypes[dtype].class === 'int' && code >> (bits - 1) ? code - (1 << bits) : code;
  }
  switch (dtype) {
    case 'bool':
      return view.getUint8(index) ? 1 : 0;
    case 'uint8':
      return view.getUint8(index);
    case 'int8':
      return view.getInt8(index);
    case 'uint16':
      return view.getUint16(2 * index, true);
    case 'int16':
      return view.getInt16(2 * index, true);
    case 'uint32':
      return view.getUint32(4 * index, true);
    case 'int32':
      return view.getInt32(4 * index, true);
    case 'int64':
    case 'index':
      return view.getBigInt64(8 * index, true);
    case 'uint64':
      return view.getBigUint64(8 * index, true);
    case 'float32':
      return view.getFloat32(4 * index, true);
    case 'float64':
      return view.getFloat64(8 * index, true);
    case 'float16':
    case 'bfloat16':
      return decodeFloat(dtype, view.getUint16(2 * index, true));
    default:
      return decodeFloat(dtype, view.getUint8(index));
  }
}

/** The nearest code of a type with infinities; ties go to the even code. */
function encodeIeee({ exponent, mantissa, bias }: SmallFloat, value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 1 << (exponent + mantissa) : 0;
  const infinite = ((1 << exponent) - 1) << mantissa;
  if (Number.isNaN(value)) return infinite | (1 << (mantissa - 1));
  const size = Math.abs(value);
  if (size === Number.POSITIVE_INFINITY) return sign | infinite;
  const power = Math.max(1 - bias, Math.floor(Math.log2(size)));
  const steps = size / 2 ** (power - mantissa);
  const floor = Math.floor(steps);
  const up = steps - floor > 0.5 || (steps - floor === 0.5 && floor % 2 === 1);
  // A carry runs from the fraction into the exponent, and from the largest number into infinity.
  const code = floor + (up ? 1 : 0) + (Math.max(0, power + bias - 1) << mantissa);
  return sign | Math.min(code, infinite);
}

/** Types whose elements `writeElement` can write. */
export const hasPlainElements = (dtype: DType): boolean =>
  dtype === 'float32' ||
  dtype === 'float64' ||
  dtype === 'float16' ||
  dtype === 'bfloat16' ||
  (dtypes[dtype].bits >= 8 && ['bool', 'int', 'uint'].includes(dtypes[dtype].class));

function writeElement(dtype: DType, view: DataView, index: number, value: Scalar): void {
  const exact = normalize(dtype, value);
  const { bits } = dtypes[dtype];
  if (dtype === 'float32') view.setFloat32(4 * index, Number(exact), true);
  else if (dtype === 'float64') view.setFloat64(8 * index, Number(exact), true);
  else if (dtype === 'float16' || dtype === 'bfloat16') {
    view.setUint16(2 * index, encodeIeee(smallFloats[dtype]!, Number(exact)), true);
  } else if (bits === 8) view.setUint8(index, Number(exact) & 255);
  else if (bits === 16) view.setUint16(2 * index, Number(exact) & 65535, true);
  else if (bits === 32) view.setUint32(4 * index, Number(exact) >>> 0, true);
  else view.setBigUint64(8 * index, BigInt.asUintN(64, BigInt(exact)), true);
}

/** Tensor bytes of plain elements (see `hasPlainElements`). */
export function toBytes(dtype: DType, values: readonly Scalar[]): Uint8Array {
  if (!hasPlainElements(dtype)) throw new RangeError(`elements of ${dtype} are not written one by one`);
  const bytes = new Uint8Array(byteSize(dtype, values.length));
  const view = bytesView(bytes);
  for (const [index, value] of values.entries()) writeElement(dtype, view, index, value);
  return bytes;
}
