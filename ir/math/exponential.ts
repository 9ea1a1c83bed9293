// exp and what is made of it: expm1, sigmoid, tanh, sinh, cosh.
//   x = k ln 2 + r,  e^x = 2^k e^r
// k comes from adding a large constant, which rounds and leaves k in the low bits, where 2^k is made from them by one
// shift and one addition. All results hold their bound whether or not products are fused into sums.

import type { Expr } from '../expr.ts';
import { add, div, lt, mul, select, sub, unary } from '../expr-make.ts';
import {
  absolute,
  bitsOf,
  choose,
  constantValue,
  exponentBits,
  type Format,
  fromBits,
  number,
  polynomial,
  powerOfTwo,
  roundingConstant,
  shiftLeft,
  splitConstant,
  withSign,
} from './format.ts';

/** Keeps NaN, which no comparison selects. */
const atLeast = (x: Expr, low: Expr): Expr => select(lt(x, low), low, x);
const atMost = (x: Expr, high: Expr): Expr => select(lt(high, x), high, x);

interface Reduced {
  /** k in the low bits of a word. */
  readonly power: Expr;
  readonly rest: Expr;
  /** rest = exact - low, where the difference is rounded. */
  readonly exact: Expr;
  readonly low: Expr;
}

/** x = k ln 2 + rest. The leading part of ln 2 is short enough for k times it to be exact. */
function reduce(format: Format, x: Expr): Reduced {
  const [ln2High, ln2Low] = splitConstant('ln2', choose(format, 15, 41));
  const base = number(format, roundingConstant(format));
  const shifted = add(mul(x, number(format, 1 / constantValue('ln2'))), base);
  const k = sub(shifted, base);
  const exact = sub(x, mul(k, number(format, ln2High)));
  const low = mul(k, number(format, ln2Low));
  return { power: bitsOf(format, shifted), rest: sub(exact, low), exact, low };
}

/** e^rest = 1 + rest (1 + rest P). */
function expOfRest(format: Format, rest: Expr): Expr {
  const one = number(format, 1);
  return add(mul(add(mul(polynomial(format, 'expm1', rest), rest), one), rest), one);
}

/** Below it e^x is zero. */
const lowest = (format: Format): Expr => number(format, choose(format, -104, -746));
/** Powers from zero down to the least subnormal are moved up by it, to stay normal until the last product. */
const lift = (format: Format): number => choose(format, 64, 512);

/** The powers of two of results and reach from subnormals beyond the largest float, so either side has its own shift. */
export function exp(format: Format, x: Expr): Expr {
  const clamped = atMost(atLeast(x, lowest(format)), number(format, choose(format, 89, 710)));
  const { power, rest } = reduce(format, clamped);
  const small = lt(x, number(format, 0));
  const bias = select(small, exponentBits(format, lift(format)), exponentBits(format, -1));
  const scale = fromBits(format, add(shiftLeft(power, format.fraction), bias));
  const factor = select(small, number(format, 2 ** -lift(format)), number(format, 2));
  return mul(mul(expOfRest(format, rest), scale), factor);
}

/**
 * With e = e^-|x| and q = e / (1 + e): 1 - q for positive x, e - e q for negative x, small results and all. Written with
 * q as a correction, because rounding 1 + e then hardly counts.
 */
export function sigmoid(format: Format, x: Expr): Expr {
  const one = number(format, 1);
  const { power, rest } = reduce(format, atLeast(unary('neg', absolute(x)), lowest(format)));
  const lifted = mul(expOfRest(format, rest), powerOfTwo(format, power, lift(format)));
  const e = mul(lifted, number(format, 2 ** -lift(format)));
  const part = select(lt(x, number(format, 0)), e, one);
  return sub(part, mul(part, div(e, add(e, one))));
}

/** (e^x - 1) 2^-offset of a clamped x; nothing cancels, since e^r - 1 is what the polynomial gives. */
function expm1OfClamped(format: Format, x: Expr, offset: number): Expr {
  const { power, rest, exact, low } = reduce(format, x);
  const scale = powerOfTwo(format, power, -offset);
  const reduced = add(sub(mul(polynomial(format, 'expm1', rest), mul(rest, rest)), low), exact);
  return add(mul(reduced, scale), sub(scale, number(format, 2 ** -offset)));
}

/** Where x^2 no longer shows in the result, x itself is the answer, with its zero's sign and its subnormals. */
const keepTiny = (format: Format, x: Expr, value: Expr): Expr =>
  select(lt(absolute(x), number(format, choose(format, 2 ** -26, 2 ** -55))), x, value);

export function expm1(format: Format, x: Expr): Expr {
  const low = number(format, choose(format, -18, -40));
  const clamped = atMost(atLeast(x, low), number(format, choose(format, 89, 710)));
  // Half of the result, so that the scale 2^128 is not needed.
  const half = expm1OfClamped(format, clamped, 1);
  return keepTiny(format, x, mul(half, number(format, 2)));
}

/**
 * With h = (e^2|x| - 1) / 2 and a = min(h, 1): a - a (a / (1 + h)), which is h / (1 + h) written as h less a correction
 * while that is small and as 1 less a correction from there on. It never exceeds 1.
 */
export function tanh(format: Format, x: Expr): Expr {
  const magnitude = atMost(absolute(x), number(format, choose(format, 9.25, 20)));
  const h = expm1OfClamped(format, add(magnitude, magnitude), 1);
  const one = number(format, 1);
  const a = atMost(h, one);
  return withSign(format, sub(a, mul(a, div(a, add(h, one)))), x);
}

/** A quarter of e^|x| - 1 keeps every intermediate finite where the result is. */
export function sinh(format: Format, x: Expr): Expr {
  const magnitude = absolute(x);
  const square = mul(x, x);
  const small = add(mul(mul(polynomial(format, 'sinh', square), square), x), x);
  const quarter = expm1OfClamped(format, atMost(magnitude, number(format, choose(format, 89.5, 710.6))), 2);
  const whole = add(mul(quarter, number(format, 4)), number(format, 1));
  const large = mul(add(quarter, div(quarter, whole)), number(format, 2));
  return select(lt(magnitude, number(format, 1)), small, withSign(format, large, x));
}

export function cosh(format: Format, x: Expr): Expr {
  const clamped = atMost(absolute(x), number(format, choose(format, 89.5, 710.6)));
  const quarter = add(expm1OfClamped(format, clamped, 2), number(format, 0.25));
  return mul(add(quarter, div(number(format, 0.0625), quarter)), number(format, 2));
}
