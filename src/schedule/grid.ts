// CUDA: one thread for each element of the outer loops, 256 threads a block.

import type { Kernel } from '../../ir/kernel.ts';
import { simplifyKernel } from '../../ir/simplify.ts';
import { bind } from './bind.ts';
import { nameLoops } from './nest.ts';
import { perfectNest, ScheduleError } from './step.ts';

const threadsOfBlock = 256;

/** The widest nest of outer loops whose iterations are independent. */
export function scheduleGrid(kernel: Kernel): Kernel {
  const named = simplifyKernel(nameLoops(kernel));
  const names = perfectNest(named.body).loops.map(({ index }) => index.name);
  for (let count = names.length; count > 0; count--) {
    try {
      return simplifyKernel(bind(names.slice(0, count), threadsOfBlock)(named));
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
    }
  }
  throw new ScheduleError('no independent outer loops');
}
