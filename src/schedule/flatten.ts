// Views every argument buffer as one axis, so that an access is one address and loops can be joined across axes.
//   A[i, j] of shape [m, n]   →   A[i * n + j] of shape [m * n]
// The bytes of the buffer, and so its place in memory, stay the same.

import type { Expr } from '../../ir/expr.ts';
import { add, int, load, mul, product, sub } from '../../ir/expr-make.ts';
import type { Buffer, Kernel, Stmt } from '../../ir/kernel.ts';
import { mapStmt, rewriteStmtExprs, store } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { flatAddress } from './affine.ts';

export function flatten(kernel: Kernel): Kernel {
  const views = new Map<Buffer, Buffer>();
  for (const buffer of kernel.params)
    if (buffer.shape.length !== 1 || buffer.strides) views.set(buffer, flatView(buffer));
  if (views.size === 0) return kernel;
  const loads = rewriteStmtExprs(kernel.body, (node) => {
    const view = node.kind === 'load' ? views.get(node.buffer) : undefined;
    return node.kind === 'load' && view ? load(view, [flatAddress(node.buffer, node.indices)]) : undefined;
  });
  const walk = (stmt: Stmt): Stmt => {
    const view = stmt.kind === 'store' ? views.get(stmt.buffer) : undefined;
    if (stmt.kind === 'store' && view) return store(view, [flatAddress(stmt.buffer, stmt.indices)], stmt.value);
    return mapStmt(stmt, walk);
  };
  return { ...kernel, params: kernel.params.map((buffer) => views.get(buffer) ?? buffer), body: walk(loads) };
}

function flatView({ strides, shape, ...buffer }: Buffer): Buffer {
  return { ...buffer, shape: [simplify(strides ? reach(shape, strides) : product(shape))] };
}

/** One more than the greatest address. */
const reach = (shape: readonly Expr[], strides: readonly Expr[]): Expr =>
  shape.reduce<Expr>((sum, extent, axis) => add(sum, mul(sub(extent, int(1)), strides[axis]!)), int(1));
