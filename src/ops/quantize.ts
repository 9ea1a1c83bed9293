// Quantization with one scale for the tensor, one for each slice of an axis, or one for each block along an axis:
// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear.

import type { DType } from '../../ir/dtype.ts';
import { dtypes, isFloat, isInteger } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { add, cast, ceilDiv, constantOf, div, int, mul, sub, unary } from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { Div, Max, Min, Sub } from './arithmetic.ts';
import { intAttribute, optionalDtype } from './attributes.ts';
import { convert } from './cast.ts';
import { castTo, scalarLike } from './compose.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { Equal, Where } from './logic.ts';
import { ReduceMax, ReduceMin } from './reductions.ts';
import { agreeing } from './run-time-operands.ts';
import { differ, float8Types, floatTypes, normalizeAxis, tensorOf, typeSet } from './types.ts';
import { Round } from './unary.ts';

export const quantizedTypes: readonly DType[] = [
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int4',
  'uint4',
  'int2',
  'uint2',
  ...float8Types,
  'float4e2m1',
];
const scaleTypes: readonly DType[] = [...floatTypes, 'float8e8m0'];

interface Granularity {
  readonly axis: number;
  readonly block_size: number;
}

const isSingle = (operand: Operand): boolean => operand.shape.every((extent) => constantOf(extent) === 1);
/** A vector has one axis, whatever the attribute says. */
const axisOf = (x: Operand, axis: number): number => (x.rank === 1 ? 0 : axis < 0 ? axis + x.rank : axis);

/** The scale or zero point of the element at `index`. */
function parameterAt(parameter: Operand, x: Operand, { axis, block_size }: Granularity, index: readonly Expr[]): Expr {
  if (isSingle(parameter)) return parameter.at(...parameter.shape.map(() => int(0)));
  const own = axisOf(x, axis);
  if (parameter.rank === 1 && !block_size)
    return agreeing([[parameter.shape[0]!, x.shape[own]!]], parameter.at(index[own]!));
  const blocks = simplify(ceilDiv(x.shape[own]!, int(block_size)));
  const sizes = x.shape.map((size, i) => [parameter.shape[i]!, i === own ? blocks : size] as const);
  return agreeing(sizes, parameter.at(...index.map((at, i) => (i === own ? div(at, int(block_size)) : at))));
}

function checkParameter(
  parameter: Operand,
  name: string,
  x: Operand,
  { axis, block_size }: Granularity,
  context: TypeContext,
): void {
  if (isSingle(parameter)) return;
  const own = x.rank === 1 ? 0 : normalizeAxis(axis, x.rank, context);
  if (block_size < 0) context.fail(`block_size must not be negative, got ${block_size}.`);
  if (!block_size) {
    if (parameter.rank !== 1) context.fail(`${name} has rank ${parameter.rank}; without block_size it must be 0 or 1.`);
    if (differ(parameter.shape[0]!, x.shape[own] ?? int(1)))
      context.fail(
        `${name} has ${constantOf(parameter.shape[0]!)} elements; axis ${own} has ${constantOf(x.shape[own]!)}.`,
      );
    return;
  }
  const blocks = x.shape.map((extent, i) => (i === own ? simplify(ceilDiv(extent, int(block_size))) : extent));
  if (parameter.rank !== x.rank || blocks.some((extent, i) => differ(extent, parameter.shape[i]!)))
    context.fail(`${name} must have the shape of x with axis ${own} divided into blocks of ${block_size}.`);
}

/** Integers are rounded, moved by the zero point and saturated; floats are converted as Cast does. */
function quantized(ratio: Expr, zero: Expr | undefined, to: DType, saturate: boolean): Expr {
  const wide = ratio.dtype === 'float64' ? 'float64' : 'float32';
  const value = cast(ratio, wide);
  const moved = (x: Expr): Expr => (zero ? add(x, cast(zero, wide)) : x);
  return isInteger(to) ? cast(moved(unary('rint', value)), to) : convert(moved(value), to, saturate);
}

