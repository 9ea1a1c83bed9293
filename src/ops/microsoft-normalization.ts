// Normalizations of ONNX Runtime's own domain that come with a gate, a skip connection, or the channels last.

import type { Expr } from '../../ir/expr.ts';
import { constantOf, div, int } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { Swish } from './activations.ts';
import { Add, Div, Max, Mul } from './arithmetic.ts';
import { floatAttribute, intAttribute, requiredInt, stringAttribute } from './attributes.ts';
import { center, normalized } from './channel-normalization.ts';
import { castTo, scalarLike, tensorTypeOf, widened } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { RMSNormalization } from './layer-normalization.ts';
import { ReduceSum } from './reductions.ts';
import { Reshape, Unsqueeze } from './reshape.ts';
import { Softmax } from './softmax.ts';
import { anyFloat, broadcastsTo, differ, floatTypes, normalizeAxis, tensorOf, typeSet } from './types.ts';
import { Abs, Sigmoid, Sign, Sqrt } from './unary.ts';

const domain = 'com.microsoft';
const parameters = typeSet('M', floatTypes);

const groupAttributes = {
  activation: intAttribute(0, [0, 1]),
  channels_last: intAttribute(1, [0, 1]),
  epsilon: floatAttribute(1e-5),
  groups: requiredInt,
};

interface GroupAttributes {
  readonly activation: number;
  readonly channels_last: number;
  readonly epsilon: number;
  readonly groups: number;
}

function checkGroups(
  X: Operand,
  vectors: Readonly<Record<string, Operand | undefined>>,
  { channels_last, groups }: GroupAttributes,
  context: TypeContext,
): void {
  if (X.rank < 3) context.fail(`X must have at least rank 3, got ${X.rank}.`);
  const channels = X.shape.at(channels_last ? -1 : 1)!;
  const count = constantOf(channels);
  if (groups < 1 || (count !== undefined && count % groups !== 0)) {
    context.fail(`groups is ${groups}; it must divide the number of channels, ${count ?? 'unknown'}.`);
  }
  for (const [name, vector] of Object.entries(vectors)) {
    if (vector && (vector.rank !== 1 || differ(vector.shape[0]!, channels)))
      context.fail(`${name} must have one element for each of the ${count ?? 'unknown number of'} channels.`);
  }
}

/** A value of [channels], or of [batch, channels], in the layout of a tensor of this rank. */
function inLayout(g: Builder, value: Value, rank: number, channelsLast: boolean): Value {
  const { shape } = tensorTypeOf(value);
  const ones = Array.from({ length: rank - 2 }, () => int(1));
  const [batch, channels] = shape.length === 1 ? [int(1), shape[0]!] : [shape[0]!, shape[1]!];
  const sizes = channelsLast ? [batch, ...ones, channels] : [batch, channels, ...ones];
  return g.apply(Reshape, [value, g.sizes(sizes)], { allowzero: 1 });
}

/** The channels of x, which is wide, normalized in groups; then scaled, moved and activated. */
function groupNormalized(g: Builder, x: Value, gamma: Value, beta: Value, attributes: GroupAttributes): Value {
  const { shape, dtype } = tensorTypeOf(x);
  const last = attributes.channels_last === 1;
  const axis = last ? shape.length - 1 : 1;
  const groups = int(attributes.groups);
  const split = [...shape.slice(0, axis), groups, simplify(div(shape[axis]!, groups)), ...shape.slice(axis + 1)];
  const grouped = g.apply(Reshape, [x, g.sizes(split)], { allowzero: 1 });
  const axes = split.map((_, i) => i).filter((i) => i !== 0 && i !== axis);
  const own = normalized(g, center(g, grouped, g.ints(axes)), attributes.epsilon);
  const flat = g.apply(Reshape, [own, g.sizes(shape)], { allowzero: 1 });
  const parameter = (value: Value): Value => inLayout(g, castTo(g, value, dtype), shape.length, last);
  const result = g.apply(Add, [g.apply(Mul, [flat, parameter(gamma)]), parameter(beta)]);
  return attributes.activation === 1 ? g.apply(Swish, [result]) : result;
}

