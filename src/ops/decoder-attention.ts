// DecoderAttention of ONNX Runtime's own domain: self or cross attention with projections, the length first; four flags
// say what takes part.

import type { Expr } from '../../ir/expr.ts';
import { add, constantOf, div, int } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { Add } from './arithmetic.ts';
import { attend } from './attention-core.ts';
import { packHeads, unpackHeads } from './attention-heads.ts';
import { floatAttribute, requiredInt } from './attributes.ts';
import { scalarLike, tensorTypeOf } from './compose.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { operandOf } from './elements.ts';
import { Concat } from './join.ts';
import { Where } from './logic.ts';
import { MatMul } from './matmul.ts';
import { columnsOf } from './microsoft-attention.ts';
import { Unsqueeze } from './reshape.ts';
import { Transpose } from './transpose.ts';
import { anyFloat, differ, scalarOf, tensorOf, typeSet } from './types.ts';

const flag = typeSet('B', ['bool']);

interface Flags {
  /** Keys and values come from `key`, not from `query`. */
  readonly across: boolean;
  /** Keys and values are joined to the cache, or (across) are the cache. */
  readonly cached: boolean;
  readonly padded: boolean;
}

type FlagInputs<T> = Readonly<Record<'static_kv' | 'use_past' | 'has_layer_state' | 'has_key_padding_mask', T>>;

function flagsOf(inputs: FlagInputs<Operand>, context?: TypeContext): Flags {
  const read = (name: keyof FlagInputs<Operand>): boolean => {
    const known = constantOf(scalarOf(inputs[name]));
    return known === undefined ? (context?.fail(`${name} must be a constant.`) ?? false) : known !== 0;
  };
  return {
    across: read('static_kv'),
    cached: read('use_past') && read('has_layer_state'),
    padded: read('has_key_padding_mask'),
  };
}

const flagsOfValues = (inputs: FlagInputs<Value>): Flags =>
  flagsOf({
    static_kv: operandOf(inputs.static_kv),
    use_past: operandOf(inputs.use_past),
    has_layer_state: operandOf(inputs.has_layer_state),
    has_key_padding_mask: operandOf(inputs.has_key_padding_mask),
  });

export const DecoderAttention = op('DecoderAttention', {
  domain: 'com.microsoft',
  inputs: [
    'query',
    'key',
    'q_weight',
    'kv_weight',
    'bias',
    'key_padding_mask?',
    'key_cache?',
    'value_cache?',
    'static_kv',
    'use_past',
    'has_layer_state',
    'has_key_padding_mask',
  ],
  outputs: ['output', 'new_key_cache?', 'new_value_cache?'],
  attributes: { mask_filter_value: floatAttribute(-10000), num_heads: requiredInt },
  types: {
    query: anyFloat,
    key: anyFloat,
    q_weight: anyFloat,
    kv_weight: anyFloat,
    bias: anyFloat,
    key_padding_mask: flag,
    key_cache: anyFloat,
    value_cache: anyFloat,
    static_kv: flag,
    use_past: flag,
    has_layer_state: flag,
    has_key_padding_mask: flag,
  },
  type: (inputs, { num_heads }, context) => {
    const { query, key, q_weight, kv_weight, bias, key_padding_mask, key_cache, value_cache } = inputs;
    const { across, cached, padded } = flagsOf(inputs, context);
    if (query.rank !== 3 || key.rank !== 3)
      context.fail(`query and key have ranks ${query.rank} and ${key.rank}; expected 3 (length, batch, size).`);
    const [length, batch, width] = query.shape as readonly [Expr, Expr, Expr];
    const hidden = constantOf(width) ?? context.fail('the size of a head must be known.');
    if (num_heads < 1 || hidden % num_heads !== 0)
      context.fail(`query has ${hidden} columns; expected a multiple of ${num_heads} heads.`);
    const expected = { q_weight: [width, width], kv_weight: [width, int(2 * hidden)], bias: [int(3 * hidden)] };
    for (const [name, operand] of Object.entries({ q_weight, kv_weight, bias })) {
      const shape = expected[name as keyof typeof expected];
      if (operand.rank !== shape.length || operand.shape.some((extent, i) => differ(extent, shape[i]!)))
        context.fail(`${name} does not fit the size of query.`);
    }
    if (cached && !(key_cache && value_cache)) context.fail('use_past needs key_cache and value_cache.');
    for (const cache of [key_cache, value_cache]) {
      if (cache && cache.rank !== 4) context.fail(`key_cache and value_cache must have rank 4, got ${cache.rank}.`);
    }
    if (padded && key_padding_mask?.rank !== 2) context.fail('has_key_padding_mask needs key_padding_mask of rank 2.');
    const own = across ? key.shape[0]! : length;
    const before = key_cache?.shape[2] ?? int(0);
    const rows = !cached ? own : across ? before : simplify(add(before, own));
    const cache = tensorOf(query.dtype, [batch, int(num_heads), rows, simplify(div(width, int(num_heads)))]);
    return [tensorOf(query.dtype, query.shape), cache, cache];
  },
  expand: (inputs, { mask_filter_value, num_heads }, g) => {
    const { query, key, q_weight, kv_weight, bias, key_padding_mask, key_cache, value_cache } = inputs;
    const { across, cached, padded } = flagsOfValues(inputs);
    const hidden = constantOf(tensorTypeOf(query).shape[2]!)!;
    const batchFirst = (value: Value): Value => g.apply(Transpose, [value], { perm: [1, 0, 2] });
    const heads = (value: Value): Value => unpackHeads(g, batchFirst(value), num_heads);
    const biasOf = (i: number): Value => columnsOf(g, bias, int(i * hidden), int((i + 1) * hidden));
    const Q = heads(g.apply(Add, [g.apply(MatMul, [query, q_weight]), biasOf(0)]));
    const now = (): readonly Value[] => {
      const both = g.apply(MatMul, [across ? key : query, kv_weight]);
      return [0, 1].map((i) =>
        heads(g.apply(Add, [columnsOf(g, both, int(i * hidden), int((i + 1) * hidden)), biasOf(i + 1)])),
      );
    };
    const caches = [key_cache, value_cache] as readonly (Value | undefined)[];
    const joined = (own: Value, i: number): Value => (cached ? g.apply(Concat, [caches[i], own], { axis: 2 }) : own);
    const [K, V] = (cached && across ? caches : now().map(joined)) as [Value, Value];
    const hide = padded && key_padding_mask ? g.apply(Unsqueeze, [key_padding_mask, g.ints([1, 2])]) : undefined;
    const mask =
      hide && ((scores: Value): Value => g.apply(Where, [hide, scalarLike(g, scores, mask_filter_value), scores]));
    const { Y } = attend(g, { Q, K, V, scale: undefined, softcap: 0, mask });
    return [batchFirst(packHeads(g, Y)), K, V];
  },
});
