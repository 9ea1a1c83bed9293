// Loops of one turn become their bodies; nested blocks are joined.
//   for i < 1 { body(i) }   →   body(0)

import type { Expr, Var } from '../../ir/expr.ts';
import { constantOf, int } from '../../ir/expr-make.ts';
import type { Kernel, Stmt } from '../../ir/kernel.ts';
import { isLoop, mapStmt, substituteStmt } from '../../ir/kernel-walk.ts';

export function dropSingleTurns(kernel: Kernel): Kernel {
  const walk = (stmt: Stmt): Stmt => {
    const mapped = mapStmt(stmt, walk);
    if (!isLoop(mapped) || constantOf(mapped.extent) !== 1 || mapped.as === 'block' || mapped.as === 'thread')
      return mapped;
    return substituteStmt(mapped.body, new Map<Var, Expr>([[mapped.index, int(0)]]));
  };
  return { ...kernel, body: walk(kernel.body) };
}
