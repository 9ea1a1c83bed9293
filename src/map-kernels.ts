// Rewrites the kernels of a program, each once.

import type { Kernel } from '../ir/kernel.ts';
import type { Call, Step } from '../ir/program.ts';
import type { Lowered } from './lower/lowered.ts';

/** Rewrites every call, in nested steps too. */
export function mapCalls(steps: readonly Step[], map: (call: Call) => Step): readonly Step[] {
  return steps.map((step): Step => {
    switch (step.kind) {
      case 'call':
        return map(step);
      case 'if':
        return { ...step, then: mapCalls(step.then, map), otherwise: mapCalls(step.otherwise, map) };
      case 'loop':
        return { ...step, body: mapCalls(step.body, map) };
      case 'let':
      case 'check':
        return step;
    }
  });
}

/** `map` must keep the parameters and sizes of a kernel in their order. */
export function mapKernels(lowered: Lowered, map: (kernel: Kernel) => Kernel): Lowered {
  const mapped = new Map<Kernel, Kernel>();
  const body = mapCalls(lowered.body, (call) => {
    const kernel = mapped.get(call.kernel) ?? map(call.kernel);
    mapped.set(call.kernel, kernel);
    return { ...call, kernel };
  });
  return { ...lowered, body };
}
