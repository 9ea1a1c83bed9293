// erf: an odd polynomial near zero; further out 1 - P(|x|)^4, because the fourth root of the complement is smooth and
// its error counts the less the smaller it is. Neither needs exp or a division.

import type { Expr } from '../expr.ts';
import { add, lt, mul, select, sub } from '../expr-make.ts';
import { erfSplit } from './coefficients.ts';
import { absolute, choose, type Format, number, polynomial, withSign } from './format.ts';

export function erf(format: Format, x: Expr): Expr {
  const split = number(format, erfSplit);
  const magnitude = absolute(x);
  const square = mul(x, x);
  const small = add(mul(polynomial(format, 'erf', square), x), x);
  // The end of the fit, beyond which the result is 1.
  const furthest = number(format, choose(format, 2.94, 4.97));
  const distance = sub(magnitude, split);
  const root = polynomial(format, 'erfTail', select(lt(furthest, distance), furthest, distance));
  const rootSquare = mul(root, root);
  const large = sub(number(format, 1), mul(rootSquare, rootSquare));
  return select(lt(magnitude, split), small, withSign(format, large, x));
}
