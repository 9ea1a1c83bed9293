// Activation functions. NaN passes through all of them.

import { isFloat } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { add, call, cast, constant, div, gt, lt, max, min, mul, neg, select, sub, unary } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { sameSize } from '../../ir/simplify.ts';
import {
  type AttributeSpec,
  type AttributeValues,
  floatAttribute,
  intAttribute,
  stringAttribute,
} from './attributes.ts';
import { type Operand, type Operator, op, type TypeSet } from './define.ts';
import { without, withoutConsumed } from './legacy.ts';
import {
  anyFloat,
  anyNumeric,
  broadcastsTo,
  floatTypes,
  readBroadcast,
  scalarOf,
  signedTypes,
  tensorOf,
  typeSet,
  withTrailingOnes,
} from './types.ts';
import { elementwise } from './unary.ts';

const zeroOf = (x: Expr): Expr => constant(0, x.dtype);
const oneOf = (x: Expr): Expr => constant(1, x.dtype);
const scaled = (factor: number, x: Expr): Expr => mul(x, constant(factor, x.dtype));

/** An activation with numbers as attributes. */
const activation = <A extends Readonly<Record<string, AttributeSpec<number>>>>(
  name: string,
  attributes: A,
  meaning: (x: Expr, attributes: AttributeValues<A>) => Expr,
  accepted: TypeSet = anyFloat,
  since = 22,
): Operator =>
  op<readonly ['X'], A>(name, {
    inputs: ['X'],
    attributes,
    types: { X: accepted },
    since,
    until: { consumed_inputs: 6 },
    upgrade: withoutConsumed,
    type: ({ X }) => tensorOf(X.dtype, X.shape),
    compute: ({ X }, given, index) => meaning(X.at(...index), given),
  });

export const Relu = elementwise('Relu', (x) => max(x, zeroOf(x)), typeSet('T', [...floatTypes, ...signedTypes]), 14);
export const LeakyRelu = activation('LeakyRelu', { alpha: floatAttribute(0.01) }, (x, { alpha }) =>
  select(lt(x, zeroOf(x)), scaled(alpha, x), x),
);
export const ThresholdedRelu = activation('ThresholdedRelu', { alpha: floatAttribute(1) }, (x, { alpha }) =>
  select(gt(x, constant(alpha, x.dtype)), x, zeroOf(x)),
);
export const Elu = activation('Elu', { alpha: floatAttribute(1) }, (x, { alpha }) =>
  select(lt(x, zeroOf(x)), scaled(alpha, call('expm1', x)), x),
);
export const Celu = activation('Celu', { alpha: floatAttribute(1) }, (x, { alpha }) =>
  select(lt(x, zeroOf(x)), scaled(alpha, call('expm1', div(x, constant(alpha, x.dtype)))), x),
);
export const Selu = activation(
  'Selu',
  { alpha: floatAttribute(1.6732632423543772), gamma: floatAttribute(1.0507009873554805) },
  (x, { alpha, gamma }) => select(lt(x, zeroOf(x)), scaled(alpha * gamma, call('expm1', x)), scaled(gamma, x)),
);
export const HardSigmoid = activation(
  'HardSigmoid',
  { alpha: floatAttribute(0.2), beta: floatAttribute(0.5) },
  (x, { alpha, beta }) => unit(add(scaled(alpha, x), constant(beta, x.dtype))),
);
/** The next three are of opset 1 only; ONNX Runtime still takes them. */
export const Affine = activation(
  'Affine',
  { alpha: floatAttribute(1), beta: floatAttribute(0) },
  (x, { alpha, beta }) => add(scaled(alpha, x), constant(beta, x.dtype)),
);
export const ScaledTanh = activation(
  'ScaledTanh',
  { alpha: floatAttribute(1), beta: floatAttribute(1) },
  (x, { alpha, beta }) => scaled(alpha, call('tanh', scaled(beta, x))),
);
export const ParametricSoftplus = activation(
  'ParametricSoftplus',
  { alpha: floatAttribute(1), beta: floatAttribute(1) },
  (x, { alpha, beta }) => scaled(alpha, softplus(scaled(beta, x))),
);
export const HardSwish = elementwise(
  'HardSwish',
  (x) => mul(x, unit(add(scaled(1 / 6, x), constant(0.5, x.dtype)))),
  anyFloat,
  22,
);
/** Clamped to 0 … 1. */
const unit = (x: Expr): Expr => max(min(x, oneOf(x)), zeroOf(x));

/** log(1 + e^x), without overflow. */
export const softplus = (x: Expr): Expr => add(max(x, zeroOf(x)), call('log1p', call('exp', neg(unary('abs', x)))));
export const Softplus = elementwise('Softplus', softplus, anyFloat, 22);
export const Softsign = elementwise('Softsign', (x) => div(x, add(oneOf(x), unary('abs', x))), anyFloat, 22);
export const Mish = elementwise('Mish', (x) => mul(x, call('tanh', softplus(x))), anyFloat, 22);

