// Normalizations over the last axes: LayerNormalization and RMSNormalization.

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { int } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { Add, Mul, Sub } from './arithmetic.ts';
import { dtypeAttribute, floatAttribute, intAttribute } from './attributes.ts';
import { castTo, scalarLike, tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { ReduceMean } from './reductions.ts';
import { anyFloat, broadcastsTo, floatTypes, normalizeAxis, tensorOf, typeSet } from './types.ts';
import { Reciprocal, Sqrt } from './unary.ts';

const attributes = {
  axis: intAttribute(-1),
  epsilon: floatAttribute(1e-5),
  stash_type: dtypeAttribute('float32'),
};

/** Scale and bias broadcast to X, and only in that direction. */
function checkBroadcastsTo(X: Operand, operand: Operand | undefined, name: string, context: TypeContext): void {
  if (operand && !broadcastsTo(operand.shape, X.shape)) context.fail(`${name} must broadcast to the shape of X.`);
}

const axesFrom = (axis: number, rank: number): readonly number[] => {
  const first = axis < 0 ? axis + rank : axis;
  return Array.from({ length: rank - first }, (_, i) => first + i);
};

/** Statistics of float64 data are not narrowed. */
const stashType = (dtype: DType, stash: DType): DType => (dtype === 'float64' ? dtype : stash);

/** 1 / sqrt(mean of squares + epsilon). */
function inverseDeviation(g: Builder, x: Value, axes: Value, epsilon: number): Value {
  const variance = g.apply(ReduceMean, [g.apply(Mul, [x, x]), axes], { noop_with_empty_axes: 1 });
  return g.apply(Reciprocal, [g.apply(Sqrt, [g.apply(Add, [variance, scalarLike(g, x, epsilon)])])]);
}

/** Y = (X - mean) / sqrt(variance + epsilon) * Scale + B over the axes from `axis` on. */
export const LayerNormalization = op('LayerNormalization', {
  inputs: ['X', 'Scale', 'B?'],
  attributes,
  types: { X: anyFloat, Scale: typeSet('S', floatTypes), B: typeSet('S', floatTypes) },
  outputs: ['Y', 'Mean?', 'InvStdDev?'],
  since: 17,
  type: ({ X, Scale, B }, { axis, stash_type }, context) => {
    const first = normalizeAxis(axis, X.rank, context);
    checkBroadcastsTo(X, Scale, 'Scale', context);
    checkBroadcastsTo(X, B, 'B', context);
    const shape = X.shape.map((extent, i): Expr => (i < first ? extent : int(1)));
    const statistics = tensorOf(stashType(X.dtype, stash_type), shape);
    return [tensorOf(X.dtype, X.shape), statistics, statistics];
  },
  expand: ({ X, Scale, B }, { axis, epsilon, stash_type }, g) => {
    const { dtype, shape } = tensorTypeOf(X);
    const x = castTo(g, X, stashType(dtype, stash_type));
    const axes = g.ints(axesFrom(axis, shape.length));
    const mean = g.apply(ReduceMean, [x, axes], { noop_with_empty_axes: 1 });
    const centered = g.apply(Sub, [x, mean]);
    const inverse = inverseDeviation(g, centered, axes, epsilon);
    return [scaled(g, g.apply(Mul, [centered, inverse]), Scale, B, dtype), mean, inverse];
  },
});

/** Scale and bias are applied before the result is rounded to its type. */
function scaled(g: Builder, normalized: Value, scale: Value, bias: Value | undefined, dtype: DType): Value {
  const wide = tensorTypeOf(normalized).dtype;
  const product = g.apply(Mul, [normalized, castTo(g, scale, wide)]);
  return castTo(g, bias ? g.apply(Add, [product, castTo(g, bias, wide)]) : product, dtype);
}

/** Y = X / sqrt(mean of X² + epsilon) * scale over the axes from `axis` on. */
export const RMSNormalization = op('RMSNormalization', {
  inputs: ['X', 'scale'],
  attributes,
  types: { X: anyFloat, scale: typeSet('V', floatTypes) },
  since: 23,
  type: ({ X, scale }, { axis }, context) => {
    normalizeAxis(axis, X.rank, context);
    checkBroadcastsTo(X, scale, 'scale', context);
    return tensorOf(scale.dtype, X.shape);
  },
  expand: ({ X, scale }, given, g) => rootMeanSquare(g, X, scale, given)[0],
});

interface Normalization {
  readonly axis: number;
  readonly epsilon: number;
  readonly stash_type: DType;
}

/** The normalized value and 1 / sqrt(mean of squares + epsilon). */
function rootMeanSquare(
  g: Builder,
  X: Value,
  scale: Value,
  { axis, epsilon, stash_type }: Normalization,
): readonly [Value, Value] {
  const { dtype, shape } = tensorTypeOf(X);
  const x = castTo(g, X, stashType(dtype, stash_type));
  const inverse = inverseDeviation(g, x, g.ints(axesFrom(axis, shape.length)), epsilon);
  return [scaled(g, g.apply(Mul, [x, inverse]), scale, undefined, tensorTypeOf(scale).dtype), inverse];
}

/** What ONNX Runtime called RMSNormalization before the standard had it. */
export const SimplifiedLayerNormalization = op('SimplifiedLayerNormalization', {
  inputs: ['X', 'scale'],
  attributes,
  types: { X: anyFloat, scale: typeSet('V', floatTypes) },
  outputs: ['Y', 'inv_std_var?'],
  type: ({ X, scale }, { axis, stash_type }, context) => {
    const first = normalizeAxis(axis, X.rank, context);
    checkBroadcastsTo(X, scale, 'scale', context);
    const statistics = X.shape.map((extent, i): Expr => (i < first ? extent : int(1)));
    return [tensorOf(scale.dtype, X.shape), tensorOf(stashType(X.dtype, stash_type), statistics)];
  },
  expand: ({ X, scale }, given, g) => rootMeanSquare(g, X, scale, given),
});

/** The normalization of input + skip + bias over the last axis; output 3 is that sum. */
const skipType = (
  { input, skip, gamma, beta, bias }: Readonly<Record<string, Operand | undefined>>,
  context: TypeContext,
) => {
  const X = input!;
  for (const [name, operand] of Object.entries({ skip, gamma, beta, bias }))
    checkBroadcastsTo(X, operand, name, context);
  const wide = X.dtype === 'float64' ? 'float64' : 'float32';
  const statistics = tensorOf(wide, [...X.shape.slice(0, -1), int(1)]);
  return [tensorOf(X.dtype, X.shape), statistics, statistics, tensorOf(X.dtype, X.shape)];
};

function skipSum(g: Builder, input: Value, skip: Value, bias: Value | undefined): Value {
  const wide = tensorTypeOf(input).dtype === 'float64' ? 'float64' : 'float32';
  const sum = g.apply(Add, [castTo(g, input, wide), castTo(g, skip, wide)]);
  return bias ? g.apply(Add, [sum, castTo(g, bias, wide)]) : sum;
}

export const SkipLayerNormalization = op('SkipLayerNormalization', {
  domain: 'com.microsoft',
  inputs: ['input', 'skip', 'gamma', 'beta?', 'bias?'],
  attributes: { epsilon: floatAttribute(1e-12) },
  types: { input: anyFloat, skip: anyFloat, gamma: anyFloat, beta: anyFloat, bias: anyFloat },
  outputs: ['output', 'mean?', 'inv_std_var?', 'input_skip_bias_sum?'],
  type: (inputs, _, context) => skipType(inputs, context),
  expand: ({ input, skip, gamma, beta, bias }, { epsilon }, g) => {
    const { dtype } = tensorTypeOf(input);
    const sum = skipSum(g, input, skip, bias);
    const parameters = [gamma, beta].map((value) => value && castTo(g, value, tensorTypeOf(sum).dtype));
    const [Y, mean, inverse] = g.applyAll(LayerNormalization, [sum, ...parameters], { epsilon });
    return [castTo(g, Y!, dtype), mean, inverse, castTo(g, sum, dtype)];
  },
});

export const SkipSimplifiedLayerNormalization = op('SkipSimplifiedLayerNormalization', {
  domain: 'com.microsoft',
  inputs: ['input', 'skip', 'gamma', 'bias?'],
  attributes: { epsilon: floatAttribute(1e-5) },
  types: { input: anyFloat, skip: anyFloat, gamma: anyFloat, bias: anyFloat },
  outputs: ['output', 'mean?', 'inv_std_var?', 'input_skip_bias_sum?'],
  type: (inputs, _, context) => skipType(inputs, context),
  expand: ({ input, skip, gamma, bias }, { epsilon }, g) => {
    const { dtype } = tensorTypeOf(input);
    const sum = skipSum(g, input, skip, bias);
    const scale = castTo(g, gamma, tensorTypeOf(sum).dtype);
    const [Y, inverse] = rootMeanSquare(g, sum, scale, { axis: -1, epsilon, stash_type: 'float32' });
    // The mean is not subtracted here, and not computed by ONNX Runtime either.
    return [castTo(g, Y, dtype), inverse, inverse, castTo(g, sum, dtype)];
  },
});
