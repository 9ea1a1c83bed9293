// QOrderedAttention and QOrderedLongformerAttention of ONNX Runtime's own domain: attention on 8-bit integers. What each
// step gives is rounded to 8 bits by a scale of its own.

import type { Expr } from '../../ir/expr.ts';
import { constantOf, int } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { Mul } from './arithmetic.ts';
import { attend } from './attention-core.ts';
import { packHeads, unpackHeads } from './attention-heads.ts';
import { checkMask, masker } from './attention-masks.ts';
import { intAttribute, optionalInts, requiredInt } from './attributes.ts';
import { castTo, scalarLike, tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op } from './define.ts';
import { checkLongformer, longformer } from './longformer-attention.ts';
import { orders } from './matrix-orders.ts';
import { QOrderedMatMul, QuantizeWithOrder } from './ordered-quantization.ts';
import { differ, requireOneElement, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';
const bytes = typeSet('Q', ['int8']);
const scales = typeSet('S', ['float32']);
const rowOrder = { ...requiredInt, oneOf: [orders.row] };
const columnOrder = { ...requiredInt, oneOf: [orders.column] };
const plain = { order_input: orders.row, order_output: orders.row };

/** Rounded to 8 bits by a scale. */
const toBytes = (g: Builder, x: Value, scale: Value): Value => g.apply(QuantizeWithOrder, [x, scale], plain);
const fromBytes = (g: Builder, x: Value, scale: Value): Value => g.apply(Mul, [castTo(g, x, 'float32'), scale]);
/** As it is after having been rounded to 8 bits. */
const rounded = (g: Builder, x: Value, scale: Value): Value => fromBytes(g, toBytes(g, x, scale), scale);

/** X W + bias, rounded to 8 bits; the memory of W goes by columns. */
function projected(
  g: Builder,
  [X, scaleX, W, scaleW, scaleY, bias]: readonly [Value, Value, Value, Value, Value, Value],
): Value {
  const attributes = { order_A: orders.row, order_B: orders.column, order_Y: orders.row };
  return fromBytes(g, g.apply(QOrderedMatMul, [X, scaleX, W, scaleW, scaleY, bias], attributes), scaleY);
}

const qkv = ['Q', 'K', 'V'] as const;

/** Self attention of which queries, keys, values, scores, probabilities and the result are rounded to 8 bits. */
export const QOrderedAttention = op('QOrderedAttention', {
  domain,
  inputs: [
    'input',
    'scale_input',
    'scale_Q_gemm',
    'scale_K_gemm',
    'scale_V_gemm',
    'Q_weight',
    'K_weight',
    'V_weight',
    'scale_Q_weight',
    'scale_K_weight',
    'scale_V_weight',
    'Q_bias',
    'K_bias',
    'V_bias',
    'scale_QKT_gemm?',
    'scale_QKT_softmax?',
    'scale_values_gemm',
    'mask_index?',
    'past?',
    'attention_bias?',
  ],
  outputs: ['output'],
  attributes: {
    num_heads: requiredInt,
    order_input: rowOrder,
    order_output: rowOrder,
    order_weight: columnOrder,
    qkv_hidden_sizes: optionalInts,
    unidirectional: intAttribute(0, [0, 1]),
  },
  types: {
    input: bytes,
    past: bytes,
    mask_index: typeSet('G', ['int32']),
    attention_bias: scales,
    ...Object.fromEntries(
      qkv.flatMap((name) => [
        [`${name}_weight`, bytes],
        [`scale_${name}_gemm`, scales],
        [`scale_${name}_weight`, scales],
        [`${name}_bias`, scales],
      ]),
    ),
  },
  type: (inputs, { num_heads }, context) => {
    const { input, past, mask_index } = inputs;
    if (past) context.fail('past is not supported.');
    if (input.rank !== 3) context.fail(`input has rank ${input.rank}; expected 3 (batch, length, size).`);
    const [batch, length, width] = input.shape as readonly [Expr, Expr, Expr];
    const hidden = constantOf(inputs.Q_weight.shape[1] ?? int(0)) ?? 0;
    if (num_heads < 1 || hidden < 1 || hidden % num_heads !== 0)
      context.fail(`Q_weight has ${hidden} columns; expected a multiple of ${num_heads} heads.`);
    for (const name of qkv) {
      const [W, bias] = [inputs[`${name}_weight`], inputs[`${name}_bias`]];
      if (W.rank !== 2 || differ(W.shape[0]!, width) || differ(W.shape[1]!, int(hidden)))
        context.fail(`${name}_weight must have the shape [${constantOf(width)}, ${hidden}].`);
      if (bias.rank !== 1 || differ(bias.shape[0]!, int(hidden)))
        context.fail(`${name}_bias must have ${hidden} elements.`);
      requireOneElement(inputs[`scale_${name}_gemm`], `scale_${name}_gemm`, context);
    }
    for (const name of ['scale_input', 'scale_values_gemm', 'scale_QKT_gemm', 'scale_QKT_softmax'] as const) {
      const scale: Operand | undefined = inputs[name];
      if (scale) requireOneElement(scale, name, context);
    }
    checkMask(mask_index, batch, length, context);
    return tensorOf('int8', [batch, length, int(hidden)]);
  },
  expand: (inputs, { num_heads, unidirectional }, g) => {
    const { input, scale_input, mask_index, attention_bias, scale_QKT_gemm, scale_QKT_softmax } = inputs;
    const [Q, K, V] = qkv.map((name) => {
      const [W, scaleW] = [inputs[`${name}_weight`], inputs[`scale_${name}_weight`]];
      const [scaleY, bias] = [inputs[`scale_${name}_gemm`], inputs[`${name}_bias`]];
      return unpackHeads(g, projected(g, [input, scale_input, W, scaleW, scaleY, bias]), num_heads);
    }) as [Value, Value, Value];
    const [batch, heads, rows, size] = tensorTypeOf(Q).shape as readonly [Expr, Expr, Expr, Expr];
    const masks = { padding: mask_index, bias: attention_bias, filter: -10000, causal: unidirectional, offset: int(0) };
    const hide = masker(g, masks, [batch, heads, rows, rows], 'float32');
    const mask = (products: Value): Value => {
      const own = scale_QKT_gemm ? rounded(g, products, scale_QKT_gemm) : products;
      const scaled = g.apply(Mul, [own, scalarLike(g, own, 1 / Math.sqrt(constantOf(size)!))]);
      return hide ? hide(scaled) : scaled;
    };
    const changeWeights = scale_QKT_softmax && ((weights: Value): Value => rounded(g, weights, scale_QKT_softmax));
    const { Y } = attend(g, { Q, K, V, scale: 1, softcap: 0, mask, changeWeights });
    return toBytes(g, packHeads(g, Y), inputs.scale_values_gemm);
  },
});

const halves = typeSet('F', ['float16', 'float32']);

/** LongformerAttention of which the projections and the result are rounded to 8 bits. */
export const QOrderedLongformerAttention = op('QOrderedLongformerAttention', {
  domain,
  inputs: [
    'input',
    'scale_input',
    'weight',
    'scale_weight',
    'bias',
    'scale_bias',
    'scale_qkv_gemm',
    'mask',
    'global_weight',
    'scale_global_weight',
    'global_bias',
    'scale_global_gemm',
    'global',
    'scale_output',
  ],
  outputs: ['output'],
  attributes: {
    num_heads: requiredInt,
    order_global_weight: columnOrder,
    order_input: rowOrder,
    order_output: rowOrder,
    order_weight: columnOrder,
    window: requiredInt,
  },
  types: {
    input: bytes,
    scale_input: scales,
    weight: bytes,
    scale_weight: scales,
    bias: scales,
    scale_bias: scales,
    scale_qkv_gemm: scales,
    mask: halves,
    global_weight: bytes,
    scale_global_weight: scales,
    global_bias: scales,
    scale_global_gemm: scales,
    global: typeSet('G', ['int32']),
    scale_output: scales,
  },
  type: (inputs, { num_heads, window }, context) => {
    const { input, weight, bias, mask, global_weight, global_bias, global, ...rest } = inputs;
    for (const name of ['scale_input', 'scale_qkv_gemm', 'scale_global_gemm', 'scale_output'] as const)
      requireOneElement(rest[name], name, context);
    checkLongformer({ input, weight, bias, mask, global_weight, global_bias, global }, { num_heads, window }, context);
    return tensorOf('int8', input.shape);
  },
  expand: (inputs, attributes, g) => {
    const { input, scale_input } = inputs;
    const local = [inputs.weight, inputs.scale_weight, inputs.scale_qkv_gemm, inputs.bias] as const;
    const far = [
      inputs.global_weight,
      inputs.scale_global_weight,
      inputs.scale_global_gemm,
      inputs.global_bias,
    ] as const;
    const products = {
      local: projected(g, [input, scale_input, ...local]),
      global: projected(g, [input, scale_input, ...far]),
    };
    const given = { ...products, mask: castTo(g, inputs.mask, 'float32'), isGlobal: inputs.global };
    return toBytes(g, longformer(g, given, attributes), inputs.scale_output);
  },
});