export const swish = (x: Expr, alpha: number): Expr => mul(x, call('sigmoid', scaled(alpha, x)));
export const Swish = activation('Swish', { alpha: floatAttribute(1) }, (x, { alpha }) => swish(x, alpha), anyFloat, 24);

/** Swish of the gate times the value. */
export const SwiGLU = op('SwiGLU', {
  inputs: ['A', 'B'],
  attributes: { alpha: floatAttribute(1) },
  types: { A: anyFloat, B: anyFloat },
  since: 28,
  type: ({ A, B }, _, context) => {
    const equal = A.rank === B.rank && A.shape.every((extent, axis) => sameSize(extent, B.shape[axis]!));
    if (!equal) context.fail('A and B must have the same shape.');
    return tensorOf(A.dtype, A.shape);
  },
  compute: ({ A, B }, { alpha }, index) => mul(swish(A.at(...index), alpha), B.at(...index)),
});

/** x times the probability that a normal variable is below x. */
export const erfGelu = (x: Expr): Expr => mul(scaled(0.5, x), add(oneOf(x), call('erf', scaled(Math.SQRT1_2, x))));
export function tanhGelu(x: Expr): Expr {
  const cubic = mul(x, add(oneOf(x), scaled(0.044715, mul(x, x))));
  return mul(scaled(0.5, x), add(oneOf(x), call('tanh', scaled(Math.sqrt(2 / Math.PI), cubic))));
}

export const Gelu = op('Gelu', {
  inputs: ['X'],
  attributes: { approximate: stringAttribute('none', ['none', 'tanh']) },
  types: { X: anyFloat },
  since: 20,
  type: ({ X }) => tensorOf(X.dtype, X.shape),
  compute: ({ X }, { approximate }, index) =>
    approximate === 'tanh' ? tanhGelu(X.at(...index)) : erfGelu(X.at(...index)),
});

/** x + bias below -lambd, x - bias above lambd, 0 between. Integers go through float32. */
export const Shrink = activation(
  'Shrink',
  { bias: floatAttribute(0), lambd: floatAttribute(0.5) },
  (given, { bias, lambd }) => {
    const x = isFloat(given.dtype) ? given : cast(given, 'float32');
    const shift = constant(bias, x.dtype);
    const above = select(lt(constant(lambd, x.dtype), x), sub(x, shift), zeroOf(x));
    return cast(select(lt(x, constant(-lambd, x.dtype)), add(x, shift), above), given.dtype);
  },
  anyNumeric,
  9,
);

/** The slope of opset 6 and before has one element for each channel (axis 1). */
const slopeOf = (X: Operand, slope: Operand, channels: boolean): Operand =>
  channels && slope.rank === 1 && X.rank > 2 ? withTrailingOnes(slope, X.rank - 2) : slope;

export const PRelu = op('PRelu', {
  inputs: ['X', 'slope'],
  attributes: { channels: intAttribute(0) },
  types: { X: anyNumeric, slope: anyNumeric },
  since: 16,
  upgrade: (node, opset) =>
    opset < 7 ? { ...node, attributes: { channels: hasOneElement(node.inputs[1]) ? 0 : 1 } } : node,
  type: ({ X, slope }, { channels }, context) => {
    if (!broadcastsTo(slopeOf(X, slope, channels !== 0).shape, X.shape))
      context.fail('slope must broadcast to the shape of X.');
    return tensorOf(X.dtype, X.shape);
  },
  compute: ({ X, slope }, { channels }, index) => {
    const x = X.at(...index);
    return select(lt(x, zeroOf(x)), mul(x, readBroadcast(slopeOf(X, slope, channels !== 0), index, X.shape)), x);
  },
});

const hasOneElement = (value: Value | undefined): boolean =>
  value?.type.kind === 'tensor' && value.type.shape.every((extent) => extent.kind === 'const' && extent.value === 1);

/** min(max(x, low), high): where low is above high, high wins. */
export const Clip = op('Clip', {
  inputs: ['X', 'min?', 'max?'],
  types: { X: anyNumeric, min: anyNumeric, max: anyNumeric },
  since: 13,
  until: { min: 11, max: 11, consumed_inputs: 6 },
  upgrade: (node) => {
    const type = node.inputs[0]?.type;
    const bound = (name: 'min' | 'max', position: number): Value | undefined => {
      const given = node.attributes[name];
      if (typeof given !== 'number' || type?.kind !== 'tensor') return node.inputs[position];
      return node.constant([given], type.dtype, true);
    };
    return {
      ...without(node, 'min', 'max', 'consumed_inputs'),
      inputs: [node.inputs[0], bound('min', 1), bound('max', 2), ...node.inputs.slice(3)],
    };
  },
  type: ({ X, min: low, max: high }, _, context) => {
    for (const bound of [low, high]) {
      if (bound && bound.rank > 1) context.fail(`min and max must be scalars, got rank ${bound.rank}.`);
    }
    return tensorOf(X.dtype, X.shape);
  },
  compute: ({ X, min: low, max: high }, _, index) => {
    const x = X.at(...index);
    const raised = low ? max(x, scalarOf(low)) : x;
    return high ? min(raised, scalarOf(high)) : raised;
  },
});
