// The activation functions of recurrent layers, by the names and with the parameters that ONNX gives them.

import type { Value } from '../../ir/graph.ts';
import { Clip, Elu, HardSigmoid, LeakyRelu, Relu, Softplus, Softsign, ThresholdedRelu } from './activations.ts';
import { Add, Mul } from './arithmetic.ts';
import { scalarLike } from './compose.ts';
import type { Builder, TypeContext } from './define.ts';
import { Sigmoid, Tanh } from './unary.ts';

interface Parameters {
  readonly alpha: number;
  readonly beta: number;
}

interface Form {
  /** Defaults of the parameters that the function has. */
  readonly alpha?: number;
  readonly beta?: number;
  readonly apply: (g: Builder, x: Value, parameters: Parameters) => Value;
}

const scaled = (g: Builder, x: Value, factor: number): Value => g.apply(Mul, [x, scalarLike(g, x, factor)]);

const forms: Readonly<Record<string, Form>> = {
  relu: { apply: (g, x) => g.apply(Relu, [x]) },
  tanh: { apply: (g, x) => g.apply(Tanh, [x]) },
  sigmoid: { apply: (g, x) => g.apply(Sigmoid, [x]) },
  softsign: { apply: (g, x) => g.apply(Softsign, [x]) },
  softplus: { apply: (g, x) => g.apply(Softplus, [x]) },
  affine: {
    alpha: 1,
    beta: 0,
    apply: (g, x, { alpha, beta }) => g.apply(Add, [scaled(g, x, alpha), scalarLike(g, x, beta)]),
  },
  leakyrelu: { alpha: 0.01, apply: (g, x, { alpha }) => g.apply(LeakyRelu, [x], { alpha }) },
  thresholdedrelu: { alpha: 1, apply: (g, x, { alpha }) => g.apply(ThresholdedRelu, [x], { alpha }) },
  scaledtanh: {
    alpha: 1,
    beta: 1,
    apply: (g, x, { alpha, beta }) => scaled(g, g.apply(Tanh, [scaled(g, x, beta)]), alpha),
  },
  hardsigmoid: {
    alpha: 0.2,
    beta: 0.5,
    apply: (g, x, { alpha, beta }) => g.apply(HardSigmoid, [x], { alpha, beta }),
  },
  elu: { alpha: 1, apply: (g, x, { alpha }) => g.apply(Elu, [x], { alpha }) },
};

export interface ActivationAttributes {
  readonly activations: readonly string[] | undefined;
  readonly activation_alpha: readonly number[] | undefined;
  readonly activation_beta: readonly number[] | undefined;
  readonly clip: number | undefined;
}

export function checkActivations(given: ActivationAttributes, count: number, context: TypeContext): void {
  const { activations, clip } = given;
  if (clip !== undefined && !(clip >= 0)) context.fail(`clip is ${clip}; expected no negative threshold.`);
  if (!activations) return;
  if (activations.length !== count) {
    context.fail(`activations has ${activations.length} names; expected ${count}.`);
  }
  const unknown = activations.find((name) => !(name.toLowerCase() in forms));
  if (unknown !== undefined) context.fail(`activation ${JSON.stringify(unknown)} is not known.`);
}

export interface Activation {
  /** Of the input as it is: cell states are not clipped on their way out, as in ONNX Runtime. */
  plain(g: Builder, x: Value): Value;
  /** Of the input, clipped where the node says so. */
  clipped(g: Builder, x: Value): Value;
}

/** Parameters are handed out in order, only to the functions that have them. */
export function activationsOf(given: ActivationAttributes, defaults: readonly string[]): readonly Activation[] {
  const alphas = [...(given.activation_alpha ?? [])];
  const betas = [...(given.activation_beta ?? [])];
  const { clip } = given;
  return (given.activations ?? defaults).map((name) => {
    const form = forms[name.toLowerCase()]!;
    const alpha = form.alpha === undefined ? 0 : (alphas.shift() ?? form.alpha);
    const beta = form.beta === undefined ? 0 : (betas.shift() ?? form.beta);
    const plain: Activation['plain'] = (g, x) => form.apply(g, x, { alpha, beta });
    return { plain, clipped: (g, x) => plain(g, clip === undefined ? x : limited(g, x, clip)) };
  });
}

const limited = (g: Builder, x: Value, limit: number): Value =>
  g.apply(Clip, [x, scalarLike(g, x, -limit), scalarLike(g, x, limit)]);
