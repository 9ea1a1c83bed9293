// LinearAttention of ONNX Runtime's own domain: that of the standard, but there may also be fewer heads of queries than of
// keys and values; then each is read by several.

import type { Expr } from '../../ir/expr.ts';
import { constantOf, int } from '../../ir/expr-make.ts';
import type { TensorType, Value } from '../../ir/graph.ts';
import { intAttribute } from './attributes.ts';
import { tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op } from './define.ts';
import { LinearAttention, linearAttentionAttributes } from './linear-attention.ts';
import { Expand } from './repeat.ts';
import { Reshape } from './reshape.ts';
import { anyFloat, floatTypes, typeSet } from './types.ts';

/** How many heads of keys and values read a head of queries. */
const readersOf = (queries: number, others: number): number =>
  queries > 0 && others > queries && others % queries === 0 ? others / queries : 1;

function repeated(g: Builder, query: Value, heads: number, times: number): Value {
  const [batch, time, width] = tensorTypeOf(query).shape as readonly [Expr, Expr, Expr];
  const size = int(constantOf(width)! / heads);
  const split = g.apply(Reshape, [query, g.sizes([batch, time, int(heads), int(1), size])], { allowzero: 1 });
  const many = g.apply(Expand, [split, g.sizes([batch, time, int(heads), int(times), size])]);
  return g.apply(Reshape, [many, g.sizes([batch, time, int(constantOf(width)! * times)])], { allowzero: 1 });
}

export const MicrosoftLinearAttention = op('LinearAttention', {
  domain: 'com.microsoft',
  inputs: ['query', 'key', 'value', 'past_state?', 'decay?', 'beta?'],
  outputs: ['output', 'present_state'],
  attributes: { ...linearAttentionAttributes, state_window: intAttribute(0, [0]) },
  types: {
    query: anyFloat,
    key: anyFloat,
    value: anyFloat,
    past_state: typeSet('S', floatTypes),
    decay: anyFloat,
    beta: anyFloat,
  },
  type: (inputs, { state_window: _, ...attributes }, context) => {
    const times = readersOf(attributes.q_num_heads, attributes.kv_num_heads);
    if (times === 1) return LinearAttention.type(inputs as never, attributes, context);
    const { query } = inputs;
    const known = query.rank === 3 ? constantOf(query.shape[2]!) : undefined;
    const width = known ?? context.fail('query must have rank 3 and a known number of columns.');
    if (width % attributes.q_num_heads !== 0)
      context.fail(`query has ${width} columns; expected a multiple of its ${attributes.q_num_heads} heads.`);
    const wide: Operand = { ...query, shape: [...query.shape.slice(0, 2), int(width * times)] };
    const own = { ...attributes, q_num_heads: attributes.kv_num_heads };
    return LinearAttention.type({ ...inputs, query: wide } as never, own, context) as readonly TensorType[];
  },
  expand: ({ query, key, value, past_state, decay, beta }, { state_window: _, ...attributes }, g) => {
    const { q_num_heads, kv_num_heads } = attributes;
    const times = readersOf(q_num_heads, kv_num_heads);
    const queries = times === 1 ? query : repeated(g, query, q_num_heads, times);
    const own = times === 1 ? attributes : { ...attributes, q_num_heads: kv_num_heads };
    return g.applyAll(LinearAttention, [queries, key, value, past_state, decay, beta], own);
  },
});
