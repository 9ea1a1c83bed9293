// Arithmetic on constants, exactly as every target does it (see the rules at the top of `expr.ts`).

import { type DType, dtypes, integerRange, isFloat, isWide } from './dtype.ts';
import type { BinaryOp, UnaryOp } from './expr.ts';

export type Scalar = number | bigint;

/** Rounds half to even, as IEEE 754 does. */
export function roundHalfEven(value: number): number {
  if (!Number.isFinite(value)) return value;
  const floor = Math.floor(value);
  const rest = value - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  const rounded = up ? floor + 1 : floor;
  return rounded === 0 ? (value < 0 || Object.is(value, -0) ? -0 : 0) : rounded;
}

/** Brings an exact integer into the type's range, wrapping. */
function wrap(dtype: DType, value: bigint): Scalar {
  if (dtype === 'bool') return value !== 0n ? 1 : 0;
  const { bits, class: kind } = dtypes[dtype];
  const wrapped = kind === 'uint' ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value);
  return isWide(dtype) ? wrapped : Number(wrapped);
}

/** Makes a value legal for the type: floats are rounded, integers wrapped. */
export function normalize(dtype: DType, value: Scalar | boolean): Scalar {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (isFloat(dtype)) return dtype === 'float32' ? Math.fround(Number(value)) : Number(value);
  if (typeof value === 'bigint') return wrap(dtype, value);
  // Sizes know one zero only.
  if (dtype === 'index') return value === 0 ? 0 : value;
  return wrap(dtype, BigInt(Math.trunc(value)));
}

/** A cast: float to integer truncates and saturates, NaN gives 0; integers wrap; bool is `!= 0`. */
export function castScalar(to: DType, from: DType, value: Scalar): Scalar {
  if (to === 'bool') return value !== 0 && value !== 0n ? 1 : 0;
  if (isFloat(from) && !isFloat(to)) {
    const number = Number(value);
    if (Number.isNaN(number)) return normalize(to, 0n);
    const { min, max } = integerRange(to);
    if (number <= Number(min)) return normalize(to, min);
    if (number >= Number(max)) return normalize(to, max);
    return normalize(to, BigInt(Math.trunc(number)));
  }
  return normalize(to, value);
}

/** The same bits between a 32 or 64-bit float and an integer, or undefined: NaNs have bits that numbers do not keep. */
export function bitcastScalar(to: DType, from: DType, value: Scalar): Scalar | undefined {
  const { bits } = dtypes[from];
  if (bits < 32 || Number.isNaN(value)) return undefined;
  const view = new DataView(new ArrayBuffer(8));
  if (from === 'float32') view.setFloat32(0, Number(value));
  else if (from === 'float64') view.setFloat64(0, Number(value));
  else if (bits === 32) view.setInt32(0, Number(value));
  else view.setBigInt64(0, BigInt(value));
  if (to === 'float32' || to === 'float64') {
    const number = bits === 32 ? view.getFloat32(0) : view.getFloat64(0);
    return Number.isNaN(number) ? undefined : number;
  }
  return normalize(to, bits === 32 ? BigInt(view.getInt32(0)) : view.getBigInt64(0));
}

export function unaryScalar(op: UnaryOp, dtype: DType, value: Scalar): Scalar | undefined {
  if (typeof value === 'bigint') {
    if (op === 'neg') return wrap(dtype, -value);
    if (op === 'abs') return wrap(dtype, value < 0n ? -value : value);
    if (op === 'not') return wrap(dtype, ~value);
    return value;
  }
  switch (op) {
    case 'neg':
      return isFloat(dtype) ? -value : normalize(dtype, -value);
    case 'abs':
      return normalize(dtype, Math.abs(value));
    case 'not':
      return dtype === 'bool' ? 1 - value : normalize(dtype, ~BigInt(value));
    case 'sqrt':
      return normalize(dtype, Math.sqrt(value));
    case 'floor':
      return isFloat(dtype) ? Math.floor(value) : value;
    case 'ceil':
      return isFloat(dtype) ? Math.ceil(value) : value;
    case 'trunc':
      return isFloat(dtype) ? Math.trunc(value) : value;
    case 'rint':
      return isFloat(dtype) ? roundHalfEven(value) : value;
  }
}

const comparisons: Partial<Record<BinaryOp, (a: Scalar, b: Scalar) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
};

function floatBinary(op: BinaryOp, a: number, b: number): number | undefined {
  switch (op) {
    case 'add':
      return a + b;
    case 'sub':
      return a - b;
    case 'mul':
      return a * b;
    case 'div':
      return a / b;
    case 'min':
      return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.min(a, b);
    case 'max':
      return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b);
    default:
      return undefined;
  }
}

function integerBinary(op: BinaryOp, a: bigint, b: bigint, dtype: DType): bigint | undefined {
  const width = BigInt(dtypes[dtype].bits);
  switch (op) {
    case 'add':
      return a + b;
    case 'sub':
      return a - b;
    case 'mul':
      return a * b;
    case 'div':
      return b === 0n ? undefined : a / b;
    case 'mod':
      return b === 0n ? undefined : a % b;
    case 'min':
      return a < b ? a : b;
    case 'max':
      return a > b ? a : b;
    case 'and':
      return a & b;
    case 'or':
      return a | b;
    case 'xor':
      return a ^ b;
    case 'shl':
      return b >= width || b < 0n ? 0n : a << b;
    case 'shr':
      return b >= width || b < 0n ? (a < 0n ? -1n : 0n) : a >> b;
    default:
      return undefined;
  }
}

/** The result, or undefined where there is none (a division by zero). `dtype` is that of the operands. */
export function binaryScalar(op: BinaryOp, dtype: DType, a: Scalar, b: Scalar): Scalar | undefined {
  const compare = comparisons[op];
  if (compare) return compare(a, b) ? 1 : 0;
  if (isFloat(dtype)) {
    const result = floatBinary(op, Number(a), Number(b));
    return result === undefined ? undefined : normalize(dtype, result);
  }
  const result = integerBinary(op, BigInt(a), BigInt(b), dtype);
  return result === undefined ? undefined : wrap(dtype, result);
}
