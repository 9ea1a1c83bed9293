// sin, cos and tan: the reduced angle into short polynomials, chosen and signed by the quadrant.

import type { Expr } from '../expr.ts';
import { add, and, div, eq, lt, mul, select, sub } from '../expr-make.ts';
import { type Angle, reduceAngle } from './angle-reduction.ts';
import {
  absolute,
  bitsOf,
  type Format,
  fromBits,
  infinity,
  notANumber,
  number,
  polynomial,
  shiftLeft,
  signBit,
  signMask,
  unsigned,
  xor,
} from './format.ts';

const isEven = (format: Format, quadrant: Expr): Expr => eq(and(quadrant, unsigned(format, 1)), unsigned(format, 0));

const flip = (format: Format, value: Expr, sign: Expr): Expr => fromBits(format, xor(bitsOf(format, value), sign));
const finiteOnly = (format: Format, x: Expr, value: Expr): Expr =>
  select(lt(absolute(x), infinity(format)), value, notANumber(format));

/** sin of the angle moved on by `quadrant` quarter turns; `sign` is the sign of the whole, as a word. */
function sineOfAngle(format: Format, angle: Angle, quadrant: Expr, sign: Expr): Expr {
  const { high, low } = angle;
  const square = mul(high, high);
  const sine = add(add(mul(mul(polynomial(format, 'sin', square), square), high), low), high);
  const half = mul(square, number(format, 0.5));
  const tail = sub(mul(mul(polynomial(format, 'cos', square), square), square), mul(high, low));
  const cosine = sub(number(format, 1), sub(half, tail));
  const even = isEven(format, quadrant);
  const turned = and(shiftLeft(quadrant, format.width - 2), signMask(format));
  const mirrored = and(angle.negative, signMask(format));
  const signs = xor(turned, sign);
  return flip(format, select(even, sine, cosine), select(even, xor(signs, mirrored), signs));
}

export function sin(format: Format, x: Expr): Expr {
  const angle = reduceAngle(format, x);
  return finiteOnly(format, x, sineOfAngle(format, angle, angle.quadrant, signBit(format, x)));
}

export function cos(format: Format, x: Expr): Expr {
  const angle = reduceAngle(format, x);
  const quadrant = add(angle.quadrant, unsigned(format, 1));
  return finiteOnly(format, x, sineOfAngle(format, angle, quadrant, unsigned(format, 0)));
}

export function tan(format: Format, x: Expr): Expr {
  const angle = reduceAngle(format, x);
  const { high, low } = angle;
  const square = mul(high, high);
  const cubic = mul(mul(polynomial(format, 'tan', square), square), high);
  // tan(high + low) = tan(high) + low (1 + tan(high)^2)
  const rough = add(high, cubic);
  const tangent = add(high, add(cubic, add(mul(low, mul(rough, rough)), low)));
  const even = isEven(format, angle.quadrant);
  const value = select(even, tangent, div(number(format, -1), tangent));
  const sign = xor(signBit(format, x), and(angle.negative, signMask(format)));
  return finiteOnly(format, x, flip(format, value, sign));
}
