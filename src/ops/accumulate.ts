// Sums, accumulated in a type wide enough: half floats in float32, as every peer does.

import type { DType } from '../../ir/dtype.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { cast, mul, reduce } from '../../ir/expr-make.ts';

/** The type in which sums and products of this type are formed. */
export const accumulatorType = (dtype: DType): DType =>
  dtype === 'float16' || dtype === 'bfloat16' ? 'float32' : dtype;

/** The sum over the axes of the product of the factors, in the factors' type. */
export function sumOf(axes: readonly Var[], ...factors: readonly Expr[]): Expr {
  const { dtype } = factors[0]!;
  const wide = factors.map((factor) => cast(factor, accumulatorType(dtype)));
  return cast(reduce('sum', axes, wide.reduce(mul)), dtype);
}
