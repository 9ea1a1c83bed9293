// Operators of ai.onnx.ml that choose and join features: ArrayFeatureExtractor, FeatureVectorizer.

import { constantOf, int, product } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { intsAttribute } from './attributes.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import { type Builder, op } from './define.ts';
import { Gather } from './gather.ts';
import { Concat } from './join.ts';
import { asRows, checkRows, inputOrText, inputType, mlDomain, rowsOf } from './ml-inputs.ts';
import { Pad } from './pad.ts';
import { Reshape } from './reshape.ts';
import { Slice } from './slice.ts';
import { differ, sizeType, tensorOf } from './types.ts';

/** Chosen columns of X; what has one axis becomes one row. */
export const ArrayFeatureExtractor = op('ArrayFeatureExtractor', {
  domain: mlDomain,
  inputs: ['X', 'Y'],
  outputs: ['Z'],
  types: { X: inputOrText, Y: sizeType },
  type: ({ X, Y }, _, context) => {
    if (X.rank < 1) context.fail('X must have at least rank 1, got a scalar.');
    const count = product(Y.shape);
    return tensorOf(X.dtype, X.rank === 1 ? [int(1), count] : [...X.shape.slice(0, -1), count]);
  },
  expand: ({ X, Y }, _, g) => {
    const flat = g.apply(Reshape, [Y, g.ints([-1])]);
    return g.apply(Gather, [asRows(g, X), flat], { axis: -1 });
  },
});

/** Inputs side by side as float32, each cut or filled with zeros to its declared width. */
export const FeatureVectorizer = op('FeatureVectorizer', {
  domain: mlDomain,
  inputs: ['X...'],
  attributes: { inputdimensions: intsAttribute([]) },
  types: { X: inputType },
  type: ({ X }, { inputdimensions }, context) => {
    if (X.length === 0) context.fail('has no inputs.');
    for (const input of X) checkRows(input, context);
    const other = X.findIndex((input) => differ(rowsOf(input), rowsOf(X[0]!)));
    if (other > 0) context.fail(`input ${other} has not as many rows as the first one.`);
    const widths = X.map((input, i) => inputdimensions[i] ?? constantOf(input.shape.at(-1)!));
    if (widths.some((width) => width === undefined)) context.fail('inputdimensions must give the width of each input.');
    return tensorOf('float32', [rowsOf(X[0]!), int((widths as number[]).reduce((a, b) => a + b, 0))]);
  },
  expand: ({ X }, { inputdimensions }, g) => {
    const parts = X.map((input, i) => fitted(g, castTo(g, asRows(g, input), 'float32'), inputdimensions[i]));
    return parts.length === 1 ? parts[0] : g.apply(Concat, parts, { axis: 1 });
  },
});

/** Rows of exactly `width` columns. */
function fitted(g: Builder, rows: Value, width: number | undefined): Value {
  const own = constantOf(tensorTypeOf(rows).shape[1]!);
  if (width === undefined || own === width) return rows;
  if (own !== undefined && own < width) return g.apply(Pad, [rows, g.ints([0, 0, 0, width - own])]);
  return g.apply(Slice, [rows, g.ints([0]), g.ints([width]), g.ints([1])]);
}