/** Each group of channels by its own mean and variance; perhaps with x * sigmoid(x) of the result. */
export const GroupNorm = op('GroupNorm', {
  domain,
  inputs: ['X', 'gamma', 'beta'],
  attributes: groupAttributes,
  types: { X: anyFloat, gamma: parameters, beta: parameters },
  type: ({ X, gamma, beta }, attributes, context) => {
    checkGroups(X, { gamma, beta }, attributes, context);
    return tensorOf(X.dtype, X.shape);
  },
  expand: ({ X, gamma, beta }, attributes, g) =>
    castTo(g, groupNormalized(g, widened(g, X), gamma, beta, attributes), tensorTypeOf(X).dtype),
});

/** GroupNorm of X + skip + bias; the second output is that sum. */
export const SkipGroupNorm = op('SkipGroupNorm', {
  domain,
  inputs: ['X', 'gamma', 'beta', 'skip', 'bias?'],
  attributes: groupAttributes,
  types: { X: anyFloat, gamma: parameters, beta: parameters, skip: anyFloat, bias: anyFloat },
  outputs: ['Y', 'S?'],
  type: ({ X, gamma, beta, skip, bias }, attributes, context) => {
    checkGroups(X, { gamma, beta, bias }, attributes, context);
    const pairs = [X.shape[0]!, X.shape.at(attributes.channels_last ? -1 : 1)!];
    const expected = skip.rank === 2 ? pairs : X.shape;
    if ((skip.rank !== 2 && skip.rank !== X.rank) || !broadcastsTo(skip.shape, expected)) {
      context.fail('skip must have the shape of X, perhaps with sizes of 1, or [batch, channels].');
    }
    const own = tensorOf(X.dtype, X.shape);
    return [own, own];
  },
  expand: ({ X, gamma, beta, skip, bias }, attributes, g) => {
    const { dtype, shape } = tensorTypeOf(X);
    const last = attributes.channels_last === 1;
    const placed = (value: Value): Value =>
      tensorTypeOf(value).shape.length === shape.length ? value : inLayout(g, value, shape.length, last);
    const pair = g.apply(Add, [widened(g, X), widened(g, placed(skip))]);
    const sum = bias ? g.apply(Add, [pair, widened(g, placed(bias))]) : pair;
    return [castTo(g, groupNormalized(g, sum, gamma, beta, attributes), dtype), castTo(g, sum, dtype)];
  },
});

/**
 * Softmax over all axes from `axis` on of data + bias. The bias lacks the leading axes of data, or (inner) those just
 * before `axis`.
 */
export const BiasSoftmax = op('BiasSoftmax', {
  domain,
  inputs: ['data', 'bias'],
  attributes: { axis: intAttribute(1), is_inner_broadcast: requiredInt },
  types: { data: anyFloat, bias: anyFloat },
  outputs: ['output'],
  type: ({ data, bias }, { axis, is_inner_broadcast }, context) => {
    const first = normalizeAxis(axis, data.rank, context);
    if (!broadcastsTo(biasShape(bias.shape, data.rank, first, is_inner_broadcast), data.shape)) {
      context.fail('bias must broadcast to the shape of data.');
    }
    return tensorOf(data.dtype, data.shape);
  },
  expand: ({ data, bias }, { axis, is_inner_broadcast }, g) => {
    const { shape, dtype } = tensorTypeOf(data);
    const first = axis < 0 ? axis + shape.length : axis;
    const own = biasShape(tensorTypeOf(bias).shape, shape.length, first, is_inner_broadcast);
    const placed = g.apply(Reshape, [widened(g, bias), g.sizes(own)], { allowzero: 1 });
    const sum = g.apply(Add, [widened(g, data), placed]);
    return castTo(g, g.apply(Softmax, [sum], { axis: first, together: 1 }), dtype);
  },
});

function biasShape(shape: readonly Expr[], rank: number, axis: number, inner: number): readonly Expr[] {
  const missing = rank - shape.length;
  if (!inner || missing <= 0) return shape;
  const leading = Math.max(0, axis - missing);
  return [...shape.slice(0, leading), ...Array.from({ length: missing }, () => int(1)), ...shape.slice(leading)];
}

