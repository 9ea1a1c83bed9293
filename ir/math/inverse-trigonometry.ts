// asin, acos and atan: arguments folded to a short interval, where an odd polynomial does the work.

import type { Expr } from '../expr.ts';
import { add, div, le, lt, mul, select, sub, unary } from '../expr-make.ts';
import { absolute, type Format, notANumber, number, polynomial, splitConstant, withSign } from './format.ts';

/** pi / parts as a sum of two numbers of the format. */
function piOver(format: Format, parts: number): readonly [Expr, Expr] {
  const [high, low] = splitConstant('pi', format.fraction + 1);
  return [number(format, high / parts), number(format, low / parts)];
}

interface Folded {
  /** Whether |x| > 1/2, where asin |x| = pi/2 - 2 asin(root). */
  readonly outer: Expr;
  /** |x|, or sqrt((1 - |x|) / 2). */
  readonly root: Expr;
  /** asin(root) - root. */
  readonly cubic: Expr;
}

function fold(format: Format, x: Expr): Folded {
  const magnitude = absolute(x);
  const half = number(format, 0.5);
  const outer = lt(half, magnitude);
  const square = select(outer, sub(half, mul(magnitude, half)), mul(magnitude, magnitude));
  const root = select(outer, unary('sqrt', square), magnitude);
  return { outer, root, cubic: mul(mul(polynomial(format, 'asin', square), square), root) };
}

const within = (format: Format, x: Expr, value: Expr): Expr =>
  select(le(absolute(x), number(format, 1)), value, notANumber(format));

export function asin(format: Format, x: Expr): Expr {
  const { outer, root, cubic } = fold(format, x);
  const [high, low] = piOver(format, 2);
  const two = number(format, 2);
  const double = mul(root, two);
  const main = sub(high, double);
  const lost = sub(sub(high, main), double);
  const far = sub(main, sub(mul(cubic, two), add(lost, low)));
  return within(format, x, withSign(format, select(outer, far, add(cubic, root)), x));
}

/** pi/2 - asin x inside; 2 asin(root), or pi less that, outside. */
export function acos(format: Format, x: Expr): Expr {
  const { outer, root, cubic } = fold(format, x);
  const [halfPi, halfPiLow] = piOver(format, 2);
  const [pi, piLow] = piOver(format, 1);
  const zero = number(format, 0);
  const negative = lt(x, zero);
  const double = mul(add(cubic, root), number(format, 2));
  const far = select(negative, sub(pi, sub(double, piLow)), double);
  const signedCubic = select(negative, sub(zero, cubic), cubic);
  const near = sub(halfPi, add(x, sub(signedCubic, halfPiLow)));
  return within(format, x, select(outer, far, near));
}

/**
 * x itself below c = 0.55, where the result passes 1/2 and its last place doubles; (x - 1) / (x + 1), off by pi/4, up to
 * 1 / c; -1 / x, off by pi/2, beyond.
 */
export function atan(format: Format, x: Expr): Expr {
  const magnitude = absolute(x);
  const one = number(format, 1);
  const zero = number(format, 0);
  const middle = lt(number(format, 0.55), magnitude);
  const far = lt(number(format, 1 / 0.55), magnitude);
  const numerator = select(far, number(format, -1), select(middle, sub(magnitude, one), magnitude));
  const denominator = select(far, magnitude, select(middle, add(magnitude, one), one));
  const t = div(numerator, denominator);
  const square = mul(t, t);
  const cubic = mul(mul(polynomial(format, 'atan', square), square), t);
  const [half, halfLow] = piOver(format, 2);
  const [quarter, quarterLow] = piOver(format, 4);
  const offset = select(far, half, select(middle, quarter, zero));
  const offsetLow = select(far, halfLow, select(middle, quarterLow, zero));
  return withSign(format, add(offset, add(t, add(cubic, offsetLow))), x);
}
