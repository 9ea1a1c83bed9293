// Splits a loop into phases where a sum's terms depend on the remainder of its index: a transposed convolution sums
// other taps for even and odd positions. Each phase becomes a nest of its own, in which addresses are affine.
//   y[v] = sum over t of x[(v + 1) / 2 - t] * w[(v + 1) % 2 + 2 t]
//     →   y[2 u] = sum over t of x[u - t] * w[1 + 2 t];   y[2 u + 1] = sum over t of x[u + 1 - t] * w[2 t]

import type { Expr, Reduce, Var } from '../../ir/expr.ts';
import { add, bool, constant, constantOf, div, indexVar, int, mul, reduce, sub } from '../../ir/expr-make.ts';
import { freeVars, rewriteExpr, substitute, visitExpr } from '../../ir/expr-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import type { SplitResult } from './split-indices.ts';

/** A divisor beyond this is a size, not a stride. */
const mostSteps = 4;
/** More nests than this cost more code than the conditions cost time. */
const mostPhases = 16;

interface Found {
  readonly index: Var;
  readonly step: number;
}

export function splitPhases(whole: SplitResult): readonly SplitResult[] {
  const phases: SplitResult[] = [];
  const pending = [whole];
  while (pending.length > 0) {
    const current = pending.shift()!;
    const found = findPhase(current);
    if (!found) phases.push({ ...current, element: tighten(current.element) });
    else pending.push(...applyPhases(current, found));
    if (phases.length + pending.length > mostPhases) return [whole];
  }
  return phases;
}

/** A loop whose remainder decides what a sum reads, by a division, or by a condition where it is a remainder itself. */
function findPhase({ loops, element, remainders }: SplitResult): Found | undefined {
  let found: Found | undefined;
  const own = new Set(loops);
  const search = (node: Expr): boolean => {
    if (found || node.kind !== 'binary') return !found;
    const used = [...freeVars(node)].filter((index) => own.has(index));
    const index = used[0];
    if (!index || used.length > 1 || node.left.dtype !== 'index') return true;
    const divisor = constantOf(node.right) ?? 0;
    if ((node.op === 'div' || node.op === 'mod') && divisor > 1 && divisor <= mostSteps) {
      // What one value of the remainder does not make affine is no phase of the index.
      const affine = simplify(substitute(node, new Map([[index, mul(indexVar('u', int(2)), int(divisor))]])));
      if (affine.kind !== 'binary' || affine.op !== node.op) found = { index, step: divisor };
    }
    const extent = constantOf(index.extent!) ?? 0;
    if (node.op === 'lt' && remainders.includes(index) && extent > 1 && extent <= mostSteps)
      found = { index, step: extent };
    return !found;
  };
  visitExpr(element, (node) => {
    if (node.kind === 'reduce') visitExpr(node.body, search);
    return !found;
  });
  return found;
}

function applyPhases(
  { loops, indices, element, remainders }: SplitResult,
  { index, step }: Found,
): readonly SplitResult[] {
  return Array.from({ length: step }, (_, remainder) => {
    const extent = simplify(div(add(sub(index.extent!, int(remainder)), int(step - 1)), int(step)));
    const turn = indexVar(`${index.name}p`, extent);
    const own = constantOf(extent) === 1 ? [] : [turn];
    const at = add(mul(own.length > 0 ? turn : int(0), int(step)), int(remainder));
    const replace = (expr: Expr): Expr => simplify(substitute(expr, new Map([[index, at]])));
    return {
      extent,
      phase: {
        loops: loops.flatMap((loop) => (loop === index ? own : [loop])),
        indices: indices.map(replace),
        element: replace(element),
        remainders,
      },
    };
  })
    .filter(({ extent }) => constantOf(extent) !== 0)
    .map(({ phase }) => phase);
}

/** Leaves out the first and last terms of sums that are known to be zero. */
const tighten = (element: Expr): Expr =>
  rewriteExpr(element, (node) =>
    node.kind === 'reduce' && node.op === 'sum' && node.body.kind === 'select' && constantOf(node.body.whenFalse) === 0
      ? node.axes.reduce<Expr>((sum, axis) => (sum.kind === 'reduce' ? tightenAxis(sum, axis) : sum), node)
      : undefined,
  );

function tightenAxis(sum: Reduce, axis: Var): Expr {
  const extent = constantOf(axis.extent!) ?? Number.POSITIVE_INFINITY;
  if (sum.body.kind !== 'select' || extent > mostPhases) return sum;
  const { condition } = sum.body;
  const never = (at: number): boolean =>
    constantOf(simplify(substitute(condition, new Map([[axis, int(at)]])))) === constantOf(bool(false));
  let [first, end] = [0, extent];
  while (first < end && never(first)) first++;
  while (end > first && never(end - 1)) end--;
  if (end - first === extent) return sum;
  if (end === first) return constant(0, sum.dtype);
  const fewer = indexVar(axis.name, int(end - first));
  const at = end - first === 1 ? int(first) : add(fewer, int(first));
  const body = simplify(substitute(sum.body, new Map([[axis, at]])));
  const axes = sum.axes.flatMap((other) => (other !== axis ? [other] : end - first === 1 ? [] : [fewer]));
  return axes.length === 0 ? body : reduce(sum.op, axes, body);
}
