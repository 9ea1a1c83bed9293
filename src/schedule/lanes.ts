// Vectors along the innermost loop of a reduction: the steps, and how many chains.

import type { Loop, Store } from '../../ir/kernel.ts';
import type { Target } from '../../ir/target.ts';
import { accumulateOverLanes } from './accumulate-over-lanes.ts';
import { dtypesAlong, extentOf, isContiguousAlong } from './nest.ts';
import { blockOf, ScheduleError, type Step } from './step.ts';
import { unroll } from './unroll.ts';
import { vectorize } from './vectorize.ts';
import { widthsFor } from './widths.ts';

/** `updates` is what one turn of the reduction does, for one of the `copies` that stand side by side. */
export function laneSteps(
  reduction: readonly Loop[],
  updates: readonly Store[],
  copies: number,
  target: Target,
  math: 'fast' | 'strict',
): readonly Step[] {
  const inner = reduction.at(-1)!;
  const extent = extentOf(inner);
  const leaf = blockOf(updates);
  if (!isContiguousAlong(leaf, inner.index)) throw new ScheduleError('the reduction is not contiguous');
  // The accumulators become vectors even where what they add up does not vary along the loop.
  const accumulated = updates.map(({ buffer }) => buffer.dtype);
  const widths = widthsFor(target, [...dtypesAlong(leaf, inner.index), ...accumulated]);
  const lanes = extent === undefined ? widths[0] : leastSteps(extent, widths);
  if (lanes === undefined) throw new ScheduleError('no vectors along the reduction');
  // Additions take about four cycles, two may start in each: eight chains hide that, fewer where the axis is short.
  const wanted = Math.max(1, Math.floor(8 / (updates.length * copies)));
  const chains =
    extent === undefined ? Math.min(4, wanted) : Math.min(wanted, Math.max(1, Math.floor(extent / lanes / 2)));
  const name = inner.index.name;
  const outermost = reduction[0]!.index.name;
  return [
    accumulateOverLanes(outermost, name, { lanes, chains: powerOfTwo(chains), anyOrder: math === 'fast' }),
    unroll(`${name}.c`),
    vectorize(`${name}.v`),
  ];
}

/** The width with the fewest steps, vectors and then single elements; the widest of those. */
function leastSteps(extent: number, widths: readonly number[]): number | undefined {
  const steps = (width: number): number => Math.floor(extent / width) + (extent % width);
  const fitting = widths.filter((width) => width <= extent);
  return fitting.find((width) => fitting.every((other) => steps(width) <= steps(other)));
}

const powerOfTwo = (value: number): number => 2 ** Math.floor(Math.log2(value));
