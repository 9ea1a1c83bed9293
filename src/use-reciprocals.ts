// Where arithmetic need not be strict, a division by a constant is a product:  x / 6  →  x * (1 / 6)
// That may change the last bit. What is rounded to whole numbers, as in QuantizeLinear, keeps its division, unless it is
// a sum, of which the last bits depend on the order anyway.

import { isFloat } from '../ir/dtype.ts';
import type { Binary, Expr } from '../ir/expr.ts';
import { constant, constantOf, div, mul, unary } from '../ir/expr-make.ts';
import { mapChildren } from '../ir/expr-walk.ts';
import type { Kernel, Stmt } from '../ir/kernel.ts';
import { mapStmt, visitStmt } from '../ir/kernel-walk.ts';

export function useReciprocals(kernel: Kernel): Kernel {
  let sums = false;
  visitStmt(kernel.body, ({ kind }) => {
    if (kind === 'alloc') sums = true;
  });
  const memo = new Map<Expr, Expr>();
  const rewrite = (expr: Expr): Expr => {
    const known = memo.get(expr) ?? rewritten(expr);
    memo.set(expr, known);
    return known;
  };
  const rewritten = (expr: Expr): Expr => {
    if (!sums && expr.kind === 'unary' && expr.op === 'rint' && isDivision(expr.value)) {
      return unary('rint', div(rewrite(expr.value.left), rewrite(expr.value.right)));
    }
    const inner = mapChildren(expr, rewrite);
    const reciprocal = isDivision(inner) ? reciprocalOf(inner.right) : undefined;
    return reciprocal && isDivision(inner) ? mul(inner.left, reciprocal) : inner;
  };
  const walk = (stmt: Stmt): Stmt => mapStmt(stmt, walk, rewrite);
  return { ...kernel, body: walk(kernel.body) };
}

const isDivision = (expr: Expr): expr is Binary => expr.kind === 'binary' && expr.op === 'div' && isFloat(expr.dtype);

/** The reciprocal of a constant, if neither is near the ends of the range of float32. */
function reciprocalOf(divisor: Expr): Expr | undefined {
  const value = constantOf(divisor);
  if (value === undefined || divisor.dtype !== 'float32' || divisor.lanes !== 1) return undefined;
  const size = Math.abs(value);
  return size > 1e-30 && size < 1e30 ? constant(1 / value, 'float32') : undefined;
}
