// PagedAttention of ONNX Runtime's own domain: tokens of several sequences one after the other, with keys and values in
// blocks that a table assigns to the sequences. Each token is a batch of its own, so none is padded.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  cast,
  constant,
  constantOf,
  div,
  indexVar,
  int,
  le,
  mod,
  mul,
  reduce,
  select,
  sub,
} from '../../ir/expr-make.ts';
import type { TensorType, Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { attend, MaskScores } from './attention-core.ts';
import { checkHeads } from './attention-heads.ts';
import { floatAttribute, intAttribute, optionalFloat, requiredInt, stringAttribute } from './attributes.ts';
import { castTo, tensorTypeOf, widened } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { Concat } from './join.ts';
import { RMSNormalization } from './layer-normalization.ts';
import { Equal, Where } from './logic.ts';
import { columnsOf } from './microsoft-attention.ts';
import { Expand } from './repeat.ts';
import { Reshape, Unsqueeze } from './reshape.ts';
import { Rotate } from './rotary-embedding.ts';
import { checked, sizeAt, within } from './run-time-operands.ts';
import { ScatterND } from './scatter.ts';
import { Slice } from './slice.ts';
import { anyFloat, differ, tensorOf, typeSet } from './types.ts';

const indices = typeSet('S', ['int32']);

/** For each token: its sequence; its position there; the slot of that position; how long its sequence is then. */
const PlaceTokens = op('PlaceTokens', {
  domain: 'lapidary',
  inputs: ['like', 'ends', 'past', 'table'],
  outputs: ['sequence', 'position', 'slot', 'length'],
  attributes: { block: requiredInt },
  types: { ends: indices, past: indices, table: indices },
  type: ({ like }) => [0, 1, 2, 3].map(() => tensorOf('int64', [like.shape[0]!])),
  compute: ({ ends, past, table }, { block }, [token], { output }) => {
    const i = indexVar('i', simplify(sub(ends.shape[0]!, int(2))));
    const sequence = reduce('sum', [i], select(le(sizeAt(ends, add(i, int(1))), token!), int(1), int(0)));
    const ofSequence = (operand: Operand): Expr =>
      checked(within(sequence, operand.shape[0]!), sizeAt(operand, sequence));
    const position = add(ofSequence(past), sub(token!, ofSequence(ends)));
    const page = div(position, int(block));
    const named = checked(within(page, table.shape[1]!), sizeAt(table, sequence, page));
    const next = add(sequence, int(1));
    const end = checked(within(next, ends.shape[0]!), sizeAt(ends, next));
    const values = [
      sequence,
      position,
      add(mul(named, int(block)), mod(position, int(block))),
      add(ofSequence(past), sub(end, ofSequence(ends))),
    ];
    return cast(values[output]!, 'int64');
  },
});

/** The pages of each token's sequence as one cache: [tokens, heads, rows, size]. Pages that are not there are zeros. */
const TurnPages = op('TurnPages', {
  domain: 'lapidary',
  inputs: ['cache', 'table', 'sequence'],
  types: { cache: anyFloat, table: indices },
  type: ({ cache, table, sequence }) => {
    const rows = simplify(mul(table.shape[1]!, cache.shape[1]!));
    return tensorOf(cache.dtype, [sequence.shape[0]!, cache.shape[2]!, rows, cache.shape[3]!]);
  },
  compute: ({ cache, table, sequence }, _, index) => {
    const [token, head, row, d] = index as readonly [Expr, Expr, Expr, Expr];
    const size = cache.shape[1]!;
    const page = sizeAt(table, sizeAt(sequence, token), div(row, size));
    const value = cache.at(page, mod(row, size), head, d);
    return select(within(page, cache.shape[0]!), value, constant(0, cache.dtype));
  },
});

/** The cache [blocks, rows, heads, size] with the tokens' rows [tokens, heads, size] in their slots; -1 is no slot. */
function withTokens(g: Builder, cache: Value, rows: Value, slots: Value): Value {
  const { shape, dtype } = tensorTypeOf(cache);
  const [blocks, block, heads, size] = shape as readonly [Expr, Expr, Expr, Expr];
  const count = simplify(mul(blocks, block));
  const flat = g.apply(Reshape, [cache, g.sizes([count, heads, size])], { allowzero: 1 });
  // One row more takes what has no slot.
  const spare = g.apply(Expand, [g.scalar(0, dtype), g.sizes([int(1), heads, size])]);
  const isNone = g.apply(Equal, [slots, g.scalar(-1, 'int64')]);
  const places = g.apply(Unsqueeze, [g.apply(Where, [isNone, g.sizes([count]), slots]), g.ints([1])]);
  const written = g.apply(ScatterND, [g.apply(Concat, [flat, spare], { axis: 0 }), places, rows]);
  const kept = g.apply(Slice, [written, g.ints([0]), g.sizes([count])]);
  return g.apply(Reshape, [kept, g.sizes(shape)], { allowzero: 1 });
}

function checkShape(name: string, operand: Operand | undefined, expected: readonly Expr[], context: TypeContext): void {
  if (operand && (operand.rank !== expected.length || operand.shape.some((own, i) => differ(own, expected[i]!))))
    context.fail(`${name} must have the shape [${expected.map((extent) => constantOf(extent) ?? '?').join(', ')}].`);
}

export const PagedAttention = op('PagedAttention', {
  domain: 'com.microsoft',
  inputs: [
    'query',
    'key?',
    'value?',
    'key_cache',
    'value_cache',
    'cumulative_sequence_length',
    'past_seqlens',
    'block_table',
    'cos_cache?',
    'sin_cache?',
    'slot_mapping?',
    'head_sink?',
    'q_norm_weight?',
    'k_norm_weight?',
    'k_scale?',
    'v_scale?',
    'attention_metadata?',
  ],
  outputs: ['output', 'key_cache_out?', 'value_cache_out?'],
  attributes: {
    do_rotary: intAttribute(0, [0, 1]),
    is_causal: intAttribute(1, [0, 1]),
    k_cache_dtype: stringAttribute('', ['', 'float16', 'bfloat16']),
    k_quant_type: stringAttribute('NONE', ['NONE']),
    kv_cache_layout: stringAttribute('SEPARATE', ['SEPARATE']),
    kv_num_heads: requiredInt,
    local_window_size: intAttribute(-1),
    num_heads: requiredInt,
    qk_norm_epsilon: floatAttribute(1e-6),
    rotary_interleaved: intAttribute(0, [0, 1]),
    rotary_offset: intAttribute(0, [0]),
    scale: optionalFloat,
    softcap: floatAttribute(0),
    v_cache_dtype: stringAttribute('', ['', 'float16', 'bfloat16']),
    v_head_size: intAttribute(0, [0]),
    v_quant_type: stringAttribute('NONE', ['NONE']),
  },
  types: {
    query: anyFloat,
    key: anyFloat,
    value: anyFloat,
    key_cache: anyFloat,
    value_cache: anyFloat,
    cumulative_sequence_length: indices,
    past_seqlens: indices,
    block_table: indices,
    cos_cache: anyFloat,
    sin_cache: anyFloat,
    slot_mapping: indices,
    head_sink: anyFloat,
    q_norm_weight: anyFloat,
    k_norm_weight: anyFloat,
  },
  type: (inputs, { num_heads, kv_num_heads, do_rotary }, context) => {
    const { query, key, value, key_cache, block_table, cumulative_sequence_length: ends } = inputs;
    if (!key !== !value) context.fail('key and value must be given together.');
    if (query.rank !== 2) context.fail(`query has rank ${query.rank}; expected 2 (tokens, heads * size).`);
    checkHeads(int(num_heads), int(kv_num_heads), context);
    const width = constantOf(query.shape[1]!) ?? context.fail('the size of a head must be known.');
    const size = width / (key ? num_heads : num_heads + 2 * kv_num_heads);
    if (!Number.isInteger(size)) context.fail(`query has ${width} columns; expected a multiple of the heads.`);
    const [tokens, batch] = [query.shape[0]!, block_table.shape[0]!];
    for (const [name, own] of Object.entries({ key, value }))
      checkShape(name, own, [tokens, int(kv_num_heads * size)], context);
    if (key_cache.rank !== 4 || constantOf(key_cache.shape[1]!) === undefined)
      context.fail('key_cache must have rank 4 (blocks, rows, heads, size) and a known number of rows.');
    const cache = [key_cache.shape[0]!, key_cache.shape[1]!, int(kv_num_heads), int(size)];
    checkShape('key_cache', key_cache, cache, context);
    checkShape('value_cache', inputs.value_cache, cache, context);
    if (block_table.rank !== 2) context.fail(`block_table has rank ${block_table.rank}; expected 2.`);
    checkShape('cumulative_sequence_length', ends, [simplify(add(batch, int(1)))], context);
    checkShape('past_seqlens', inputs.past_seqlens, [batch], context);
    checkShape('slot_mapping', inputs.slot_mapping, [tokens], context);
    checkShape('head_sink', inputs.head_sink, [int(num_heads)], context);
    if (!inputs.q_norm_weight !== !inputs.k_norm_weight)
      context.fail('q_norm_weight and k_norm_weight must be given together.');
    checkShape('q_norm_weight', inputs.q_norm_weight, [int(size)], context);
    checkShape('k_norm_weight', inputs.k_norm_weight, [int(size)], context);
    if (inputs.k_scale || inputs.v_scale) context.fail('quantized caches are not supported.');
    if (do_rotary === 1 && !(inputs.cos_cache && inputs.sin_cache))
      context.fail('do_rotary needs cos_cache and sin_cache.');
    const own = tensorOf(query.dtype, cache);
    return [tensorOf(query.dtype, [tokens, int(num_heads * size)]), own, own];
  },
  expand: (inputs, attributes, g, { types }) => {
    const { query, key, value, key_cache, value_cache, block_table } = inputs;
    const { num_heads: heads, kv_num_heads: shared } = attributes;
    const { shape, dtype } = types[1] as TensorType;
    const size = constantOf(shape[3]!)!;
    const [tokens] = tensorTypeOf(query).shape as readonly [Expr];
    const cut = (from: number, count: number): Value =>
      columnsOf(g, query, int(from * size), int((from + count) * size));
    const parts = key && value ? [query, key, value] : [cut(0, heads), cut(heads, shared), cut(heads + shared, shared)];
    const [q, k, v] = parts.map((part, i) =>
      g.apply(Reshape, [part, g.sizes([tokens, int(i === 0 ? heads : shared), int(1), int(size)])], { allowzero: 1 }),
    ) as [Value, Value, Value];
    const placed = [query, inputs.cumulative_sequence_length, inputs.past_seqlens, block_table];
    const [sequence, position, slot, length] = g.applyAll(PlaceTokens, placed, { block: constantOf(shape[1]!)! });
    const normalized = (own: Value, weight: Value | undefined): Value => {
      const epsilon = attributes.qk_norm_epsilon;
      const scaled = weight && g.apply(RMSNormalization, [widened(g, own), widened(g, weight)], { axis: -1, epsilon });
      return scaled ? castTo(g, scaled, dtype) : own;
    };
    const turned = (own: Value): Value =>
      attributes.do_rotary === 1
        ? g.apply(Rotate, [own, inputs.cos_cache, inputs.sin_cache, position], {
            interleaved: attributes.rotary_interleaved,
            turned: 2 * (constantOf(tensorTypeOf(inputs.cos_cache!).shape[1]!) ?? 0),
          })
        : own;
    const row = (own: Value): Value =>
      g.apply(Reshape, [own, g.sizes([tokens, int(shared), int(size)])], { allowzero: 1 });
    const slots = inputs.slot_mapping ? castTo(g, inputs.slot_mapping, 'int64') : slot!;
    const keys = withTokens(g, key_cache, row(turned(normalized(k, inputs.k_norm_weight))), slots);
    const values = withTokens(g, value_cache, row(v), slots);
    const pages = (cache: Value): Value => g.apply(TurnPages, [cache, block_table, sequence]);
    const window = Math.max(attributes.local_window_size, 0);
    const { is_causal: causal, scale, softcap } = attributes;
    const mask = (scores: Value): Value =>
      g.apply(MaskScores, [scores, undefined, position, length], { causal, window });
    const Q = turned(normalized(q, inputs.q_norm_weight));
    const { Y } = attend(g, { Q, K: pages(keys), V: pages(values), scale, softcap, mask, sink: inputs.head_sink });
    const output = g.apply(Reshape, [Y, g.sizes([tokens, int(heads * size)])], { allowzero: 1 });
    return [output, keys, values];
  },
});
