// The two kinds of C: what the standard has, and what gcc and clang add to it.

import { type Dialect, failureHelper } from '../clike/dialect.ts';

const shared = {
  kernelQualifiers: 'LAP_KERNEL',
  restrict: 'restrict',
  failure: 'returned',
  sharedQualifiers: '',
  barrier: '',
  hardwareLoop: () => undefined,
} as const;

/** C99 and nothing else: scalar code only. */
export const portableC: Dialect = {
  ...shared,
  vectors: false,
  helperQualifiers: 'static inline',
  failureHelper: failureHelper('static inline'),
  stackQualifiers: '',
};

const alwaysInline = 'static inline __attribute__((always_inline))';

/** C99 with the vectors and attributes of gcc and clang. */
export const gnuC: Dialect = {
  ...shared,
  vectors: true,
  helperQualifiers: alwaysInline,
  failureHelper: failureHelper(alwaysInline),
  stackQualifiers: '__attribute__((aligned(64))) ',
};