/** y = saturate(round(x / y_scale) + y_zero_point). The division is in the type of the scale, or in `precision`. */
export const QuantizeLinear = op('QuantizeLinear', {
  inputs: ['x', 'y_scale', 'y_zero_point?'],
  attributes: {
    axis: intAttribute(1),
    block_size: intAttribute(0),
    output_dtype: optionalDtype,
    precision: optionalDtype,
    saturate: intAttribute(1, [0, 1]),
  },
  types: {
    x: typeSet('T1', [...floatTypes, 'int32']),
    y_scale: typeSet('T2', [...scaleTypes, 'int32']),
    y_zero_point: typeSet('T3', quantizedTypes),
  },
  outputs: ['y'],
  since: 25,
  type: ({ x, y_scale, y_zero_point }, attributes, context) => {
    const { output_dtype } = attributes;
    const result = y_zero_point?.dtype ?? output_dtype ?? 'uint8';
    if (output_dtype && output_dtype !== result)
      context.fail(`output_dtype is ${output_dtype} and y_zero_point is ${result}; they must be equal.`);
    if (!quantizedTypes.includes(result)) context.fail(`output_dtype ${result} is no type to quantize to.`);
    checkParameter(y_scale, 'y_scale', x, attributes, context);
    if (y_zero_point) checkParameter(y_zero_point, 'y_zero_point', x, attributes, context);
    return tensorOf(result, x.shape);
  },
  compute: ({ x, y_scale, y_zero_point }, attributes, index, { types }) => {
    const own = attributes.precision ?? y_scale.dtype;
    const precision = isFloat(own) && dtypes[own].bits >= 16 ? own : 'float32';
    const scale = cast(parameterAt(y_scale, x, attributes, index), precision);
    const zero = y_zero_point && parameterAt(y_zero_point, x, attributes, index);
    const ratio = div(cast(x.at(...index), precision), scale);
    return quantized(ratio, zero, types[0]!.dtype, attributes.saturate !== 0);
  },
});

/** y = (x - x_zero_point) * x_scale, in float32. */
export const DequantizeLinear = op('DequantizeLinear', {
  inputs: ['x', 'x_scale', 'x_zero_point?'],
  attributes: { axis: intAttribute(1), block_size: intAttribute(0), output_dtype: optionalDtype },
  types: {
    x: typeSet('T1', [...quantizedTypes, 'int32']),
    x_scale: typeSet('T2', scaleTypes),
    x_zero_point: typeSet('T1', [...quantizedTypes, 'int32']),
  },
  outputs: ['y'],
  since: 25,
  type: ({ x, x_scale, x_zero_point }, attributes, context) => {
    checkParameter(x_scale, 'x_scale', x, attributes, context);
    if (x_zero_point) checkParameter(x_zero_point, 'x_zero_point', x, attributes, context);
    const result = attributes.output_dtype ?? x_scale.dtype;
    if (!floatTypes.includes(result)) context.fail(`the result would be ${result}; set output_dtype to a float type.`);
    return tensorOf(result, x.shape);
  },
  compute: ({ x, x_scale, x_zero_point }, attributes, index, { types }) => {
    const wide: DType = x_scale.dtype === 'float64' ? 'float64' : 'float32';
    const exact: DType = isInteger(x.dtype) ? 'int32' : wide;
    const value = cast(x.at(...index), exact);
    const zero = x_zero_point && cast(parameterAt(x_zero_point, x, attributes, index), exact);
    const centered = cast(zero ? sub(value, zero) : value, wide);
    return cast(mul(centered, cast(parameterAt(x_scale, x, attributes, index), wide)), types[0]!.dtype);
  },
});

/** Chooses scale and zero point of uint8 from the range of the data, which is widened to hold 0. */
export const DynamicQuantizeLinear = op('DynamicQuantizeLinear', {
  inputs: ['x'],
  types: { x: typeSet('T1', ['float32']) },
  outputs: ['y', 'y_scale', 'y_zero_point'],
  since: 11,
  type: ({ x }) => [tensorOf('uint8', x.shape), tensorOf('float32', []), tensorOf('uint8', [])],
  expand: ({ x }, _, g) => {
    const zero = scalarLike(g, x, 0);
    const top = scalarLike(g, x, 255);
    const least = g.apply(Min, [g.apply(ReduceMin, [x], { keepdims: 0 }), zero]);
    const greatest = g.apply(Max, [g.apply(ReduceMax, [x], { keepdims: 0 }), zero]);
    const range = g.apply(Sub, [greatest, least]);
    // Data of nothing but zeros would give a scale of zero.
    const scale = g.apply(Where, [g.apply(Equal, [range, zero]), scalarLike(g, x, 1), g.apply(Div, [range, top])]);
    const start = g.apply(Sub, [zero, g.apply(Div, [least, scale])]);
    const rounded = g.apply(Round, [g.apply(Min, [g.apply(Max, [start, zero]), top])]);
    const zeroPoint = castTo(g, rounded, 'uint8');
    return [g.apply(QuantizeLinear, [x, scale, zeroPoint]), scale, zeroPoint];
  },
});
