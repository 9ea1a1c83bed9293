// Gates and relative position biases of ONNX Runtime's own domain: GatedAdd, LinearAttentionGate, RelativePositionBias,
// GatedRelativePositionBias.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  call,
  cast,
  constant,
  constantOf,
  div,
  int,
  lt,
  max,
  min,
  mul,
  neg,
  select,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { Softplus } from './activations.ts';
import { Add, Mul, Sub } from './arithmetic.ts';
import { unpackHeads } from './attention-heads.ts';
import { intAttribute, requiredInt } from './attributes.ts';
import { castTo, scalarLike, tensorTypeOf, widened } from './compose.ts';
import { type Builder, op } from './define.ts';
import { MatMul } from './matmul.ts';
import { RestorePadding } from './microsoft-padding.ts';
import { ReduceSum } from './reductions.ts';
import { Reshape } from './reshape.ts';
import { runTimeShape } from './run-time-operands.ts';
import { TakeSlice } from './scan.ts';
import { anyFloat, broadcastsTo, differ, requireOneElement, scalarOf, sizeType, tensorOf, typeSet } from './types.ts';
import { Sigmoid } from './unary.ts';

const domain = 'com.microsoft';

/** X + Y * gate; the product is rounded to the type before it is added. */
export const GatedAdd = op('GatedAdd', {
  domain,
  inputs: ['X', 'Y', 'gate'],
  types: { X: anyFloat, Y: anyFloat, gate: anyFloat },
  outputs: ['output'],
  type: ({ X, Y, gate }, _, context) => {
    if (X.rank < 1) context.fail('X must have at least rank 1, got a scalar.');
    if (Y.rank !== X.rank || Y.shape.some((extent, i) => differ(extent, X.shape[i]!)))
      context.fail('Y must have the shape of X.');
    const rows = [...X.shape.slice(0, -1), int(1)];
    if (gate.rank !== X.rank || gate.shape.some((extent, i) => differ(extent, rows[i]!)))
      context.fail('gate must have the shape of X with a last axis of 1.');
    return tensorOf(X.dtype, X.shape);
  },
  expand: ({ X, Y, gate }, _, g) => g.apply(Add, [X, g.apply(Mul, [Y, gate])]),
});

const perHead = typeSet('TF', ['float32']);

/** decay = decay_scale * softplus(a + dt_bias); beta = sigmoid(b). Both are computed in float32. */
export const LinearAttentionGate = op('LinearAttentionGate', {
  domain,
  inputs: ['a', 'dt_bias', 'decay_scale', 'b?'],
  types: { a: anyFloat, dt_bias: perHead, decay_scale: perHead, b: anyFloat },
  outputs: ['decay', 'beta?'],
  type: ({ a, dt_bias, decay_scale, b }, _, context) => {
    if (a.rank < 1) context.fail('a must have at least rank 1, got a scalar.');
    for (const [name, vector] of Object.entries({ dt_bias, decay_scale })) {
      if (vector.rank !== 1 || differ(vector.shape[0]!, a.shape.at(-1)!))
        context.fail(`${name} must have one element for each head.`);
    }
    if (b && (b.rank !== a.rank || b.shape.some((extent, i) => differ(extent, a.shape[i]!))))
      context.fail('b must have the shape of a.');
    if (context.outputs[1] && !b) context.fail('the output beta needs b.');
    const own = tensorOf(a.dtype, a.shape);
    return [own, own];
  },
  expand: ({ a, dt_bias, decay_scale, b }, _, g) => {
    const { dtype } = tensorTypeOf(a);
    const wide = dtype === 'float64' ? dtype : 'float32';
    const own = (value: Value): Value => castTo(g, value, wide);
    const opened = g.apply(Softplus, [g.apply(Add, [own(a), own(dt_bias)])]);
    const decay = castTo(g, g.apply(Mul, [own(decay_scale), opened]), dtype);
    return [decay, b && castTo(g, g.apply(Sigmoid, [own(b)]), dtype)];
  },
});

/**
 * The bucket of a distance (position of the key - position of the query): small distances have their own, larger ones
 * share buckets that widen logarithmically up to `furthest`. In both directions, keys behind take the upper half.
 */
function bucketOf(distance: Expr, buckets: Expr, furthest: number, bidirectional: boolean): Expr {
  const own = bidirectional ? simplify(div(buckets, int(2))) : buckets;
  const size = bidirectional ? max(distance, neg(distance)) : max(neg(distance), int(0));
  const exact = simplify(div(own, int(2)));
  const real = (value: Expr): Expr => cast(value, 'float32');
  const logarithm = (value: Expr): Expr => call('log', value);
  const relative = div(
    logarithm(div(real(size), real(exact))),
    logarithm(div(constant(furthest, 'float32'), real(exact))),
  );
  const steps = cast(unary('trunc', mul(relative, real(sub(own, exact)))), 'index');
  const far = min(add(exact, steps), sub(own, int(1)));
  const found = select(lt(size, exact), size, far);
  return bidirectional ? add(found, select(lt(int(0), distance), own, int(0))) : found;
}

