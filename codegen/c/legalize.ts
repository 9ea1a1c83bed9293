// Prepares a kernel for C: arithmetic on float16 and bfloat16 becomes float32 arithmetic and a rounding, and comparisons
// that the types decide are decided, since compilers warn of them.

import { boundsOf } from '../../ir/bounds.ts';
import { dtypes, isFloat } from '../../ir/dtype.ts';
import type { Binary, Expr } from '../../ir/expr.ts';
import { binary, bool, call, cast, splat, unary } from '../../ir/expr-make.ts';
import type { Kernel } from '../../ir/kernel.ts';
import { rewriteStmtExprs } from '../../ir/kernel-walk.ts';

export const legalizeKernel = (kernel: Kernel): Kernel => ({
  ...kernel,
  body: rewriteStmtExprs(kernel.body, legalizeExpr),
});

export function legalizeExpr(expr: Expr): Expr | undefined {
  switch (expr.kind) {
    case 'unary':
      if (!isNarrow(expr)) return undefined;
      return cast(unary(expr.op, wide(expr.value)), expr.dtype);
    case 'binary': {
      const decided = decide(expr);
      if (decided) return decided;
      if (!isNarrow(expr.left)) return undefined;
      const result = binary(expr.op, wide(expr.left), wide(expr.right));
      return expr.dtype === 'bool' ? result : cast(result, expr.dtype);
    }
    case 'call':
      if (expr.callee === 'fail' || !isNarrow(expr)) return undefined;
      return cast(call(expr.callee, ...expr.arguments.map(wide)), expr.dtype);
    default:
      return undefined;
  }
}

const isNarrow = (expr: Expr): boolean => isFloat(expr.dtype) && dtypes[expr.dtype].bits < 32;
const wide = (expr: Expr): Expr => cast(expr, 'float32');

function decide(expr: Binary): Expr | undefined {
  if (isFloat(expr.left.dtype)) return undefined;
  const a = boundsOf(expr.left);
  const b = boundsOf(expr.right);
  const answer = (value: boolean): Expr => splat(bool(value), expr.lanes);
  // Bounds of 64-bit integers are rounded to doubles.
  const exact = [a.min, a.max, b.min, b.max].every((value) => !Number.isFinite(value) || Number.isSafeInteger(value));
  if (!exact) return undefined;
  switch (expr.op) {
    case 'lt':
      return a.max < b.min ? answer(true) : a.min >= b.max ? answer(false) : undefined;
    case 'le':
      return a.max <= b.min ? answer(true) : a.min > b.max ? answer(false) : undefined;
    case 'eq':
      return a.max < b.min || b.max < a.min ? answer(false) : undefined;
    case 'ne':
      return a.max < b.min || b.max < a.min ? answer(true) : undefined;
    default:
      return undefined;
  }
}
