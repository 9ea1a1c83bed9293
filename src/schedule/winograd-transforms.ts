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

// F(4, 3) evaluates polynomials at 0, ±a, ±b and infinity. The usual 1 and 2 save a few multiplications, and lose 2.3 times
// as much: with these, factors and products have about the same size at every point (Barabasz et al., "Error analysis and
// improving the accuracy of Winograd convolution", 2020, on choosing points).
const [a, b] = [3 / 4, 3 / 2];
const [a2, b2] = [a * a, b * b];
const [ofA, ofB] = [2 * a2 * (a2 - b2), 2 * b2 * (b2 - a2)];

/** F(4, 3): 6 products for 4 outputs; about as inexact as twice the direct sum. */
export const transform4: WinogradTransform = {
  outputs: 4,
  inputs: 6,
  input: ([d0, d1, d2, d3, d4, d5]) => {
    const evenA = sub(d4!, times(b2, d2!));
    const oddA = times(a, sub(d3!, times(b2, d1!)));
    const evenB = sub(d4!, times(a2, d2!));
    const oddB = times(b, sub(d3!, times(a2, d1!)));
    return [
      add(sub(times(a2 * b2, d0!), times(a2 + b2, d2!)), d4!),
      add(evenA, oddA),
      sub(evenA, oddA),
      add(evenB, oddB),
      sub(evenB, oddB),
      add(sub(times(a2 * b2, d1!), times(a2 + b2, d3!)), d5!),
    ];
  },
  output: ([m0, m1, m2, m3, m4, m5]) => {
    const evenA = add(m1!, m2!);
    const oddA = sub(m1!, m2!);
    const evenB = add(m3!, m4!);
    const oddB = sub(m3!, m4!);
    return [
      add(add(m0!, evenA), evenB),
      add(times(a, oddA), times(b, oddB)),
      add(times(a2, evenA), times(b2, evenB)),
      add(add(times(a * a2, oddA), times(b * b2, oddB)), m5!),
    ];
  },
  weights: [
    [1 / (a2 * b2), 0, 0],
    [1 / ofA, a / ofA, a2 / ofA],
    [1 / ofA, -a / ofA, a2 / ofA],
    [1 / ofB, b / ofB, b2 / ofB],
    [1 / ofB, -b / ofB, b2 / ofB],
    [0, 0, 1],
  ],
};
