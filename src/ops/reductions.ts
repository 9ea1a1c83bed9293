// The Reduce family. Half floats are accumulated in float32, other types in their own type.

import { isFloat } from '../../ir/dtype.ts';
import type { Expr, ReduceOp } from '../../ir/expr.ts';
import { add, call, cast, constant, max, min, mul, reduce, sub, unary } from '../../ir/expr-make.ts';
import { accumulatorType } from './accumulate.ts';
import { safeDivide } from './arithmetic.ts';
import { intAttribute } from './attributes.ts';
import { type Operator, op, type TypeSet } from './define.ts';
import { axesToInput } from './legacy.ts';
import { overAxes, reducedShape, type Slice } from './reduction-axes.ts';
import { anyNumeric, numericTypes, sizeType, tensorOf, typeSet } from './types.ts';

/** `meaning` gives the result in any type; it is cast to the type of the data. */
const reduction = (name: string, meaning: (slice: Slice) => Expr, accepted: TypeSet = anyNumeric): Operator =>
  op(name, {
    inputs: ['data', 'axes?'],
    attributes: { keepdims: intAttribute(1, [0, 1]), noop_with_empty_axes: intAttribute(0, [0, 1]) },
    types: { data: accepted, axes: sizeType },
    outputs: ['reduced'],
    since: 18,
    until: { axes: name === 'ReduceSum' ? 13 : 18 },
    upgrade: (node) => axesToInput(node),
    type: ({ data, axes }, { keepdims, noop_with_empty_axes }, context) =>
      tensorOf(data.dtype, reducedShape(data, axes, noop_with_empty_axes !== 0, keepdims !== 0, context)),
    compute: ({ data, axes }, { keepdims, noop_with_empty_axes }, index, { types }) => {
      const formula = (slice: Slice): Expr => cast(meaning(slice), data.dtype);
      return overAxes(data, axes, noop_with_empty_axes !== 0, keepdims !== 0, index, types[0]!.shape, formula);
    },
  });

/** Reduces a function of each element, in the type of accumulation. */
function accumulate(operation: ReduceOp, slice: Slice, term: (x: Expr) => Expr = (x) => x): Expr {
  const { axes, element } = slice.read();
  return reduce(operation, axes, term(cast(element, accumulatorType(element.dtype))));
}
const square = (x: Expr): Expr => mul(x, x);
const absolute = (x: Expr): Expr => unary('abs', x);

/** Roots and logarithms of integers are taken in float64. */
const real = (x: Expr): Expr => (isFloat(x.dtype) ? x : cast(x, 'float64'));

export const ReduceSum = reduction('ReduceSum', (slice) => accumulate('sum', slice));
export const ReduceProd = reduction('ReduceProd', (slice) => accumulate('prod', slice));
export const ReduceMean = reduction('ReduceMean', (slice) => {
  const sum = accumulate('sum', slice);
  return safeDivide(sum, cast(slice.count, sum.dtype));
});
export const ReduceL1 = reduction('ReduceL1', (slice) => accumulate('sum', slice, absolute));
export const ReduceL2 = reduction('ReduceL2', (slice) => unary('sqrt', real(accumulate('sum', slice, square))));
export const ReduceSumSquare = reduction('ReduceSumSquare', (slice) => accumulate('sum', slice, square));
export const ReduceLogSum = reduction('ReduceLogSum', (slice) => call('log', real(accumulate('sum', slice))));

/** m + log(sum of e^(x - m)), where m is the maximum, brought into the finite range: without overflow, without NaN. */
export const ReduceLogSumExp = reduction('ReduceLogSumExp', (slice) => {
  const largest = real(accumulate('max', slice));
  const limit = largest.dtype === 'float64' ? Number.MAX_VALUE : largestFloat32;
  const shift = max(min(largest, constant(limit, largest.dtype)), constant(-limit, largest.dtype));
  const sum = accumulate('sum', slice, (x) => call('exp', sub(real(x), shift)));
  return add(shift, call('log', sum));
});
const largestFloat32 = 2 ** 128 - 2 ** 104;

/** Of truth values, the largest is their disjunction and the smallest their conjunction. */
const extreme = (name: string, operation: ReduceOp, ofTruth: ReduceOp): Operator =>
  reduction(
    name,
    (slice) => {
      const { axes, element } = slice.read();
      if (element.dtype === 'bool') return reduce(ofTruth, axes, element);
      return reduce(operation, axes, cast(element, accumulatorType(element.dtype)));
    },
    typeSet('T', [...numericTypes, 'bool']),
  );
export const ReduceMax = extreme('ReduceMax', 'max', 'sum');
export const ReduceMin = extreme('ReduceMin', 'min', 'prod');
