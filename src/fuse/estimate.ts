// Sizes as plain numbers, for decisions that weigh costs.

import type { Expr } from '../../ir/expr.ts';
import { constantOf, int } from '../../ir/expr-make.ts';
import { rewriteExpr } from '../../ir/expr-walk.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';

/** What a symbolic size counts as. */
const assumedSize = 64;

export function estimate(size: Expr): number {
  const known = constantOf(size);
  if (known !== undefined) return known;
  const guess = rewriteExpr(size, (node) => {
    if (node.kind !== 'var') return undefined;
    return int(node.extent ? Math.max(1, estimate(node.extent) - 1) : Math.min(node.max ?? assumedSize, assumedSize));
  });
  // Where the guess is too small for the model (a window does not fit, say), it says nothing.
  const guessed = constantOf(simplify(guess)) ?? assumedSize;
  return guessed > 0 ? guessed : assumedSize;
}

export const estimateCount = (shape: readonly Expr[]): number =>
  shape.reduce((count, extent) => count * estimate(extent), 1);

export const estimateElements = (value: Value): number =>
  value.type.kind === 'tensor' ? estimateCount(value.type.shape) : 1;
