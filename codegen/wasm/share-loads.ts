// Decides which loaded values a run of register updates keeps in locals. Engines do not recognise two loads of the same
// address, so the rows of a tile would each load the panel again:
//   acc0 = acc0 + a0 * b0;  acc1 = acc1 + a1 * b0   →   t = b0;  acc0 = acc0 + a0 * t;  acc1 = acc1 + a1 * t
// Registers are few: at each statement the values whose next use is nearest stay, the others are loaded again.

import type { Expr } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { children } from '../../ir/expr-walk.ts';
import type { Buffer, Stmt, Store } from '../../ir/kernel.ts';

/** What happens around one statement. */
export interface SharingStep {
  readonly store: Store;
  /** Values to compute before the statement and keep. */
  readonly keep: readonly Expr[];
  /** Every expression of the statement that has been kept, by the key of its value. */
  readonly kept: ReadonlyMap<Expr, string>;
  /** Keys of the values that nobody needs after the statement. */
  readonly release: readonly string[];
}

/** Statements that write registers only, side by side: memory is the same all through. */
export function registerRuns(body: readonly Stmt[]): readonly (Stmt | readonly Store[])[] {
  const runs: (Stmt | Store[])[] = [];
  for (const stmt of body) {
    if (stmt.kind !== 'store' || stmt.buffer.memory !== 'register') {
      runs.push(stmt);
      continue;
    }
    const last = runs.at(-1);
    if (Array.isArray(last)) last.push(stmt);
    else runs.push([stmt]);
  }
  return runs;
}

export function shareLoads(run: readonly Store[], registers: number): readonly SharingStep[] {
  const written = new Set(run.map((store) => store.buffer));
  const analysis = createAnalysis(written);
  const counts = new Map<string, number>();
  for (const { value } of run) {
    forEachCertain(value, (expr) => {
      if (analysis.isStable(expr)) counts.set(exprKey(expr), (counts.get(exprKey(expr)) ?? 0) + 1);
      return true;
    });
  }
  const used = run.map(({ value }) => {
    const units = new Map<Expr, string>();
    forEachCertain(value, (expr) => {
      const isUnit = analysis.isStable(expr) && (counts.get(exprKey(expr)) ?? 0) > 1;
      if (isUnit) units.set(expr, exprKey(expr));
      return !isUnit;
    });
    return units;
  });
  const accumulators = new Set(run.map(({ buffer, indices }) => exprKey(loadOf(buffer, indices)))).size;
  return plan(run, used, Math.max(2, registers - accumulators));
}

const loadOf = (buffer: Buffer, indices: readonly Expr[]): Expr => ({
  kind: 'load',
  buffer,
  indices,
  dtype: buffer.dtype,
  lanes: buffer.lanes ?? 1,
});

/** The distinct values of each statement, and what to do with them under the limit. */
function plan(
  run: readonly Store[],
  used: readonly ReadonlyMap<Expr, string>[],
  limit: number,
): readonly SharingStep[] {
  const uses = new Map<string, number[]>();
  for (const [position, units] of used.entries()) {
    for (const key of new Set(units.values())) uses.set(key, [...(uses.get(key) ?? []), position]);
  }
  const nextUse = (key: string, after: number): number =>
    uses.get(key)!.find((position) => position > after) ?? Number.POSITIVE_INFINITY;
  const cached = new Set<string>();
  return run.map((store, position) => {
    const units = used[position]!;
    const release: string[] = [];
    const keep: Expr[] = [];
    const timesHere = new Map<string, number>();
    for (const key of units.values()) timesHere.set(key, (timesHere.get(key) ?? 0) + 1);
    for (const [expr, key] of units) {
      if (cached.has(key)) continue;
      const next = nextUse(key, position);
      if (next === Number.POSITIVE_INFINITY && timesHere.get(key) === 1) continue;
      // What this statement uses must stay; of the others the one that waits longest makes room.
      const others = [...cached].filter((other) => !timesHere.has(other));
      const waiting = others.sort((a, b) => nextUse(b, position) - nextUse(a, position))[0];
      if (cached.size >= limit) {
        if (waiting === undefined || nextUse(waiting, position) <= next) continue;
        cached.delete(waiting);
        release.push(waiting);
      }
      cached.add(key);
      keep.push(expr);
    }
    const kept = new Map([...units].filter(([, key]) => cached.has(key)));
    for (const key of cached) {
      if (nextUse(key, position) < Number.POSITIVE_INFINITY) continue;
      cached.delete(key);
      release.push(key);
    }
    return { store, keep, kept, release };
  });
}

/**
 * Calls `visit` once on everything that a statement computes in any case; a visit that gives false skips the parts.
 * Parts of addresses are not values.
 */
function forEachCertain(expr: Expr, visit: (expr: Expr) => boolean, seen = new Set<Expr>()): void {
  if (expr.kind === 'const' || expr.kind === 'var' || seen.has(expr)) return;
  seen.add(expr);
  if (!visit(expr) || expr.kind === 'load') return;
  if (expr.kind === 'select' && expr.condition.lanes === 1) forEachCertain(expr.condition, visit, seen);
  else for (const child of children(expr)) forEachCertain(child, visit, seen);
}

/** Stable: comes from memory and from nothing that the run writes, and cannot fail. */
function createAnalysis(written: ReadonlySet<Buffer>): { isStable(expr: Expr): boolean } {
  const memo = new Map<Expr, { readonly loads: boolean; readonly changes: boolean }>();
  const derive = (expr: Expr): { readonly loads: boolean; readonly changes: boolean } => {
    const known = memo.get(expr);
    if (known) return known;
    const parts = children(expr).map(derive);
    const inMemory = expr.kind === 'load' && expr.buffer.memory !== 'register';
    const changesItself =
      (expr.kind === 'load' && written.has(expr.buffer)) || (expr.kind === 'call' && expr.callee === 'fail');
    const found = {
      loads: inMemory || parts.some(({ loads }) => loads),
      changes: changesItself || parts.some(({ changes }) => changes),
    };
    memo.set(expr, found);
    return found;
  };
  return {
    isStable: (expr) => {
      const { loads, changes } = derive(expr);
      return loads && !changes;
    },
  };
}