/** A learned bias for each head and each distance of a key from a query. The table's memory has a row for each head. */
export const RelativePositionBias = op('RelativePositionBias', {
  domain,
  inputs: ['bias_table', 'query_length', 'key_length'],
  attributes: { is_bidirectional: intAttribute(0), max_distance: requiredInt },
  types: { bias_table: anyFloat, query_length: sizeType, key_length: sizeType },
  outputs: ['output'],
  type: ({ bias_table, query_length, key_length }, { max_distance }, context) => {
    if (bias_table.rank !== 2) context.fail(`bias_table has rank ${bias_table.rank}; expected 2 (buckets, heads).`);
    if (max_distance < 1) context.fail(`max_distance must be positive, got ${max_distance}.`);
    requireOneElement(query_length, 'query_length', context);
    requireOneElement(key_length, 'key_length', context);
    const sizes = [query_length, key_length].map((operand) => cast(scalarOf(operand), 'index'));
    const shape = [int(1), bias_table.shape[1]!, ...sizes];
    return tensorOf(bias_table.dtype, runTimeShape(context, 'query_length or key_length', shape));
  },
  compute: ({ bias_table }, { is_bidirectional, max_distance }, index) => {
    const [, head, row, column] = index as readonly [Expr, Expr, Expr, Expr];
    const [buckets, heads] = bias_table.shape as readonly [Expr, Expr];
    const bucket = bucketOf(sub(column, row), buckets, max_distance, is_bidirectional !== 0);
    const flat = add(mul(head, buckets), bucket);
    return bias_table.at(div(flat, heads), sub(flat, mul(div(flat, heads), heads)));
  },
});

/** Sums of the two halves of the last axis, as two values. */
function halves(g: Builder, value: Value): readonly [Value, Value] {
  const { shape } = tensorTypeOf(value);
  const split = g.sizes([...shape.slice(0, -1), int(2), simplify(div(shape.at(-1)!, int(2)))]);
  const sums = g.apply(ReduceSum, [g.apply(Reshape, [value, split], { allowzero: 1 }), g.ints([-1])], { keepdims: 0 });
  const half = (at: number): Value => g.apply(TakeSlice, [sums, g.scalar(at, 'int64')], { axis: shape.length - 1 });
  return [half(0), half(1)];
}

/** rel_pos, times u * (r * eco_a - 1) + 2 for each query, where u and r are sigmoids of products of the query. */
export const GatedRelativePositionBias = op('GatedRelativePositionBias', {
  domain,
  inputs: ['query_layer', 'query_bias', 'rel_pos', 'weight', 'bias', 'eco_a', 'token_offset?'],
  attributes: { num_heads: requiredInt },
  types: {
    query_layer: anyFloat,
    query_bias: anyFloat,
    rel_pos: anyFloat,
    weight: anyFloat,
    bias: anyFloat,
    eco_a: anyFloat,
    token_offset: typeSet('M', ['int32']),
  },
  outputs: ['output'],
  type: (inputs, { num_heads }, context) => {
    const { query_layer, query_bias, rel_pos, weight, bias, eco_a, token_offset } = inputs;
    const rank = token_offset ? 2 : 3;
    if (query_layer.rank !== rank) context.fail(`query_layer has rank ${query_layer.rank}; expected ${rank}.`);
    if (token_offset && token_offset.rank !== 2)
      context.fail(`token_offset has rank ${token_offset.rank}; expected 2.`);
    const width = query_layer.shape.at(-1)!;
    if (num_heads < 1 || (constantOf(width) ?? 0) % num_heads !== 0)
      context.fail(`query_layer has ${constantOf(width)} columns; expected a multiple of ${num_heads} heads.`);
    if (query_bias.rank !== 1 || differ(query_bias.shape[0]!, width))
      context.fail('query_bias does not fit query_layer.');
    const size = simplify(div(width, int(num_heads)));
    if (weight.rank !== 2 || differ(weight.shape[0]!, size))
      context.fail('weight must have a row for each element of a head.');
    if ((constantOf(weight.shape[1]!) ?? 2) % 2 !== 0) context.fail('weight must have an even number of columns.');
    if (bias.rank !== 1 || differ(bias.shape[0]!, weight.shape[1]!))
      context.fail('bias must have an element a column of weight.');
    const [batch, length] = (token_offset ?? query_layer).shape as readonly [Expr, Expr];
    const shape = [batch, int(num_heads), length, length];
    if (!broadcastsTo(rel_pos.shape, shape)) context.fail('rel_pos must have the shape [1, heads, length, length].');
    if (!broadcastsTo(eco_a.shape, shape)) context.fail('eco_a must have the shape [1, heads, 1, 1].');
    return tensorOf(query_layer.dtype, shape);
  },
  expand: ({ query_layer, query_bias, rel_pos, weight, bias, eco_a, token_offset }, { num_heads }, g) => {
    const { dtype } = tensorTypeOf(query_layer);
    const whole = token_offset ? g.apply(RestorePadding, [query_layer, token_offset]) : query_layer;
    const query = unpackHeads(g, g.apply(Add, [widened(g, whole), widened(g, query_bias)]), num_heads);
    const product = g.apply(Add, [g.apply(MatMul, [query, widened(g, weight)]), widened(g, bias)]);
    const [u, r] = halves(g, product).map((half) => g.apply(Sigmoid, [half])) as [Value, Value];
    const column = (value: Value): Value =>
      g.apply(Reshape, [value, g.sizes([...tensorTypeOf(value).shape, int(1)])], { allowzero: 1 });
    const opened = g.apply(Sub, [g.apply(Mul, [column(r), widened(g, eco_a)]), scalarLike(g, product, 1)]);
    const gate = g.apply(Add, [g.apply(Mul, [column(u), opened]), scalarLike(g, product, 2)]);
    return castTo(g, g.apply(Mul, [gate, widened(g, rel_pos)]), dtype);
  },
});
