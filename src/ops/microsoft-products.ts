// Products of ONNX Runtime's own domain that are more than FusedMatMul: with an activation behind, and with a sparse
// factor, which is dense by the time that a run sees it.

import type { Value } from '../../ir/graph.ts';
import { floatAttribute, intAttribute, optionalFloat, requiredString } from './attributes.ts';
import { type Builder, op } from './define.ts';
import { activations } from './fused-conv.ts';
import { fusedProduct, fusedProductAttributes, fusedProductShape } from './fused-matmul.ts';
import { Hardmax, LogSoftmax, Softmax } from './softmax.ts';
import { anyFloat, anyNumeric, normalizeAxis, tensorOf } from './types.ts';

const domain = 'com.microsoft';
const alongAxis = { Hardmax, LogSoftmax, Softmax } as const;
const isAlongAxis = (name: string): name is keyof typeof alongAxis => Object.hasOwn(alongAxis, name);

interface ActivationParameters {
  readonly activation: string;
  readonly activation_alpha: number | undefined;
  readonly activation_axis: number;
  readonly activation_beta: number | undefined;
  readonly activation_gamma: number | undefined;
}

function activated(g: Builder, value: Value, given: ActivationParameters): Value {
  const { activation, activation_alpha, activation_beta, activation_gamma, activation_axis } = given;
  if (isAlongAxis(activation)) return g.apply(alongAxis[activation], [value], { axis: activation_axis });
  const all = [activation_alpha, activation_beta, activation_gamma];
  const count = all.findLastIndex((parameter) => parameter !== undefined) + 1;
  return activations[activation]!(
    value,
    all.slice(0, count).map((parameter) => parameter ?? 0),
    g,
  );
}

/** A FusedMatMul and an activation. */
export const FusedMatMulActivation = op('FusedMatMulActivation', {
  domain,
  inputs: ['A', 'B'],
  attributes: {
    ...fusedProductAttributes,
    activation: requiredString,
    activation_alpha: optionalFloat,
    activation_axis: intAttribute(-1),
    activation_beta: optionalFloat,
    activation_gamma: optionalFloat,
  },
  types: { A: anyFloat, B: anyFloat },
  type: ({ A, B }, given, context) => {
    const legal = [...Object.keys(activations), ...Object.keys(alongAxis)].sort();
    if (!legal.includes(given.activation)) {
      context.fail(`activation is ${given.activation}; legal are ${legal.join(', ')}.`);
    }
    const shape = fusedProductShape(A, B, given, context);
    if (isAlongAxis(given.activation)) normalizeAxis(given.activation_axis, shape.length, context, 'activation_axis');
    return tensorOf(A.dtype, shape);
  },
  expand: ({ A, B }, given, g) => activated(g, fusedProduct(g, A, B, given), given),
});

/** alpha * A' * B', where A came as a list of its elements that are not zero. */
export const SparseToDenseMatMul = op('SparseToDenseMatMul', {
  domain,
  inputs: ['A', 'B'],
  attributes: { alpha: floatAttribute(1), transA: intAttribute(0), transB: intAttribute(0) },
  types: { A: anyNumeric, B: anyNumeric },
  type: ({ A, B }, given, context) => {
    if (A.rank !== 2 || B.rank !== 2) context.fail(`A and B must have rank 2, got ${A.rank} and ${B.rank}.`);
    return tensorOf(A.dtype, fusedProductShape(A, B, { ...given, transBatchA: 0, transBatchB: 0 }, context));
  },
  expand: ({ A, B }, given, g) => fusedProduct(g, A, B, { ...given, transBatchA: 0, transBatchB: 0 }),
});
