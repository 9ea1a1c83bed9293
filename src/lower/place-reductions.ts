// Turns one element expression into a loop nest, placing every reduction at the outermost loop that binds the
// variables it uses, and sharing equal ones. So softmax, inlined into one expression, comes out as one kernel:
//   for r { m = max over c; s = sum over c of exp(x - m); for c { y = exp(x - m) / s } }
// This rule replaces recipes for row-wise operators; without it the same inlining would be quadratic.

import type { DType } from '../../ir/dtype.ts';
import { integerRange, isFloat } from '../../ir/dtype.ts';
import type { Expr, Reduce, ReduceOp, Var } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { and, binary, constant, constantOf, load, not, reduce, select, variable } from '../../ir/expr-make.ts';
import { children, contains, freeVars, mapChildren, rewriteExpr, substitute } from '../../ir/expr-walk.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, loop, store } from '../../ir/kernel-walk.ts';

const isReduce = (expr: Expr): expr is Reduce => expr.kind === 'reduce';
const hasReduce = (expr: Expr): boolean => contains(expr, isReduce);

/** What an empty reduction gives. */
export function identityOf(op: ReduceOp, dtype: DType): Expr {
  if (op === 'sum') return constant(0, dtype);
  if (op === 'prod') return constant(1, dtype);
  if (isFloat(dtype)) return constant(op === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY, dtype);
  if (dtype === 'index') return constant(op === 'min' ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER, dtype);
  const { min, max } = integerRange(dtype);
  return constant(op === 'min' ? max : min, dtype);
}

export const combine = (op: ReduceOp, a: Expr, b: Expr): Expr =>
  binary(
    op === 'sum' ? (a.dtype === 'bool' ? 'or' : 'add') : op === 'prod' ? (a.dtype === 'bool' ? 'and' : 'mul') : op,
    a,
    b,
  );

/**
 * Gives every reduction that stands in a branch of a Select the branch's condition, so that it may be computed
 * outside of the Select without touching what the condition protects.
 */
export function guardReductions(expr: Expr): Expr {
  const guarded = (node: Expr, condition: Expr | undefined): Expr => {
    if (!hasReduce(node)) return node;
    if (node.kind === 'select') {
      const test = guarded(node.condition, condition);
      // A condition on sums (the sign of a result, say) protects no load: their addresses do not depend on it.
      if (hasReduce(test)) return select(test, guarded(node.whenTrue, condition), guarded(node.whenFalse, condition));
      const inside = (branch: Expr, own: Expr): Expr => guarded(branch, condition ? and(condition, own) : own);
      return select(test, inside(node.whenTrue, test), inside(node.whenFalse, not(test)));
    }
    if (node.kind === 'reduce') {
      const body = guarded(node.body, undefined);
      return reduce(node.op, node.axes, condition ? select(condition, body, identityOf(node.op, node.dtype)) : body);
    }
    return mapChildren(node, (child) => guarded(child, condition));
  };
  return guarded(expr, undefined);
}

/** Loops over `indices` around `finish(value)`; `value` may contain reductions. */
export function lowerNest(indices: readonly Var[], value: Expr, finish: (value: Expr) => Stmt): Stmt {
  return lowerLevel(indices, 0, new Set(), guardReductions(value), finish);
}

function lowerLevel(
  indices: readonly Var[],
  depth: number,
  outer: ReadonlySet<Var>,
  value: Expr,
  finish: (value: Expr) => Stmt,
): Stmt {
  const bound = new Set([...outer, ...indices.slice(0, depth)]);
  const pending = new Set(indices.slice(depth));
  const ready = findReady(value, pending);
  if (ready) return placeReduction(ready, bound, value, (rest) => lowerLevel(indices, depth, outer, rest, finish));
  const index = indices[depth];
  if (!index) return finish(value);
  return loop(index, lowerLevel(indices, depth + 1, outer, value, finish));
}

/** An innermost-first reduction that needs none of the loops still to be opened and no other reduction's axes. */
function findReady(value: Expr, pending: ReadonlySet<Var>): Reduce | undefined {
  const axes = new Set<Var>();
  const collect = (node: Expr, seen: Set<Expr>): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (isReduce(node)) for (const axis of node.axes) axes.add(axis);
    for (const child of children(node)) collect(child, seen);
  };
  collect(value, new Set());
  const seen = new Set<Expr>();
  const search = (node: Expr): Reduce | undefined => {
    if (seen.has(node) || !hasReduce(node)) return undefined;
    seen.add(node);
    for (const child of children(node)) {
      const found = search(child);
      if (found) return found;
    }
    if (!isReduce(node)) return undefined;
    const needs = freeVars(node);
    return [...needs].every((needed) => !pending.has(needed) && !axes.has(needed)) ? node : undefined;
  };
  return search(value);
}

/** acc = identity; for axes { acc = acc op body }; then `rest`, where the reduction reads acc. */
function placeReduction(target: Reduce, bound: ReadonlySet<Var>, value: Expr, rest: (value: Expr) => Stmt): Stmt {
  const accumulator: Buffer = { name: 'acc', dtype: target.dtype, shape: [], memory: 'register' };
  const key = exprKey(target);
  const total = load(accumulator, []);
  const replaced = rewriteExpr(value, (node) => (isReduce(node) && exprKey(node) === key ? total : undefined));
  // Fresh axes: the same definition may be instantiated more than once in one kernel.
  const axes = target.axes.map((axis) => variable(axis.name, axis.dtype, { extent: axis.extent! }));
  const body = substitute(target.body, new Map(target.axes.map((axis, i) => [axis, axes[i]!])));
  const update = lowerLevel(axes, 0, bound, body, (term) => store(accumulator, [], combine(target.op, total, term)));
  const empty = axes.some((axis) => constantOf(axis.extent!) === 0);
  return allocate(
    accumulator,
    block([store(accumulator, [], identityOf(target.op, target.dtype)), ...(empty ? [] : [update]), rest(replaced)]),
  );
}
