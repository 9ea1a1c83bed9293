// Which sub-expressions may be computed once and ahead, and which only where they stand. Everything that names shared
// parts (evaluator, `bindShared`) asks here.
//
// A part is *guarded* if performing it needlessly could do harm: it loads, may divide by zero, or fails. It is *certain*
// for some roots if evaluating the roots performs it whichever way every Select goes. A part may be moved in front of
// the roots when it is not guarded or when it is certain.

import { isFloat } from './dtype.ts';
import type { Expr, Load, Select } from './expr.ts';
import { constantOf } from './expr-make.ts';
import { children } from './expr-walk.ts';

/** The children that live under the same variables: the body of a Reduce is a place of its own. */
export const partsOf = (expr: Expr): readonly Expr[] => (expr.kind === 'reduce' ? [] : children(expr));

function isNonZero(expr: Expr): boolean {
  if (expr.kind === 'const') return Number(expr.value) !== 0;
  if (expr.kind === 'splat') return isNonZero(expr.value);
  if (expr.kind === 'var') return expr.min !== undefined && expr.min > 0;
  if (expr.dtype !== 'index' || expr.kind !== 'binary' || expr.op !== 'mul') return false;
  return isNonZero(expr.left) && isNonZero(expr.right);
}

/** A register at a constant place: reading it is free and always possible. */
export const isRegisterLoad = (load: Load): boolean =>
  load.buffer.memory === 'register' && load.indices.every((index) => constantOf(index) !== undefined);

function guardsItself(expr: Expr): boolean {
  if (expr.kind === 'load') return !isRegisterLoad(expr);
  if (expr.kind === 'call') return expr.callee === 'fail';
  const divides = expr.kind === 'binary' && (expr.op === 'div' || expr.op === 'mod') && !isFloat(expr.dtype);
  return divides && !isNonZero(expr.right);
}

export type GuardedMemo = Map<Expr, boolean>;

export function isGuarded(expr: Expr, memo: GuardedMemo): boolean {
  const known = memo.get(expr);
  if (known !== undefined) return known;
  const guarded = children(expr).reduce((any, child) => isGuarded(child, memo) || any, guardsItself(expr));
  memo.set(expr, guarded);
  return guarded;
}

/** The parts that evaluating the roots performs in any case, the roots among them. */
export function certainParts(roots: readonly Expr[]): ReadonlySet<Expr> {
  const ofSelects = new Map<Select, readonly Expr[]>();
  const walk = (expr: Expr, into: Set<Expr>): Set<Expr> => {
    if (into.has(expr)) return into;
    into.add(expr);
    if (expr.kind === 'select') {
      walk(expr.condition, into);
      for (const part of inBothBranches(expr)) into.add(part);
    } else {
      for (const part of partsOf(expr)) walk(part, into);
    }
    return into;
  };
  const inBothBranches = (select: Select): readonly Expr[] => {
    const known = ofSelects.get(select);
    if (known) return known;
    const whenTrue = walk(select.whenTrue, new Set());
    const whenFalse = walk(select.whenFalse, new Set());
    const both = [...whenTrue].filter((part) => whenFalse.has(part));
    ofSelects.set(select, both);
    return both;
  };
  const certain = new Set<Expr>();
  for (const root of roots) walk(root, certain);
  return certain;
}

export interface Uses {
  /** How often a part stands in another part or among the roots. */
  readonly counts: ReadonlyMap<Expr, number>;
  /** Every part once, after its own parts. */
  readonly order: readonly Expr[];
}

/** Counts uses; does not look into parts for which `stop` holds (they are counted themselves). */
export function countUses(roots: readonly Expr[], stop: (expr: Expr) => boolean = () => false): Uses {
  const counts = new Map<Expr, number>();
  const order: Expr[] = [];
  const visit = (expr: Expr): void => {
    const count = counts.get(expr) ?? 0;
    counts.set(expr, count + 1);
    if (count > 0) return;
    if (!stop(expr)) partsOf(expr).forEach(visit);
    order.push(expr);
  };
  roots.forEach(visit);
  return { counts, order };
}

/** The number of nodes once sharing is written out, at most infinity. */
export function treeSize(expr: Expr, memo: Map<Expr, number>): number {
  const known = memo.get(expr);
  if (known !== undefined) return known;
  const size = children(expr).reduce((sum, child) => sum + treeSize(child, memo), 1);
  memo.set(expr, size);
  return size;
}

/** Everything reachable from the roots, not looking into parts for which `stop` holds. */
export function reachable(roots: readonly Expr[], stop: (expr: Expr) => boolean = () => false): Set<Expr> {
  const seen = new Set<Expr>();
  const visit = (expr: Expr): void => {
    if (seen.has(expr)) return;
    seen.add(expr);
    if (!stop(expr)) partsOf(expr).forEach(visit);
  };
  roots.forEach(visit);
  return seen;
}

export const branchesOf = (select: Select): readonly Expr[] => [select.whenTrue, select.whenFalse];
