// Several reductions and element-wise loops under common outer loops, as softmax and normalizations have them. Either
// the innermost outer loop becomes vectors, with everything inside, or each inner loop is scheduled for itself.
//   for r { m = max over c; s = sum over c of exp(x - m); for c { y[r, c] = exp(x[r, c] - m) / s } }
//     →   for r { lanes of maxima; lanes of sums; for c.o { y[r, ramp] = exp(x[r, ramp] - splat(m)) / splat(s) } }

import type { Kernel, Loop, Stmt } from '../../ir/kernel.ts';
import { isLoop, mapStmt } from '../../ir/kernel-walk.ts';
import type { Target } from '../../ir/target.ts';
import { readUpdate } from './accumulate-over-lanes.ts';
import { laneSteps } from './lanes.ts';
import { dtypesAlong, extentOf, hasLoops, isContiguousAlong } from './nest.ts';
import { reorder } from './reorder.ts';
import { split } from './split.ts';
import { applySteps, perfectNest, ScheduleError, type Step, statementsOf } from './step.ts';
import { vectorize } from './vectorize.ts';
import { widthsFor } from './widths.ts';

/** The kernel has flat buffers and merged loops. */
export function scheduleRows(kernel: Kernel, target: Target, math: 'fast' | 'strict'): Kernel {
  const { loops, body } = perfectNest(kernel.body);
  const along = loops.findLast((loop) => isContiguousAlong(body, loop.index) && varies(body, loop));
  if (along) {
    try {
      return acrossRows(kernel, loops, body, along, target);
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
    }
  }
  return { ...kernel, body: withinRows(kernel, kernel.body, target, math) };
}

const varies = (body: Stmt, loop: Loop): boolean => dtypesAlong(body, loop.index).size > 0;

function acrossRows(kernel: Kernel, loops: readonly Loop[], body: Stmt, along: Loop, target: Target): Kernel {
  const name = along.index.name;
  const others = loops.filter((loop) => loop !== along).map((loop) => loop.index.name);
  const extent = extentOf(along);
  const widths = widthsFor(target, dtypesAlong(body, along.index));
  const fitting = widths.filter((width) => extent === undefined || width <= extent);
  if (fitting.length === 0) throw new ScheduleError('too short for vectors');
  const inward = loops.at(-1) === along ? [] : [reorder(...others, name)];
  return applySteps(kernel, [...inward, split(name, [...fitting, 1]), vectorize(`${name}.i`)]);
}

/** Schedules each innermost nest for itself, as far as it can be. */
function withinRows(kernel: Kernel, stmt: Stmt, target: Target, math: 'fast' | 'strict'): Stmt {
  if (!isLoop(stmt))
    return mapStmt(
      stmt,
      (inner) => withinRows(kernel, inner, target, math),
      (expr) => expr,
    );
  const { loops, body } = perfectNest(stmt);
  if (hasLoops(body))
    return mapStmt(
      stmt,
      (inner) => withinRows(kernel, inner, target, math),
      (expr) => expr,
    );
  const part: Kernel = { ...kernel, body: stmt };
  try {
    return applySteps(part, stepsFor(loops, body, target, math)).body;
  } catch (error) {
    if (error instanceof ScheduleError) return stmt;
    throw error;
  }
}

function stepsFor(loops: readonly Loop[], body: Stmt, target: Target, math: 'fast' | 'strict'): readonly Step[] {
  const updates = statementsOf(body).filter((part) => part.kind === 'store');
  if (updates.length === statementsOf(body).length && updates.every((part) => readUpdate(part))) {
    return laneSteps(loops, updates, 1, target, math);
  }
  const inner = loops.at(-1)!;
  const extent = extentOf(inner);
  const widths = widthsFor(target, dtypesAlong(body, inner.index));
  const fitting = widths.filter((width) => extent === undefined || width <= extent);
  if (fitting.length === 0) throw new ScheduleError('too short for vectors');
  return [split(inner.index.name, [...fitting, 1]), vectorize(`${inner.index.name}.i`)];
}
