// fmod, exact for every pair: long division of the significands in steps of many bits, all of them written out.
// A step takes r to r 2^s - q m with q near r 2^s / m. Product and difference wrap, which does no harm because the true
// difference fits in a word. q comes from float arithmetic and is rounded, so r may be negative until the end.

import type { Expr } from '../expr.ts';
import { add, and, bitcast, cast, constant, div, eq, le, lt, mul, or, select, sub } from '../expr-make.ts';
import {
  absolute,
  bitsOf,
  choose,
  type Format,
  fractionMask,
  fromBits,
  infinity,
  mask,
  notANumber,
  number,
  patternOf,
  powerOfTwo,
  roundingConstant,
  shiftLeft,
  shiftRight,
  unsigned,
  withSign,
} from './format.ts';

interface Parts {
  /** The magnitude is significand 2^(exponent - constant), and the exponent at least 1, so subnormals are no case. */
  readonly significand: Expr;
  readonly exponent: Expr;
}

function partsOf(format: Format, magnitude: Expr): Parts {
  const bits = bitsOf(format, magnitude);
  const field = shiftRight(bits, format.fraction);
  const subnormal = eq(field, unsigned(format, 0));
  const hidden = select(subnormal, unsigned(format, 0), mask(format, format.fraction, format.fraction + 1));
  return {
    significand: or(and(bits, fractionMask(format)), hidden),
    exponent: select(subnormal, unsigned(format, 1), field),
  };
}

interface Divisor {
  readonly format: Format;
  readonly word: Expr;
  readonly inverse: Expr;
}

const toFloat = (format: Format, word: Expr): Expr => cast(bitcast(word, format.signed), format.dtype);

/** value - q m, where `estimate` is about value / m and small enough to round by addition. */
function subtractMultiple({ format, word }: Divisor, value: Expr, estimate: Expr): Expr {
  const base = roundingConstant(format);
  const rounded = add(estimate, number(format, base));
  const quotient = sub(bitsOf(format, rounded), unsigned(format, patternOf(format, base)));
  return sub(value, mul(quotient, word));
}

/** The significand itself modulo m, in two halves, since m may be as small as 1. */
function firstRemainder(divisor: Divisor, significand: Expr): Expr {
  const { format, inverse } = divisor;
  const half = (format.fraction + 1) >> 1;
  const top = shiftRight(significand, half);
  const bottom = and(significand, mask(format, 0, half));
  const rest = subtractMultiple(divisor, top, mul(toFloat(format, top), inverse));
  const value = add(shiftLeft(rest, half), bottom);
  const size = add(mul(toFloat(format, rest), number(format, 2 ** half)), toFloat(format, bottom));
  return subtractMultiple(divisor, value, mul(size, inverse));
}

export function fmod(format: Format, x: Expr, y: Expr): Expr {
  const dividend = absolute(x);
  const modulus = absolute(y);
  const a = partsOf(format, dividend);
  const b = partsOf(format, modulus);
  const inverse = div(number(format, 1), toFloat(format, b.significand));
  const divisor: Divisor = { format, word: b.significand, inverse };
  const bitsAStep = choose(format, 21, 50);
  const step = constant(bitsAStep, format.signed);
  let left = bitcast(sub(a.exponent, b.exponent), format.signed);
  let rest = firstRemainder(divisor, a.significand);
  const inverseOfStep = mul(inverse, number(format, 2 ** bitsAStep));
  for (let done = bitsAStep; done < 2 * format.bias; done += bitsAStep) {
    const goOn = le(step, left);
    const estimate = mul(toFloat(format, rest), inverseOfStep);
    rest = select(goOn, subtractMultiple(divisor, shiftLeft(rest, bitsAStep), estimate), rest);
    left = select(goOn, sub(left, step), left);
  }
  const power = powerOfTwo(format, bitcast(left, format.unsigned), 0);
  const factor = and(bitsOf(format, add(power, number(format, 2 ** format.fraction))), fractionMask(format));
  const estimate = mul(mul(toFloat(format, rest), inverse), power);
  const last = subtractMultiple(divisor, mul(rest, factor), estimate);
  const negative = lt(bitcast(last, format.signed), constant(0, format.signed));
  const remainder = select(negative, add(last, b.significand), last);
  // As a bit pattern the remainder is itself times the least subnormal; two exact factors bring it to y's scale.
  const scale = sub(b.exponent, unsigned(format, 1));
  const halfScale = shiftRight(scale, 1);
  const scaled = mul(
    mul(fromBits(format, remainder), powerOfTwo(format, halfScale, 0)),
    powerOfTwo(format, sub(scale, halfScale), 0),
  );
  const value = select(lt(dividend, modulus), x, withSign(format, scaled, x));
  const proper = and(lt(dividend, infinity(format)), lt(number(format, 0), modulus));
  return select(proper, value, notANumber(format));
}
