// SparseAttention of ONNX Runtime's own domain: causal attention with a cache, in which each row sees the blocks of columns
// that a table names for it.

import type { Expr } from '../../ir/expr.ts';
import { add, all, constantOf, div, eq, indexVar, int, le, lt, mod, reduce, select, sub } from '../../ir/expr-make.ts';
import type { TensorType, Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { Max, Sub } from './arithmetic.ts';
import { attend, MaskScores, ofBatch } from './attention-core.ts';
import { checkHeads, packHeads, unpackHeads } from './attention-heads.ts';
import { intAttribute, optionalFloat, requiredInt } from './attributes.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import { op } from './define.ts';
import { sizesOf } from './elements.ts';
import { shaped } from './loop-body.ts';
import { columnsOf } from './microsoft-attention.ts';
import { PutRows } from './microsoft-decoder-attention.ts';
import { Reshape } from './reshape.ts';
import { Rotate } from './rotary-embedding.ts';
import { agreeing, sizeAt } from './run-time-operands.ts';
import { anyFloat, differ, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';
const indices = typeSet('M', ['int32']);

/**
 * Which columns the rows may see: those in a block that the table of the head's layout names for the block of the row.
 * The tables: where each row of blocks begins and ends, and the columns of blocks.
 */
const SeesBlock = op('SeesBlock', {
  domain: 'lapidary',
  inputs: ['shape', 'rows', 'columns', 'start'],
  attributes: { size: requiredInt },
  types: { rows: indices, columns: indices },
  type: ({ shape }, _, context) => tensorOf('bool', sizesOf(shape) ?? context.fail('shape must be known.')),
  compute: ({ rows, columns, start }, { size }, index, { types }) => {
    const [batch, head, row, column] = index as readonly [Expr, Expr, Expr, Expr];
    const layout = mod(head, rows.shape[0]!);
    const position = add(row, ofBatch(start, batch, types[0]!.shape[0]!));
    const own = div(position, int(size));
    const block = div(column, int(size));
    const i = indexVar('i', columns.shape[1]!);
    const last = simplify(sub(rows.shape[1]!, int(2)));
    const inside = le(own, last);
    const edge = (next: number): Expr => select(inside, sizeAt(rows, layout, add(own, int(next))), int(0));
    const named = all([le(edge(0), i), lt(i, edge(1)), eq(sizeAt(columns, layout, i), block)]);
    const found = reduce('sum', [i], select(named, int(1), int(0)));
    return agreeing([[rows.shape[0]!, columns.shape[0]!]], lt(int(0), found));
  },
});

/** Causal attention with a cache, in which each head sees only the blocks that its layout names. */
export const SparseAttention = op('SparseAttention', {
  domain,
  inputs: [
    'query',
    'key?',
    'value?',
    'past_key',
    'past_value',
    'block_row_indices',
    'block_col_indices',
    'total_sequence_length',
    'key_total_sequence_lengths',
    'cos_cache?',
    'sin_cache?',
  ],
  outputs: ['output', 'present_key', 'present_value'],
  attributes: {
    do_rotary: intAttribute(0, [0, 1]),
    kv_num_heads: requiredInt,
    num_heads: requiredInt,
    rotary_interleaved: intAttribute(0, [0, 1]),
    scale: optionalFloat,
    sparse_block_size: requiredInt,
  },
  types: {
    query: anyFloat,
    key: anyFloat,
    value: anyFloat,
    past_key: anyFloat,
    past_value: anyFloat,
    block_row_indices: indices,
    block_col_indices: indices,
    total_sequence_length: indices,
    key_total_sequence_lengths: indices,
    cos_cache: anyFloat,
    sin_cache: anyFloat,
  },
  type: (inputs, { num_heads, kv_num_heads, do_rotary, sparse_block_size }, context) => {
    const { query, key, value, past_key, past_value, block_row_indices: rows, block_col_indices: columns } = inputs;
    if (!key !== !value) context.fail('key and value must be given together.');
    for (const [name, operand] of Object.entries({ query, key, value })) {
      if (operand && operand.rank !== 3) context.fail(`${name} has rank ${operand.rank}; expected 3.`);
    }
    checkHeads(int(num_heads), int(kv_num_heads), context);
    if (sparse_block_size < 1) context.fail(`sparse_block_size must be positive, got ${sparse_block_size}.`);
    const width = constantOf(query.shape[2]!) ?? context.fail('the size of a head must be known.');
    const size = width / (key ? num_heads : num_heads + 2 * kv_num_heads);
    if (!Number.isInteger(size)) context.fail(`query has ${width} columns; expected a multiple of the heads.`);
    for (const operand of [key, value]) {
      if (operand && differ(operand.shape[2]!, int(size * kv_num_heads)))
        context.fail(`key and value must have ${size * kv_num_heads} columns.`);
    }
    for (const past of [past_key, past_value]) {
      const expected = [query.shape[0]!, int(kv_num_heads), past.shape[2] ?? int(0), int(size)];
      if (past.rank !== 4 || past.shape.some((extent, i) => differ(extent, expected[i]!)))
        context.fail('past_key and past_value must have the shape [batch, kv_num_heads, rows, size].');
    }
    if (rows.rank !== 2 || columns.rank !== 2 || differ(rows.shape[0]!, columns.shape[0]!))
      context.fail('block_row_indices and block_col_indices must have rank 2 and as many layouts.');
    if (do_rotary === 1 && !(inputs.cos_cache && inputs.sin_cache))
      context.fail('do_rotary needs cos_cache and sin_cache.');
    const output = [query.shape[0]!, query.shape[1]!, int(num_heads * size)];
    const cache = [query.shape[0]!, int(kv_num_heads), past_key.shape[2]!, int(size)];
    return [tensorOf(query.dtype, output), tensorOf(query.dtype, cache), tensorOf(query.dtype, cache)];
  },
  expand: (inputs, attributes, g, { types }) => {
    const { query, key, value, past_key, past_value } = inputs;
    const { num_heads: heads, kv_num_heads: shared } = attributes;
    const cache = types[1] as TensorType;
    const [batch, rows] = tensorTypeOf(query).shape as readonly [Expr, Expr];
    const size = constantOf(cache.shape[3]!)!;
    const cut = (from: number, count: number): Value =>
      columnsOf(g, query, int(from * size), int((from + count) * size));
    const parts = key && value ? [query, key, value] : [cut(0, heads), cut(heads, shared), cut(heads + shared, shared)];
    const [q, k, v] = parts.map((part, i) => unpackHeads(g, part, i === 0 ? heads : shared)) as [Value, Value, Value];
    const lengths = castTo(g, g.apply(Reshape, [inputs.key_total_sequence_lengths, g.sizes([batch])]), 'int64');
    const start = g.apply(Max, [g.apply(Sub, [lengths, g.sizes([rows])]), g.scalar(0, 'int64')]);
    const turn = (own: Value): Value =>
      attributes.do_rotary === 1
        ? g.apply(Rotate, [own, inputs.cos_cache, inputs.sin_cache, start], {
            interleaved: attributes.rotary_interleaved,
            turned: 2 * (constantOf(tensorTypeOf(inputs.cos_cache!).shape[1]!) ?? 0),
          })
        : own;
    const append = (past: Value, now: Value): Value => g.apply(PutRows, [shaped(g, past, cache.shape), now, start]);
    const [K, V] = [append(past_key, turn(k)), append(past_value, v)];
    const shape = g.sizes([batch, int(heads), rows, cache.shape[2]!]);
    const { block_row_indices: blockRows, block_col_indices: blockColumns } = inputs;
    const sees = g.apply(SeesBlock, [shape, blockRows, blockColumns, start], { size: attributes.sparse_block_size });
    const mask = (scores: Value): Value => g.apply(MaskScores, [scores, sees, start], { causal: 1 });
    const { Y } = attend(g, { Q: turn(q), K, V, scale: attributes.scale, softcap: 0, mask });
    return [packHeads(g, Y), K, V];
  },
});
