// Attention of ONNX (opset 23 and later): scaled products of queries and keys, masked, over all values and a cache.

import { add, constantOf, int, mul } from '../../ir/expr-make.ts';
import type { TensorType, Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { Sub } from './arithmetic.ts';
import { attend, MaskScores } from './attention-core.ts';
import { checkHeads, headShape, packHeads, unpackHeads } from './attention-heads.ts';
import { floatAttribute, intAttribute, optionalDtype, optionalFloat, optionalInt } from './attributes.ts';
import { tensorTypeOf } from './compose.ts';
import { op } from './define.ts';
import { Concat } from './join.ts';
import { anyFloat, differ, floatTypes, integerTypes, tensorOf, typeSet } from './types.ts';

export const Attention = op('Attention', {
  inputs: ['Q', 'K', 'V', 'attn_mask?', 'past_key?', 'past_value?', 'nonpad_kv_seqlen?'],
  outputs: ['Y', 'present_key?', 'present_value?', 'qk_matmul_output?'],
  attributes: {
    is_causal: intAttribute(0, [0, 1]),
    kv_num_heads: optionalInt,
    q_num_heads: optionalInt,
    qk_matmul_output_mode: intAttribute(0, [0, 1, 2, 3]),
    scale: optionalFloat,
    softcap: floatAttribute(0),
    softmax_precision: optionalDtype,
  },
  types: {
    Q: anyFloat,
    K: anyFloat,
    V: typeSet('T2', floatTypes),
    attn_mask: typeSet('U', [...floatTypes, ...integerTypes, 'bool']),
    past_key: anyFloat,
    past_value: typeSet('T2', floatTypes),
    nonpad_kv_seqlen: typeSet('I', ['int64']),
  },
  since: 24,
  type: ({ Q, K, V, past_key, past_value }, { q_num_heads, kv_num_heads }, context) => {
    if (Q.rank !== K.rank || K.rank !== V.rank) {
      context.fail(`Q, K and V have ranks ${Q.rank}, ${K.rank} and ${V.rank}; they must be equal.`);
    }
    if (!past_key !== !past_value) context.fail('past_key and past_value must be given together.');
    const q = headShape(Q, 'Q', q_num_heads, 'q_num_heads', context);
    const k = headShape(K, 'K', kv_num_heads, 'kv_num_heads', context);
    const v = headShape(V, 'V', kv_num_heads, 'kv_num_heads', context);
    checkHeads(q[1]!, k[1]!, context);
    if (differ(q[3]!, k[3]!)) context.fail(`heads of Q have size ${constantOf(q[3]!)}, of K ${constantOf(k[3]!)}.`);
    const columns = past_key ? simplify(add(past_key.shape[2] ?? int(0), k[2]!)) : k[2]!;
    const Y = Q.rank === 4 ? [q[0]!, q[1]!, q[2]!, v[3]!] : [q[0]!, q[2]!, simplify(mul(q[1]!, v[3]!))];
    return [
      tensorOf(Q.dtype, Y),
      tensorOf(K.dtype, [k[0]!, k[1]!, columns, k[3]!]),
      tensorOf(V.dtype, [v[0]!, v[1]!, columns, v[3]!]),
      tensorOf(Q.dtype, [q[0]!, q[1]!, q[2]!, columns]),
    ];
  },
  expand: (inputs, attributes, g) => {
    const { attn_mask, past_key, past_value, nonpad_kv_seqlen } = inputs;
    const packed = tensorTypeOf(inputs.Q).shape.length === 3;
    const heads = (value: Value, count: number | undefined): Value => (packed ? unpackHeads(g, value, count!) : value);
    const Q = heads(inputs.Q, attributes.q_num_heads);
    const joined = (past: Value | undefined, now: Value): Value =>
      past ? g.apply(Concat, [past, now], { axis: 2 }) : now;
    const K = joined(past_key, heads(inputs.K, attributes.kv_num_heads));
    const V = joined(past_value, heads(inputs.V, attributes.kv_num_heads));
    const rows = g.sizes([tensorTypeOf(Q).shape[2]!]);
    // Where the cache is outside, its valid length says where the rows stand.
    const offset = nonpad_kv_seqlen
      ? g.apply(Sub, [nonpad_kv_seqlen, rows])
      : g.sizes([past_key ? (past_key.type as TensorType).shape[2]! : int(0)]);
    const causal = attributes.is_causal;
    const masked = attn_mask !== undefined || causal === 1 || nonpad_kv_seqlen !== undefined;
    const { Y, stages } = attend(g, {
      Q,
      K,
      V,
      scale: attributes.scale,
      softcap: attributes.softcap,
      precision: attributes.softmax_precision,
      ...(masked
        ? { mask: (scores) => g.apply(MaskScores, [scores, attn_mask, offset, nonpad_kv_seqlen], { causal }) }
        : {}),
    });
    return [packed ? packHeads(g, Y) : Y, K, V, stages[attributes.qk_matmul_output_mode]];
  },
});
