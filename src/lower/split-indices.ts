// Splits loops so that indices become sums: where an index reads v / 4 and v % 4, v becomes two loops.
//   for v < 8 { y[v] = x[v % 4, v / 4] }   →   for a < 2 for b < 4 { y[4 a + b] = x[b, a] }
// Grouped convolutions, reshapes and shuffles then have affine addresses, which schedules can vectorize.

import type { Expr, Var } from '../../ir/expr.ts';
import { add, constantOf, div, indexVar, mod, mul } from '../../ir/expr-make.ts';
import { substitute, visitExpr } from '../../ir/expr-walk.ts';
import { simplify } from '../../ir/simplify.ts';

export interface SplitResult {
  readonly loops: readonly Var[];
  readonly indices: readonly Expr[];
  readonly element: Expr;
  /** Loops over what is left of a division. */
  readonly remainders: readonly Var[];
}

/** Each round splits one loop once. */
const mostRounds = 8;

export function splitIndices(loops: readonly Var[], indices: readonly Expr[], element: Expr): SplitResult {
  let current: SplitResult = { loops, indices, element, remainders: [] };
  for (let round = 0; round < mostRounds; round++) {
    const found = findSplit(current);
    if (!found) return current;
    current = applySplit(current, found.index, found.by);
  }
  return current;
}

/** A loop that is divided, by the largest divisor that divides its extent. */
function findSplit({ loops, element }: SplitResult): { readonly index: Var; readonly by: Expr } | undefined {
  const own = new Set<Expr>(loops);
  const candidates: { readonly index: Var; readonly by: Expr }[] = [];
  visitExpr(element, (node) => {
    if (node.kind !== 'binary' || (node.op !== 'div' && node.op !== 'mod') || node.dtype !== 'index') return true;
    if (!own.has(node.left) || node.left.kind !== 'var' || constantOf(node.right) === 0) return true;
    const whole = simplify(mod(node.left.extent!, node.right));
    const parts = simplify(div(node.left.extent!, node.right));
    if (constantOf(whole) === 0 && constantOf(parts) !== 1 && constantOf(node.right) !== 1)
      candidates.push({ index: node.left, by: node.right });
    return true;
  });
  return candidates.sort((a, b) => (constantOf(b.by) ?? 0) - (constantOf(a.by) ?? 0))[0];
}

function applySplit({ loops, indices, element, remainders }: SplitResult, index: Var, by: Expr): SplitResult {
  const outer = indexVar(`${index.name}o`, simplify(div(index.extent!, by)));
  const inner = indexVar(`${index.name}i`, by);
  const joined = new Map([[index, add(mul(outer, by), inner)]]);
  const replace = (expr: Expr): Expr => simplify(substitute(expr, joined));
  return {
    loops: loops.flatMap((loop) => (loop === index ? [outer, inner] : [loop])),
    indices: indices.map(replace),
    element: replace(element),
    remainders: [...remainders, inner],
  };
}
