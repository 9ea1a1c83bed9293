// float8e8m0: powers of two alone. A code is the exponent field of a float32; 255 is NaN.
// The sign is dropped, and the nearest power is taken, of two equally near the larger.

import type { Expr } from '../expr.ts';
import { add, and, binary, bitcast, cast, constant, eq, le, lt, select } from '../expr-make.ts';

const word = (value: number): Expr => constant(value, 'int32');
const magnitudeOf = (value: Expr): Expr => and(bitcast(value, 'int32'), word(0x7fffffff));
/** Half of the step from 2^-127 to 2^-126 above the former, where the fraction has no hidden bit. */
const leastMiddle = 0x00600000;
const leastNormal = 0x00800000;
const halfStep = 0x00400000;
/** From here on the next power would be 2^128. */
const tooLarge = 0x7f400000;

export function decodeExponent(code: Expr): Expr {
  const bits = cast(code, 'int32');
  const normal = binary('shl', bits, word(23));
  const low = select(eq(bits, word(0)), word(halfStep), normal);
  return bitcast(select(eq(bits, word(255)), word(0x7fc00000), low), 'float32');
}

export function encodeExponent(value: Expr): Expr {
  const magnitude = magnitudeOf(value);
  const normal = binary('shr', add(magnitude, word(halfStep)), word(23));
  const low = select(le(word(leastMiddle), magnitude), word(1), word(0));
  const code = select(lt(magnitude, word(leastNormal)), low, normal);
  return cast(select(le(word(tooLarge), magnitude), word(255), code), 'uint8');
}
