// Makes calls of equal kernels call one kernel. Twelve equal layers become one function called twelve times, with other
// pointers: that keeps code size, and the time of a C compiler, small. Run before scheduling too, so that the work of
// scheduling is done once.

import type { Kernel } from '../ir/kernel.ts';
import { kernelKey } from './kernel-key.ts';
import type { Lowered } from './lower/lowered.ts';
import { mapKernels } from './map-kernels.ts';
import { structures } from './structures.ts';

export function shareKernels(lowered: Lowered): Lowered {
  const shared = new Map<number, Kernel>();
  const all = structures();
  return mapKernels(lowered, (kernel) => {
    const key = kernelKey(kernel, all);
    const known = shared.get(key) ?? kernel;
    shared.set(key, known);
    return known;
  });
}
