// MultiHeadAttention and Attention of ONNX Runtime: the same core with other inputs, packings and masks.

import type { Expr } from '../../ir/expr.ts';
import { add, constantOf, int, mul } from '../../ir/expr-make.ts';
import type { TensorType, Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { Add } from './arithmetic.ts';
import { attend } from './attention-core.ts';
import { headShape, packHeads, unpackHeads } from './attention-heads.ts';
import { checkMask, type Masks, masker } from './attention-masks.ts';
import { floatAttribute, intAttribute, optionalFloat, optionalInts, requiredInt } from './attributes.ts';
import { tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { Concat } from './join.ts';
import { MatMul } from './matmul.ts';
import { Unsqueeze } from './reshape.ts';
import { TakeSlice } from './scan.ts';
import { Slice } from './slice.ts';
import { Transpose } from './transpose.ts';
import { anyFloat, differ, tensorOf, typeSet } from './types.ts';

const maskType = typeSet('M', ['int32', 'int64']);

export const columnsOf = (g: Builder, value: Value, from: Expr, to: Expr): Value =>
  g.apply(Slice, [value, g.sizes([from]), g.sizes([to]), g.ints([-1])]);

const at = (g: Builder, value: Value, axis: number, position: number): Value =>
  g.apply(TakeSlice, [value, g.scalar(position, 'int64')], { axis });

/** Heads of a packed value [batch, rows, heads, parts, size]. */
const unpackPart = (g: Builder, packed: Value, part: number): Value =>
  g.apply(Transpose, [at(g, packed, 3, part)], { perm: [0, 2, 1, 3] });

const joinPast = (g: Builder, past: Value | undefined, now: Value): Value =>
  past ? g.apply(Concat, [past, now], { axis: 2 }) : now;

/** [batch, heads, rows, size] of query, key and value, in whichever form they come. */
function shapesOf(
  query: Operand,
  key: Operand | undefined,
  value: Operand | undefined,
  heads: number,
  context: TypeContext,
): readonly (readonly Expr[])[] {
  const part = ({ shape }: Operand): readonly Expr[] => [shape[0]!, shape[2]!, shape[1]!, shape[4]!];
  if (query.rank === 5) return [part(query), part(query), part(query)];
  const q = headShape(query, 'query', heads, 'num_heads', context);
  if (!key) return context.fail('key is missing; it may be left out only where query holds all three.');
  if (key.rank === 5) return [q, part(key), part(key)];
  if (!value) return context.fail('value is missing; it may be left out only where key holds both.');
  const [k, v] = [key, value].map((operand) => headShape(operand, 'key or value', heads, 'num_heads', context));
  return [q, k!, v!];
}

export const MultiHeadAttention = op('MultiHeadAttention', {
  domain: 'com.microsoft',
  inputs: [
    'query',
    'key?',
    'value?',
    'bias?',
    'key_padding_mask?',
    'attention_bias?',
    'past_key?',
    'past_value?',
    'past_sequence_length?',
    'cache_indirection?',
  ],
  outputs: ['output', 'present_key?', 'present_value?', 'qk?'],
  attributes: {
    mask_filter_value: floatAttribute(-10000),
    num_heads: requiredInt,
    scale: optionalFloat,
    unidirectional: intAttribute(0, [0, 1]),
  },
  types: {
    query: anyFloat,
    key: anyFloat,
    value: anyFloat,
    bias: anyFloat,
    key_padding_mask: maskType,
    attention_bias: anyFloat,
    past_key: anyFloat,
    past_value: anyFloat,
  },
  type: (inputs, { num_heads }, context) => {
    const { query, key, value, past_key, past_value, past_sequence_length, cache_indirection } = inputs;
    if (past_sequence_length || cache_indirection) context.fail('a shared cache of keys is not supported.');
    if (!past_key !== !past_value) context.fail('past_key and past_value must be given together.');
    const [q, k, v] = shapesOf(query, key, value, num_heads, context) as [
      readonly Expr[],
      readonly Expr[],
      readonly Expr[],
    ];
    if (differ(q[3]!, k[3]!))
      context.fail(`heads of query have size ${constantOf(q[3]!)}, of key ${constantOf(k[3]!)}.`);
    const columns = past_key ? simplify(add(past_key.shape[2] ?? int(0), k[2]!)) : k[2]!;
    checkMask(inputs.key_padding_mask, q[0]!, columns, context);
    return [
      tensorOf(query.dtype, [q[0]!, q[2]!, simplify(mul(q[1]!, v[3]!))]),
      tensorOf(query.dtype, [k[0]!, k[1]!, columns, k[3]!]),
      tensorOf(query.dtype, [v[0]!, v[1]!, columns, v[3]!]),
      tensorOf(query.dtype, [q[0]!, q[1]!, q[2]!, columns]),
    ];
  },
  expand: (inputs, attributes, g, { types }) => {
    const { query, key, value, bias, past_key, past_value } = inputs;
    const { num_heads: heads } = attributes;
    const rank = (input: Value): number => tensorTypeOf(input).shape.length;
    const width = (input: Value): Expr => tensorTypeOf(input).shape[2]!;
    /** Packed heads get their stretch of the bias. */
    const plain = (input: Value, start: Expr): Value => {
      if (rank(input) === 4) return input;
      const end = simplify(add(start, width(input)));
      const sum = bias ? g.apply(Add, [input, columnsOf(g, bias, start, end)]) : input;
      return unpackHeads(g, sum, heads);
    };
    const hidden = rank(query) === 3 ? width(query) : int(0);
    const twice = simplify(add(hidden, hidden));
    const Q = rank(query) === 5 ? unpackPart(g, query, 0) : plain(query, int(0));
    const packed = rank(query) === 5 ? query : rank(key!) === 5 ? key! : undefined;
    const first = rank(query) === 5 ? 1 : 0;
    const now = packed
      ? [unpackPart(g, packed, first), unpackPart(g, packed, first + 1)]
      : [plain(key!, hidden), plain(value!, twice)];
    const [K, V] = [joinPast(g, past_key, now[0]!), joinPast(g, past_value, now[1]!)];
    const scores = types[3] as TensorType;
    const masks: Masks = {
      padding: inputs.key_padding_mask,
      bias: inputs.attention_bias,
      filter: attributes.mask_filter_value,
      causal: attributes.unidirectional,
      offset: past_key ? tensorTypeOf(past_key).shape[2]! : int(0),
    };
    const mask = masker(g, masks, scores.shape, scores.dtype);
    const { Y, stages } = attend(g, { Q, K, V, scale: attributes.scale, softcap: 0, mask });
    return [packHeads(g, Y), K, V, stages[2]];
  },
});

/** The widths of Q, K and V in the weights. */
export function widths(weights: readonly Expr[], sizes: readonly number[] | undefined): readonly Expr[] {
  if (sizes && sizes.length === 3) return sizes.map(int);
  const third = int((constantOf(weights[1]!) ?? 0) / 3);
  return [third, third, third];
}

/** Q, K and V are products of one input with one matrix of weights. */
export const MicrosoftAttention = op('Attention', {
  domain: 'com.microsoft',
  inputs: ['input', 'weights', 'bias?', 'mask_index?', 'past?', 'attention_bias?', 'past_sequence_length?'],
  outputs: ['output', 'present?'],
  attributes: {
    do_rotary: intAttribute(0, [0]),
    mask_filter_value: floatAttribute(-10000),
    num_heads: requiredInt,
    past_present_share_buffer: intAttribute(0, [0]),
    qkv_hidden_sizes: optionalInts,
    rotary_embedding_dim: intAttribute(0),
    scale: optionalFloat,
    unidirectional: intAttribute(0, [0, 1]),
  },
  types: {
    input: anyFloat,
    weights: anyFloat,
    bias: anyFloat,
    mask_index: maskType,
    past: anyFloat,
    attention_bias: anyFloat,
  },
  type: ({ input, weights, mask_index, past }, { num_heads, qkv_hidden_sizes }, context) => {
    if (input.rank !== 3 || weights.rank !== 2) {
      context.fail(`input and weights have ranks ${input.rank} and ${weights.rank}; expected 3 and 2.`);
    }
    const [batch, rows] = [input.shape[0]!, input.shape[1]!];
    const [q, k, v] = widths(weights.shape, qkv_hidden_sizes).map((width) => constantOf(width)!) as [
      number,
      number,
      number,
    ];
    const total = constantOf(weights.shape[1]!);
    if (total !== q + k + v || q !== k || q % num_heads !== 0 || v % num_heads !== 0) {
      context.fail(`weights have ${total} columns; expected those of Q, K and V for ${num_heads} heads.`);
    }
    if (past && past.rank !== 5) context.fail(`past has rank ${past.rank}; expected 5.`);
    const columns = past ? simplify(add(past.shape[3]!, rows)) : rows;
    checkMask(mask_index, batch, columns, context);
    const present = [int(2), batch, int(num_heads), columns, int(k / num_heads)];
    return [tensorOf(input.dtype, [batch, rows, int(v)]), tensorOf(input.dtype, present)];
  },
  expand: (inputs, attributes, g) => {
    const { input, weights, bias, past } = inputs;
    const { num_heads: heads } = attributes;
    const product = g.apply(MatMul, [input, weights]);
    const all = bias ? g.apply(Add, [product, bias]) : product;
    const [q, k, v] = widths(tensorTypeOf(weights).shape, attributes.qkv_hidden_sizes) as [Expr, Expr, Expr];
    const cut = (from: Expr, to: Expr): Value => unpackHeads(g, columnsOf(g, all, simplify(from), simplify(to)), heads);
    const Q = cut(int(0), q);
    const K = joinPast(g, past && at(g, past, 0, 0), cut(q, add(q, k)));
    const V = joinPast(g, past && at(g, past, 0, 1), cut(add(q, k), add(add(q, k), v)));
    const { shape, dtype } = tensorTypeOf(Q);
    const masks: Masks = {
      padding: inputs.mask_index,
      bias: inputs.attention_bias,
      filter: attributes.mask_filter_value,
      causal: attributes.unidirectional,
      offset: past ? tensorTypeOf(past).shape[3]! : int(0),
    };
    const scores = [...shape.slice(0, 3), tensorTypeOf(K).shape[2]!];
    const { Y } = attend(g, { Q, K, V, scale: attributes.scale, softcap: 0, mask: masker(g, masks, scores, dtype) });
    // Keys and values of equal size are handed on together.
    const alike = !differ(tensorTypeOf(K).shape[3]!, tensorTypeOf(V).shape[3]!);
    const stacked = (): Value =>
      g.apply(
        Concat,
        [K, V].map((half) => g.apply(Unsqueeze, [half, g.ints([0])])),
        { axis: 0 },
      );
    return [packHeads(g, Y), alike ? stacked() : undefined];
  },
});
