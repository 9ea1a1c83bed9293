// Attention of ONNX Runtime's own domain over batches without padding: PackedAttention, PackedMultiHeadAttention. Tokens
// are put where they stood in the padded batch, attend there, and are taken out again.

import type { Expr } from '../../ir/expr.ts';
import { add, constantOf, int, mul } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { Add, Sub } from './arithmetic.ts';
import { attend, MaskScores } from './attention-core.ts';
import { packHeads, unpackHeads } from './attention-heads.ts';
import { floatAttribute, optionalFloat, optionalInts, requiredInt } from './attributes.ts';
import { tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { MatMul } from './matmul.ts';
import { columnsOf, widths } from './microsoft-attention.ts';
import { removePadding, restorePadding } from './microsoft-padding.ts';
import { Reshape } from './reshape.ts';
import { TakeSlice } from './scan.ts';
import { Slice } from './slice.ts';
import { anyFloat, differ, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';
const counts = typeSet('M', ['int32']);

interface Packing {
  readonly token_offset: Value;
  readonly cumulative_sequence_length: Value;
  readonly attention_bias: Value | undefined;
}

interface Attributes {
  readonly num_heads: number;
  readonly scale: number | undefined;
}

function checkPacking(
  { tokens, offsets, cumulated }: { readonly tokens: Operand; readonly offsets: Operand; readonly cumulated: Operand },
  context: TypeContext,
): void {
  if (offsets.rank !== 2) context.fail(`token_offset has rank ${offsets.rank}; expected 2 (batch, length).`);
  const batches = simplify(add(offsets.shape[0]!, int(1)));
  if (cumulated.rank !== 1 || differ(cumulated.shape[0]!, batches))
    context.fail('cumulative_sequence_length must have one element more than there are sequences.');
  const all = constantOf(simplify(mul(offsets.shape[0]!, offsets.shape[1]!)));
  if ((constantOf(tokens.shape[0]!) ?? 0) > (all ?? Number.POSITIVE_INFINITY))
    context.fail(`there are ${constantOf(tokens.shape[0]!)} tokens; token_offset has only ${all} elements.`);
}

/** Attention of packed Q, K and V [tokens, heads * size]. */
function attendPacked(
  g: Builder,
  packed: readonly [Value, Value, Value],
  { token_offset, cumulative_sequence_length: cumulated, attention_bias }: Packing,
  { num_heads, scale }: Attributes,
): Value {
  const [Q, K, V] = packed.map((part) => unpackHeads(g, restorePadding(g, part, token_offset), num_heads)) as [
    Value,
    Value,
    Value,
  ];
  const [batch] = tensorTypeOf(token_offset).shape as readonly [Expr];
  const cut = (from: Expr, to: Expr): Value => g.apply(Slice, [cumulated, g.sizes([from]), g.sizes([to])]);
  const lengths = g.apply(Sub, [cut(int(1), simplify(add(batch, int(1)))), cut(int(0), batch)]);
  const mask = (scores: Value): Value => g.apply(MaskScores, [scores, attention_bias, undefined, lengths]);
  const { Y } = attend(g, { Q, K, V, scale, softcap: 0, mask });
  return removePadding(g, packHeads(g, Y), packed[0], token_offset);
}

/** Attention whose Q, K and V are products of one input, of the tokens alone. */
export const PackedAttention = op('PackedAttention', {
  domain,
  inputs: ['input', 'weights', 'bias', 'token_offset', 'cumulative_sequence_length', 'attention_bias?'],
  outputs: ['output'],
  attributes: { num_heads: requiredInt, qkv_hidden_sizes: optionalInts, scale: optionalFloat },
  types: {
    input: anyFloat,
    weights: anyFloat,
    bias: anyFloat,
    token_offset: counts,
    cumulative_sequence_length: counts,
    attention_bias: anyFloat,
  },
  type: (inputs, { num_heads, qkv_hidden_sizes }, context) => {
    const { input, weights, bias, token_offset: offsets, cumulative_sequence_length: cumulated } = inputs;
    if (input.rank !== 2 || weights.rank !== 2)
      context.fail(`input and weights have ranks ${input.rank} and ${weights.rank}; expected 2.`);
    checkPacking({ tokens: input, offsets, cumulated }, context);
    const parts = widths(weights.shape, qkv_hidden_sizes).map((width) => constantOf(width)!);
    const [q, k, v] = parts as [number, number, number];
    const total = constantOf(weights.shape[1]!);
    if (num_heads < 1 || total !== q + k + v || q !== k || q % num_heads !== 0 || v % num_heads !== 0)
      context.fail(`weights have ${total} columns; expected those of Q, K and V for ${num_heads} heads.`);
    if (bias.rank !== 1 || differ(bias.shape[0]!, int(q + k + v))) context.fail(`bias must have ${total} elements.`);
    return tensorOf(input.dtype, [input.shape[0]!, int(v)]);
  },
  expand: ({ input, weights, bias, ...packing }, attributes, g) => {
    const all = g.apply(Add, [g.apply(MatMul, [input, weights]), bias]);
    const [q, k, v] = widths(tensorTypeOf(weights).shape, attributes.qkv_hidden_sizes) as [Expr, Expr, Expr];
    const ends = [q, simplify(add(q, k)), simplify(add(add(q, k), v))] as const;
    const parts = [columnsOf(g, all, int(0), ends[0]), columnsOf(g, all, ends[0], ends[1])] as const;
    return attendPacked(g, [...parts, columnsOf(g, all, ends[1], ends[2])], packing, attributes);
  },
});

/** Attention of given Q, K and V, of the tokens alone; or of all three together: [tokens, heads, 3, size]. */
export const PackedMultiHeadAttention = op('PackedMultiHeadAttention', {
  domain,
  inputs: ['query', 'key?', 'value?', 'bias?', 'token_offset', 'cumulative_sequence_length', 'attention_bias?'],
  outputs: ['output'],
  attributes: { mask_filter_value: floatAttribute(-10000), num_heads: requiredInt, scale: optionalFloat },
  types: {
    query: anyFloat,
    key: anyFloat,
    value: anyFloat,
    bias: anyFloat,
    token_offset: counts,
    cumulative_sequence_length: counts,
    attention_bias: anyFloat,
  },
  type: (inputs, { num_heads }, context) => {
    const { query, key, value, bias, token_offset: offsets, cumulative_sequence_length: cumulated } = inputs;
    checkPacking({ tokens: query, offsets, cumulated }, context);
    const columns = (operand: Operand, name: string): number => {
      if (operand.rank !== 2) context.fail(`${name} has rank ${operand.rank}; expected 2 (tokens, heads * size).`);
      const width = constantOf(operand.shape[1]!) ?? context.fail(`the number of columns of ${name} must be known.`);
      if (num_heads < 1 || width % num_heads !== 0)
        context.fail(`${name} has ${width} columns; expected a multiple of ${num_heads} heads.`);
      if (differ(operand.shape[0]!, query.shape[0]!)) context.fail(`${name} must have as many rows as query.`);
      return width;
    };
    if (!key !== !value) context.fail('key and value must be given together.');
    if (!key && (query.rank !== 4 || differ(query.shape[2]!, int(3)) || differ(query.shape[1]!, int(num_heads))))
      context.fail(`without key, query must have the shape [tokens, ${num_heads}, 3, size].`);
    const own = key ? columns(query, 'query') : num_heads * (constantOf(query.shape[3]!) ?? 0);
    const [k, v] = key && value ? [columns(key, 'key'), columns(value, 'value')] : [own, own];
    if (own !== k) context.fail(`query has ${own} columns, key ${k}.`);
    if (bias && (bias.rank !== 1 || differ(bias.shape[0]!, int(own + k + v))))
      context.fail(`bias must have ${own + k + v} elements.`);
    return tensorOf(query.dtype, [query.shape[0]!, int(v)]);
  },
  expand: ({ query, key, value, bias, ...packing }, attributes, g) => {
    const part = (at: number): Value => {
      const taken = g.apply(TakeSlice, [query, g.scalar(at, 'int64')], { axis: 2 });
      const [tokens, heads, size] = tensorTypeOf(taken).shape as readonly [Expr, Expr, Expr];
      return g.apply(Reshape, [taken, g.sizes([tokens, simplify(mul(heads, size))])], { allowzero: 1 });
    };
    const plain = key && value ? [query, key, value] : [part(0), part(1), part(2)];
    let start = 0;
    const moved = plain.map((own) => {
      const from = start;
      start += constantOf(tensorTypeOf(own).shape[1]!)!;
      return bias ? g.apply(Add, [own, columnsOf(g, bias, int(from), int(start))]) : own;
    });
    return attendPacked(g, moved as [Value, Value, Value], packing, attributes);
  },
});
