// Which sub-expressions may be evaluated where. Loads, `fail` and divisions of sizes can do harm where nobody asked for
// them; they may be moved to a place only if whatever happens there performs them anyway.
//
// Sets of these harmful parts are kept as bits of a bigint, one bit for each part of the statement.

import type { Expr, Select } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';

/** What printing an expression prints in turn; for a load the address that its indices amount to. */
export type OperandsOf = (expr: Expr) => readonly Expr[];

export interface Guards {
  /** Harmful parts that evaluating the expression performs, whichever way every Select in it goes. */
  certain(expr: Expr): bigint;
  /** Harmful parts that must be allowed where the expression is evaluated: those behind no Select of its own, and failures. */
  needs(expr: Expr): bigint;
}

/** `order` has every expression before its operands. */
export function guardsOf(order: readonly Expr[], operandsOf: OperandsOf): Guards {
  const certain = new Map<Expr, bigint>();
  const needs = new Map<Expr, bigint>();
  // A Select shields the loads and divisions in its branches wherever it stands. A failure in them must not happen
  // where the Select itself is not asked for.
  const failures = new Map<Expr, bigint>();
  let parts = 0n;
  for (const expr of [...order].reverse()) {
    const operands = operandsOf(expr);
    const own = isHarmful(expr, operands) ? 1n << parts++ : 0n;
    const fails = expr.kind === 'call' && expr.callee === 'fail' ? own : 0n;
    failures.set(
      expr,
      operands.reduce((bits, operand) => bits | (failures.get(operand) ?? 0n), fails),
    );
    const union = (of: ReadonlyMap<Expr, bigint>, exprs: readonly Expr[]): bigint =>
      exprs.reduce((bits, operand) => bits | (of.get(operand) ?? 0n), own);
    if (choosesBranch(expr)) {
      const both = (certain.get(expr.whenTrue) ?? 0n) & (certain.get(expr.whenFalse) ?? 0n);
      certain.set(expr, union(certain, [expr.condition]) | both);
      needs.set(expr, union(needs, [expr.condition]) | failures.get(expr)!);
    } else {
      certain.set(expr, union(certain, operands));
      needs.set(expr, union(needs, operands));
    }
  }
  return { certain: (expr) => certain.get(expr) ?? 0n, needs: (expr) => needs.get(expr) ?? 0n };
}

/** C evaluates one branch of these; of a Select by lanes both. */
export const choosesBranch = (expr: Expr): expr is Select => expr.kind === 'select' && expr.condition.lanes === 1;

/** A load without operands is a local variable. Division is total but for sizes, see `divide` in scalar-helpers.ts. */
function isHarmful(expr: Expr, operands: readonly Expr[]): boolean {
  if (expr.kind === 'load') return operands.length > 0;
  if (expr.kind === 'call') return expr.callee === 'fail';
  if (expr.kind !== 'binary' || (expr.op !== 'div' && expr.op !== 'mod')) return false;
  return expr.dtype === 'index' && (constantOf(expr.right) ?? 0) === 0;
}
