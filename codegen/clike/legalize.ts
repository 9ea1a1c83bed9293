// Prepares a kernel for C: arithmetic on float16 and bfloat16 becomes float32 arithmetic and a rounding, and comparisons
// that the types decide are decided, since compilers warn of them.

import { boundsOf } from '../../ir/bounds.ts';
import { dtypes, isFloat, isInteger, isSigned } from '../../ir/dtype.ts';
import type { Binary, Expr } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { binary, bool, call, cast, constant, constantOf, splat, sub, unary } from '../../ir/expr-make.ts';
import { contains } from '../../ir/expr-walk.ts';
import type { Kernel } from '../../ir/kernel.ts';
import { rewriteStmtExprs } from '../../ir/kernel-walk.ts';
import { allBitsOf, differInBits } from '../../ir/known-bits.ts';
import { castScalar } from '../../ir/scalar.ts';

export const legalizeKernel = (kernel: Kernel): Kernel => ({
  ...kernel,
  body: rewriteStmtExprs(kernel.body, legalizeExpr),
});

export function legalizeExpr(expr: Expr): Expr | undefined {
  const decided = decide(expr);
  // One that may fail is still to be computed.
  if (decided) return contains(expr, isFailure) ? undefined : decided;
  switch (expr.kind) {
    case 'unary':
      // A negation that wraps has no simple bounds; a difference has.
      if (expr.op === 'neg' && isInteger(expr.dtype) && expr.dtype !== 'index') {
        return sub(splat(constant(0, expr.dtype), expr.lanes), expr.value);
      }
      if (!isNarrow(expr)) return undefined;
      return cast(unary(expr.op, wide(expr.value)), expr.dtype);
    case 'binary': {
      const difference = joinConstants(expr);
      if (difference) return difference;
      if (!isNarrow(expr.left)) return undefined;
      const result = binary(expr.op, wide(expr.left), wide(expr.right));
      return expr.dtype === 'bool' ? result : cast(result, expr.dtype);
    }
    case 'call':
      if (expr.callee === 'fail' || !isNarrow(expr)) return undefined;
      return cast(call(expr.callee, ...expr.arguments.map(wide)), expr.dtype);
    case 'cast': {
      // gcc warns of a comparison with a complement that is widened or cut; one that is made last does not look like it.
      const { value } = expr;
      const isComplement = value.kind === 'unary' && value.op === 'not' && isInteger(value.dtype);
      if (!isComplement || expr.bits || !isInteger(expr.dtype) || !isSigned(value.dtype)) return undefined;
      return unary('not', cast(value.value, expr.dtype));
    }
    default:
      return undefined;
  }
}

const isNarrow = (expr: Expr): boolean => isFloat(expr.dtype) && dtypes[expr.dtype].bits < 32;
const wide = (expr: Expr): Expr => cast(expr, 'float32');

/** a - (x + b) → (a - b) - x: gcc sees a complement in 0 - (x + 1), and warns of what is done with it. */
function joinConstants({ op, left, right, dtype }: Binary): Expr | undefined {
  if (op !== 'sub' || !isInteger(dtype) || dtype === 'index' || constantOf(left) === undefined) return undefined;
  if (right.kind !== 'binary' || right.op !== 'add' || constantOf(right.right) === undefined) return undefined;
  return sub(sub(left, right.right), right.left);
}

const isFailure = (expr: Expr): boolean => expr.kind === 'call' && expr.callee === 'fail';

/** The constant that an integer operation always gives, if it does. */
export function decide(expr: Expr): Expr | undefined {
  if (expr.kind === 'cast' && expr.dtype === 'bool') {
    if (expr.bits || isFloat(expr.value.dtype)) return undefined;
    return cannotEqual(expr.value, constant(0, expr.value.dtype)) ? splat(bool(true), expr.lanes) : undefined;
  }
  if (expr.kind === 'binary' && expr.dtype === 'bool' && !isFloat(expr.left.dtype)) return decideComparison(expr);
  const bits = expr.kind === 'binary' || expr.kind === 'cast' ? allBitsOf(expr) : undefined;
  return bits === undefined ? undefined : splat(constant(bits, expr.dtype), expr.lanes);
}

function decideComparison(expr: Binary): Expr | undefined {
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

/** Integer expressions that are never the same, by their bits or because one was widened from a type without the other. */
function cannotEqual(left: Expr, right: Expr): boolean {
  if (differInBits(left, right)) return true;
  const wanted = right.kind === 'splat' ? right.value : right;
  if (wanted.kind !== 'const' || left.kind !== 'cast' || left.bits) return false;
  const from = left.value.dtype;
  if (isFloat(from) || from === 'bool') return false;
  return castScalar(left.dtype, from, castScalar(from, left.dtype, wanted.value)) !== wanted.value;
}
