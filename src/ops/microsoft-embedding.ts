// What stands at the beginning of BERT in ONNX Runtime's own domain, and its quantized attention.

import type { Value } from '../../ir/graph.ts';
import { Add } from './arithmetic.ts';
import { floatAttribute, intAttribute, optionalFloat, requiredInt } from './attributes.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import { type Builder, op } from './define.ts';
import { Gather } from './gather.ts';
import { LayerNormalization } from './layer-normalization.ts';
import { Equal } from './logic.ts';
import { MicrosoftAttention } from './microsoft-attention.ts';
import { DequantizeLinear } from './quantize.ts';
import { ReduceSum } from './reductions.ts';
import { ScalarOf } from './scan.ts';
import { ConstantOfShape, Range } from './sizes.ts';
import { anyFloat, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';
const ids = typeSet('T1', ['int32']);

/** 0, 1, 2 … up to the length of a row. */
const counting = (g: Builder, input_ids: Value): Value => {
  const length = g.apply(ScalarOf, [g.sizes([tensorTypeOf(input_ids).shape[1]!])]);
  return g.apply(Range, [g.scalar(0n, 'int64'), length, g.scalar(1n, 'int64')]);
};

/** The normalized sum of the embeddings of words, positions and segments; the length of each row that is not masked. */
export const EmbedLayerNormalization = op('EmbedLayerNormalization', {
  domain,
  inputs: [
    'input_ids',
    'segment_ids?',
    'word_embedding',
    'position_embedding',
    'segment_embedding?',
    'gamma',
    'beta',
    'mask?',
    'position_ids?',
  ],
  attributes: { epsilon: floatAttribute(1e-12), mask_index_type: intAttribute(0) },
  types: {
    input_ids: ids,
    segment_ids: ids,
    word_embedding: anyFloat,
    position_embedding: anyFloat,
    segment_embedding: anyFloat,
    gamma: anyFloat,
    beta: anyFloat,
    mask: ids,
    position_ids: ids,
  },
  outputs: ['output', 'mask_index?', 'embedding_sum?'],
  type: ({ input_ids, segment_ids, word_embedding, segment_embedding }, _, context) => {
    if (input_ids.rank !== 2) context.fail(`input_ids has rank ${input_ids.rank}; expected 2 (batch, length).`);
    if (word_embedding.rank !== 2) context.fail(`word_embedding has rank ${word_embedding.rank}; expected 2.`);
    if (!segment_ids !== !segment_embedding) context.fail('segment_ids and segment_embedding must be given together.');
    const [batch, length] = input_ids.shape;
    const embedded = tensorOf(word_embedding.dtype, [batch!, length!, word_embedding.shape[1]!]);
    return [embedded, tensorOf('int32', [batch!]), embedded];
  },
  expand: (inputs, { epsilon }, g) => {
    const { input_ids, segment_ids, word_embedding, position_embedding, segment_embedding, gamma, beta, mask } = inputs;
    const words = g.apply(Gather, [word_embedding, input_ids]);
    const positions = g.apply(Gather, [position_embedding, inputs.position_ids ?? counting(g, input_ids)]);
    const placed = g.apply(Add, [words, positions]);
    const sum =
      segment_ids && segment_embedding
        ? g.apply(Add, [placed, g.apply(Gather, [segment_embedding, segment_ids])])
        : placed;
    const normalized = g.apply(LayerNormalization, [sum, gamma, beta], { axis: -1, epsilon });
    return [normalized, lengths(g, input_ids, mask), sum];
  },
});

/** How many 1 stand in each row of the mask; 0 without a mask. */
function lengths(g: Builder, input_ids: Value, mask: Value | undefined): Value {
  if (!mask) return castTo(g, g.apply(ConstantOfShape, [g.sizes([tensorTypeOf(input_ids).shape[0]!])]), 'int32');
  const ones = castTo(g, g.apply(Equal, [mask, g.scalar(1, 'int32')]), 'int32');
  return g.apply(ReduceSum, [ones, g.ints([1])], { keepdims: 0 });
}

const bytes = (name: string) => typeSet(name, ['uint8', 'int8']);
const scale = typeSet('T3', ['float32']);

/** Attention with quantized input and weights. */
export const QAttention = op('QAttention', {
  domain,
  inputs: [
    'input',
    'weight',
    'bias',
    'input_scale',
    'weight_scale',
    'mask_index?',
    'input_zero_point?',
    'weight_zero_point?',
    'past?',
  ],
  attributes: {
    do_rotary: intAttribute(0, [0]),
    mask_filter_value: floatAttribute(-10000),
    num_heads: requiredInt,
    past_present_share_buffer: intAttribute(0, [0]),
    scale: optionalFloat,
    unidirectional: intAttribute(0, [0, 1]),
  },
  types: {
    input: bytes('T1'),
    weight: bytes('T2'),
    bias: scale,
    input_scale: scale,
    weight_scale: scale,
    input_zero_point: bytes('T1'),
    weight_zero_point: bytes('T2'),
    past: scale,
  },
  outputs: ['output', 'present?'],
  type: ({ input, weight, mask_index, past, bias }, attributes, context) =>
    MicrosoftAttention.type(
      {
        input: { ...input, dtype: 'float32' },
        weights: { ...weight, dtype: 'float32' },
        bias,
        ...(mask_index ? { mask_index } : {}),
        ...(past ? { past } : {}),
      },
      attributes,
      context,
    ),
  expand: (inputs, attributes, g, { outputs }) => {
    const X = g.apply(DequantizeLinear, [inputs.input, inputs.input_scale, inputs.input_zero_point]);
    const W = g.apply(DequantizeLinear, [inputs.weight, inputs.weight_scale, inputs.weight_zero_point], { axis: 1 });
    const operands = [X, W, inputs.bias, inputs.mask_index, inputs.past];
    return g.applyAll(MicrosoftAttention, operands, attributes, { outputs });
  },
});
