// GroupQueryAttention of ONNX Runtime: causal attention with a cache whose valid length differs from batch to batch.

import type { Expr } from '../../ir/expr.ts';
import { add, and, constant, constantOf, int, lt, max, select, sub } from '../../ir/expr-make.ts';
import type { TensorType, Type, Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { Add, Max, Sub } from './arithmetic.ts';
import { attend, MaskScores, ofBatch } from './attention-core.ts';
import { checkHeads, packHeads, unpackHeads } from './attention-heads.ts';
import { floatAttribute, intAttribute, optionalFloat, requiredInt, stringAttribute } from './attributes.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { sizesOf } from './elements.ts';
import { shaped } from './loop-body.ts';
import { Reshape } from './reshape.ts';
import { Rotate } from './rotary-embedding.ts';
import { within } from './run-time-operands.ts';
import { Slice } from './slice.ts';
import { anyFloat, differ, tensorOf, typeSet } from './types.ts';

/** [batch, heads, T, size]: the past's first `start[batch]` rows, then the new ones, then zeros. */
const AppendToCache = op('AppendToCache', {
  domain: 'lapidary',
  inputs: ['past?', 'now', 'start', 'size'],
  types: { past: anyFloat, now: anyFloat },
  type: ({ now, size }, _, context) => {
    const [rows] = sizesOf(size) ?? context.fail('size must be known.');
    return tensorOf(now.dtype, [now.shape[0]!, now.shape[1]!, rows!, now.shape[3]!]);
  },
  compute: ({ past, now, start }, _, index) => {
    const [b, h, t, d] = index as readonly [Expr, Expr, Expr, Expr];
    const first = ofBatch(start, b, now.shape[0]!);
    const own = sub(t, first);
    const nothing = constant(0, now.dtype);
    const rows = past?.shape[2] ?? int(0);
    const kept = simplify(and(lt(t, first), lt(t, rows)));
    const old = past && constantOf(rows) !== 0 ? select(kept, past.at(b, h, t, d), nothing) : nothing;
    return select(within(own, now.shape[2]!), now.at(b, h, own, d), old);
  },
});

interface Shapes {
  readonly batch: Expr;
  readonly rows: Expr;
  readonly size: number;
}

function shapesOf(
  query: Operand,
  key: Operand | undefined,
  value: Operand | undefined,
  heads: number,
  shared: number,
  context: TypeContext,
): Shapes {
  if (!key !== !value) context.fail('key and value must be given together.');
  for (const operand of [query, key, value]) {
    if (operand && operand.rank !== 3) context.fail(`query, key and value must have rank 3, got ${operand.rank}.`);
  }
  checkHeads(int(heads), int(shared), context);
  const width = constantOf(query.shape[2]!) ?? context.fail('the size of a head must be known.');
  const size = width / (key ? heads : heads + 2 * shared);
  if (!Number.isInteger(size)) context.fail(`query has ${width} columns; expected a multiple of the number of heads.`);
  for (const operand of [key, value]) {
    if (operand && differ(operand.shape[2]!, int(size * shared))) {
      context.fail(`key and value must have ${size * shared} columns, got ${constantOf(operand.shape[2]!)}.`);
    }
  }
  return { batch: query.shape[0]!, rows: query.shape[1]!, size };
}

/** How many rows the cache has afterwards: as the model says, or as many as before and the new ones. */
function cacheRows(past: Operand | undefined, now: Expr, total: Operand, declared: Type | undefined): Expr {
  const before = past?.shape[2] ?? int(0);
  const known = sizesOf(total)?.[0];
  if (known) return simplify(max(before, known));
  const said = declared?.kind === 'tensor' ? declared.shape[2] : undefined;
  return said && constantOf(said) !== undefined ? said : simplify(add(before, now));
}

export const GroupQueryAttention = op('GroupQueryAttention', {
  domain: 'com.microsoft',
  inputs: [
    'query',
    'key?',
    'value?',
    'past_key?',
    'past_value?',
    'seqlens_k',
    'total_sequence_length',
    'cos_cache?',
    'sin_cache?',
    'position_ids?',
    'attention_bias?',
    'head_sink?',
  ],
  outputs: ['output', 'present_key?', 'present_value?', 'output_qk?'],
  attributes: {
    do_rotary: intAttribute(0, [0, 1]),
    k_quant_type: stringAttribute('NONE', ['NONE']),
    kv_cache_bit_width: intAttribute(0),
    kv_num_heads: requiredInt,
    local_window_size: intAttribute(-1),
    num_heads: requiredInt,
    qk_output: intAttribute(0),
    rotary_interleaved: intAttribute(0, [0, 1]),
    scale: optionalFloat,
    smooth_softmax: intAttribute(0),
    softcap: floatAttribute(0),
    v_quant_type: stringAttribute('NONE', ['NONE']),
  },
  types: {
    query: anyFloat,
    key: anyFloat,
    value: anyFloat,
    past_key: anyFloat,
    past_value: anyFloat,
    seqlens_k: typeSet('M', ['int32']),
    total_sequence_length: typeSet('M', ['int32']),
    cos_cache: anyFloat,
    sin_cache: anyFloat,
    position_ids: typeSet('P', ['int64']),
    attention_bias: anyFloat,
    head_sink: anyFloat,
  },
  type: (inputs, { num_heads, kv_num_heads, do_rotary }, context) => {
    const { query, key, value, past_key, total_sequence_length } = inputs;
    const { batch, rows, size } = shapesOf(query, key, value, num_heads, kv_num_heads, context);
    if (do_rotary === 1 && !(inputs.cos_cache && inputs.sin_cache)) {
      context.fail('do_rotary needs cos_cache and sin_cache.');
    }
    const columns = cacheRows(past_key, rows, total_sequence_length, context.declared[1]);
    const cache = tensorOf(query.dtype, [batch, int(kv_num_heads), columns, int(size)]);
    const scores = tensorOf(query.dtype, [batch, int(num_heads), rows, columns]);
    return [tensorOf(query.dtype, [batch, rows, int(num_heads * size)]), cache, cache, scores];
  },
  expand: (inputs, attributes, g, { types }) => {
    const { query, key, value, past_key, past_value, seqlens_k, head_sink } = inputs;
    const { num_heads: heads, kv_num_heads: shared } = attributes;
    const cache = types[1] as TensorType;
    const { shape } = tensorTypeOf(query);
    const [batch, rows] = shape as readonly [Expr, Expr, Expr];
    const size = constantOf(cache.shape[3]!)!;
    const cut = (from: number, count: number): Value =>
      g.apply(Slice, [query, g.ints([from * size]), g.ints([(from + count) * size]), g.ints([2])]);
    const keys = (value: Value): Value => shaped(g, value, [batch, rows, int(shared * size)]);
    const parts =
      key && value ? [query, keys(key), keys(value)] : [cut(0, heads), cut(heads, shared), cut(heads + shared, shared)];
    const [q, k, v] = parts.map((part, i) => unpackHeads(g, part, i === 0 ? heads : shared)) as [Value, Value, Value];

    // seqlens_k counts the elements of each batch, the new ones included, less one.
    const lengths = castTo(g, g.apply(Reshape, [seqlens_k, g.sizes([batch])]), 'int64');
    const total = g.apply(Add, [lengths, g.scalar(1, 'int64')]);
    const start = g.apply(Max, [g.apply(Sub, [total, g.sizes([rows])]), g.scalar(0, 'int64')]);
    const turn = (heads: Value): Value =>
      attributes.do_rotary === 1
        ? g.apply(Rotate, [heads, inputs.cos_cache, inputs.sin_cache, inputs.position_ids ?? start], {
            interleaved: attributes.rotary_interleaved,
            turned: 2 * (constantOf(tensorTypeOf(inputs.cos_cache!).shape[1]!) ?? 0),
          })
        : heads;
    const append = (past: Value | undefined, now: Value): Value => {
      const [b, h, , d] = tensorTypeOf(now).shape as readonly [Expr, Expr, Expr, Expr];
      const old = past && shaped(g, past, [b, h, tensorTypeOf(past).shape[2]!, d]);
      return g.apply(AppendToCache, [old, now, start, g.sizes([cache.shape[2]!])]);
    };
    const [K, V] = [append(past_key, turn(k)), append(past_value, v)];
    const window = Math.max(attributes.local_window_size, 0);
    const zero = attributes.smooth_softmax === 1 ? g.scalar(0, cache.dtype) : undefined;
    const { Y, stages } = attend(g, {
      Q: turn(q),
      K,
      V,
      scale: attributes.scale,
      softcap: attributes.softcap,
      mask: (scores) => g.apply(MaskScores, [scores, inputs.attention_bias, start], { causal: 1, window }),
      sink: head_sink ?? zero,
    });
    return [packHeads(g, Y), K, V, stages[attributes.qk_output === 2 ? 3 : 2]];
  },
});
