// What mixtures of experts are made of: routing, products with the matrices of the experts that are chosen for a token,
// activations, and the weighed sum.

import type { Expr } from '../../ir/expr.ts';
import { add, cast, constantOf, indexVar, int, mul, reduce } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { accumulatorType } from './accumulate.ts';
import { Relu, Swish } from './activations.ts';
import { Add, Div, Max, Min, Mul, Sub } from './arithmetic.ts';
import { castTo, scalarLike, tensorTypeOf, widened } from './compose.ts';
import { type Builder, type Operand, type Operator, op, type TypeContext } from './define.ts';
import { FastGelu } from './fused-activations.ts';
import { GatherElements } from './gather.ts';
import { Concat } from './join.ts';
import { Equal, Greater, Where } from './logic.ts';
import { ReduceSum } from './reductions.ts';
import { Reshape, Unsqueeze } from './reshape.ts';
import { agreeing, checked, sizeAt, within } from './run-time-operands.ts';
import { Slice } from './slice.ts';
import { Softmax } from './softmax.ts';
import { TopK } from './top-k.ts';
import { anyFloat, differ, sizeType, tensorOf } from './types.ts';
import { Abs, Sigmoid } from './unary.ts';

/** Row [t, j] of a product: sum over d of X[t, j, d] * weight(expert of [t, j], n, d), plus the expert's bias. */
export function expertSum(
  { X, experts, bias }: { readonly X: Operand; readonly experts: Operand; readonly bias: Operand | undefined },
  count: Expr,
  index: readonly Expr[],
  weight: (expert: Expr, row: Expr, d: Expr) => Expr,
  sizes: readonly (readonly [Expr, Expr])[],
): Expr {
  const [t, j, n] = index as readonly [Expr, Expr, Expr];
  const wide = accumulatorType(X.dtype);
  const expert = sizeAt(experts, t, j);
  const d = indexVar('d', X.shape.at(-1)!);
  const x = cast(X.rank === 3 ? X.at(t, j, d) : X.at(t, d), wide);
  const sum = reduce('sum', [d], mul(x, cast(checked(within(expert, count), weight(expert, n, d)), wide)));
  const moved = bias ? add(sum, checked(within(expert, count), cast(bias.at(expert, n), wide))) : sum;
  const rows = bias ? [[bias.shape[0]!, count] as const] : [];
  return agreeing([...sizes, ...rows], cast(moved, X.dtype));
}

/** X [tokens, size] or [tokens, k, size] by the matrices W [experts, rows, size] that are chosen: [tokens, k, rows]. */
export const ExpertProduct = op('ExpertProduct', {
  domain: 'lapidary',
  inputs: ['X', 'experts', 'W', 'bias?'],
  types: { X: anyFloat, experts: sizeType, W: anyFloat, bias: anyFloat },
  type: ({ X, experts, W }) => tensorOf(X.dtype, [...experts.shape, W.shape[1]!]),
  compute: ({ X, experts, W, bias }, _, index) =>
    expertSum({ X, experts, bias }, W.shape[0]!, index, (expert, row, d) => W.at(expert, row, d), [
      [W.shape[2]!, X.shape.at(-1)!],
      ...(bias ? [[bias.shape[1]!, W.shape[1]!] as const] : []),
    ]),
});

export interface Routing {
  readonly k: number;
  readonly normalize_routing_weights: number;
  readonly use_sparse_mixer: number;
}

export interface Routes {
  /** [tokens, k] */
  readonly experts: Value;
  readonly weights: Value;
}

/** The k experts that a router prefers, with their probabilities, or with their entries of other weights. */
export function route(g: Builder, logits: Value, other: Value | undefined, routing: Routing): Routes {
  const scores = widened(g, logits);
  const found = routing.use_sparse_mixer ? sparselyMixed(g, scores) : mostProbable(g, scores, routing.k);
  const own = other ? g.apply(GatherElements, [widened(g, other), found.experts], { axis: 1 }) : found.weights;
  if (!routing.normalize_routing_weights) return { experts: found.experts, weights: own };
  const sum = g.apply(ReduceSum, [own, g.ints([1])]);
  return { experts: found.experts, weights: g.apply(Div, [own, sum]) };
}

function mostProbable(g: Builder, scores: Value, k: number): Routes {
  const probabilities = g.apply(Softmax, [scores], { axis: -1 });
  const [weights, experts] = g.applyAll(TopK, [probabilities, g.ints([k])], { axis: 1 });
  return { experts: experts!, weights: weights! };
}

/**
 * Two experts, each with its probability among those that come close to it: (best - score) / max(|score|, best) is at
 * most 0.02. The second is the best of the others.
 */
function sparselyMixed(g: Builder, scores: Value): Routes {
  const never = scalarLike(g, scores, Number.NEGATIVE_INFINITY);
  const take = (left: Value): { readonly weight: Value; readonly expert: Value; readonly best: Value } => {
    const [best, expert] = g.applyAll(TopK, [left, g.ints([1])], { axis: 1 });
    const factor = g.apply(Max, [g.apply(Abs, [scores]), best]);
    const distance = g.apply(Div, [g.apply(Sub, [best, scores]), factor]);
    const far = g.apply(Greater, [distance, scalarLike(g, scores, 0.02)]);
    const gates = g.apply(Softmax, [g.apply(Where, [far, never, left])], { axis: -1 });
    return { weight: g.apply(GatherElements, [gates, expert], { axis: 1 }), expert: expert!, best: best! };
  };
  const first = take(scores);
  const rest = g.apply(Where, [g.apply(Equal, [scores, first.best]), never, scores]);
  const second = take(rest);
  const joined = (one: Value, other: Value): Value => g.apply(Concat, [one, other], { axis: 1 });
  return { experts: joined(first.expert, second.expert), weights: joined(first.weight, second.weight) };
}

