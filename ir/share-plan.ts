// Decides which parts of some interned expressions get a name, for `share-expressions.ts`.

import type { Expr, Select } from './expr.ts';
import { children } from './expr-walk.ts';
import {
  branchesOf,
  certainParts,
  countUses,
  type GuardedMemo,
  isGuarded,
  isRegisterLoad,
  partsOf,
  reachable,
} from './shared-parts.ts';

export interface SharePlan {
  /** Parts to be named in front of their first use. */
  readonly named: ReadonlySet<Expr>;
  /** Selects to be written as an If that stores to a register, so that the branches can name parts of their own. */
  readonly split: ReadonlySet<Select>;
}

/** Printing fewer operations than this again and again is better than an If. */
const cheapRepetition = 12;
/** Sizes and conditions of fewer operations are clearer in place, and compilers share them anyway. */
const shortIndex = 3;
/** Vectors of bool are awkward to keep in a variable. */
const shortMask = 8;

/** The number of operations once sharing is written out. */
function operations(expr: Expr, memo: Map<Expr, number>): number {
  const known = memo.get(expr);
  if (known !== undefined) return known;
  const itself = expr.kind === 'const' || expr.kind === 'var' ? 0 : 1;
  const count = children(expr).reduce((sum, child) => sum + operations(child, memo), itself);
  memo.set(expr, count);
  return count;
}

function isWorthNaming(expr: Expr, memo: Map<Expr, number>): boolean {
  switch (expr.kind) {
    case 'const':
    case 'var':
    // A vector load needs its ramp in sight.
    case 'ramp':
      return false;
    case 'load':
      return !isRegisterLoad(expr);
    case 'splat':
      return expr.value.kind !== 'const';
    case 'call':
      return expr.callee !== 'fail';
    case 'unary':
    case 'binary':
    case 'select':
    case 'cast':
    case 'reduce': {
      const count = operations(expr, memo);
      if (expr.dtype === 'bool' && expr.lanes > 1) return count >= shortMask;
      return (expr.dtype !== 'index' && expr.dtype !== 'bool') || count >= shortIndex;
    }
  }
}

export function planSharing(roots: readonly Expr[]): SharePlan {
  const { counts, order } = countUses(roots);
  const sizes = new Map<Expr, number>();
  const guarded: GuardedMemo = new Map();
  const candidates = order.filter((expr) => counts.get(expr)! > 1 && isWorthNaming(expr, sizes));
  if (candidates.length === 0) return { named: new Set(), split: new Set() };
  const hasSelect = order.some((expr) => expr.kind === 'select');
  const certain = hasSelect ? certainParts(roots) : undefined;
  const movable = (expr: Expr): boolean => !certain || certain.has(expr) || !isGuarded(expr, guarded);
  const stuck = candidates.filter((expr) => !movable(expr));
  const split = new Set<Select>();
  if (certain && stuck.length > 0) {
    for (const expr of order) {
      if (expr.kind !== 'select' || expr.condition.lanes > 1 || !certain.has(expr)) continue;
      const inside = reachable(branchesOf(expr));
      const repeated = stuck
        .filter((part) => inside.has(part))
        .reduce((sum, part) => sum + (counts.get(part)! - 1) * operations(part, sizes), 0);
      if (repeated >= cheapRepetition) split.add(expr);
    }
  }
  const named = candidates.filter(movable);
  return { named: split.size === 0 ? new Set(named) : outsideOf(split, roots, named), split };
}

/** Without those that a single branch of a single split Select uses: they get their name in there. */
function outsideOf(split: ReadonlySet<Select>, roots: readonly Expr[], named: readonly Expr[]): ReadonlySet<Expr> {
  const places = new Map<Expr, number>(named.map((expr) => [expr, 0]));
  const count = (parts: Iterable<Expr>): void => {
    for (const part of parts) {
      const known = places.get(part);
      if (known !== undefined) places.set(part, known + 1);
    }
  };
  const isSplit = (expr: Expr): boolean => expr.kind === 'select' && split.has(expr);
  const outside = reachable([...roots, ...[...split].map((select) => select.condition)], isSplit);
  for (const expr of named) if (outside.has(expr)) places.set(expr, 2);
  for (const select of split) for (const branch of branchesOf(select)) count(reachable([branch]));
  return new Set(named.filter((expr) => places.get(expr)! > 1));
}

/** Visits what the plan names and splits within an expression, each after what it uses itself. */
export function visitPlanned(expr: Expr, plan: SharePlan, seen: Set<Expr>, visit: (expr: Expr) => void): void {
  if (seen.has(expr)) return;
  seen.add(expr);
  for (const part of partsOf(expr)) visitPlanned(part, plan, seen, visit);
  if (plan.named.has(expr) || (expr.kind === 'select' && plan.split.has(expr))) visit(expr);
}
