// LinearAttention: attention as a recurrence over a matrix of states for each head, and CausalConvWithState, the
// convolution over time that goes with it.

import type { Expr } from '../../ir/expr.ts';
import { add, constantOf, div, int, mul, sub } from '../../ir/expr-make.ts';
import type { TensorType, Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { accumulatorType } from './accumulate.ts';
import { Swish } from './activations.ts';
import { Add, Mul, Sub } from './arithmetic.ts';
import { checkHeads, packHeads } from './attention-heads.ts';
import { floatAttribute, intAttribute, requiredInt, stringAttribute } from './attributes.ts';
import { castTo, scalarLike, tensorTypeOf, widened } from './compose.ts';
import { Conv } from './convolution.ts';
import { type Builder, op } from './define.ts';
import { Concat } from './join.ts';
import { repeat, shaped } from './loop-body.ts';
import { MatMul } from './matmul.ts';
import { Expand } from './repeat.ts';
import { Reshape, Unsqueeze } from './reshape.ts';
import { TakeSlice } from './scan.ts';
import { Slice } from './slice.ts';
import { Transpose } from './transpose.ts';
import { anyFloat, differ, floatTypes, tensorOf, typeSet } from './types.ts';
import { Exp } from './unary.ts';

const stateType = typeSet('S', floatTypes);

type Shape = readonly Expr[];
const shapeOf = (value: Value): Shape => tensorTypeOf(value).shape;

/** [B, T, H * D] → [T, B, H, …last] */
function timeFirst(g: Builder, value: Value, [batch, time]: readonly [Expr, Expr], heads: number, last: Shape): Value {
  const split = g.apply(Reshape, [value, g.sizes([batch, time, int(heads), ...last])], { allowzero: 1 });
  const perm = [1, 0, ...Array.from({ length: last.length + 1 }, (_, i) => i + 2)];
  return g.apply(Transpose, [split], { perm });
}

const perHead = (value: Value, heads: number): Expr => simplify(div(shapeOf(value)[2]!, int(heads)));

export const linearAttentionAttributes = {
  chunk_size: intAttribute(64),
  kv_num_heads: requiredInt,
  q_num_heads: requiredInt,
  scale: floatAttribute(0),
  update_rule: stringAttribute('gated_delta', ['linear', 'gated', 'delta', 'gated_delta']),
};

/**
 * For each element of the sequence, with S a matrix [size of keys, size of values] for each head of K and V:
 *   linear       S' = S + k v                       gated        S' = exp(decay) S + k v
 *   delta        S' = S + beta k (v - k S)          gated_delta  the same with exp(decay) S in the place of S
 *   output = scale q S'
 */
export const LinearAttention = op('LinearAttention', {
  inputs: ['query', 'key', 'value', 'past_state?', 'decay?', 'beta?'],
  outputs: ['output', 'present_state'],
  attributes: linearAttentionAttributes,
  types: {
    query: anyFloat,
    key: anyFloat,
    value: anyFloat,
    past_state: stateType,
    decay: anyFloat,
    beta: anyFloat,
  },
  since: 27,
  type: ({ query, key, value, past_state, decay, beta }, { q_num_heads, kv_num_heads, update_rule }, context) => {
    for (const [name, { rank }] of Object.entries({ query, key, value })) {
      if (rank !== 3) context.fail(`${name} has rank ${rank}; expected 3 (batch, time, heads * size).`);
    }
    checkHeads(int(q_num_heads), int(kv_num_heads), context);
    if (update_rule.includes('gated') && !decay) context.fail(`update_rule ${update_rule} needs decay.`);
    if (update_rule.includes('delta') && !beta) context.fail(`update_rule ${update_rule} needs beta.`);
    const [batch, time] = [query.shape[0]!, query.shape[1]!];
    const size = simplify(div(query.shape[2]!, int(q_num_heads)));
    if (constantOf(size) === undefined) context.fail('the size of a head must be known.');
    if (differ(key.shape[2]!, mul(size, int(kv_num_heads)))) {
      context.fail(`key has ${constantOf(key.shape[2]!)} columns; expected ${constantOf(size)! * kv_num_heads}.`);
    }
    const columns = simplify(div(value.shape[2]!, int(kv_num_heads)));
    const state = [batch, int(kv_num_heads), size, columns];
    if (past_state && (past_state.rank !== 4 || past_state.shape.some((own, i) => differ(own, state[i]!)))) {
      context.fail('past_state must have the shape [batch, kv_num_heads, size of keys, size of values].');
    }
    const output = [batch, time, simplify(mul(columns, int(q_num_heads)))];
    return [tensorOf(query.dtype, output), tensorOf(past_state?.dtype ?? query.dtype, state)];
  },
  expand: (inputs, { q_num_heads, kv_num_heads, scale, update_rule }, g, { types }) => {
    const state = types[1] as TensorType;
    const [batch, time] = shapeOf(inputs.query) as [Expr, Expr];
    const [size, columns] = state.shape.slice(2) as [Expr, Expr];
    const wide = accumulatorType(tensorTypeOf(inputs.query).dtype);
    const shared = int(q_num_heads / kv_num_heads);
    const read = (value: Value, heads: number, last: Shape): Value =>
      timeFirst(g, castTo(g, value, wide), [batch, time], heads, last);
    const Q = read(inputs.query, kv_num_heads, [shared, size]);
    const K = read(inputs.key, kv_num_heads, [int(1), size]);
    const V = read(inputs.value, kv_num_heads, [int(1), columns]);
    const decay = update_rule.includes('gated') ? inputs.decay : undefined;
    const beta = update_rule.includes('delta') ? inputs.beta : undefined;
    const D = decay && g.apply(Exp, [read(decay, kv_num_heads, [perHead(decay, kv_num_heads), int(1)])]);
    const heads = beta && constantOf(shapeOf(beta)[2]!) === 1 ? 1 : kv_num_heads;
    const B = beta && read(beta, heads, [int(1), int(1)]);
    const factor = scale || 1 / Math.sqrt(constantOf(size)!);

    const step = (S: Value, at: Value): { readonly next: Value; readonly output: Value } => {
      const now = (value: Value): Value => g.apply(TakeSlice, [value, at]);
      const kept = D ? g.apply(Mul, [S, now(D)]) : S;
      const k = now(K);
      const written = B ? g.apply(Mul, [now(B), g.apply(Sub, [now(V), g.apply(MatMul, [k, kept])])]) : now(V);
      const column = g.apply(Transpose, [k], { perm: [0, 1, 3, 2] });
      const next = g.apply(Add, [kept, g.apply(Mul, [column, written])]);
      const result = g.apply(MatMul, [now(Q), next]);
      return { next, output: g.apply(Mul, [result, scalarLike(g, result, factor)]) };
    };
    const initial = inputs.past_state
      ? shaped(g, castTo(g, inputs.past_state, wide), state.shape)
      : g.apply(Expand, [g.scalar(0, wide), g.sizes(state.shape)]);
    const [final, outputs] = runThrough(g, initial, time, step);
    // [T, B, Hkv, shared, columns] → [B, Hkv * shared, T, columns] → [B, T, Hq * columns]
    const turned = g.apply(Transpose, [outputs], { perm: [1, 2, 3, 0, 4] });
    const flat = g.apply(Reshape, [turned, g.sizes([batch, int(q_num_heads), time, columns])], { allowzero: 1 });
    return [castTo(g, packHeads(g, flat), tensorTypeOf(inputs.query).dtype), castTo(g, final, state.dtype)];
  },
});

/** The last state and the stacked outputs. */
function runThrough(
  g: Builder,
  initial: Value,
  time: Expr,
  step: (state: Value, at: Value) => { readonly next: Value; readonly output: Value },
): readonly [Value, Value] {
  if (constantOf(time) === 1) {
    const { next, output } = step(initial, g.scalar(0, 'int64'));
    return [next, g.apply(Unsqueeze, [output, g.ints([0])])];
  }
  const [final, outputs] = repeat(g, g.sizes([time]), [initial], (at, [state]) => {
    const { next, output } = step(state!, at);
    return { states: [next], scans: [output] };
  });
  return [final!, outputs!];
}

/** Y = activation(convolution of the past and the input); the last inputs are the next call's past. */
export const CausalConvWithState = op('CausalConvWithState', {
  inputs: ['input', 'weight', 'bias?', 'past_state?'],
  outputs: ['output', 'present_state'],
  attributes: { activation: stringAttribute('none', ['none', 'silu', 'swish']) },
  types: { input: anyFloat, weight: anyFloat, bias: anyFloat, past_state: anyFloat },
  since: 27,
  type: ({ input, weight, bias, past_state }, _, context) => {
    if (input.rank !== 3) context.fail(`input has rank ${input.rank}; expected 3 (batch, channels, time).`);
    const channels = input.shape[1]!;
    if (weight.rank !== 3 || differ(weight.shape[0]!, channels) || differ(weight.shape[1]!, int(1))) {
      context.fail('weight must have the shape [channels, 1, kernel].');
    }
    if (bias && (bias.rank !== 1 || differ(bias.shape[0]!, channels)))
      context.fail('bias must have one element a channel.');
    const past = [input.shape[0]!, channels, simplify(sub(weight.shape[2]!, int(1)))];
    if (past_state && (past_state.rank !== 3 || past_state.shape.some((own, i) => differ(own, past[i]!)))) {
      context.fail('past_state must have the shape [batch, channels, kernel - 1].');
    }
    return [tensorOf(input.dtype, input.shape), tensorOf(input.dtype, past)];
  },
  expand: ({ input, weight, bias, past_state }, { activation }, g, { types }) => {
    const { dtype, shape } = tensorTypeOf(input);
    const past = (types[1] as TensorType).shape;
    const before = past_state ? shaped(g, past_state, past) : g.apply(Expand, [g.scalar(0, dtype), g.sizes(past)]);
    const whole = constantOf(past[2]!) === 0 ? input : g.apply(Concat, [before, input], { axis: 2 });
    const group = constantOf(shape[1]!) ?? 1;
    const result = widened(g, g.apply(Conv, [whole, weight, bias], { group }));
    const output = activation === 'none' ? result : g.apply(Swish, [result]);
    const [from, to] = [shape[2]!, simplify(add(shape[2]!, past[2]!))];
    const present = g.apply(Slice, [whole, g.sizes([from]), g.sizes([to]), g.ints([2])]);
    return [castTo(g, output, dtype), present];
  },
});
