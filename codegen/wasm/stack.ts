// Local arrays of kernels: an area of memory that all kernels share, since they never call each other.

import { addLinear, constantLinear, type Linear } from './linear.ts';

export interface Stack {
  take(bytes: number): Linear;
  give(bytes: number): void;
  most(): number;
}

/** Hands out addresses from `base` on, the last taken given back first. */
export function createStack(base: Linear): Stack {
  let used = 0;
  let most = 0;
  const rounded = (bytes: number): number => Math.ceil(bytes / 16) * 16;
  return {
    take(bytes) {
      const address = addLinear(base, constantLinear(used));
      used += rounded(bytes);
      most = Math.max(most, used);
      return address;
    },
    give(bytes) {
      used -= rounded(bytes);
    },
    most: () => most,
  };
}
