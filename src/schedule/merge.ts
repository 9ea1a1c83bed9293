// Joins two loops, one directly inside the other, into one.
//   for i < m { for j < n { body(i, j) } }   →   for ij < m * n { body(ij / n, ij % n) }
// Only if i and j occur as i * n + j everywhere, so that no division is left. Iterations keep their order.

import type { Expr, Var } from '../../ir/expr.ts';
import { constantOf, int, mul, sub } from '../../ir/expr-make.ts';
import type { Loop, Stmt } from '../../ir/kernel.ts';
import { isLoop, visitStmtExprs } from '../../ir/kernel-walk.ts';
import { simplifyStmt } from '../../ir/simplify.ts';
import { uses } from './affine.ts';
import { instantiate, makeLoop, onLoops, ScheduleError, type Step } from './step.ts';

/** Joins the loop with the one inside it; the result has the name `merged`. */
export const merge =
  (outer: string, inner: string, merged: string = inner): Step =>
  (kernel) =>
    onLoops(kernel, outer, (loop) => {
      const within = loop.body;
      if (!isLoop(within) || within.index.name !== inner) {
        throw new ScheduleError(`loop ${inner} is not directly inside ${outer}`);
      }
      const result = mergeLoops(loop, within, merged);
      if (!result) throw new ScheduleError(`${outer} and ${inner} are not used as one index`);
      return result;
    });

export function mergeLoops(outer: Loop, inner: Loop, name: string): Stmt | undefined {
  if (uses(inner.extent, outer.index)) return undefined;
  if (constantOf(inner.extent) === 1) {
    return makeLoop(
      name,
      outer.extent,
      (index) => instantiate(inner.body, values([outer.index, index], [inner.index, int(0)])),
      outer.as,
    );
  }
  if (constantOf(outer.extent) === 1) {
    return makeLoop(
      name,
      inner.extent,
      (index) => instantiate(inner.body, values([outer.index, int(0)], [inner.index, index])),
      outer.as,
    );
  }
  return tryMerge(outer, inner, name);
}

const values = (...pairs: readonly (readonly [Var, Expr])[]): ReadonlyMap<Var, Expr> => new Map(pairs);

function tryMerge(outer: Loop, inner: Loop, name: string): Stmt | undefined {
  let failed = false;
  const joined = makeLoop(
    name,
    mul(outer.extent, inner.extent),
    (index) => {
      // j = ij - i * n; where only i * n + j occurred, no i is left.
      const rest: Expr = sub(index, mul(outer.index, inner.extent));
      const body = simplifyStmt(instantiate(inner.body, new Map([[inner.index, rest]])));
      failed = mentions(body, outer.index);
      return body;
    },
    outer.as,
  );
  return failed ? undefined : joined;
}

function mentions(body: Stmt, variable: Var): boolean {
  let found = false;
  visitStmtExprs(body, (expr) => {
    if (expr === variable) found = true;
    return !found;
  });
  return found;
}
