// The two formats that math functions are written for, and the words in which they are written: constants, bit
// patterns, polynomials. A value may have any number of lanes; the constructors broadcast constants.

import type { DType } from '../dtype.ts';
import type { Expr } from '../expr.ts';
import { add, and, binary, bitcast, cast, constant, mul, or, splat, sub, unary } from '../expr-make.ts';
import { coefficients, constants, type Family } from './coefficients.ts';

export interface Format {
  readonly dtype: 'float32' | 'float64';
  readonly signed: 'int32' | 'int64';
  readonly unsigned: 'uint32' | 'uint64';
  /** Bits of the whole word. */
  readonly width: number;
  /** Stored bits of the significand; one less than its precision. */
  readonly fraction: number;
  readonly bias: number;
}

const single: Format = {
  dtype: 'float32',
  signed: 'int32',
  unsigned: 'uint32',
  width: 32,
  fraction: 23,
  bias: 127,
};
const double: Format = {
  dtype: 'float64',
  signed: 'int64',
  unsigned: 'uint64',
  width: 64,
  fraction: 52,
  bias: 1023,
};

export const formatOf = (dtype: DType): Format | undefined =>
  dtype === 'float32' ? single : dtype === 'float64' ? double : undefined;

/** Picks the value for the format. */
export const choose = <T>(format: Format, float32: T, float64: T): T =>
  format.dtype === 'float32' ? float32 : float64;

export const number = (format: Format, value: number): Expr => constant(value, format.dtype);
export const unsigned = (format: Format, value: bigint | number): Expr => constant(BigInt(value), format.unsigned);
export const bitsOf = (format: Format, value: Expr): Expr => bitcast(value, format.unsigned);
export const fromBits = (format: Format, bits: Expr): Expr => bitcast(bits, format.dtype);
export const shiftLeft = (value: Expr, amount: number): Expr => binary('shl', value, constant(amount, value.dtype));
/** Arithmetic on signed types, logical on unsigned ones. */
export const shiftRight = (value: Expr, amount: number): Expr => binary('shr', value, constant(amount, value.dtype));
export const xor = (a: Expr, b: Expr): Expr => binary('xor', a, b);

export const infinity = (format: Format): Expr => number(format, Number.POSITIVE_INFINITY);
export const notANumber = (format: Format): Expr => number(format, Number.NaN);

/** The word with only the bits `from` and up, below `to`. */
export const mask = (format: Format, from: number, to: number): Expr =>
  unsigned(format, (1n << BigInt(to)) - (1n << BigInt(from)));
export const signMask = (format: Format): Expr => mask(format, format.width - 1, format.width);
export const fractionMask = (format: Format): Expr => mask(format, 0, format.fraction);

/** The bits of a positive normal number as an integer. */
export function patternOf(format: Format, value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  if (format.dtype === 'float64') {
    view.setFloat64(0, value);
    return view.getBigUint64(0);
  }
  view.setFloat32(0, value);
  return BigInt(view.getUint32(0));
}

export const isNumber = (value: Expr): Expr => binary('eq', value, value);
export const absolute = (value: Expr): Expr => unary('abs', value);

/** The sign bit of `sign`, as a word. */
export const signBit = (format: Format, sign: Expr): Expr => and(bitsOf(format, sign), signMask(format));
/** A non-negative value with the sign of another. */
export const withSign = (format: Format, magnitude: Expr, sign: Expr): Expr =>
  fromBits(format, or(bitsOf(format, magnitude), signBit(format, sign)));

/** Adding it to a number below 2^(fraction - 1) leaves the nearest integer in the low bits of the sum. */
export const roundingConstant = (format: Format): number => 1.5 * 2 ** format.fraction;

/** The bit pattern of 2^power. */
export const exponentBits = (format: Format, power: number): Expr =>
  unsigned(format, BigInt(format.bias + power) << BigInt(format.fraction));

/** 2^(n + offset) where n is in the low bits of `word`; the bits above the exponent fall off. */
export const powerOfTwo = (format: Format, word: Expr, offset: number): Expr =>
  fromBits(format, add(shiftLeft(word, format.fraction), exponentBits(format, offset)));

/** A small signed integer as a float. Targets seldom convert vectors of 64-bit integers, hence the detour. */
export function smallIntegerToFloat(format: Format, value: Expr): Expr {
  if (format.dtype === 'float32') return cast(value, format.dtype);
  const base = roundingConstant(format);
  const word = add(bitcast(value, format.unsigned), unsigned(format, patternOf(format, base)));
  return sub(fromBits(format, word), number(format, base));
}

/** c0 + x (c1 + x (…)). */
export function horner(format: Format, x: Expr, values: readonly number[]): Expr {
  const last = splat(number(format, values.at(-1)!), x.lanes);
  return values.slice(0, -1).reduceRight((sum: Expr, value) => add(mul(sum, x), number(format, value)), last);
}
export const polynomial = (format: Format, family: Family, x: Expr): Expr =>
  horner(format, x, coefficients[family][format.dtype]);

const fixedToNumber = (scaled: bigint): number => {
  const drop = Math.max(scaled.toString(2).length - 64, 0);
  return Number(scaled >> BigInt(drop)) * 2 ** (drop - 256);
};
export const constantValue = (name: keyof typeof constants): number => fixedToNumber(constants[name]);

/** A constant as a leading part of `bits` bits and the rest. */
export function splitConstant(name: keyof typeof constants, bits: number): readonly [number, number] {
  const value = constants[name];
  const drop = BigInt(value.toString(2).length - bits);
  const high = (value >> drop) << drop;
  return [fixedToNumber(high), fixedToNumber(value - high)];
}