export interface Activation {
  readonly activation_alpha: number;
  readonly activation_beta: number;
  readonly activation_type: string;
  readonly swiglu_fusion: number;
  readonly swiglu_limit: number | undefined;
}

export const plainActivations: Readonly<Record<string, Operator | undefined>> = {
  relu: Relu,
  gelu: FastGelu,
  silu: Swish,
  identity: undefined,
};

/** G sigmoid(alpha G) (L + beta), where G and L are the gate and the linear part, both limited. */
function swiglu(g: Builder, gate: Value, linear: Value, attributes: Activation): Value {
  const { activation_alpha: alpha, activation_beta: beta, swiglu_limit: limit } = attributes;
  const upper = (x: Value): Value => (limit === undefined ? x : g.apply(Min, [x, scalarLike(g, x, limit)]));
  const lower = (x: Value): Value => (limit === undefined ? x : g.apply(Max, [x, scalarLike(g, x, -limit)]));
  const [G, L] = [upper(gate), lower(upper(linear))];
  const opened = g.apply(Mul, [G, g.apply(Sigmoid, [g.apply(Mul, [G, scalarLike(g, G, alpha)])])]);
  return g.apply(Mul, [opened, g.apply(Add, [L, scalarLike(g, L, beta)])]);
}

/** The two parts of rows that hold both: element by element, or one half after the other. */
function parts(g: Builder, fused: Value, interleaved: boolean): readonly [Value, Value] {
  const { shape } = tensorTypeOf(fused);
  const size = constantOf(shape[2]!)! / 2;
  const cut = (part: number): Value => {
    const [from, to, step] = interleaved ? [part, 2 * size, 2] : [part * size, (part + 1) * size, 1];
    return g.apply(Slice, [fused, g.ints([from]), g.ints([to]), g.ints([2]), g.ints([step])]);
  };
  return [cut(0), cut(1)];
}

/** What the second matrix gets: the first product, activated, perhaps times the third. */
export function activated(g: Builder, first: Value, third: Value | undefined, attributes: Activation): Value {
  if (attributes.activation_type === 'swiglu') {
    if (third) return swiglu(g, first, third, attributes);
    return swiglu(g, ...parts(g, first, attributes.swiglu_fusion === 1), attributes);
  }
  const activate = plainActivations[attributes.activation_type];
  const opened = activate ? g.apply(activate, [first]) : first;
  return third ? g.apply(Mul, [opened, third]) : opened;
}

/** The input as [tokens, size]. */
export function tokensOf(g: Builder, input: Value): Value {
  const { shape } = tensorTypeOf(input);
  if (shape.length === 2) return input;
  return g.apply(Reshape, [input, g.sizes([simplify(mul(shape[0]!, shape[1]!)), shape[2]!])], { allowzero: 1 });
}

/** The sum of the experts' rows [tokens, k, size], weighed, in the shape of the input. */
export function weighed(g: Builder, rows: Value, weights: Value, input: Value): Value {
  const { shape, dtype } = tensorTypeOf(input);
  const product = g.apply(Mul, [rows, g.apply(Unsqueeze, [weights, g.ints([2])])]);
  const sum = castTo(g, g.apply(ReduceSum, [product, g.ints([1])], { keepdims: 0 }), dtype);
  return shape.length === 2 ? sum : g.apply(Reshape, [sum, g.sizes(shape)], { allowzero: 1 });
}

/** Checks what both mixtures have in common; gives the numbers of experts and of rows between the two matrices. */
export function checkMixture(
  { input, router_probs }: { readonly input: Operand; readonly router_probs: Operand },
  rows: { readonly first: Expr; readonly hasThird: boolean },
  attributes: Activation & Routing,
  context: TypeContext,
): Expr {
  const { activation_type: type, swiglu_fusion, k, use_sparse_mixer } = attributes;
  if (input.rank !== 2 && input.rank !== 3) context.fail(`input has rank ${input.rank}; expected 2 or 3.`);
  if (router_probs.rank !== 2) context.fail(`router_probs has rank ${router_probs.rank}; expected 2.`);
  const tokens = input.rank === 2 ? input.shape[0]! : simplify(mul(input.shape[0]!, input.shape[1]!));
  if (differ(tokens, router_probs.shape[0]!))
    context.fail(`router_probs has ${constantOf(router_probs.shape[0]!)} rows; expected ${constantOf(tokens)}.`);
  const experts = constantOf(router_probs.shape[1]!);
  if (k < 1 || (experts !== undefined && k > experts))
    context.fail(`k is ${k}; expected 1 to the number of experts, ${experts ?? 'unknown'}.`);
  if (use_sparse_mixer && k !== 2) context.fail(`use_sparse_mixer needs k = 2, got ${k}.`);
  const fused = type === 'swiglu' && !rows.hasThird;
  if (fused && swiglu_fusion === 0) context.fail('swiglu needs a third matrix, or swiglu_fusion 1 or 2.');
  const width = constantOf(rows.first);
  if (width === undefined || (fused && width % 2 !== 0))
    context.fail(
      `the first matrices have ${width ?? 'an unknown number of'} rows; expected ${fused ? 'an even' : 'a known'} number.`,
    );
  return fused ? int(width / 2) : rows.first;
}
