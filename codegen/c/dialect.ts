// What differs between the C-like languages that print kernels. The printers ask only this record.

import type { ErrorCode } from '../../ir/expr.ts';
import type { LoopKind } from '../../ir/kernel.ts';

export interface Dialect {
  /** Whether values of more than one lane can be printed, as GNU vectors. */
  readonly vectors: boolean;
  /** Before a helper function. */
  readonly helperQualifiers: string;
  /** Before a kernel function's return type. */
  readonly kernelQualifiers: string;
  readonly restrict: string;
  /**
   * How a kernel reports an error: as its return value, or through a pointer parameter `int *status` that it has for it.
   */
  readonly failure: 'returned' | 'stored';
  /** Before the declaration of a local array. */
  readonly stackQualifiers: string;
  /** Before the declaration of a buffer that a block of threads shares. */
  readonly sharedQualifiers: string;
  /** The statement at which all threads of a block meet. */
  readonly barrier: string;
  /**
   * The line that opens a loop which the hardware runs, and names its index; undefined where such a loop is printed as
   * an ordinary one.
   */
  hardwareLoop(kind: LoopKind, index: string, extent: string): string | undefined;
}

export const errorNames: Readonly<Record<ErrorCode, string>> = {
  index: 'LAP_E_INDEX',
  divide: 'LAP_E_DIVIDE',
  shape: 'LAP_E_SHAPE',
};

const shared = {
  kernelQualifiers: 'LAP_KERNEL',
  restrict: 'restrict',
  failure: 'returned',
  sharedQualifiers: '',
  barrier: '',
  hardwareLoop: () => undefined,
} as const;

/** C99 and nothing else: scalar code only. */
export const portableC: Dialect = { ...shared, vectors: false, helperQualifiers: 'static inline', stackQualifiers: '' };

/** C99 with the vectors and attributes of gcc and clang. */
export const gnuC: Dialect = {
  ...shared,
  vectors: true,
  helperQualifiers: 'static inline __attribute__((always_inline))',
  stackQualifiers: '__attribute__((aligned(64))) ',
};
