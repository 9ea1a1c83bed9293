// Reductions along the contiguous axis. Where the order may change, the lanes of vectors hold partial results; a few
// neighbouring results at a time share what they load. Otherwise tiles of scalar accumulators.
//   for r { for n { acc = 0; for k { acc = acc + A[r, k] * W[n, k] }; y[r, n] = acc } }
//     →   for r.o { for n { alloc acc[4]; for k.o { 4 vector sums }; acc[0] = sum of lanes; …; y[r.o * 4 + 0, n] = acc[0]; … } }

import type { Kernel, Loop } from '../../ir/kernel.ts';
import { simplifyKernel } from '../../ir/simplify.ts';
import type { Target } from '../../ir/target.ts';
import { accumulateOverTile } from './accumulate-over-tile.ts';
import { dependsOn } from './contraction.ts';
import { accessesOf } from './independent.ts';
import { laneSteps } from './lanes.ts';
import { type Accumulation, accumulationOf, extentOf } from './nest.ts';
import { reorder } from './reorder.ts';
import { split } from './split.ts';
import { applySteps, blockOf, ScheduleError, type Step } from './step.ts';
import { unroll } from './unroll.ts';
import { evenTiles } from './widths.ts';

/** Results computed at a time along each shared loop. */
const rowsAtATime = 4;

/** The kernel has flat buffers and merged loops. */
export function scheduleReduction(kernel: Kernel, target: Target, math: 'fast' | 'strict'): Kernel {
  const accumulation = accumulationOf(kernel.body);
  if (!accumulation) throw new ScheduleError('not one reduction');
  const shared = sharedLoop(accumulation);
  const { reduction, updates } = accumulation;
  const tiled = shared ? applySteps(kernel, tileSteps(accumulation, shared)) : kernel;
  const copies = shared ? Math.min(rowsAtATime, extentOf(shared) ?? rowsAtATime) : 1;
  return applySteps(tiled, [...laneSteps(reduction, updates, copies, target, math), simplifyKernel]);
}

/** Without vectors: a few results at a time, each with its own scalar accumulator. */
export function scheduleScalarReduction(kernel: Kernel): Kernel {
  const accumulation = accumulationOf(kernel.body);
  const shared = accumulation && sharedLoop(accumulation);
  if (!accumulation || !shared) throw new ScheduleError('nothing to share');
  return applySteps(kernel, tileSteps(accumulation, shared));
}

/** The innermost loop that some load of the reduction does not depend on. */
function sharedLoop({ outer, updates }: Accumulation): Loop | undefined {
  const { loads } = accessesOf(blockOf(updates));
  const operands = loads.filter(({ buffer }) => buffer.memory === 'argument');
  return outer.findLast(
    (loop) => (extentOf(loop) ?? 2) > 1 && operands.length > 1 && operands.some((load) => !dependsOn(load, loop)),
  );
}

function tileSteps({ outer }: Accumulation, shared: Loop): readonly Step[] {
  const name = shared.index.name;
  const others = outer.filter((loop) => loop !== shared).map((loop) => loop.index.name);
  const extent = extentOf(shared);
  const pieces = extent === undefined ? [rowsAtATime, 1] : evenTiles(extent, rowsAtATime);
  return [
    ...(outer.at(-1) === shared ? [] : [reorder(...others, name)]),
    split(name, pieces),
    accumulateOverTile(`${name}.i`),
    unroll(`${name}.i`),
    simplifyKernel,
  ];
}
