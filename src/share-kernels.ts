// Makes calls of equal kernels call one kernel. Twelve equal layers become one function called twelve times, with other
// pointers: that keeps code size, and the time of a C compiler, small. Run before scheduling too, so that the work of
// scheduling is done once.

import type { Kernel } from '../ir/kernel.ts';
import { callsOf } from '../ir/program-print.ts';
import type { Lowered } from './lower/lowered.ts';
import { mapKernels } from './map-kernels.ts';
import { groupEqual, kernelHash, sameKernels } from './same-kernels.ts';

export function shareKernels(lowered: Lowered): Lowered {
  const kernels = new Set(callsOf(lowered.body).map(({ kernel }) => kernel));
  const shared = new Map<Kernel, Kernel>();
  for (const group of groupEqual(
    [...kernels],
    (kernel) => kernelHash(kernel),
    (a, b) => sameKernels(a, b),
  )) {
    for (const kernel of group) shared.set(kernel, group[0]!);
  }
  return mapKernels(lowered, (kernel) => shared.get(kernel)!);
}
