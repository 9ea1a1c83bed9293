// Attention of decoders in ONNX Runtime's own domain: one new token at a time, with a cache of keys and values, which may
// be a buffer of full length that is filled step by step.

import type { Expr } from '../../ir/expr.ts';
import { add, constantOf, div, int, lt, mod, mul, select, sub } from '../../ir/expr-make.ts';
import type { TensorType, Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { Add } from './arithmetic.ts';
import { attend, MaskScores, ofBatch } from './attention-core.ts';
import { headShape, packHeads, unpackHeads } from './attention-heads.ts';
import { floatAttribute, intAttribute, optionalFloat, requiredInt } from './attributes.ts';
import { castTo, scalarLike, tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { Concat } from './join.ts';
import { Greater, Where } from './logic.ts';
import { MatMul } from './matmul.ts';
import { columnsOf, MultiHeadAttention, widths } from './microsoft-attention.ts';
import { Reshape, Unsqueeze } from './reshape.ts';
import { agreeing, checked, sizeAt, within } from './run-time-operands.ts';
import { TakeSlice } from './scan.ts';
import { anyFloat, differ, requireOneElement, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';
const counts = typeSet('M', ['int32']);

/** A cache [batch, heads, rows, size] with the rows from `start` on replaced by new ones. */
export const PutRows = op('PutRows', {
  domain: 'lapidary',
  inputs: ['cache', 'now', 'start'],
  types: { cache: anyFloat, now: anyFloat },
  type: ({ cache }) => tensorOf(cache.dtype, cache.shape),
  compute: ({ cache, now, start }, _, index) => {
    const [b, h, t, d] = index as readonly [Expr, Expr, Expr, Expr];
    const own = sub(t, ofBatch(start, b, cache.shape[0]!));
    const sizes = [0, 1, 3].map((axis) => [now.shape[axis]!, cache.shape[axis]!] as const);
    const value = select(within(own, now.shape[2]!), now.at(b, h, own, d), cache.at(b, h, t, d));
    return agreeing(sizes, value);
  },
});

/**
 * A cache [batch * beams, heads, rows, size] as its beams have come to it: row t of a beam before `start` is that of the
 * beam which the table [batch, beams, rows] names.
 */
const FollowBeams = op('FollowBeams', {
  domain: 'lapidary',
  inputs: ['cache', 'table', 'start'],
  types: { cache: anyFloat, table: counts },
  type: ({ cache }) => tensorOf(cache.dtype, cache.shape),
  compute: ({ cache, table, start }, _, index) => {
    const [b, h, t, d] = index as readonly [Expr, Expr, Expr, Expr];
    const [batches, beams, rows] = table.shape as readonly [Expr, Expr, Expr];
    const [batch, beam] = [div(b, beams), mod(b, beams)];
    const named = checked(within(batch, batches), sizeAt(table, batch, beam, t));
    const other = checked(within(named, beams), cache.at(add(mul(batch, beams), named), h, t, d));
    const isPast = lt(t, ofBatch(start, b, cache.shape[0]!));
    return select(isPast, checked(within(t, rows), other), cache.at(b, h, t, d));
  },
});

interface Decoding {
  readonly mask_index: Value | undefined;
  readonly attention_bias: Value | undefined;
  readonly past_sequence_length: Value;
  readonly cache_indirection: Value | undefined;
}

/** Q, K and V [batch, heads, 1, size] with caches of full length: the output, and the caches with the new row. */
function attendInPlace(
  g: Builder,
  [Q, K, V]: readonly [Value, Value, Value],
  [pastKeys, pastValues]: readonly [Value, Value],
  { mask_index, attention_bias, past_sequence_length, cache_indirection }: Decoding,
  { scale, mask_filter_value }: { readonly scale: number | undefined; readonly mask_filter_value: number },
): readonly [Value, Value, Value] {
  const start = castTo(g, g.apply(Reshape, [past_sequence_length, g.ints([1])]), 'int64');
  const append = (past: Value, now: Value): Value => g.apply(PutRows, [past, now, start]);
  const caches = [append(pastKeys, K), append(pastValues, V)] as const;
  const followed = caches.map((cache) =>
    cache_indirection ? g.apply(FollowBeams, [cache, cache_indirection, start]) : cache,
  ) as [Value, Value];
  const { dtype } = tensorTypeOf(Q);
  const filtered = (mask: Value): Value => {
    const isSet = g.apply(Greater, [mask, scalarLike(g, mask, 0)]);
    const terms = g.apply(Where, [isSet, g.scalar(0, dtype), g.scalar(mask_filter_value, dtype)]);
    return g.apply(Unsqueeze, [terms, g.ints([1, 2])]);
  };
  const padding = mask_index && filtered(mask_index);
  const added = padding && attention_bias ? g.apply(Add, [padding, attention_bias]) : (padding ?? attention_bias);
  const lengths = g.apply(Add, [start, g.scalar(1, 'int64')]);
  const mask = (scores: Value): Value => g.apply(MaskScores, [scores, added, undefined, lengths]);
  const { Y } = attend(g, { Q, K: followed[0], V: followed[1], scale, softcap: 0, mask });
  return [packHeads(g, Y), ...caches];
}

function checkDecoding(
  { past_sequence_length, cache_indirection, mask_index }: Readonly<Record<string, Operand | undefined>>,
  shares: boolean,
  context: TypeContext,
): void {
  if (shares && !past_sequence_length) context.fail('past_present_share_buffer needs past_sequence_length.');
  if (past_sequence_length) requireOneElement(past_sequence_length, 'past_sequence_length', context);
  if (cache_indirection && cache_indirection.rank !== 3)
    context.fail(`cache_indirection has rank ${cache_indirection.rank}; expected 3 (batch, beams, rows).`);
  if (cache_indirection && !shares) context.fail('cache_indirection needs past_present_share_buffer.');
  if (mask_index && mask_index.rank !== 2) context.fail(`mask_index has rank ${mask_index.rank}; expected 2.`);
}

/** Attention of one token: with given keys and values (across), or with a cache that it joins. */
export const DecoderMaskedMultiHeadAttention = op('DecoderMaskedMultiHeadAttention', {
  domain,
  inputs: [
    'query',
    'key?',
    'value?',
    'mask_index?',
    'attention_bias?',
    'past_key?',
    'past_value?',
    'past_sequence_length?',
    'beam_width?',
    'cache_indirection?',
    'bias?',
  ],
  outputs: ['output', 'present_key?', 'present_value?', 'qk?'],
  attributes: {
    mask_filter_value: floatAttribute(-10000),
    num_heads: requiredInt,
    output_qk: intAttribute(0),
    past_present_share_buffer: intAttribute(0, [0, 1]),
    scale: optionalFloat,
  },
  types: {
    query: anyFloat,
    key: anyFloat,
    value: anyFloat,
    mask_index: counts,
    attention_bias: anyFloat,
    past_key: anyFloat,
    past_value: anyFloat,
    past_sequence_length: counts,
    beam_width: counts,
    cache_indirection: counts,
    bias: anyFloat,
  },
  type: (inputs, { num_heads, past_present_share_buffer }, context) => {
    const { query, key, value, past_key, past_value } = inputs;
    if (!key !== !value) context.fail('key and value must be given together.');
    if (!past_key !== !past_value) context.fail('past_key and past_value must be given together.');
    const shares = past_present_share_buffer === 1 && past_key !== undefined;
    checkDecoding(inputs, shares, context);
    if (shares && context.outputs[3]) context.fail('the output qk is not supported with a shared cache.');
    const q = headShape(query, 'query', num_heads, 'num_heads', context);
    const third = simplify(div(q[3]!, int(3)));
    const [k, v] = [key, value].map((own, i) =>
      own ? headShape(own, i === 0 ? 'key' : 'value', num_heads, 'num_heads', context) : [q[0]!, q[1]!, q[2]!, third],
    ) as [readonly Expr[], readonly Expr[]];
    if (key && differ(q[3]!, k[3]!)) context.fail('the heads of query and key must be of one size.');
    const before = past_key?.shape[2];
    const columns = shares ? before! : before ? simplify(add(before, k[2]!)) : k[2]!;
    const cache = (own: readonly Expr[]): TensorType => tensorOf(query.dtype, [own[0]!, own[1]!, columns, own[3]!]);
    const output = [q[0]!, q[2]!, simplify(mul(q[1]!, v[3]!))];
    return [tensorOf(query.dtype, output), cache(k), cache(v), tensorOf(query.dtype, [q[0]!, q[1]!, q[2]!, columns])];
  },
  expand: (inputs, attributes, g, { types }) => {
    const { query, key, value, bias, past_key, past_value } = inputs;
    const { num_heads: heads, scale, mask_filter_value } = attributes;
    const width = constantOf((types[0] as TensorType).shape[2]!)!;
    const hidden = key
      ? constantOf(tensorTypeOf(query).shape[2]!)!
      : (constantOf(tensorTypeOf(query).shape[2]!)! - width) / 2;
    const starts = [0, hidden, 2 * hidden, 2 * hidden + width];
    const cut = (own: Value, i: number): Value => columnsOf(g, own, int(starts[i]!), int(starts[i + 1]!));
    const whole = key && value ? [query, key, value] : [0, 1, 2].map((i) => cut(query, i));
    if (attributes.past_present_share_buffer !== 1 || !past_key || !past_value) {
      const given = [...whole, bias, inputs.mask_index, inputs.attention_bias, past_key, past_value];
      const own = { num_heads: heads, scale, mask_filter_value };
      return g.applyAll(MultiHeadAttention, given, own, { outputs: [true, true, true, true] });
    }
    const parts = whole.map((own, i) => {
      if (tensorTypeOf(own).shape.length === 4) return own;
      return unpackHeads(g, bias ? g.apply(Add, [own, cut(bias, i)]) : own, heads);
    }) as [Value, Value, Value];
    const decoding = { ...inputs, past_sequence_length: inputs.past_sequence_length! };
    return [...attendInPlace(g, parts, [past_key, past_value], decoding, attributes), undefined];
  },
});

/** The same with the projections of one input, and keys and values in one cache. */
export const DecoderMaskedSelfAttention = op('DecoderMaskedSelfAttention', {
  domain,
  inputs: [
    'input',
    'weights',
    'bias',
    'mask_index?',
    'past',
    'attention_bias?',
    'past_sequence_length',
    'beam_width?',
    'cache_indirection?',
  ],
  outputs: ['output', 'present'],
  attributes: {
    do_rotary: intAttribute(0, [0]),
    mask_filter_value: floatAttribute(-10000),
    num_heads: requiredInt,
    past_present_share_buffer: intAttribute(0, [0, 1]),
    scale: optionalFloat,
  },
  types: {
    input: anyFloat,
    weights: anyFloat,
    bias: anyFloat,
    mask_index: counts,
    past: anyFloat,
    attention_bias: anyFloat,
    past_sequence_length: counts,
    beam_width: counts,
    cache_indirection: counts,
  },
  type: (inputs, { num_heads, past_present_share_buffer }, context) => {
    const { input, weights, past } = inputs;
    checkDecoding(inputs, past_present_share_buffer === 1, context);
    if (input.rank !== 3 || weights.rank !== 2)
      context.fail(`input and weights have ranks ${input.rank} and ${weights.rank}; expected 3 and 2.`);
    const width = constantOf(weights.shape[1]!) ?? 0;
    if (num_heads < 1 || width % (3 * num_heads) !== 0)
      context.fail(`weights have ${width} columns; expected those of Q, K and V for ${num_heads} heads.`);
    const size = int(width / 3 / num_heads);
    const rows = past.shape[3] ?? int(0);
    const own = [int(2), input.shape[0]!, int(num_heads), rows, size];
    if (past.rank !== 5 || past.shape.some((extent, i) => differ(extent, own[i]!)))
      context.fail('past must have the shape [2, batch, heads, rows, size].');
    const columns = past_present_share_buffer === 1 ? rows : simplify(add(rows, input.shape[1]!));
    const present = [int(2), input.shape[0]!, int(num_heads), columns, size];
    return [tensorOf(input.dtype, [input.shape[0]!, input.shape[1]!, int(width / 3)]), tensorOf(input.dtype, present)];
  },
  expand: ({ input, weights, bias, past, ...rest }, { do_rotary: _, ...attributes }, g) => {
    const product = g.apply(MatMul, [input, weights]);
    const all = g.apply(Add, [product, bias]);
    const [width] = widths(tensorTypeOf(weights).shape, undefined) as [Expr];
    const third = (i: number): Value =>
      columnsOf(g, all, simplify(mul(width, int(i))), simplify(mul(width, int(i + 1))));
    const half = (i: number): Value => g.apply(TakeSlice, [past, g.scalar(i, 'int64')]);
    const { mask_index, attention_bias, past_sequence_length, beam_width, cache_indirection } = rest;
    const shares = attributes.past_present_share_buffer === 1;
    const [Y, K, V] = g.applyAll(
      DecoderMaskedMultiHeadAttention,
      [
        ...[third(0), third(1), third(2), mask_index, attention_bias, half(0), half(1)],
        ...[shares ? past_sequence_length : undefined, beam_width, cache_indirection],
      ],
      attributes,
      { outputs: [true, true, true] },
    );
    const stacked = [K!, V!].map((own) => g.apply(Unsqueeze, [own, g.ints([0])]));
    return [Y, g.apply(Concat, stacked, { axis: 0 })];
  },
});
