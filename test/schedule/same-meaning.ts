// The oracle of schedules: a kernel and its scheduled form give the same elements. Inputs are small whole numbers, so
// sums and products are exact in any order.

import assert from 'node:assert/strict';
import type { TypedArrayLike } from '../../ir/eval-arrays.ts';
import type { Var } from '../../ir/expr.ts';
import { constantOf, int, product } from '../../ir/expr-make.ts';
import { substitute } from '../../ir/expr-walk.ts';
import type { Kernel } from '../../ir/kernel.ts';
import { compileKernel } from '../../ir/kernel-eval.ts';
import { printKernel } from '../../ir/kernel-print.ts';

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int32: Int32Array,
} as const;

function inputsFor(kernel: Kernel, dims: readonly number[]): TypedArrayLike[] {
  const values = new Map<Var, ReturnType<typeof int>>(kernel.dims.map((dim, i) => [dim, int(dims[i]!)]));
  return kernel.params.map((param, position) => {
    const count = constantOf(substitute(product(param.shape), values))!;
    const make = arrays[param.dtype as keyof typeof arrays];
    return new make(Array.from({ length: count }, (_, i) => ((i * 7919 + position * 104729) % 13) - 6));
  });
}

/** Compares every buffer after a run of both; `tolerance` is relative, for functions whose argument order changed. */
export function assertSameMeaning(
  kernel: Kernel,
  scheduled: Kernel,
  dims: readonly number[] = [],
  tolerance = 0,
): void {
  const expected = inputsFor(kernel, dims);
  const got = inputsFor(kernel, dims);
  assert.equal(compileKernel(kernel)(expected, dims), 0);
  assert.equal(compileKernel(scheduled, { checked: true })(got, dims), 0);
  expected.forEach((array, position) => {
    for (let i = 0; i < array.length; i++) {
      const [want, have] = [Number(array[i]), Number(got[position]![i])];
      const close = Object.is(want, have) || Math.abs(want - have) <= tolerance * Math.abs(want);
      if (!close) {
        const name = kernel.params[position]!.name;
        assert.fail(`${name}[${i}] is ${have}, expected ${want}\n${printKernel(scheduled)}`);
      }
    }
  });
}
