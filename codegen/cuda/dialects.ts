// CUDA as two dialects of C++: kernels on the device, and the host's part, which starts them.

import { type Dialect, failureHelper } from '../clike/dialect.ts';

const shared = {
  vectors: false,
  // Sizes are computed on both sides.
  helperQualifiers: 'static inline __host__ __device__',
  restrict: '__restrict__',
  stackQualifiers: '',
} as const;

/**
 * Loops over blocks and threads take strides, so that a kernel means the same whatever grid it is started with: one
 * thread alone would do.
 */
export const deviceDialect: Dialect = {
  ...shared,
  kernelQualifiers: 'static __global__',
  failure: 'stored',
  failureHelper: {
    name: 'lap_report',
    text:
      'static inline __device__ int64_t lap_report(int *status, int code) {\n' +
      '  atomicCAS(status, (int)LAP_OK, code);\n  return 0;\n}\n',
  },
  sharedQualifiers: '__shared__ ',
  barrier: '__syncthreads();',
  hardwareLoop: (kind, index, extent) => {
    if (kind === 'block') return stridedLoop(index, 'blockIdx.x', extent, 'gridDim.x');
    return kind === 'thread' ? stridedLoop(index, 'threadIdx.x', extent, 'blockDim.x') : undefined;
  },
};

const stridedLoop = (index: string, first: string, extent: string, step: string): string =>
  `for (ptrdiff_t ${index} = ${first}; ${index} < ${extent}; ${index} += ${step}) {`;

export const hostDialect: Dialect = {
  ...shared,
  kernelQualifiers: 'static',
  failure: 'returned',
  failureHelper: failureHelper('static inline'),
  sharedQualifiers: '',
  barrier: '',
  hardwareLoop: () => undefined,
};
