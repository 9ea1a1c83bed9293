// Orders the axes of reductions for memory: what the data read first walks in small steps goes innermost.
//   sum over c, ky, kx of X[y + ky, x + kx, c]   →   sum over ky, kx, c      where X lies with c innermost

import type { Expr, Reduce, Var } from '../../ir/expr.ts';
import { reduce } from '../../ir/expr-make.ts';
import { freeVars, loadsOf, rewriteExpr } from '../../ir/expr-walk.ts';
import type { Buffer } from '../../ir/kernel.ts';
import { estimate } from '../fuse/estimate.ts';
import { affineAddress } from './storage.ts';

/** `isWeight` tells constants, which are packed into whatever order results. */
export function orderAxes(expr: Expr, isWeight: (buffer: Buffer) => boolean): Expr {
  return rewriteExpr(expr, (node) => {
    if (node.kind !== 'reduce' || node.axes.length < 2) return undefined;
    const axes = orderedAxes(node, isWeight);
    return axes.every((axis, i) => axis === node.axes[i]) ? undefined : reduce(node.op, axes, node.body);
  });
}

function orderedAxes(node: Reduce, isWeight: (buffer: Buffer) => boolean): readonly Var[] {
  const data = loadsOf(node.body).filter(
    ({ buffer, indices }) =>
      !isWeight(buffer) && node.axes.every((axis) => indices.some((index) => freeVars(index).has(axis))),
  )[0];
  if (!data) return node.axes;
  const outer = [...new Set(data.indices.flatMap((index) => [...freeVars(index)]))].filter(
    (item) => !node.axes.includes(item),
  );
  const affine = affineAddress(data.buffer, data.indices, [...outer, ...node.axes]);
  if (!affine) return node.axes;
  // A step of open size is most likely a large one.
  const strides = affine.strides.slice(outer.length).map(estimate);
  const step = new Map(node.axes.map((axis, i) => [axis, strides[i]!] as const));
  return [...node.axes].sort((a, b) => step.get(b)! - step.get(a)!);
}
