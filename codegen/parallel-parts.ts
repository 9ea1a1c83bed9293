// What threads can share: the parallel loops among the outermost statements of a kernel, in portions that are worth it.

import type { Expr } from '../ir/expr.ts';
import type { Loop, Stmt } from '../ir/kernel.ts';

/** The outermost statements, if there is a loop among them that threads can share. */
export function parallelParts(body: Stmt): readonly Stmt[] | undefined {
  const parts = body.kind === 'block' ? body.body : [body];
  return parts.some(isShared) ? parts : undefined;
}

export const isShared = (stmt: Stmt): stmt is Loop => stmt.kind === 'loop' && stmt.as === 'parallel';

/** Iterations worth a thread's while: about so many operations. */
export function grainOf(loop: Loop, operations: number): number {
  return Math.max(1, Math.ceil(operations / Math.max(1, workOf(loop.body))));
}

/** A rough count of the operations of a statement; sizes that are not known count as 16. */
function workOf(stmt: Stmt): number {
  switch (stmt.kind) {
    case 'block':
      return stmt.body.reduce((sum, inner) => sum + workOf(inner), 0);
    case 'loop':
      return (stmt.extent.kind === 'const' ? Number(stmt.extent.value) : 16) * workOf(stmt.body);
    case 'while':
      return 16 * workOf(stmt.body);
    case 'if':
      return Math.max(workOf(stmt.then), stmt.otherwise ? workOf(stmt.otherwise) : 0);
    case 'let':
    case 'alloc':
      return 1 + workOf(stmt.body);
    case 'store':
      return 1 + operationsIn(stmt.value);
    case 'barrier':
    case 'check':
      return 1;
  }
}

function operationsIn(expr: Expr, seen = new Set<Expr>()): number {
  if (seen.has(expr)) return 0;
  seen.add(expr);
  switch (expr.kind) {
    case 'binary':
      return expr.lanes / 4 + 1 + operationsIn(expr.left, seen) + operationsIn(expr.right, seen);
    case 'unary':
    case 'cast':
    case 'splat':
      return 1 + operationsIn(expr.value, seen);
    case 'select':
      return 1 + operationsIn(expr.whenTrue, seen) + operationsIn(expr.whenFalse, seen);
    case 'call':
      return 10 + expr.arguments.reduce((sum, argument) => sum + operationsIn(argument, seen), 0);
    default:
      return 1;
  }
}
