// What all attention operators share: scores = Q K' * scale, soft cap, masks, softmax, product with V.
// Several heads of Q may share one head of K and V: then the product has an axis more, and nothing is repeated.

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { add, all, bool, cast, constant, constantOf, div, int, le, lt, mul, select, sub } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import { Add, Div, Max, Mul, Sub } from './arithmetic.ts';
import { intAttribute } from './attributes.ts';
import { castTo, scalarLike, tensorTypeOf, widened } from './compose.ts';
import { type Builder, type Operand, op } from './define.ts';
import { Equal, Where } from './logic.ts';
import { MatMul } from './matmul.ts';
import { ReduceMax, ReduceSum } from './reductions.ts';
import { Reshape, Unsqueeze } from './reshape.ts';
import { Transpose } from './transpose.ts';
import { allTypes, anyFloat, differ, indexType, readBroadcast, tensorOf, typeSet } from './types.ts';
import { Exp, Reciprocal, Sqrt, Tanh } from './unary.ts';

/** One number for each batch, or one for all. */
export const ofBatch = (operand: Operand, batch: Expr, batches: Expr): Expr =>
  cast(readBroadcast(operand, [batch], [batches]), 'index');

/**
 * Scores [batch, heads, rows, columns] (or with heads in two axes) where attention is allowed, -infinity elsewhere.
 * mask: truth values, or numbers to add; broadcast; columns beyond its last are not allowed. Row r stands at position
 * r + offset: `causal` forbids later columns, `window` those `window` and more positions earlier (0: no window).
 * Columns from `lengths` on, and before `starts`, are padding.
 */
export const MaskScores = op('MaskScores', {
  domain: 'lapidary',
  inputs: ['scores', 'mask?', 'offset?', 'lengths?', 'starts?'],
  attributes: { causal: intAttribute(0), window: intAttribute(0) },
  types: {
    scores: anyFloat,
    mask: typeSet('M', allTypes),
    offset: indexType,
    lengths: typeSet('L', ['int32', 'int64']),
    starts: typeSet('S', ['int32', 'int64']),
  },
  type: ({ scores }) => tensorOf(scores.dtype, scores.shape),
  compute: ({ scores, mask, offset, lengths, starts }, { causal, window }, index) => {
    const { shape, dtype } = scores;
    const [batch, row, column] = [index[0]!, index.at(-2)!, index.at(-1)!];
    const grouped = scores.rank === 5;
    const head = grouped ? add(mul(index[1]!, shape[2]!), index[2]!) : index[1]!;
    const heads = grouped ? mul(shape[1]!, shape[2]!) : shape[1]!;
    const value = scores.at(...index);
    const position = add(row, offset ? ofBatch(offset, batch, shape[0]!) : int(0));
    const conditions = [
      ...(causal ? [le(column, position)] : []),
      ...(window > 0 ? [lt(sub(position, int(window)), column)] : []),
      ...(lengths ? [lt(column, ofBatch(lengths, batch, shape[0]!))] : []),
      ...(starts ? [le(ofBatch(starts, batch, shape[0]!), column)] : []),
    ];
    const never = constant(Number.NEGATIVE_INFINITY, dtype);
    const allowed = simplify(all(conditions));
    if (!mask) return select(allowed, value, never);
    const target = [shape[0]!, heads, shape.at(-2)!, shape.at(-1)!];
    const covered = mask.shape.at(-1)!;
    // A mask may be shorter than there are columns: then it is read as if they were as many.
    const short = constantOf(covered) !== 1 && differ(covered, target[3]!);
    const own = readBroadcast(mask, [batch, head, row, column], short ? [...target.slice(0, 3), covered] : target);
    const masked = mask.dtype === 'bool' ? select(own, value, never) : add(value, cast(own, dtype));
    return select(simplify(all([allowed, short ? lt(column, covered) : bool(true)])), masked, never);
  },
});

export interface AttentionInputs {
  /** [batch, heads, rows, size]; K and V perhaps with fewer heads. */
  readonly Q: Value;
  readonly K: Value;
  readonly V: Value;
  /** 0 or absent: 1 / sqrt(size). */
  readonly scale: number | undefined;
  readonly softcap: number;
  readonly precision?: DType | undefined;
  /** Applies masks; absent where there are none. */
  readonly mask?: ((scores: Value) => Value) | undefined;
  /** Further terms of the sum in the softmax's denominator, as logits: one for each head, or 0 for all. */
  readonly sink?: Value | undefined;
  /** What else happens to scores (where there are no masks) and to the weights after the softmax. */
  readonly changeScores?: ((scores: Value) => Value) | undefined;
  readonly changeWeights?: ((weights: Value) => Value) | undefined;
}

export interface AttentionResult {
  /** [batch, heads, rows, size of V] */
  readonly Y: Value;
  /** Scaled; capped; masked; as probabilities: all [batch, heads, rows, columns]. */
  readonly stages: readonly Value[];
}

