// Products of ONNX Runtime's own domain fused with what is around them: normalized input, several matrices of few bits,
// activations, scales of float8.

import type { Expr } from '../../ir/expr.ts';
import { constantOf, int } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { Relu, Swish } from './activations.ts';
import { Mul } from './arithmetic.ts';
import {
  dtypeAttribute,
  floatAttribute,
  intAttribute,
  requiredInt,
  requiredString,
  stringAttribute,
} from './attributes.ts';
import { MatMulNBits } from './block-quantized.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, type Operator, op, type TypeContext } from './define.ts';
import { FastGelu, MicrosoftGelu } from './fused-activations.ts';
import { SimplifiedLayerNormalization, SkipSimplifiedLayerNormalization } from './layer-normalization.ts';
import { checkDepth, Gemm } from './matmul.ts';
import { anyFloat, broadcastsTo, differ, floatTypes, requireOneElement, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';
const packed = typeSet('T2', ['uint8']);

const gateActivations: Readonly<Record<string, Operator>> = {
  silu: Swish,
  swish: Swish,
  gelu: MicrosoftGelu,
  relu: Relu,
};

const shared = {
  K: requiredInt,
  accuracy_level: intAttribute(0),
  bits: intAttribute(4, [2, 4, 8]),
  block_size: requiredInt,
  epsilon: floatAttribute(1e-5),
};

interface Shared {
  readonly K: number;
  readonly accuracy_level: number;
  readonly bits: number;
  readonly block_size: number;
  readonly epsilon: number;
}

/** The input normalized by its root mean square, if there is a scale, perhaps after a skip; and the sum with it. */
function normalizedInput(
  g: Builder,
  A: Value,
  skip: Value | undefined,
  scale: Value | undefined,
  epsilon: number,
): readonly [Value, Value | undefined] {
  if (!scale) return [A, undefined];
  if (!skip) return [g.apply(SimplifiedLayerNormalization, [A, scale], { axis: -1, epsilon }), undefined];
  const outputs = [true, false, false, true];
  const results = g.applyAll(SkipSimplifiedLayerNormalization, [A, skip, scale], { epsilon }, { outputs });
  return [results[0]!, results[3]];
}

function checkInput(
  A: Operand,
  skip: Operand | undefined,
  scale: Operand | undefined,
  K: number,
  context: TypeContext,
): void {
  if (A.rank < 1 || differ(A.shape.at(-1)!, int(K)))
    context.fail(`A has ${constantOf(A.shape.at(-1) ?? int(0))} columns; K is ${K}.`);
  if (skip && !scale) context.fail('skip needs norm_scale.');
  if (skip && !broadcastsTo(skip.shape, A.shape)) context.fail('skip must have the shape of A.');
  if (scale && (scale.rank !== 1 || differ(scale.shape[0]!, int(K))))
    context.fail(`norm_scale must have ${K} elements.`);
}

/** A matrix, its scales and its bias are checked as MatMulNBits checks them. */
function projectionType(
  [A, B, scales, bias]: readonly [Operand, Operand, Operand, Operand | undefined],
  N: number,
  { K, accuracy_level, bits, block_size }: Shared,
  context: TypeContext,
) {
  const given = { A, B, scales, ...(bias ? { bias } : {}) };
  return MatMulNBits.type(given as never, { K, N, accuracy_level, bits, block_size } as never, context);
}

function projected(
  g: Builder,
  [A, B, scales, bias]: readonly [Value, Value, Value, Value | undefined],
  N: number,
  { K, accuracy_level, bits, block_size }: Shared,
): Value {
  return g.apply(MatMulNBits, [A, B, scales, undefined, undefined, bias], { K, N, accuracy_level, bits, block_size });
}

/** activation(A × gate' + bias) * (A × up' + bias). */
export const MatMulNBitsMlp = op('MatMulNBitsMlp', {
  domain,
  inputs: ['A', 'skip?', 'norm_scale?', 'gate_B', 'gate_scales', 'gate_bias?', 'up_B', 'up_scales', 'up_bias?'],
  attributes: { ...shared, N: requiredInt, activation: { ...requiredString, oneOf: Object.keys(gateActivations) } },
  types: {
    A: anyFloat,
    skip: anyFloat,
    norm_scale: anyFloat,
    gate_B: packed,
    gate_scales: anyFloat,
    gate_bias: anyFloat,
    up_B: packed,
    up_scales: anyFloat,
    up_bias: anyFloat,
  },
  outputs: ['Y', 'input_skip_bias_sum?'],
  type: (inputs, attributes, context) => {
    const { A, skip, norm_scale } = inputs;
    checkInput(A, skip, norm_scale, attributes.K, context);
    if (context.outputs[1] && !skip) context.fail('the output input_skip_bias_sum needs skip.');
    projectionType([A, inputs.up_B, inputs.up_scales, inputs.up_bias], attributes.N, attributes, context);
    projectionType([A, inputs.gate_B, inputs.gate_scales, inputs.gate_bias], attributes.N, attributes, context);
    const shape = [...A.shape.slice(0, -1), int(attributes.N)];
    return [tensorOf(A.dtype, shape), tensorOf(A.dtype, A.shape)];
  },
  expand: (inputs, attributes, g) => {
    const [A, sum] = normalizedInput(g, inputs.A, inputs.skip, inputs.norm_scale, attributes.epsilon);
    const gate = projected(g, [A, inputs.gate_B, inputs.gate_scales, inputs.gate_bias], attributes.N, attributes);
    const up = projected(g, [A, inputs.up_B, inputs.up_scales, inputs.up_bias], attributes.N, attributes);
    const opened = g.apply(gateActivations[attributes.activation]!, [gate]);
    return [g.apply(Mul, [opened, up]), sum];
  },
});

/** Queries, keys and values as products of one normalized input. */
export const MatMulNBitsQkv = op('MatMulNBitsQkv', {
  domain,
  inputs: [
    'A',
    'skip?',
    'norm_scale',
    'q_B',
    'q_scales',
    'q_bias?',
    'k_B',
    'k_scales',
    'k_bias?',
    'v_B',
    'v_scales',
    'v_bias?',
  ],
  attributes: { ...shared, Nq: requiredInt, Nkv: requiredInt },
  types: {
    A: anyFloat,
    skip: anyFloat,
    norm_scale: anyFloat,
    q_B: packed,
    q_scales: anyFloat,
    q_bias: anyFloat,
    k_B: packed,
    k_scales: anyFloat,
    k_bias: anyFloat,
    v_B: packed,
    v_scales: anyFloat,
    v_bias: anyFloat,
  },
  outputs: ['Q', 'K', 'V', 'input_skip_bias_sum?'],
  type: (inputs, attributes, context) => {
    const { A, skip, norm_scale } = inputs;
    const { K, Nq, Nkv } = attributes;
    checkInput(A, skip, norm_scale, K, context);
    if (context.outputs[3] && !skip) context.fail('the output input_skip_bias_sum needs skip.');
    projectionType([A, inputs.q_B, inputs.q_scales, inputs.q_bias], Nq, attributes, context);
    projectionType([A, inputs.k_B, inputs.k_scales, inputs.k_bias], Nkv, attributes, context);
    projectionType([A, inputs.v_B, inputs.v_scales, inputs.v_bias], Nkv, attributes, context);
    const wide = (columns: number) => tensorOf(A.dtype, [...A.shape.slice(0, -1), int(columns)]);
    return [wide(Nq), wide(Nkv), wide(Nkv), tensorOf(A.dtype, A.shape)];
  },
  expand: (inputs, attributes, g) => {
    const { Nq, Nkv } = attributes;
    const [A, sum] = normalizedInput(g, inputs.A, inputs.skip, inputs.norm_scale, attributes.epsilon);
    return [
      projected(g, [A, inputs.q_B, inputs.q_scales, inputs.q_bias], Nq, attributes),
      projected(g, [A, inputs.k_B, inputs.k_scales, inputs.k_bias], Nkv, attributes),
      projected(g, [A, inputs.v_B, inputs.v_scales, inputs.v_bias], Nkv, attributes),
      sum,
    ];
  },
});

const gemmTypes = ['float8e4m3fn', 'float8e5m2', ...floatTypes] as const;
const oneScale = typeSet('TS', ['float32']);

/** activation(alpha * A' B' + beta * C) of floats or float8; scales multiply A, B and the result. Sums are of float32. */
export const GemmFloat8 = op('GemmFloat8', {
  domain,
  inputs: ['A', 'B', 'C?', 'scaleA?', 'scaleB?', 'scaleY?'],
  attributes: {
    activation: stringAttribute('NONE', ['NONE', 'RELU', 'GELU']),
    alpha: floatAttribute(1),
    beta: floatAttribute(0),
    dtype: dtypeAttribute('float32'),
    transA: intAttribute(0),
    transB: intAttribute(0),
  },
  types: {
    A: typeSet('TA', gemmTypes),
    B: typeSet('TB', gemmTypes),
    C: typeSet('TC', floatTypes),
    scaleA: oneScale,
    scaleB: oneScale,
    scaleY: oneScale,
  },
  type: ({ A, B, C, scaleA, scaleB, scaleY }, { dtype, transA, transB }, context) => {
    if (A.rank !== 2 || B.rank !== 2) context.fail(`A and B must have rank 2, got ${A.rank} and ${B.rank}.`);
    for (const [name, scale] of Object.entries({ scaleA, scaleB, scaleY })) {
      if (scale) requireOneElement(scale, name, context);
    }
    checkDepth(A.shape[transA ? 0 : 1]!, B.shape[transB ? 1 : 0]!, context);
    const shape: readonly Expr[] = [A.shape[transA ? 1 : 0]!, B.shape[transB ? 0 : 1]!];
    if (C && !broadcastsTo(C.shape, shape)) context.fail('C must broadcast to the shape of the product.');
    if (!gemmTypes.some((own) => own === dtype)) context.fail(`dtype ${dtype} is no type of the result.`);
    return tensorOf(dtype, shape);
  },
  expand: ({ A, B, C, scaleA, scaleB, scaleY }, { activation, dtype, ...plain }, g) => {
    const wide = tensorTypeOf(A).dtype === 'float64' ? 'float64' : 'float32';
    const own = (value: Value): Value => castTo(g, value, wide);
    const scaled = (value: Value, scale: Value | undefined): Value =>
      scale ? g.apply(Mul, [value, own(scale)]) : value;
    const product = g.apply(Gemm, [scaled(own(A), scaleA), scaled(own(B), scaleB), C && own(C)], plain);
    const activate = { NONE: undefined, RELU: Relu, GELU: FastGelu }[activation];
    const result = activate ? g.apply(activate, [product]) : product;
    return castTo(g, scaled(result, scaleY), dtype);
  },
});
