// Prepares a kernel for C: arithmetic on float16 and bfloat16 becomes float32 arithmetic and a rounding, and comparisons
// that the types decide are decided, since compilers warn of them.

import { boundsOf } from '../../ir/bounds.ts';
import { dtypes, isFloat, isInteger } from '../../ir/dtype.ts';
import type { Binary, Expr } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { binary, bool, call, cast, constant, splat, sub, unary } from '../../ir/expr-make.ts';
import type { Kernel } from '../../ir/kernel.ts';
import { rewriteStmtExprs } from '../../ir/kernel-walk.ts';
import { castScalar } from '../../ir/scalar.ts';

export const legalizeKernel = (kernel: Kernel): Kernel => ({
  ...kernel,
  body: rewriteStmtExprs(kernel.body, legalizeExpr),
});

export function legalizeExpr(expr: Expr): Expr | undefined {
  switch (expr.kind) {
    case 'unary':
      // A negation that wraps has no simple bounds; a difference has.
      if (expr.op === 'neg' && isInteger(expr.dtype) && expr.dtype !== 'index') {
        return sub(splat(constant(0, expr.dtype), expr.lanes), expr.value);
      }
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
    case 'cast': {
      if (expr.dtype !== 'bool' || expr.bits || isFloat(expr.value.dtype)) return undefined;
      const zero = constant(0, expr.value.dtype);
      return cannotEqual(expr.value, zero) ? splat(bool(true), expr.lanes) : undefined;
    }
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
  // Bounds of 64-bit integers are rounded to doubles: beyond 2^53 they can only be told from smaller ones.
  const below = (x: number, y: number): boolean => x < y && (Number.isSafeInteger(x) || Number.isSafeInteger(y));
  const notAbove = (x: number, y: number): boolean => below(x, y) || (x === y && Number.isSafeInteger(x));
  const never = cannotEqual(expr.left, expr.right);
  const equal = exprKey(expr.left) === exprKey(expr.right);
  switch (expr.op) {
    case 'lt':
      if (below(a.max, b.min)) return answer(true);
      return equal || notAbove(b.max, a.min) ? answer(false) : undefined;
    case 'le':
      if (equal || notAbove(a.max, b.min)) return answer(true);
      return below(b.max, a.min) ? answer(false) : undefined;
    case 'eq':
      if (equal) return answer(true);
      return never || below(a.max, b.min) || below(b.max, a.min) ? answer(false) : undefined;
    case 'ne':
      if (equal) return answer(false);
      return never || below(a.max, b.min) || below(b.max, a.min) ? answer(true) : undefined;
    default:
      return undefined;
  }
}

/** An integer expression and a constant that it never is, by its bits or because it was widened. */
function cannotEqual(left: Expr, right: Expr): boolean {
  const wanted = right.kind === 'splat' ? right.value : right;
  if (wanted.kind !== 'const') return false;
  if (left.kind === 'binary' && (left.op === 'and' || left.op === 'or')) {
    const mask = left.right.kind === 'splat' ? left.right.value : left.right;
    if (mask.kind !== 'const') return false;
    const [kept, bits] = [BigInt(mask.value), BigInt(wanted.value)];
    return left.op === 'and' ? (bits & ~kept) !== 0n : (kept & ~bits) !== 0n;
  }
  if (left.kind !== 'cast' || left.bits || isFloat(left.value.dtype) || left.value.dtype === 'bool') return false;
  const from = left.value.dtype;
  return castScalar(left.dtype, from, castScalar(from, left.dtype, wanted.value)) !== wanted.value;
}
