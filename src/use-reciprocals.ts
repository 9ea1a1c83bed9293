// A division by a power of two is a product, which is faster, and exactly the same:  x / 8  →  x * 0.125
// Other divisors keep their division: x * (1 / 41) is less than 1 for x = 41, and a model may round it down.

import { isFloat } from '../ir/dtype.ts';
import type { Expr } from '../ir/expr.ts';
import { constant, constantOf, mul } from '../ir/expr-make.ts';
import type { Kernel } from '../ir/kernel.ts';
import { rewriteStmtExprs } from '../ir/kernel-walk.ts';

export const useReciprocals = (kernel: Kernel): Kernel => ({
  ...kernel,
  body: rewriteStmtExprs(kernel.body, (node) => {
    if (node.kind !== 'binary' || node.op !== 'div' || !isFloat(node.dtype)) return undefined;
    const reciprocal = reciprocalOf(node.right);
    return reciprocal && mul(node.left, reciprocal);
  }),
});

/** The reciprocal of a power of two, if neither is near the ends of the range of float32. */
function reciprocalOf(divisor: Expr): Expr | undefined {
  const value = constantOf(divisor);
  if (value === undefined || (divisor.dtype !== 'float32' && divisor.dtype !== 'float64')) return undefined;
  const exponent = Math.log2(Math.abs(value));
  return Number.isInteger(exponent) && Math.abs(exponent) < 100 ? constant(1 / value, divisor.dtype) : undefined;
}
