// FusedConv of ONNX Runtime (com.microsoft): a Conv, a tensor added to it, and an activation.

import type { Value } from '../../ir/graph.ts';
import {
  Affine,
  Elu,
  HardSigmoid,
  LeakyRelu,
  ParametricSoftplus,
  Relu,
  ScaledTanh,
  Softplus,
  Softsign,
  ThresholdedRelu,
} from './activations.ts';
import { Add, Max, Min } from './arithmetic.ts';
import { optionalFloats, optionalString } from './attributes.ts';
import { scalarLike } from './compose.ts';
import { Conv, convolutionAttributes, convolutionType } from './convolution.ts';
import { type Builder, op } from './define.ts';
import { anyFloat } from './types.ts';
import { Sigmoid, Tanh } from './unary.ts';

type Activation = (value: Value, parameters: readonly number[], g: Builder) => Value;

export const activations: Readonly<Record<string, Activation | undefined>> = {
  Affine: (value, [alpha = 1, beta = 0], g) => g.apply(Affine, [value], { alpha, beta }),
  Elu: (value, [alpha = 1], g) => g.apply(Elu, [value], { alpha }),
  ParametricSoftplus: (value, [alpha, beta], g) => g.apply(ParametricSoftplus, [value], { alpha, beta }),
  ScaledTanh: (value, [alpha, beta], g) => g.apply(ScaledTanh, [value], { alpha, beta }),
  Softplus: (value, _, g) => g.apply(Softplus, [value]),
  Softsign: (value, _, g) => g.apply(Softsign, [value]),
  ThresholdedRelu: (value, [alpha = 1], g) => g.apply(ThresholdedRelu, [value], { alpha }),
  Relu: (value, _, g) => g.apply(Relu, [value]),
  Tanh: (value, _, g) => g.apply(Tanh, [value]),
  Sigmoid: (value, _, g) => g.apply(Sigmoid, [value]),
  LeakyRelu: (value, [alpha = 0.01], g) => g.apply(LeakyRelu, [value], { alpha }),
  HardSigmoid: (value, [alpha = 0.2, beta = 0.5], g) => g.apply(HardSigmoid, [value], { alpha, beta }),
  Clip: (value, [low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY], g) => {
    const raised = g.apply(Max, [value, scalarLike(g, value, low)]);
    return g.apply(Min, [raised, scalarLike(g, value, high)]);
  },
};

export const FusedConv = op('FusedConv', {
  domain: 'com.microsoft',
  inputs: ['X', 'W', 'B?', 'Z?'],
  attributes: { ...convolutionAttributes, activation: optionalString, activation_params: optionalFloats },
  types: { X: anyFloat, W: anyFloat, B: anyFloat, Z: anyFloat },
  type: ({ X, W }, attributes, context) => {
    const { activation } = attributes;
    if (activation && !activations[activation]) {
      context.fail(`activation is ${activation}; legal are ${Object.keys(activations).join(', ')}.`);
    }
    return convolutionType(X, W, attributes, context);
  },
  expand: ({ X, W, B, Z }, { activation, activation_params, ...attributes }, g) => {
    const sum = g.apply(Conv, [X, W, B], attributes);
    const added = Z ? g.apply(Add, [sum, Z]) : sum;
    const activate = activation ? activations[activation] : undefined;
    return activate ? activate(added, activation_params ?? [], g) : added;
  },
});
