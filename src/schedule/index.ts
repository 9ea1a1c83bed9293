// The choice of a recipe, by what a kernel looks like and never by the operator it came from. The only part of the
// compiler that knows about speed; a kernel that no recipe fits stays as it is.

import type { Kernel, Stmt } from '../../ir/kernel.ts';
import { visitStmtExprs } from '../../ir/kernel-walk.ts';
import { simplifyKernel } from '../../ir/simplify.ts';
import type { Target } from '../../ir/target.ts';
import { columnsOf } from './columns.ts';
import { scheduleContraction } from './contraction.ts';
import { cutAtConditions } from './cut-at-conditions.ts';
import { dropSingleTurns } from './drop-single-turns.ts';
import { flatten } from './flatten.ts';
import { scheduleGrid } from './grid.ts';
import { areIndependent } from './independent.ts';
import { accumulationOf, hasLoops, mergeNests, nameLoops } from './nest.ts';
import { markIndependent } from './parallelize.ts';
import { schedulePointwise } from './pointwise.ts';
import { scheduleReduction, scheduleScalarReduction } from './reduction.ts';
import { scheduleRows } from './rows.ts';
import { aroundBody, blockOf, perfectNest, ScheduleError, statementsOf } from './step.ts';
import { unrollShortLoops } from './unroll.ts';
import { scheduleWindow } from './window.ts';

export interface ScheduleOptions {
  readonly math: 'fast' | 'strict';
  /** Whether loops shall be marked whose iterations are independent. */
  readonly threads?: boolean;
}

export function scheduleKernel(kernel: Kernel, target: Target, options: ScheduleOptions): Kernel {
  if (hasVectors(kernel)) return kernel;
  if (target.language === 'cuda') return scheduleGrid(kernel);
  const flat = simplifyKernel(nameLoops(flatten(kernel)));
  const parts = statementsOf(flat.body).flatMap((part) => cutAtConditions({ ...flat, body: part }));
  const scheduled = parts.map((part) => scheduleMarked(mergeNests({ ...flat, body: part }), target, options));
  const short = unrollShortLoops(Math.min(shortest, target.tiles.unrollLimit / 4));
  return simplifyKernel(short(dropSingleTurns({ ...flat, body: blockOf(scheduled) })));
}

/** A kernel that was made for the target already. */
function hasVectors(kernel: Kernel): boolean {
  let found = false;
  visitStmtExprs(kernel.body, (expr) => {
    if (expr.lanes > 1) found = true;
    return !found;
  });
  return found;
}

/** Most statements that an innermost loop becomes for being short. */
const shortest = 12;

/** Whether loops are independent is easy to see before a recipe makes tiles and vectors of them. */
function scheduleMarked(kernel: Kernel, target: Target, options: ScheduleOptions): Stmt {
  const { body } = schedulePart(kernel, target, options);
  if (!options.threads) return body;
  const { loops, body: inner } = perfectNest(kernel.body);
  const independent = loops.filter((_, i) =>
    areIndependent([loops[i]!.index], aroundBody([...loops.slice(0, i), ...loops.slice(i + 1)], inner)),
  );
  return markIndependent(body, new Set(independent.map(({ index }) => index.name)));
}

type Recipe = (kernel: Kernel) => Kernel;

function schedulePart(kernel: Kernel, target: Target, { math }: ScheduleOptions): Kernel {
  const { loops, body } = perfectNest(kernel.body);
  if (!hasLoops(body)) {
    return loops.length === 0 ? kernel : firstThatFits(kernel, [(part) => schedulePointwise(part, target)]);
  }
  const accumulation = accumulationOf(kernel.body);
  const rows: Recipe = (part) => scheduleRows(part, target, math);
  if (!accumulation) return firstThatFits(kernel, [rows]);
  const columns = columnsOf(accumulation);
  const sharesScalars = columns?.scalars.some((load) => load.indices.length > 0);
  const tiled: Recipe = (part) => (sharesScalars ? scheduleContraction(part, target) : scheduleWindow(part, target));
  const reduced: Recipe = (part) => scheduleReduction(part, target, math);
  return firstThatFits(kernel, [...(columns ? [tiled] : []), reduced, rows, scheduleScalarReduction]);
}

/** The first recipe that applies; the kernel itself where none does. */
function firstThatFits(kernel: Kernel, recipes: readonly Recipe[]): Kernel {
  for (const recipe of recipes) {
    try {
      return recipe(kernel);
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
    }
  }
  return kernel;
}
