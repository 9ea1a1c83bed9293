// The transforms of Winograd's convolution with 3 taps: an output tile of 2 or 4 along each axis from m + 2 inputs, by
// m + 2 products instead of 3 m. Written once as expressions; every target vectorizes them along the channels.

import { isFloat } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { add, constant, mul, splat, sub } from '../../ir/expr-make.ts';

export interface WinogradTransform {
  /** Outputs of a tile along an axis, and inputs, which are as many as products. */
  readonly outputs: number;
  readonly inputs: number;
  /** m + 2 inputs → m + 2 factors. */
  input(values: readonly Expr[]): readonly Expr[];
  /** m + 2 products → m outputs. */
  output(products: readonly Expr[]): readonly Expr[];
  /** Rows that make m + 2 factors of the three taps. */
  readonly weights: readonly (readonly number[])[];
}

const times = (factor: number, value: Expr): Expr => {
  if (!isFloat(value.dtype)) throw new TypeError(`a transform of ${value.dtype}`);
  return mul(value, splat(constant(factor, value.dtype), value.lanes));
};

/** F(2, 3): 4 products for 2 outputs; about as exact as the direct sum. */
export const transform2: WinogradTransform = {
  outputs: 2,
  inputs: 4,
  input: ([d0, d1, d2, d3]) => [sub(d0!, d2!), add(d1!, d2!), sub(d2!, d1!), sub(d1!, d3!)],
  output: ([m0, m1, m2, m3]) => [add(add(m0!, m1!), m2!), sub(sub(m1!, m2!), m3!)],
  weights: [
    [1, 0, 0],
    [1 / 2, 1 / 2, 1 / 2],
    [1 / 2, -1 / 2, 1 / 2],
    [0, 0, 1],
  ],
};

/** F(4, 3): 6 products for 4 outputs; loses about a decimal digit. */
export const transform4: WinogradTransform = {
  outputs: 4,
  inputs: 6,
  input: ([d0, d1, d2, d3, d4, d5]) => {
    const even = sub(d4!, times(4, d2!));
    const odd = sub(d3!, times(4, d1!));
    const wide = sub(d4!, d2!);
    const twice = times(2, sub(d3!, d1!));
    return [
      add(sub(times(4, d0!), times(5, d2!)), d4!),
      add(even, odd),
      sub(even, odd),
      add(wide, twice),
      sub(wide, twice),
      add(sub(times(4, d1!), times(5, d3!)), d5!),
    ];
  },
  output: ([m0, m1, m2, m3, m4, m5]) => {
    const near = add(m1!, m2!);
    const nearOdd = sub(m1!, m2!);
    const far = add(m3!, m4!);
    const farOdd = sub(m3!, m4!);
    return [
      add(add(m0!, near), far),
      add(nearOdd, times(2, farOdd)),
      add(near, times(4, far)),
      add(add(nearOdd, times(8, farOdd)), m5!),
    ];
  },
  weights: [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
  ],
};
