// Closes a statement into a kernel: finds its parameters and the sizes it needs, and simplifies its indices.

import type { Expr, Var } from '../../ir/expr.ts';
import { visitExpr } from '../../ir/expr-walk.ts';
import type { Buffer, Kernel, Stmt } from '../../ir/kernel.ts';
import { stridesOf, visitStmt, visitStmtExprs } from '../../ir/kernel-walk.ts';
import { simplifyStmt } from '../../ir/simplify.ts';

/** Parameters in order of appearance, written ones last; sizes in order of appearance. */
export function makeKernel(name: string, statement: Stmt): Kernel {
  const body = simplifyStmt(statement);
  return { name, params: parametersOf(body), dims: sizesUsed(body), body };
}

export function parametersOf(body: Stmt): readonly Buffer[] {
  const written = new Set<Buffer>();
  visitStmt(body, (stmt) => {
    if (stmt.kind === 'store' && stmt.buffer.memory === 'argument') written.add(stmt.buffer);
  });
  const read = new Set<Buffer>();
  visitStmtExprs(body, (expr) => {
    if (expr.kind === 'load' && expr.buffer.memory === 'argument' && !written.has(expr.buffer)) read.add(expr.buffer);
    return true;
  });
  return [...read, ...written];
}

/** Free variables of the statement, and of the strides of every buffer that it touches. */
export function sizesUsed(body: Stmt): readonly Var[] {
  const bound = new Set<Var>();
  const used = new Set<Var>();
  const buffers = new Set<Buffer>();
  const see = (expr: Expr): void =>
    visitExpr(expr, (node) => {
      if (node.kind === 'var') used.add(node);
      if (node.kind === 'reduce') for (const axis of node.axes) bound.add(axis);
      if (node.kind === 'load') buffers.add(node.buffer);
      return true;
    });
  visitStmt(body, (stmt) => {
    if (stmt.kind === 'loop') bound.add(stmt.index);
    if (stmt.kind === 'let') bound.add(stmt.variable);
    if (stmt.kind === 'store' || stmt.kind === 'alloc') buffers.add(stmt.buffer);
  });
  visitStmtExprs(body, (expr) => {
    see(expr);
    return false;
  });
  // The outermost extent is no part of any address.
  for (const buffer of buffers) for (const stride of stridesOf(buffer)) see(stride);
  return [...used].filter((variable) => !bound.has(variable));
}
