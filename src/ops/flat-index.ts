// Row-major positions, and the index arithmetic of operators that keep the row-major order of elements.
// Axes that both shapes have in common are matched first, so that only what really changes is divided and multiplied:
//   [N, 6, 35] → [N, 2, 3, 35]   reads  X[n, i * 3 + j, k]

import type { Expr } from '../../ir/expr.ts';
import { add, constantOf, div, int, mod, mul, product } from '../../ir/expr-make.ts';
import { sameSize } from '../../ir/simplify.ts';

/** The row-major position of an index. */
export function flatten(index: readonly Expr[], shape: readonly Expr[]): Expr {
  let stride: Expr = int(1);
  let flat: Expr = int(0);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    flat = add(mul(index[axis]!, stride), flat);
    stride = mul(stride, shape[axis]!);
  }
  return flat;
}

/** The index at a row-major position. The outermost axis takes no remainder: the position is taken to be in range. */
export function unflatten(flat: Expr, shape: readonly Expr[]): readonly Expr[] {
  return shape.map((extent, axis) => {
    if (constantOf(extent) === 1) return int(0);
    const quotient = div(flat, product(shape.slice(axis + 1)));
    const outermost = shape.slice(0, axis).every((outer) => constantOf(outer) === 1);
    return outermost ? quotient : mod(quotient, extent);
  });
}

interface Span {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
}

/** The shortest stretches of axes with equal products, from the left; the last one takes whatever remains. */
function matchingSpans(from: readonly Expr[], to: readonly Expr[]): readonly Span[] {
  const spans: Span[] = [];
  let i = 0;
  let j = 0;
  while (i < from.length || j < to.length) {
    const [ni, nj] = shortestMatch(from, to, i, j);
    spans.push({ from: [i, ni], to: [j, nj] });
    i = ni;
    j = nj;
  }
  return spans;
}

function shortestMatch(from: readonly Expr[], to: readonly Expr[], i: number, j: number): readonly [number, number] {
  const left = from.length - i;
  const right = to.length - j;
  for (let total = 1; total < left + right; total++) {
    for (let a = Math.max(0, total - right); a <= Math.min(left, total); a++) {
      const b = total - a;
      if (sameSize(product(from.slice(i, i + a)), product(to.slice(j, j + b)))) return [i + a, j + b];
    }
  }
  return [from.length, to.length];
}

/** The index into `from` of the element at `index` of `to`, in row-major order. */
export function remap(index: readonly Expr[], to: readonly Expr[], from: readonly Expr[]): readonly Expr[] {
  return matchingSpans(from, to).flatMap((span) => {
    const source = from.slice(...span.from);
    const target = to.slice(...span.to);
    const own = index.slice(...span.to);
    if (source.length === 1 && target.length === 1) return own;
    return unflatten(flatten(own, target), source);
  });
}
