// Normalizations per channel and per group of channels, and those without parameters.

import type { Expr } from '../../ir/expr.ts';
import { add, cast, constant, constantOf, div, indexVar, int, mul, reduce, select, sub } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { accumulatorType } from './accumulate.ts';
import { Add, Div, Mul, Sub } from './arithmetic.ts';
import { dtypeAttribute, floatAttribute, intAttribute, intsAttribute, requiredInt } from './attributes.ts';
import { castTo, scalarLike, tensorTypeOf, widened } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { withAttributes, withoutConsumed } from './legacy.ts';
import { Equal, Where } from './logic.ts';
import { power } from './power.ts';
import { ReduceL1, ReduceL2, ReduceMean } from './reductions.ts';
import { Reshape } from './reshape.ts';
import { within } from './run-time-operands.ts';
import { anyFloat, differ, normalizeAxes, normalizeAxis, tensorOf } from './types.ts';
import { Reciprocal, Sqrt } from './unary.ts';

const checkParameter = (operand: Operand, name: string, size: Expr, meaning: string, context: TypeContext): void => {
  if (operand.rank !== 1) context.fail(`${name} must have rank 1, got ${operand.rank}.`);
  const found = operand.shape[0]!;
  if (differ(found, size))
    context.fail(`${name} has ${constantOf(found)} elements; X has ${constantOf(size)} ${meaning}.`);
};

const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from }, (_, i) => from + i);

export interface Centered {
  readonly centered: Value;
  /** The mean of the squares of `centered`. */
  readonly variance: Value;
}
export function center(g: Builder, x: Value, axes: Value): Centered {
  const centered = g.apply(Sub, [x, g.apply(ReduceMean, [x, axes], { noop_with_empty_axes: 1 })]);
  const variance = g.apply(ReduceMean, [g.apply(Mul, [centered, centered]), axes], { noop_with_empty_axes: 1 });
  return { centered, variance };
}

export const normalized = (g: Builder, { centered, variance }: Centered, epsilon: number): Value => {
  const raised = g.apply(Add, [variance, scalarLike(g, variance, epsilon)]);
  return g.apply(Mul, [centered, g.apply(Reciprocal, [g.apply(Sqrt, [raised])])]);
};

/** The one-dimensional parameter along axis 1 of a tensor of this rank. */
function alongChannels(g: Builder, parameter: Value, rank: number): Value {
  const [count] = tensorTypeOf(parameter).shape;
  return g.apply(Reshape, [parameter, g.sizes([count!, ...range(2, rank).map(() => int(1))])], { allowzero: 1 });
}

/** Each channel of each image by its own mean and variance. */
export const InstanceNormalization = op('InstanceNormalization', {
  inputs: ['input', 'scale', 'B'],
  attributes: { epsilon: floatAttribute(1e-5) },
  types: { input: anyFloat, scale: anyFloat, B: anyFloat },
  outputs: ['output'],
  since: 22,
  until: { consumed_inputs: 6 },
  upgrade: withoutConsumed,
  type: ({ input, scale, B }, _, context) => {
    if (input.rank < 2) context.fail(`input must have at least rank 2, got ${input.rank}.`);
    checkParameter(scale, 'scale', input.shape[1]!, 'channels', context);
    checkParameter(B, 'B', input.shape[1]!, 'channels', context);
    return tensorOf(input.dtype, input.shape);
  },
  expand: ({ input, scale, B }, { epsilon }, g) => {
    const { dtype, shape } = tensorTypeOf(input);
    const own = normalized(g, center(g, widened(g, input), g.ints(range(2, shape.length))), epsilon);
    const parameter = (value: Value): Value => alongChannels(g, widened(g, value), shape.length);
    return castTo(g, g.apply(Add, [g.apply(Mul, [own, parameter(scale)]), parameter(B)]), dtype);
  },
});

