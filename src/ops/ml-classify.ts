// From scores to labels and probabilities: what classifiers of ai.onnx.ml have in common.

import type { Expr } from '../../ir/expr.ts';
import { int } from '../../ir/expr-make.ts';
import type { Type, Value } from '../../ir/graph.ts';
import { ArgMax } from './arg-extreme.ts';
import { Add, Sub } from './arithmetic.ts';
import { castTo, scalarLike, tensorTypeOf } from './compose.ts';
import type { Builder } from './define.ts';
import { Gather } from './gather.ts';
import { Concat } from './join.ts';
import { Greater } from './logic.ts';
import { vector } from './ml-forest-tables.ts';
import { transformed } from './ml-post-transform.ts';
import { Squeeze } from './reshape.ts';
import { Slice } from './slice.ts';
import { textVector } from './string-parts.ts';
import { tensorOf } from './types.ts';
import { Neg } from './unary.ts';

export type Labels = readonly number[] | readonly string[];

const areNumbers = (labels: Labels): labels is readonly number[] => typeof labels[0] !== 'string';

export const labelTypes = (rows: Expr, labels: Labels, columns: number): readonly Type[] => [
  tensorOf(areNumbers(labels) ? 'int64' : 'string', [rows]),
  tensorOf('float32', [rows, int(columns)]),
];

/** labels[position] */
export const labelAt = (g: Builder, labels: Labels, positions: Value): Value =>
  g.apply(Gather, [areNumbers(labels) ? vector(g, labels, 'int64') : textVector(g, labels), positions]);

interface Finish {
  readonly labels: Labels;
  readonly base: readonly number[];
  /** Classes to which anything was added. */
  readonly used: readonly number[];
  /** No weight is negative: then scores are probabilities. */
  readonly positive: boolean;
  readonly post: string;
}

/** Labels and scores [rows, classes]. */
export function classify(g: Builder, raw: Value, finish: Finish): readonly [Value, Value] {
  const { labels, base, used, positive, post } = finish;
  const { dtype } = tensorTypeOf(raw);
  if (labels.length === 2 && used.length === 1) {
    // One score for two classes: it speaks for the second one.
    const own = column(g, raw, used[0]!);
    const score = base.length > 0 ? g.apply(Add, [own, g.scalar(base.at(-1)!, dtype)]) : own;
    const label = labelAt(g, labels, whichOfTwo(g, score, positive ? 0.5 : 0));
    return [label, used[0] === 0 ? pairOf(g, score, positive, post) : transformed(g, raw, post)];
  }
  const scores = base.length === labels.length ? g.apply(Add, [raw, vector(g, base, dtype)]) : raw;
  const best = g.apply(ArgMax, [scores], { axis: 1, keepdims: 0 });
  return [labelAt(g, labels, best), transformed(g, scores, post)];
}

const column = (g: Builder, scores: Value, at: number): Value =>
  g.apply(Slice, [scores, g.ints([at]), g.ints([at + 1]), g.ints([1])]);

/** 1 where the score [rows, 1] is above the limit, else 0; [rows]. */
export function whichOfTwo(g: Builder, score: Value, limit: number): Value {
  const flat = g.apply(Squeeze, [score, g.ints([1])]);
  return castTo(g, g.apply(Greater, [flat, scalarLike(g, score, limit)]), 'int64');
}

export function pairOf(g: Builder, score: Value, positive: boolean, post: string): Value {
  const both = (first: Value): Value => g.apply(Concat, [first, score], { axis: 1 });
  if (positive && post !== 'LOGISTIC') return both(g.apply(Sub, [scalarLike(g, score, 1), score]));
  const pair = both(g.apply(Neg, [score]));
  return post === 'LOGISTIC' ? transformed(g, pair, post) : pair;
}
