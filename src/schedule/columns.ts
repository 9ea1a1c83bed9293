// Finds the loop along which the vectors of a reduction can run.

import type { DType } from '../../ir/dtype.ts';
import type { Load } from '../../ir/expr.ts';
import { add, indexVar, int, mul } from '../../ir/expr-make.ts';
import type { Loop, Stmt } from '../../ir/kernel.ts';
import { substituteStmt } from '../../ir/kernel-walk.ts';
import { simplifyStmt } from '../../ir/simplify.ts';
import { uses } from './affine.ts';
import { accessesOf } from './independent.ts';
import { type Accumulation, dtypesAlong, extentOf, isContiguousAlong, panelAlong } from './nest.ts';
import { aroundBody, blockOf } from './step.ts';

export interface Columns {
  readonly loop: Loop;
  /** Width of the panels in which an operand is packed along the loop. */
  readonly panel: number | undefined;
  /** Loads of the reduction that vary along the loop, and those that do not. */
  readonly vectors: readonly Load[];
  readonly scalars: readonly Load[];
  /** What follows the reduction is not contiguous along the loop. */
  readonly scattered: boolean;
  readonly dtypes: ReadonlySet<DType>;
}

/** The innermost outer loop along which everything that the reduction reads is contiguous or invariant. */
export function columnsOf({ outer, body, reduction, updates }: Accumulation): Columns | undefined {
  const reduced = aroundBody(reduction, blockOf(updates));
  for (const loop of [...outer].reverse()) {
    if (extentOf(loop) === 1) continue;
    const panel = panelAlong(body, loop.index);
    const within = indexVar('within', panel ?? loop.extent);
    const outside = indexVar('outside', loop.extent);
    const at = panel ? add(mul(outside, int(panel)), within) : within;
    const inTile = (stmt: Stmt): Stmt => simplifyStmt(substituteStmt(stmt, new Map([[loop.index, at]])));
    const inner = inTile(reduced);
    const loads = accessesOf(inner).loads.filter(({ buffer }) => buffer.memory !== 'register');
    const vectors = loads.filter(({ indices }) => indices.some((index) => uses(index, within)));
    if (vectors.length === 0 || !isContiguousAlong(inner, within)) continue;
    const whole = inTile(body);
    return {
      loop,
      panel,
      vectors,
      scalars: loads.filter((load) => !vectors.includes(load)),
      scattered: !isContiguousAlong(whole, within),
      dtypes: dtypesAlong(whole, within),
    };
  }
  return undefined;
}