export function attend(g: Builder, inputs: AttentionInputs): AttentionResult {
  const { dtype, shape } = tensorTypeOf(inputs.Q);
  const [batch, heads, , size] = shape as readonly [Expr, Expr, Expr, Expr];
  const sharing = sharedBy(heads, tensorTypeOf(inputs.K).shape[1]!);
  const grouped = (value: Value, axis: number): Value =>
    sharing === 1 ? value : splitHeads(g, value, axis === 1 ? undefined : sharing);
  const flat = (value: Value): Value => {
    if (sharing === 1) return value;
    const own = tensorTypeOf(value).shape;
    return g.apply(Reshape, [value, g.sizes([batch, heads, ...own.slice(3)])], { allowzero: 1 });
  };
  const Q = grouped(widened(g, inputs.Q), 0);
  const K = grouped(widened(g, inputs.K), 1);
  const V = grouped(widened(g, inputs.V), 1);
  const rank = sharing === 1 ? 4 : 5;
  const last = [...Array(rank - 2).keys(), rank - 1, rank - 2];
  const product = g.apply(MatMul, [Q, g.apply(Transpose, [K], { perm: last })]);
  const scaled = g.apply(Mul, [product, scaleFactor(g, inputs.scale, size, tensorTypeOf(product).dtype)]);
  const capped = inputs.softcap > 0 ? softCapped(g, scaled, inputs.softcap) : scaled;
  /** Through a function of [batch, heads, rows, columns]. */
  const changed = (value: Value, change: ((value: Value) => Value) | undefined): Value => {
    if (!change) return value;
    const result = change(flat(value));
    return sharing === 1 ? result : splitHeads(g, result, sharing);
  };
  const masked = inputs.mask ? inputs.mask(capped) : changed(capped, inputs.changeScores);
  const sink = inputs.sink && sinkFor(g, inputs.sink, rank, sharing);
  const found = probabilities(g, masked, inputs.precision, inputs.mask !== undefined, sink);
  const weights = changed(found, inputs.changeWeights);
  const Y = flat(g.apply(MatMul, [weights, V]));
  const stages = [scaled, capped, masked, weights].map((stage) => castTo(g, flat(stage), dtype));
  return { Y: castTo(g, Y, dtype), stages };
}

/** As given, or 1 / sqrt(size). */
function scaleFactor(g: Builder, scale: number | undefined, size: Expr, dtype: DType): Value {
  if (scale) return g.scalar(scale, dtype);
  const known = constantOf(size);
  if (known !== undefined) return g.scalar(1 / Math.sqrt(Math.max(1, known)), dtype);
  return g.apply(Reciprocal, [g.apply(Sqrt, [castTo(g, g.sizes([size]), dtype)])]);
}

const sharedBy = (heads: Expr, others: Expr): number => {
  if (sameSize(heads, others)) return 1;
  const [own, other] = [constantOf(heads), constantOf(others)];
  return own === undefined || other === undefined || other === 0 ? 1 : own / other;
};

/** [b, h, …] → [b, h / shared, shared, …], or [b, h, 1, …]. */
function splitHeads(g: Builder, value: Value, shared: number | undefined): Value {
  if (shared === undefined) return g.apply(Unsqueeze, [value, g.ints([2])]);
  const { shape } = tensorTypeOf(value);
  const sizes = [shape[0]!, simplify(div(shape[1]!, int(shared))), int(shared), ...shape.slice(2)];
  return g.apply(Reshape, [value, g.sizes(sizes)], { allowzero: 1 });
}

/** cap * tanh(x / cap) */
function softCapped(g: Builder, x: Value, cap: number): Value {
  const limit = scalarLike(g, x, cap);
  return g.apply(Mul, [g.apply(Tanh, [g.apply(Div, [x, limit])]), limit]);
}

/** One logit for each head, shaped like the scores with one row and one column. */
function sinkFor(g: Builder, sink: Value, rank: number, sharing: number): Value {
  const wide = widened(g, sink);
  if (tensorTypeOf(sink).shape.length === 0) return wide;
  const heads = tensorTypeOf(sink).shape[0]!;
  const sizes = rank === 4 ? [int(1), heads] : [int(1), div(heads, int(sharing)), int(sharing)];
  return g.apply(Reshape, [wide, g.sizes([...sizes, int(1), int(1)])]);
}

/** Softmax over the columns; rows in which nothing is allowed give zeros. */
function probabilities(
  g: Builder,
  scores: Value,
  precision: DType | undefined,
  masked: boolean,
  sink: Value | undefined,
): Value {
  const { dtype } = tensorTypeOf(scores);
  const x = precision === 'float64' ? castTo(g, scores, 'float64') : scores;
  const axes = g.ints([-1]);
  const found = g.apply(ReduceMax, [x, axes]);
  const zero = scalarLike(g, x, 0);
  const isEmpty = (top: Value): Value => g.apply(Equal, [top, scalarLike(g, x, Number.NEGATIVE_INFINITY)]);
  const extra = sink && castTo(g, sink, tensorTypeOf(x).dtype);
  const largest = extra ? g.apply(Max, [found, extra]) : found;
  const top = masked && !extra ? g.apply(Where, [isEmpty(largest), zero, largest]) : largest;
  const powers = g.apply(Exp, [g.apply(Sub, [x, top])]);
  const sum = g.apply(ReduceSum, [powers, axes]);
  const total = extra ? g.apply(Add, [sum, g.apply(Exp, [g.apply(Sub, [extra, top])])]) : sum;
  const safe = masked && !extra ? g.apply(Where, [g.apply(Equal, [total, zero]), scalarLike(g, x, 1), total]) : total;
  return castTo(g, g.apply(Mul, [powers, g.apply(Reciprocal, [safe])]), dtype);
}
