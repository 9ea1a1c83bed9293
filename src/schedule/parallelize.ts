// Marks a loop whose iterations are independent.
//   for i { body }   →   parallel for i { body }

import { requireIndependent } from './independent.ts';
import { onLoops, type Step } from './step.ts';

export const parallelize =
  (name: string): Step =>
  (kernel) =>
    onLoops(kernel, name, (loop) => {
      requireIndependent([loop], loop.body);
      return { ...loop, as: 'parallel' };
    });
