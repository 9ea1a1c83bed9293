// What differs between the C-like languages that print kernels. The printers ask only this record.

import type { ErrorCode } from '../../ir/expr.ts';
import type { LoopKind } from '../../ir/kernel.ts';
import type { Helper } from './helpers.ts';

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
  /**
   * `int64_t f(int *status, int code)` keeps the first code of a run and gives 0, in the widest type: compilers warn
   * where a narrower one is compared with what it cannot be.
   */
  readonly failureHelper: Helper;
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

/** Keeps the first error of one thread. */
export const failureHelper = (qualifiers: string): Helper => ({
  name: 'lap_fail',
  text:
    `${qualifiers} int64_t lap_fail(int *status, int code) {\n` +
    '  if (*status == LAP_OK) *status = code;\n  return 0;\n}\n',
});
