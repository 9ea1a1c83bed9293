// Element types that no target computes with (half floats, 8-bit floats, sub-byte integers) become integer codes with
// exact conversions around each operation. Program buffers keep their types; kernels see the codes.

import type { Kernel } from '../ir/kernel.ts';
import { type CompiledKernel, compileKernel, type EvaluateOptions } from '../ir/kernel-eval.ts';
import { legalizeKernel } from '../ir/legalize/legalize-dtypes.ts';

/** No target has more than the types that need no representation. */
const plainTypesOnly = { has: () => false };

export const legalize = (kernel: Kernel): Kernel => legalizeKernel(kernel, plainTypesOnly);

/** A kernel of any element types as a JavaScript function. */
export const compileLegal = (kernel: Kernel, options: EvaluateOptions = {}): CompiledKernel =>
  compileKernel(legalize(kernel), options);
