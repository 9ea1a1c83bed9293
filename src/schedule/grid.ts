// CUDA: one thread for each element of the outer loops, 256 threads a block. The outermost statements of a kernel are
// bound one by one: a target starts one after the other.

import { constantOf, product } from '../../ir/expr-make.ts';
import type { Kernel, Stmt } from '../../ir/kernel.ts';
import { simplifyKernel } from '../../ir/simplify.ts';
import { bind } from './bind.ts';
import { hasLoops, nameLoops } from './nest.ts';
import { blockOf, perfectNest, ScheduleError, statementsOf } from './step.ts';

const threadsOfBlock = 256;
/** For fewer iterations, with no loop inside, a grid is not worth its start. */
const leastIterations = 32;

export function scheduleGrid(kernel: Kernel): Kernel {
  const named = simplifyKernel(nameLoops(kernel));
  const parts = statementsOf(named.body).map((part) => bindWidest({ ...named, body: part }));
  return simplifyKernel({ ...named, body: blockOf(parts) });
}

/** Binds the widest nest of outer loops whose iterations are independent. */
function bindWidest(kernel: Kernel): Stmt {
  const { loops, body } = perfectNest(kernel.body);
  for (let count = loops.length; count > 0; count--) {
    const bound = loops.slice(0, count);
    const iterations = constantOf(product(bound.map(({ extent }) => extent)));
    const isSmall = iterations !== undefined && iterations < leastIterations;
    if (isSmall && count === loops.length && !hasLoops(body)) break;
    try {
      const names = bound.map(({ index }) => index.name);
      return bind(names, threadsOfBlock)(kernel).body;
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
    }
  }
  return kernel.body;
}
