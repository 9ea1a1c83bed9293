// Cuts loops where a condition on their index turns, so that no condition is left inside: the parts of a Concat, the
// border and the inside of a Pad.
//   for i < 10 { y[i] = i < 4 ? a[i] : b[i - 4] }   →   for i < 4 { y[i] = a[i] }; for i < 6 { y[i + 4] = b[i] }
// All iterations of the outer loops must be independent: each combination of ranges becomes a nest of its own.

import type { Expr, Var } from '../../ir/expr.ts';
import { add, constantOf, int, sub } from '../../ir/expr-make.ts';
import { freeVars } from '../../ir/expr-walk.ts';
import type { Kernel, Loop, Stmt } from '../../ir/kernel.ts';
import { visitStmt, visitStmtExprs } from '../../ir/kernel-walk.ts';
import { provablyNonNegative, toPolynomial } from '../../ir/polynomial.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import { linearIn } from './affine.ts';
import { areIndependent } from './independent.ts';
import { nestOver, type Range } from './range.ts';
import { perfectNest } from './step.ts';

/** More nests than this cost more code than conditions cost time. */
const mostParts = 12;

/** The nests that do what the body did, or the body alone. */
export function cutAtConditions(kernel: Kernel): readonly Stmt[] {
  const { loops, body } = perfectNest(kernel.body);
  const points = loops.map((outer) => turningPoints(outer, body));
  if (points.every((list) => list.length === 0)) return [kernel.body];
  const ranges = loops.map((outer, i) => rangesOf(outer, points[i]!));
  const parts = ranges.reduce((count, list) => count * list.length, 1);
  const indices = loops.map(({ index }) => index);
  if (parts < 2 || parts > mostParts || !areIndependent(indices, body)) return [kernel.body];
  return combinations(ranges).map((chosen) => nestOver(loops, body, chosen));
}

/** Values at which some condition on the index alone begins or ceases to hold. */
function turningPoints(outer: Loop, body: Stmt): readonly Expr[] {
  const found: Expr[] = [];
  const bound = boundIn(body);
  visitStmtExprs(body, (expr) => {
    if (expr.kind === 'binary' && (expr.op === 'lt' || expr.op === 'le') && expr.left.dtype === 'index') {
      // The condition holds where slack >= 0.
      const slack = sub(sub(expr.right, expr.left), int(expr.op === 'lt' ? 1 : 0));
      const linear = linearIn(slack, outer.index);
      const sign = linear && constantOf(linear.coefficient);
      const plain = linear && [...freeVars(linear.rest)].every((used) => !bound.has(used) && used.extent === undefined);
      if (plain && sign === 1) found.push(simplify(sub(int(0), linear.rest)));
      if (plain && sign === -1) found.push(simplify(add(linear.rest, int(1))));
    }
    return true;
  });
  return found;
}

function boundIn(body: Stmt): ReadonlySet<Var> {
  const bound = new Set<Var>();
  visitStmt(body, (stmt) => {
    if (stmt.kind === 'loop') bound.add(stmt.index);
    if (stmt.kind === 'let') bound.add(stmt.variable);
  });
  return bound;
}

const atMost = (a: Expr, b: Expr): boolean => provablyNonNegative(toPolynomial(simplify(sub(b, a))));

/** The ranges between the points that provably lie inside and in order; others are left out. */
function rangesOf(outer: Loop, points: readonly Expr[]): readonly Range[] {
  const sorted: Expr[] = [int(0), outer.extent];
  for (const point of points) {
    if (sorted.some((other) => sameSize(other, point))) continue;
    const position = sorted.findIndex((other) => atMost(point, other));
    if (position <= 0 || !atMost(sorted[position - 1]!, point)) continue;
    sorted.splice(position, 0, point);
  }
  return sorted.slice(1).map((end, i) => ({ start: sorted[i]!, end }));
}

function combinations(ranges: readonly (readonly Range[])[]): readonly (readonly Range[])[] {
  return ranges.reduce<readonly (readonly Range[])[]>(
    (rest, list) => rest.flatMap((chosen) => list.map((range) => [...chosen, range])),
    [[]],
  );
}