/** Stretches of the last axis, as long as `scale`, over the root of their mean square; times activation(gate). */
export const GatedRMSNorm = op('GatedRMSNorm', {
  domain,
  inputs: ['X', 'scale', 'gate'],
  attributes: {
    activation: stringAttribute('silu', ['silu', 'swish', 'sigmoid']),
    epsilon: floatAttribute(1e-5),
  },
  types: { X: anyFloat, scale: anyFloat, gate: anyFloat },
  type: ({ X, scale, gate }, _, context) => {
    if (X.rank < 1) context.fail('X must have at least rank 1, got a scalar.');
    if (scale.rank !== 1) context.fail(`scale must have rank 1, got ${scale.rank}.`);
    const [width, own] = [constantOf(X.shape.at(-1)!), constantOf(scale.shape[0]!)];
    if (width !== undefined && own !== undefined && (own === 0 || width % own !== 0)) {
      context.fail(`the last axis of X has extent ${width}; expected a multiple of the ${own} elements of scale.`);
    }
    if (gate.rank !== X.rank || gate.shape.some((extent, i) => differ(extent, X.shape[i]!))) {
      context.fail('gate must have the shape of X.');
    }
    return tensorOf(X.dtype, X.shape);
  },
  expand: ({ X, scale, gate }, { activation, epsilon }, g) => {
    const { dtype, shape } = tensorTypeOf(X);
    const [size] = tensorTypeOf(scale).shape as readonly [Expr];
    const split = g.sizes([...shape.slice(0, -1), simplify(div(shape.at(-1)!, size)), size]);
    const x = g.apply(Reshape, [widened(g, X), split], { allowzero: 1 });
    const own = g.apply(RMSNormalization, [x, widened(g, scale)], { axis: -1, epsilon });
    const flat = g.apply(Reshape, [own, g.sizes(shape)], { allowzero: 1 });
    const opened = g.apply(activation === 'sigmoid' ? Sigmoid : Swish, [widened(g, gate)]);
    return castTo(g, g.apply(Mul, [flat, opened]), dtype);
  },
});

/**
 * gate * value for each hyper-connection, gate = sigmoid(sign(d) * sqrt(max(|d|, 1e-6))), with d the product of the
 * normalized key and query, over sqrt(size). The second output is the normalized first.
 */
export const EngramGate = op('EngramGate', {
  domain,
  inputs: ['key', 'query', 'value', 'key_norm_scale', 'query_norm_scale', 'conv_norm_scale?'],
  attributes: { epsilon: floatAttribute(1e-5) },
  types: {
    key: anyFloat,
    query: anyFloat,
    value: anyFloat,
    key_norm_scale: anyFloat,
    query_norm_scale: anyFloat,
    conv_norm_scale: anyFloat,
  },
  outputs: ['output', 'gated_value_normed?'],
  type: ({ key, query, value, key_norm_scale, query_norm_scale, conv_norm_scale }, _, context) => {
    if (key.rank !== 4) context.fail(`key has rank ${key.rank}; expected 4 (batch, length, connections, size).`);
    const check = (name: string, operand: Operand | undefined, expected: readonly Expr[]): void => {
      if (operand && (operand.rank !== expected.length || operand.shape.some((own, i) => differ(own, expected[i]!))))
        context.fail(`${name} does not fit the shape of key.`);
    };
    check('query', query, key.shape);
    check('value', value, [key.shape[0]!, key.shape[1]!, key.shape[3]!]);
    const scales = { key_norm_scale, query_norm_scale, conv_norm_scale };
    for (const [name, scale] of Object.entries(scales)) check(name, scale, key.shape.slice(2));
    if (context.outputs[1] && !conv_norm_scale) context.fail('gated_value_normed needs conv_norm_scale.');
    const own = tensorOf(key.dtype, key.shape);
    return [own, own];
  },
  expand: ({ key, query, value, key_norm_scale, query_norm_scale, conv_norm_scale }, { epsilon }, g) => {
    const { dtype, shape } = tensorTypeOf(key);
    const rms = (x: Value, scale: Value): Value =>
      g.apply(RMSNormalization, [widened(g, x), widened(g, scale)], { axis: -1, epsilon });
    const product = g.apply(Mul, [rms(key, key_norm_scale), rms(query, query_norm_scale)]);
    const dot = g.apply(ReduceSum, [product, g.ints([-1])]);
    const scaled = g.apply(Div, [dot, g.apply(Sqrt, [castTo(g, g.sizes([shape[3]!]), tensorTypeOf(dot).dtype)])]);
    const root = g.apply(Sqrt, [g.apply(Max, [g.apply(Abs, [scaled]), scalarLike(g, scaled, 1e-6)])]);
    const gate = g.apply(Sigmoid, [g.apply(Mul, [g.apply(Sign, [scaled]), root])]);
    const gated = g.apply(Mul, [gate, widened(g, g.apply(Unsqueeze, [value, g.ints([2])]))]);
    const result = castTo(g, gated, dtype);
    return [result, conv_norm_scale && castTo(g, rms(gated, conv_norm_scale), dtype)];
  },
});
