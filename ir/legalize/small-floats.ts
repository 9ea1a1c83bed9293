// Floats of 16 bits and fewer as codes: reading a code as float32, rounding float32 to a value of the type, and writing
// the code, all with integer and float operations that vectorize. Rounding is to nearest, ties to even; what rounds
// beyond the largest number becomes infinity, or NaN where there is none, or the largest number where there is neither.
// (ONNX's saturation is a clamp before the cast.)

import type { Expr } from '../expr.ts';
import { add, and, binary, bitcast, cast, constant, eq, le, lt, mul, or, select, sub } from '../expr-make.ts';
import { largestOf, leastPower, type SmallFloat } from './small-float-formats.ts';

const word = (value: number): Expr => constant(value, 'int32');
const single = (value: number): Expr => constant(value, 'float32');
const shiftLeft = (value: Expr, by: number): Expr => binary('shl', value, word(by));
const shiftRight = (value: Expr, by: number): Expr => binary('shr', value, word(by));
const asFloat = (bits: Expr): Expr => bitcast(bits, 'float32');

const infinityBits = 0x7f800000;
const quietBits = 0x7fc00000;
const signBits = -0x80000000;
const exponentBits = (power: number): number => (power + 127) * 2 ** 23;

/** Bits of a float32 without the sign, as a non-negative int32: vectors compare signed words best. */
const magnitudeOf = (value: Expr): Expr => and(bitcast(value, 'int32'), word(0x7fffffff));

/** Fraction bits that float32 has and the type has not. */
const dropped = ({ fraction }: SmallFloat): number => 23 - fraction;
/** A float32 whose last place is worth one subnormal unit of the type. */
const subnormalBase = (format: SmallFloat): number => 2 ** (leastPower(format) + dropped(format));

/** Adds half of the last place that is kept, or just less where the kept part is even. */
function roundedUp(format: SmallFloat, magnitude: Expr, offset: number): Expr {
  const shift = dropped(format);
  const isOdd = and(shiftRight(magnitude, shift), word(1));
  return add(add(magnitude, isOdd), word(2 ** (shift - 1) - 1 - offset));
}

/** The float32 that a code stands for. */
export function decodeFloat(format: SmallFloat, code: Expr): Expr {
  const { bias, sign, nan, beyond } = format;
  const bits = cast(code, 'int32');
  if (bias === 127) return asFloat(shiftLeft(bits, 16));
  const magnitude = and(bits, word(sign - 1));
  const shifted = shiftLeft(magnitude, dropped(format));
  const signPart = sign === 0x80 ? 24 : sign === 0x8 ? 28 : 16;
  const signed = shiftLeft(and(bits, word(sign)), signPart);
  // Shifted into place the exponent is too small by the difference of the biases; a product repairs subnormals too.
  const value = bitcast(mul(asFloat(shifted), single(2 ** (127 - bias))), 'int32');
  if (nan === format.largest) return asFloat(or(value, signed));
  if (format.unsignedZero) return asFloat(select(eq(bits, word(nan)), word(quietBits), or(value, signed)));
  const special = beyond === nan ? word(quietBits) : or(shifted, word(infinityBits));
  return asFloat(or(select(le(word(beyond), magnitude), special, value), signed));
}

/** The code, in the storage type, of the value of the type nearest to a float32. */
export function encodeFloat(format: SmallFloat, value: Expr): Expr {
  const { bias, sign, largest, beyond, nan, fraction, storage } = format;
  const bits = bitcast(value, 'int32');
  const shift = dropped(format);
  if (bias === 127) {
    const rounded = shiftRight(roundedUp(format, bits, 0), shift);
    return cast(select(eq(value, value), rounded, word(nan)), storage);
  }
  const magnitude = magnitudeOf(value);
  const normal = shiftRight(roundedUp(format, magnitude, (127 - bias) * 2 ** 23), shift);
  const base = subnormalBase(format);
  const subnormal = sub(bitcast(add(asFloat(magnitude), single(base)), 'int32'), word(exponentBits(Math.log2(base))));
  const isSmall = lt(magnitude, word(exponentBits(leastPower(format))));
  const code = select(isSmall, subnormal, normal);
  const bounded = select(lt(word(largest), code), word(beyond), code);
  const signPart = and(shiftRight(bits, 31), word(sign));
  if (format.unsignedZero) return cast(select(eq(bounded, word(0)), bounded, or(bounded, signPart)), storage);
  const noNumber = lt(word(infinityBits), magnitude);
  if (fraction === 1) return cast(select(noNumber, word(nan), or(bounded, signPart)), storage);
  const known = beyond === nan ? bounded : select(noNumber, word(nan), bounded);
  return cast(or(known, signPart), storage);
}

/** A float32 rounded to the nearest value of the type. */
export function roundFloat(format: SmallFloat, value: Expr): Expr {
  const { bias, beyond, nan, fraction } = format;
  const bits = bitcast(value, 'int32');
  const magnitude = magnitudeOf(value);
  const kept = word(-(2 ** dropped(format)));
  if (bias === 127) {
    const rounded = asFloat(and(roundedUp(format, bits, 0), kept));
    return select(eq(value, value), rounded, value);
  }
  const normal = and(roundedUp(format, magnitude, 0), kept);
  const base = single(subnormalBase(format));
  const subnormal = bitcast(sub(add(asFloat(magnitude), base), base), 'int32');
  const isSmall = lt(magnitude, word(exponentBits(leastPower(format))));
  const finite = select(isSmall, subnormal, normal);
  const most = constant(largestOf(format), 'float32');
  const mostBits = word(float32Bits(largestOf(format)));
  const overflow = fraction === 1 ? bitcast(most, 'int32') : word(beyond === nan ? quietBits : infinityBits);
  const bounded = select(lt(mostBits, finite), overflow, finite);
  const sign = and(bits, word(signBits));
  const noNumber = lt(word(infinityBits), magnitude);
  if (fraction === 1) return asFloat(select(noNumber, overflow, or(bounded, sign)));
  const known = beyond === nan ? bounded : select(noNumber, word(quietBits), bounded);
  if (!format.unsignedZero) return asFloat(or(known, sign));
  return asFloat(select(eq(known, word(0)), known, or(known, sign)));
}

function float32Bits(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getInt32(0);
}
