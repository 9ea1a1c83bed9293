// pow: log2 |x| in twice the precision, times y, then 2 to the power of it, and the special cases of C99 F.9.4.4.
// Small constant exponents become products.

import type { Expr } from '../expr.ts';
import { add, and, bitcast, constantOf, div, eq, lt, mul, ne, or, select, sub, unary } from '../expr-make.ts';
import { type DoubleWord, exactProduct, normalized, product, sum, upperHalf } from './double-word.ts';
import {
  absolute,
  bitsOf,
  choose,
  type Format,
  fromBits,
  infinity,
  isNumber,
  notANumber,
  number,
  patternOf,
  polynomial,
  powerOfTwo,
  roundingConstant,
  shiftRight,
  signBit,
  splitConstant,
  unsigned,
  xor,
} from './format.ts';
import { splitPositive } from './logarithm.ts';

function doubleWord(format: Format, name: 'twoOverLn2' | 'twoThirdsOverLn2'): DoubleWord {
  const [high, low] = splitConstant(name, format.fraction + 1);
  return { high: number(format, high), low: number(format, low) };
}

/** f / (2 + f). Its first part is short, so that its products with the halves of 2 + f are exact. */
function quotient(format: Format, f: Expr): DoubleWord {
  const two = number(format, 2);
  const divisor = normalized(two, f);
  const high = upperHalf(format, div(f, divisor.high));
  const top = upperHalf(format, divisor.high);
  const bottom = sub(divisor.high, top);
  const rest = sub(sub(sub(f, mul(high, top)), mul(high, bottom)), mul(high, divisor.low));
  return normalized(high, div(rest, divisor.high));
}

/** log2 of a positive finite number: e + s (2 / ln 2 + s^2 (2 / (3 ln 2) + s^2 P(s^2))). */
function log2(format: Format, x: Expr): DoubleWord {
  const { f, e } = splitPositive(format, x);
  const s = quotient(format, f);
  const square = product(format, s, s);
  const third = doubleWord(format, 'twoThirdsOverLn2');
  const tail = mul(polynomial(format, 'log2', square.high), square.high);
  const inner = normalized(third.high, add(third.low, tail));
  const bracket = sum(doubleWord(format, 'twoOverLn2'), product(format, square, inner));
  return sum({ high: e, low: number(format, 0) }, product(format, s, bracket));
}

/** 2^(high + low), in two factors so that subnormal results are rounded once. */
function exp2(format: Format, power: DoubleWord): Expr {
  const limit = number(format, choose(format, 160, 1100));
  const inside = lt(absolute(power.high), limit);
  // Not NaN, which stays.
  const tooHigh = lt(limit, power.high);
  const tooLow = lt(power.high, sub(number(format, 0), limit));
  const low = select(inside, power.low, number(format, 0));
  const high = select(tooHigh, limit, select(tooLow, unary('neg', limit), power.high));
  const base = roundingConstant(format);
  const shifted = add(high, number(format, base));
  const rest = add(sub(high, sub(shifted, number(format, base))), low);
  const value = add(mul(polynomial(format, 'exp2', rest), rest), number(format, 1));
  const word = sub(bitsOf(format, shifted), unsigned(format, patternOf(format, base)));
  const half = bitcast(shiftRight(bitcast(word, format.signed), 1), format.unsigned);
  return mul(mul(value, powerOfTwo(format, half, 0)), powerOfTwo(format, sub(word, half), 0));
}

/** |x|^y, and the right limit where |x| is zero or infinite. */
function magnitude(format: Format, base: Expr, y: Expr): Expr {
  const zero = number(format, 0);
  // Beyond this every exponent overflows or underflows, and gives 1 for base 1.
  const limit = number(format, choose(format, 2 ** 40, 2 ** 70));
  const clamped = select(lt(limit, y), limit, select(lt(y, unary('neg', limit)), unary('neg', limit), y));
  const logarithm = log2(format, base);
  const { high, low } = exactProduct(format, logarithm.high, clamped);
  const power = exp2(format, { high, low: add(low, mul(logarithm.low, clamped)) });
  const isZero = eq(base, zero);
  const edge = select(xor(isZero, lt(zero, y)), infinity(format), zero);
  return select(or(isZero, eq(base, infinity(format))), edge, select(isNumber(base), power, base));
}

const known: Readonly<Record<number, (format: Format, x: Expr) => Expr>> = {
  0: (format) => number(format, 1),
  1: (_format, x) => x,
  2: (_format, x) => mul(x, x),
  3: (_format, x) => mul(mul(x, x), x),
  [-1]: (format, x) => div(number(format, 1), x),
  // pow(-0, 1/2) is +0, and pow(-inf, 1/2) is +inf.
  0.5: (format, x) =>
    select(eq(x, number(format, Number.NEGATIVE_INFINITY)), infinity(format), absolute(unary('sqrt', x))),
};

export function pow(format: Format, x: Expr, y: Expr): Expr {
  const exponent = constantOf(y);
  const simple = exponent === undefined ? undefined : known[exponent];
  if (simple) return simple(format, x);
  const zero = number(format, 0);
  const one = number(format, 1);
  const base = absolute(x);
  const half = mul(y, number(format, 0.5));
  const isInteger = eq(unary('trunc', y), y);
  const isOdd = and(isInteger, ne(unary('trunc', half), half));
  const value = magnitude(format, base, y);
  const sign = select(isOdd, signBit(format, x), unsigned(format, 0));
  const signed = fromBits(format, xor(bitsOf(format, value), sign));
  const noRoot = and(and(lt(x, zero), lt(base, infinity(format))), unary('not', isInteger));
  const result = select(noRoot, notANumber(format), select(isNumber(y), signed, y));
  return select(or(eq(y, zero), eq(x, one)), one, result);
}
