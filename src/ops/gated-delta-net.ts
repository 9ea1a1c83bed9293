// GatedDeltaNet of ONNX Runtime's own domain: LinearAttention over sequences of equal length, or of any lengths one after
// the other, with gates and norms of its own and a state that has the values' axis first. Sequences of different lengths
// are filled up with tokens of zeros, which leave the state as it is.

import { add, constant, constantOf, div, indexVar, int, le, lt, mul, reduce, select, sub } from '../../ir/expr-make.ts';
import type { TensorType, Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { Softplus } from './activations.ts';
import { Add, Div, Mul } from './arithmetic.ts';
import { floatAttribute, intAttribute, stringAttribute } from './attributes.ts';
import { castTo, scalarLike, tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { LinearAttention } from './linear-attention.ts';
import { ReduceSumSquare } from './reductions.ts';
import { Expand } from './repeat.ts';
import { Reshape } from './reshape.ts';
import { checked, sizeAt, within } from './run-time-operands.ts';
import { Transpose } from './transpose.ts';
import { anyFloat, differ, tensorOf, typeSet } from './types.ts';
import { Exp, Neg, Sigmoid, Sqrt } from './unary.ts';

const real = typeSet('TS', ['float32']);
const counts = typeSet('TI', ['int32']);

/** Tokens [tokens, …] of sequences that begin at `starts` as [batch, tokens, …], with zeros behind each sequence. */
const SpreadTokens = op('SpreadTokens', {
  domain: 'lapidary',
  inputs: ['X', 'starts'],
  types: { X: anyFloat, starts: counts },
  type: ({ X, starts }) => tensorOf(X.dtype, [simplify(sub(starts.shape[0]!, int(1))), ...X.shape]),
  compute: ({ X, starts }, _, [b, t, ...rest]) => {
    const [from, to] = [sizeAt(starts, b!), sizeAt(starts, add(b!, int(1)))];
    const token = add(from, t!);
    const value = checked(within(token, X.shape[0]!), X.at(token, ...rest));
    return select(lt(token, to), value, constant(0, X.dtype));
  },
});

/** The inverse: [batch, tokens, …] as [tokens, …]. */
const CollectTokens = op('CollectTokens', {
  domain: 'lapidary',
  inputs: ['X', 'starts'],
  types: { X: anyFloat, starts: counts },
  type: ({ X }) => tensorOf(X.dtype, X.shape.slice(1)),
  compute: ({ X, starts }, _, [token, ...rest]) => {
    const i = indexVar('i', simplify(sub(starts.shape[0]!, int(2))));
    const sequence = reduce('sum', [i], select(le(sizeAt(starts, add(i, int(1))), token!), int(1), int(0)));
    const own = sub(token!, sizeAt(starts, sequence));
    return checked(within(own, X.shape[1]!), X.at(sequence, own, ...rest));
  },
});

interface Sizes {
  readonly queries: number;
  readonly values: number;
  readonly keySize: number;
  readonly valueSize: number;
}

function sizesOf(query: Operand, key: Operand, value: Operand, context: TypeContext): Sizes {
  if (query.rank !== 3 && query.rank !== 4) context.fail(`query has rank ${query.rank}; expected 3 or 4.`);
  if (key.rank !== query.rank || value.rank !== query.rank) context.fail('query, key and value must be of one rank.');
  const last = [...query.shape.slice(-2), ...value.shape.slice(-2)].map((extent) => constantOf(extent));
  const [queries, keySize, values, valueSize] = last;
  if (queries === undefined || keySize === undefined || values === undefined || valueSize === undefined)
    return context.fail('the numbers of heads and their sizes must be known.');
  if (key.shape.some((extent, i) => differ(extent, query.shape[i]!))) context.fail('key must have the shape of query.');
  if (queries < 1 || values % queries !== 0)
    context.fail(`value has ${values} heads; expected a multiple of the ${queries} of query.`);
  return { queries, values, keySize, valueSize };
}

export const GatedDeltaNet = op('GatedDeltaNet', {
  domain: 'com.microsoft',
  inputs: ['query', 'key', 'value', 'cu_seqlens?', 'decay?', 'beta?', 'initial_state?', 'a_log?', 'dt_bias?'],
  outputs: ['output', 'final_state?'],
  attributes: {
    beta_activation: stringAttribute('none', ['none', 'sigmoid']),
    chunk_size: intAttribute(64),
    gate_activation: stringAttribute('none', ['none', 'qwen']),
    qk_l2_norm: intAttribute(0, [0, 1]),
    scale: floatAttribute(0),
    state_update_capacity: intAttribute(0, [0]),
    update_rule: stringAttribute('gated_delta', ['linear', 'gated', 'delta', 'gated_delta']),
  },
  types: {
    query: anyFloat,
    key: anyFloat,
    value: anyFloat,
    cu_seqlens: counts,
    decay: real,
    beta: real,
    initial_state: real,
    a_log: real,
    dt_bias: real,
  },
  type: (inputs, { gate_activation, update_rule }, context) => {
    const { query, key, value, cu_seqlens, decay, beta, initial_state, a_log, dt_bias } = inputs;
    const { values, keySize, valueSize } = sizesOf(query, key, value, context);
    if (cu_seqlens && (query.rank !== 3 || cu_seqlens.rank !== 1))
      context.fail('cu_seqlens needs a query of rank 3, and must have rank 1.');
    if (!cu_seqlens && !initial_state && query.rank === 3)
      context.fail('without cu_seqlens, initial_state must tell the number of sequences.');
    const batch = cu_seqlens
      ? simplify(sub(cu_seqlens.shape[0]!, int(1)))
      : query.rank === 4
        ? query.shape[0]!
        : initial_state!.shape[0]!;
    const state = [batch, int(values), int(valueSize), int(keySize)];
    if (initial_state && (initial_state.rank !== 4 || initial_state.shape.some((own, i) => differ(own, state[i]!))))
      context.fail('initial_state must have the shape [batch, heads of value, size of value, size of key].');
    if (update_rule.includes('gated') && !decay) context.fail(`update_rule ${update_rule} needs decay.`);
    if (update_rule.includes('delta') && !beta) context.fail(`update_rule ${update_rule} needs beta.`);
    if (gate_activation === 'qwen' && !(a_log && dt_bias))
      context.fail('gate_activation qwen needs a_log and dt_bias.');
    const output = [...query.shape.slice(0, -2), int(values), int(valueSize)];
    return [tensorOf(query.dtype, output), tensorOf('float32', state)];
  },
  expand: (inputs, attributes, g, { types }) => {
    const { query, key, value, cu_seqlens, initial_state } = inputs;
    const state = (types[1] as TensorType).shape;
    const values = constantOf(state[1]!)!;
    const leading = tensorTypeOf(query).shape.slice(0, -2);
    /** [batch, length, width], where a token has so many elements. */
    const inBatches = (own: Value): Value => {
      const { shape } = tensorTypeOf(own);
      const width = simplify(shape.slice(leading.length).reduce(mul, int(1)));
      if (leading.length === 2) return g.apply(Reshape, [own, g.sizes([...leading, width])], { allowzero: 1 });
      const flat = g.apply(Reshape, [own, g.sizes([leading[0]!, width])], { allowzero: 1 });
      if (cu_seqlens) return g.apply(SpreadTokens, [flat, cu_seqlens]);
      const length = simplify(div(leading[0]!, state[0]!));
      return g.apply(Reshape, [flat, g.sizes([state[0]!, length, width])], { allowzero: 1 });
    };
    const heads = (own: Value): Value => inBatches(readByValues(g, normalized(g, own, attributes.qk_l2_norm), values));
    const swap = (own: Value): Value => g.apply(Transpose, [own], { perm: [0, 1, 3, 2] });
    const gate = inputs.decay && gateOf(g, inputs.decay, inputs, attributes.gate_activation);
    const opened =
      inputs.beta && (attributes.beta_activation === 'sigmoid' ? g.apply(Sigmoid, [inputs.beta]) : inputs.beta);
    const { update_rule, scale } = attributes;
    const operands = [
      ...[heads(query), heads(key), inBatches(castTo(g, value, 'float32')), initial_state && swap(initial_state)],
      ...[gate && inBatches(gate), opened && inBatches(opened)],
    ];
    const [Y, final] = g.applyAll(LinearAttention, operands, {
      q_num_heads: values,
      kv_num_heads: values,
      update_rule,
      scale,
    });
    const tokens = cu_seqlens ? g.apply(CollectTokens, [Y, cu_seqlens]) : Y!;
    const output = g.apply(Reshape, [tokens, g.sizes((types[0] as TensorType).shape)], { allowzero: 1 });
    return [castTo(g, output, tensorTypeOf(query).dtype), swap(final!)];
  },
});

/** x over the root of the sum of its squares, for each head; in float32. */
function normalized(g: Builder, x: Value, norm: number): Value {
  const wide = castTo(g, x, 'float32');
  if (!norm) return wide;
  const squares = g.apply(ReduceSumSquare, [wide, g.ints([-1])]);
  return g.apply(Div, [wide, g.apply(Sqrt, [g.apply(Add, [squares, scalarLike(g, squares, 1e-6)])])]);
}

/** Heads [.., heads, size] repeated until there is one for each head of values. */
function readByValues(g: Builder, x: Value, values: number): Value {
  const { shape } = tensorTypeOf(x);
  const [heads, size] = [constantOf(shape.at(-2)!)!, shape.at(-1)!];
  if (heads === values) return x;
  const outer = shape.slice(0, -2);
  const split = g.apply(Reshape, [x, g.sizes([...outer, int(heads), int(1), size])], { allowzero: 1 });
  const many = g.apply(Expand, [split, g.sizes([...outer, int(heads), int(values / heads), size])]);
  return g.apply(Reshape, [many, g.sizes([...outer, int(values), size])], { allowzero: 1 });
}

/** The logarithm of what is kept of the state: as given, or -exp(a_log) * softplus(decay + dt_bias). */
function gateOf(
  g: Builder,
  decay: Value,
  { a_log, dt_bias }: { readonly a_log: Value | undefined; readonly dt_bias: Value | undefined },
  activation: string,
): Value {
  if (activation !== 'qwen' || !a_log || !dt_bias) return decay;
  const opened = g.apply(Softplus, [g.apply(Add, [decay, dt_bias])]);
  return g.apply(Mul, [g.apply(Neg, [g.apply(Exp, [a_log])]), opened]);
}
