// Sums of two floats that stand for one number of twice the precision. Every product whose rounding error is taken is
// made from halves whose products are exact, so the results are the same whether or not a compiler fuses.

import type { Expr } from '../expr.ts';
import { add, and, mul, sub } from '../expr-make.ts';
import { bitsOf, type Format, fromBits, mask } from './format.ts';

export interface DoubleWord {
  readonly high: Expr;
  readonly low: Expr;
}

/** high + low where |high| >= |low|, or high is zero. */
export function normalized(high: Expr, low: Expr): DoubleWord {
  const sum = add(high, low);
  return { high: sum, low: add(sub(high, sum), low) };
}

/** The upper half of the significand. */
export const upperHalf = (format: Format, x: Expr): Expr =>
  fromBits(format, and(bitsOf(format, x), mask(format, (format.fraction + 2) >> 1, format.width)));

export function exactProduct(format: Format, a: Expr, b: Expr): DoubleWord {
  const aHigh = upperHalf(format, a);
  const aLow = sub(a, aHigh);
  const bHigh = upperHalf(format, b);
  const bLow = sub(b, bHigh);
  const high = mul(a, b);
  const error = add(add(add(sub(mul(aHigh, bHigh), high), mul(aHigh, bLow)), mul(aLow, bHigh)), mul(aLow, bLow));
  return { high, low: error };
}

export function product(format: Format, a: DoubleWord, b: DoubleWord): DoubleWord {
  const { high, low } = exactProduct(format, a.high, b.high);
  return normalized(high, add(low, add(mul(a.high, b.low), mul(a.low, b.high))));
}

/** a + b where |a| >= |b|. */
export function sum(a: DoubleWord, b: DoubleWord): DoubleWord {
  const { high, low } = normalized(a.high, b.high);
  return normalized(high, add(low, add(a.low, b.low)));
}
