// TfIdfVectorizer: counts n-grams in rows of integers or strings. Strings become the positions of their tokens in the
// pool; the n-grams of each length are sorted at compile time, and a run searches them by halves.

import { toBytes } from '../../ir/bytes.ts';
import type { Expr } from '../../ir/expr.ts';
import { add, cast, constant, eq, indexVar, int, load, lt, max, mul, ne, select, sub } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, ifThen, loops, store } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { Mul } from './arithmetic.ts';
import {
  optionalFloats,
  optionalInts,
  optionalStrings,
  requiredInt,
  requiredInts,
  requiredString,
} from './attributes.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import { type Builder, op } from './define.ts';
import { Greater } from './logic.ts';
import { vector } from './ml-forest-tables.ts';
import { Reshape } from './reshape.ts';
import { read, register, set, withRegisters } from './sequence-layout.ts';
import { positionOfText } from './string-search.ts';
import { textOf } from './structure.ts';
import { searchSorted } from './text-kernels.ts';
import { sizeType, tensorOf, typeSet } from './types.ts';

/**
 * Counts the n-grams of one length in rows of X, on top of other counts. `grams` are sorted, `columns` says where each
 * is counted. The elements of an n-gram lie 1, 2, … skips + 1 apart.
 */
const CountedGrams = op('CountedGrams', {
  domain: 'lapidary',
  inputs: ['X', 'before', 'grams', 'columns'],
  attributes: { skips: requiredInt },
  types: { X: sizeType, before: typeSet('F', ['float32']), grams: sizeType, columns: sizeType },
  type: ({ before }) => before.value.type,
  kernel: ({ X, before, grams, columns }, [Y], { skips }) => {
    const [low, high, order] = [register('low'), register('high'), register('order')];
    const length = Number((grams.shape[1] as { readonly value?: number }).value);
    const count = columns.shape[0]!;
    const [row, column] = [indexVar('row', Y!.shape[0]!), indexVar('column', Y!.shape[1]!)];
    const gap = indexVar('gap', length === 1 ? 1 : skips + 1);
    const step = add(gap, int(1));
    const places = max(sub(X.shape[1]!, mul(step, int(length - 1))), int(0));
    const place = indexVar('place', simplify(places));
    const element = (k: number): Expr => load(X, [row, add(place, mul(step, int(k)))]);
    const compare = (at: Expr): Stmt => set(order, comparison(grams, at, length, element));
    const same = (at: Expr): Stmt => block([set(order, int(1)), ifThen(lt(at, count), compare(at))]);
    const target = cast(load(columns, [read(low)]), 'index');
    const one = constant(1, 'float32');
    const search = block([
      searchSorted(count, low, high, 'middle', compare, order),
      same(read(low)),
      ifThen(eq(read(order), int(0)), store(Y!, [row, target], add(load(Y!, [row, target]), one))),
    ]);
    const copy = loops([row, column], store(Y!, [row, column], load(before, [row, column])));
    return withRegisters([low, high, order], block([copy, loops([row, gap, place], search)]));
  },
});

/** How an n-gram stands to another one: -1, 0 or 1; the first difference decides. */
function comparison(grams: Buffer, at: Expr, length: number, element: (k: number) => Expr): Expr {
  let rest: Expr = int(0);
  for (let k = length - 1; k >= 0; k--) {
    const [own, other] = [load(grams, [at, int(k)]), element(k)];
    rest = select(lt(own, other), int(-1), select(ne(own, other), int(1), rest));
  }
  return rest;
}

interface Grams {
  readonly items: readonly (readonly number[])[];
  readonly columns: readonly number[];
}

/** The n-grams by length, sorted. */
function gramsOf(pool: readonly number[], counts: readonly number[], indexes: readonly number[]): readonly Grams[] {
  let next = 0;
  return counts.map((from, i) => {
    const length = i + 1;
    const part = pool.slice(from, counts[i + 1] ?? pool.length);
    const grams = Array.from({ length: Math.floor(part.length / length) }, (_, k) => ({
      item: part.slice(k * length, (k + 1) * length),
      column: indexes[next + k] ?? 0,
    }));
    next += grams.length;
    grams.sort((a, b) => {
      const at = a.item.findIndex((value, k) => value !== b.item[k]);
      return at < 0 ? 0 : a.item[at]! - b.item[at]!;
    });
    return { items: grams.map(({ item }) => item), columns: grams.map(({ column }) => column) };
  });
}

