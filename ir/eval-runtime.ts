// What generated JavaScript calls for operations that have no short exact form in the language.

import { IrError } from './expr-make.ts';

const roundingStep = 2 ** 52;

/** Half to even: adding 2^52 leaves no room for a fraction. Keeps the sign of zero. */
function rint(x: number): number {
  const size = Math.abs(x);
  if (!(size < roundingStep) || size === 0) return x;
  const rounded = size + roundingStep - roundingStep;
  return x < 0 ? -rounded : rounded;
}

/** Float to an integer of at most 32 bits. */
function saturate(x: number, min: number, max: number): number {
  if (x >= max) return max;
  if (x <= min) return min;
  return x < 0 ? Math.ceil(x) + 0 : x > 0 ? Math.floor(x) : 0;
}

function saturateWide(x: number, min: bigint, max: bigint): bigint {
  if (Number.isNaN(x)) return 0n;
  if (x >= Number(max)) return max;
  if (x <= Number(min)) return min;
  return BigInt(Math.trunc(x));
}

const largestIndex = 2 ** 63;
function saturateIndex(x: number): number {
  if (Number.isNaN(x)) return 0;
  return Math.max(-largestIndex, Math.min(largestIndex, Math.trunc(x))) + 0;
}

/** Rounded once: where a double cannot hold the integer, its low bits are folded into one sticky bit first. */
function wideToFloat32(x: bigint): number {
  const size = x < 0n ? -x : x;
  if (size < 1n << 53n) return Math.fround(Number(x));
  const high = (size >> 11n) | ((size & 2047n) === 0n ? 0n : 1n);
  return Math.fround(Number(x < 0n ? -high : high)) * 2048;
}

const minWide = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const maxWide = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const absWide = (a: bigint): bigint => (a < 0n ? -a : a);

/** Shifts by a count that is not constant; the caller wraps the result of `shiftLeft`. */
const shiftLeft = (a: number, count: number, width: number): number => (count >= 0 && count < width ? a << count : 0);
const shiftRight = (a: number, count: number, width: number): number => a >> (count >= 0 && count < width ? count : 31);
const shiftRightUnsigned = (a: number, count: number, width: number): number =>
  count >= 0 && count < width ? a >>> count : 0;
const shiftLeftWide = (a: bigint, count: bigint): bigint => (count >= 0n && count < 64n ? a << count : 0n);
const shiftRightWide = (a: bigint, count: bigint): bigint => a >> (count >= 0n && count < 64n ? count : 64n);

type WideOperation = (a: bigint, b: bigint) => bigint;
/** An operation of 64-bit integers on indices, which are doubles. */
const onIndices =
  (operation: WideOperation) =>
  (a: number, b: number): number =>
    Number(BigInt.asIntN(64, operation(BigInt(a), BigInt(b))));
const andIndex = onIndices((a, b) => a & b);
const orIndex = onIndices((a, b) => a | b);
const xorIndex = onIndices((a, b) => a ^ b);
const shiftLeftIndex = onIndices(shiftLeftWide);
const shiftRightIndex = onIndices(shiftRightWide);

const bytes = new ArrayBuffer(8);
const views = {
  float32: new Float32Array(bytes),
  float64: new Float64Array(bytes),
  int32: new Int32Array(bytes),
  uint32: new Uint32Array(bytes),
  int64: new BigInt64Array(bytes),
  uint64: new BigUint64Array(bytes),
};
function float32ToInt32(x: number): number {
  views.float32[0] = x;
  return views.int32[0]!;
}
function float32ToUint32(x: number): number {
  views.float32[0] = x;
  return views.uint32[0]!;
}
function int32ToFloat32(x: number): number {
  views.int32[0] = x;
  return views.float32[0]!;
}
function float64ToInt64(x: number): bigint {
  views.float64[0] = x;
  return views.int64[0]!;
}
function float64ToUint64(x: number): bigint {
  views.float64[0] = x;
  return views.uint64[0]!;
}
function int64ToFloat64(x: bigint): number {
  views.int64[0] = x;
  return views.float64[0]!;
}

/** `statement` is printed when an access is refused. */
function outOfBounds(index: number, axis: number, extent: number, statement: string): never {
  throw new IrError(`index ${index} of axis ${axis} is outside 0 … ${extent - 1} in: ${statement}`);
}

export const runtime = {
  rint,
  saturate,
  saturateWide,
  saturateIndex,
  wideToFloat32,
  minWide,
  maxWide,
  absWide,
  shiftLeft,
  shiftRight,
  shiftRightUnsigned,
  shiftLeftWide,
  shiftRightWide,
  andIndex,
  orIndex,
  xorIndex,
  shiftLeftIndex,
  shiftRightIndex,
  float32ToInt32,
  float32ToUint32,
  int32ToFloat32,
  float64ToInt64,
  float64ToUint64,
  int64ToFloat64,
  outOfBounds,
};
