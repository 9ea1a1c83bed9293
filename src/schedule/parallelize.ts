// Marks loops whose iterations are independent.
//   for i { body }   →   parallel for i { body }

import { constantOf } from '../../ir/expr-make.ts';
import { visitExpr } from '../../ir/expr-walk.ts';
import type { Kernel, Stmt } from '../../ir/kernel.ts';
import { innerStmts, isLoop, mapStmt, ownExprs } from '../../ir/kernel-walk.ts';
import { areIndependent, requireIndependent } from './independent.ts';
import { onLoops, type Step } from './step.ts';

export const parallelize =
  (name: string): Step =>
  (kernel) =>
    onLoops(kernel, name, (loop) => {
      requireIndependent([loop], loop.body);
      return { ...loop, as: 'parallel' };
    });

/** Below this many operations waking another thread costs more than it saves. */
const worthwhile = 50_000;
/** What a symbolic extent is taken for. */
const usualExtent = 128;

/** Marks the outermost loops where it is allowed and worth while. */
export function parallelizeOutermost(kernel: Kernel): Kernel {
  const walk = (stmt: Stmt): Stmt => {
    if (!isLoop(stmt)) return mapStmt(stmt, walk);
    const turns = constantOf(stmt.extent) ?? usualExtent;
    if (turns < 2 || stmt.as !== 'serial' || operations(stmt) < worthwhile) return stmt;
    return areIndependent([stmt.index], stmt.body) ? { ...stmt, as: 'parallel' } : stmt;
  };
  return { ...kernel, body: walk(kernel.body) };
}

/** A rough count of the operations that a statement performs. */
function operations(stmt: Stmt): number {
  let own = 1;
  for (const expr of ownExprs(stmt)) {
    visitExpr(expr, (node) => {
      if (node.dtype !== 'index') own += node.kind === 'call' ? 10 * node.lanes : node.lanes;
      return true;
    });
  }
  const inner = innerStmts(stmt).reduce((sum, child) => sum + operations(child), 0);
  return isLoop(stmt) ? (constantOf(stmt.extent) ?? usualExtent) * inner : own + inner;
}