/** Each group of channels of each image. Before opset 21, scale and bias had one element for each group. */
export const GroupNormalization = op('GroupNormalization', {
  inputs: ['X', 'scale', 'bias'],
  attributes: {
    epsilon: floatAttribute(1e-5),
    num_groups: requiredInt,
    stash_type: dtypeAttribute('float32'),
    parameters_per_group: intAttribute(0),
  },
  types: { X: anyFloat, scale: anyFloat, bias: anyFloat },
  since: 21,
  upgrade: (node, opset) => (opset < 21 ? withAttributes(node, { parameters_per_group: 1 }) : node),
  type: ({ X, scale, bias }, attributes, context) => {
    if (X.rank < 2) context.fail(`X must have at least rank 2, got ${X.rank}.`);
    const channels = X.shape[1]!;
    const groups = attributes.num_groups;
    const count = constantOf(channels);
    if (groups < 1 || (count !== undefined && count % groups !== 0))
      context.fail(`num_groups is ${groups}; it must divide the number of channels, ${count ?? 'unknown'}.`);
    const size = attributes.parameters_per_group ? int(groups) : channels;
    const meaning = attributes.parameters_per_group ? 'groups' : 'channels';
    checkParameter(scale, 'scale', size, meaning, context);
    checkParameter(bias, 'bias', size, meaning, context);
    return tensorOf(X.dtype, X.shape);
  },
  expand: ({ X, scale, bias }, attributes, g) => {
    const { dtype, shape } = tensorTypeOf(X);
    const wide = dtype === 'float64' ? dtype : attributes.stash_type;
    const groups = int(attributes.num_groups);
    const [batch, channels, ...positions] = shape;
    // The positions keep their axes: flattened ones would have to be divided again.
    const grouped = g.sizes([batch!, groups, div(channels!, groups), ...positions]);
    const x = g.apply(Reshape, [castTo(g, X, wide), grouped], { allowzero: 1 });
    const own = normalized(g, center(g, x, g.ints(range(2, shape.length + 1))), attributes.epsilon);
    const ungrouped = (value: Value): Value => g.apply(Reshape, [value, g.sizes(shape)], { allowzero: 1 });
    const scaledBy = (value: Value, rank: number): Value => {
      const product = g.apply(Mul, [value, alongChannels(g, castTo(g, scale, wide), rank)]);
      return g.apply(Add, [product, alongChannels(g, castTo(g, bias, wide), rank)]);
    };
    const result = attributes.parameters_per_group
      ? ungrouped(scaledBy(own, shape.length + 1))
      : scaledBy(ungrouped(own), shape.length);
    return castTo(g, result, dtype);
  },
});

/** (X - mean) / (deviation + 1e-9) over the given axes. */
export const MeanVarianceNormalization = op('MeanVarianceNormalization', {
  inputs: ['X'],
  attributes: { axes: intsAttribute([0, 2, 3]) },
  types: { X: anyFloat },
  since: 13,
  type: ({ X }, { axes }, context) => {
    for (const axis of axes) normalizeAxis(axis, X.rank, context, 'axes');
    return tensorOf(X.dtype, X.shape);
  },
  expand: ({ X }, { axes }, g) => {
    const { dtype, shape } = tensorTypeOf(X);
    const { centered, variance } = center(g, widened(g, X), g.ints(normalizeAxes(axes, shape.length)));
    const deviation = g.apply(Add, [g.apply(Sqrt, [variance]), scalarLike(g, variance, 1e-9)]);
    return castTo(g, g.apply(Div, [centered, deviation]), dtype);
  },
});

/** X divided by its norm along an axis; zeros stay zeros. */
export const LpNormalization = op('LpNormalization', {
  inputs: ['input'],
  attributes: { axis: intAttribute(-1), p: intAttribute(2, [1, 2]) },
  types: { input: anyFloat },
  outputs: ['output'],
  since: 22,
  type: ({ input }, { axis }, context) => {
    normalizeAxis(axis, input.rank, context);
    return tensorOf(input.dtype, input.shape);
  },
  expand: ({ input }, { axis, p }, g) => {
    const { dtype } = tensorTypeOf(input);
    const x = widened(g, input);
    const norm = g.apply(p === 1 ? ReduceL1 : ReduceL2, [x, g.ints([axis])]);
    const isZero = g.apply(Equal, [norm, scalarLike(g, norm, 0)]);
    return castTo(g, g.apply(Div, [x, g.apply(Where, [isZero, scalarLike(g, norm, 1), norm])]), dtype);
  },
});

/** Y = X / (bias + alpha / size * sum of squares over `size` neighbouring channels) ^ beta. */
export const LRN = op('LRN', {
  inputs: ['X'],
  attributes: {
    alpha: floatAttribute(1e-4),
    beta: floatAttribute(0.75),
    bias: floatAttribute(1),
    size: requiredInt,
  },
  types: { X: anyFloat },
  since: 13,
  type: ({ X }, { size }, context) => {
    if (X.rank < 2) context.fail(`X must have at least rank 2, got ${X.rank}.`);
    if (size < 1) context.fail(`size must be positive, got ${size}.`);
    return tensorOf(X.dtype, X.shape);
  },
  compute: ({ X }, { alpha, beta, bias, size }, index): Expr => {
    const wide = accumulatorType(X.dtype);
    const number = (value: number): Expr => constant(value, wide);
    const offset = indexVar('w', size);
    const channel = add(index[1]!, sub(offset, int(Math.floor((size - 1) / 2))));
    const inside = within(channel, X.shape[1]!);
    const neighbour = cast(X.at(index[0]!, channel, ...index.slice(2)), wide);
    const sum = reduce('sum', [offset], select(inside, mul(neighbour, neighbour), number(0)));
    const scale = power(add(number(bias), mul(number(alpha / size), sum)), number(beta));
    return cast(div(cast(X.at(...index), wide), scale), X.dtype);
  },
});