export const TfIdfVectorizer = op('TfIdfVectorizer', {
  inputs: ['X'],
  attributes: {
    max_gram_length: requiredInt,
    max_skip_count: requiredInt,
    min_gram_length: requiredInt,
    mode: requiredString,
    ngram_counts: requiredInts,
    ngram_indexes: requiredInts,
    pool_int64s: optionalInts,
    pool_strings: optionalStrings,
    weights: optionalFloats,
  },
  types: { X: typeSet('T', ['string', 'int32', 'int64']) },
  since: 9,
  build: ({ X }, attributes, g, { fail }) => {
    const { max_gram_length: longest, min_gram_length: shortest, max_skip_count: skips, mode } = attributes;
    const { pool_int64s, pool_strings, ngram_counts: counts, ngram_indexes: indexes, weights } = attributes;
    if (!['TF', 'IDF', 'TFIDF'].includes(mode)) fail(`mode is ${JSON.stringify(mode)}; legal are TF, IDF, TFIDF.`);
    const { shape, dtype } = tensorTypeOf(X);
    if (shape.length < 1 || shape.length > 2) fail(`X has rank ${shape.length}; expected 1 or 2.`);
    const [texts, numbers] = [pool_strings ?? [], pool_int64s ?? []];
    if ((dtype === 'string' ? texts : numbers).length === 0) fail(`X is ${dtype}, and the pool for it is empty.`);
    const tokens = [...new Set(texts)];
    const ids = new Map(tokens.map((token, i) => [token, i] as const));
    const pool = dtype === 'string' ? texts.map((token) => ids.get(token)!) : numbers;
    const numbered = dtype === 'string' ? positionOfText(g, textOf(X), tokens) : castTo(g, X, 'int64');
    const rows = g.apply(Reshape, [numbered, shape.length === 1 ? g.ints([1, -1]) : g.sizes(shape)]);
    const width = indexes.reduce((most, index) => Math.max(most, index + 1), 0);
    let counted = zeros(g, tensorTypeOf(rows).shape[0]!, width);
    for (const [i, { items, columns }] of gramsOf(pool, counts, indexes).entries()) {
      if (i + 1 < shortest || i + 1 > longest || items.length === 0) continue;
      const table = g.constant(tensorOf('int64', [int(items.length), int(i + 1)]), toBytes('int64', items.flat()));
      counted = g.apply(CountedGrams, [rows, counted, table, vector(g, columns, 'int64')], { skips });
    }
    const weighted = finish(g, counted, mode, indexes, weights, width);
    return shape.length === 1 ? g.apply(Reshape, [weighted, g.ints([width])]) : weighted;
  },
});

const Zeros = op('Zeros', {
  domain: 'lapidary',
  inputs: ['shape'],
  types: { shape: sizeType },
  type: ({ shape }, _, context) =>
    tensorOf(
      'float32',
      shape.elements?.map((size) => simplify(cast(size, 'index'))) ?? context.fail('shape must be known.'),
    ),
  compute: () => constant(0, 'float32'),
});

const zeros = (g: Builder, rows: Expr, width: number): Value => g.apply(Zeros, [g.sizes([rows, int(width)])]);

/** Counts, or whether there is any, times the weights. */
function finish(
  g: Builder,
  counted: Value,
  mode: string,
  indexes: readonly number[],
  weights: readonly number[] | undefined,
  width: number,
): Value {
  if (mode === 'TF') return counted;
  const byColumn = Array.from({ length: width }, () => 1);
  for (const [i, index] of indexes.entries()) byColumn[index] = weights?.[i] ?? 1;
  const own = vector(g, byColumn, 'float32');
  const found = castTo(g, g.apply(Greater, [counted, g.scalar(0, 'float32')]), 'float32');
  return g.apply(Mul, [mode === 'IDF' ? found : counted, own]);
}
