// LinearRegressor and LinearClassifier of ai.onnx.ml: a matrix product with coefficients that are attributes.

import { constantOf, int } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { ArgMax } from './arg-extreme.ts';
import { Add } from './arithmetic.ts';
import { intAttribute, optionalFloats, optionalInts, optionalStrings } from './attributes.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { MatMul } from './matmul.ts';
import { type Labels, labelAt, labelTypes, pairOf, whichOfTwo } from './ml-classify.ts';
import { vector } from './ml-forest-tables.ts';
import { checkRows, floatRows, inputType, mlDomain, rowsOf } from './ml-inputs.ts';
import { postTransform, transformed } from './ml-post-transform.ts';
import { Reshape } from './reshape.ts';
import { Transpose } from './transpose.ts';
import { tensorOf } from './types.ts';

/** Rows of coefficients that do not fit the features, or other numbers of intercepts. */
function checkCoefficients(
  X: Operand,
  rows: number,
  coefficients: readonly number[],
  intercepts: readonly number[],
  context: TypeContext,
): void {
  checkRows(X, context);
  const features = constantOf(X.shape.at(-1)!);
  if (rows < 1 || coefficients.length % rows !== 0 || coefficients.length === 0) {
    context.fail(`${coefficients.length} coefficients do not make ${rows} rows.`);
  }
  if (features !== undefined && coefficients.length !== rows * features) {
    context.fail(
      `has ${coefficients.length} coefficients; ${rows} rows for ${features} features need ${rows * features}.`,
    );
  }
  if (intercepts.length !== 0 && intercepts.length !== rows) {
    context.fail(`has ${intercepts.length} intercepts; expected ${rows} or none.`);
  }
}

/** X [N, features] times the transposed coefficients [rows, features], plus intercepts. */
function linear(
  g: Builder,
  X: Value,
  rows: number,
  coefficients: readonly number[],
  intercepts: readonly number[],
): Value {
  const table = g.apply(Reshape, [vector(g, coefficients, 'float32'), g.ints([rows, -1])]);
  const product = g.apply(MatMul, [floatRows(g, X), g.apply(Transpose, [table])]);
  return intercepts.length === 0 ? product : g.apply(Add, [product, vector(g, intercepts, 'float32')]);
}

export const LinearRegressor = op('LinearRegressor', {
  domain: mlDomain,
  inputs: ['X'],
  attributes: {
    coefficients: optionalFloats,
    intercepts: optionalFloats,
    post_transform: postTransform,
    targets: intAttribute(1),
  },
  types: { X: inputType },
  type: ({ X }, { coefficients = [], intercepts = [], targets }, context) => {
    checkCoefficients(X, targets, coefficients, intercepts, context);
    return tensorOf('float32', [rowsOf(X), int(targets)]);
  },
  expand: ({ X }, { coefficients = [], intercepts = [], targets, post_transform }, g) =>
    transformed(g, linear(g, X, targets, coefficients, intercepts), post_transform),
});

interface Classes {
  readonly classlabels_ints: readonly number[] | undefined;
  readonly classlabels_strings: readonly string[] | undefined;
  readonly intercepts: readonly number[] | undefined;
}

/** Without labels the classes are 0, 1, 2 …; without intercepts there is a row for each label. */
function classesOf({ classlabels_ints, classlabels_strings, intercepts }: Classes): {
  readonly labels: Labels;
  readonly rows: number;
} {
  const given = classlabels_ints?.length ? classlabels_ints : classlabels_strings;
  const rows = intercepts?.length ?? given?.length ?? 0;
  return { labels: given?.length ? given : Array.from({ length: rows }, (_, i) => i), rows };
}

export const LinearClassifier = op('LinearClassifier', {
  domain: mlDomain,
  inputs: ['X'],
  outputs: ['Y', 'Z'],
  attributes: {
    classlabels_ints: optionalInts,
    classlabels_strings: optionalStrings,
    coefficients: optionalFloats,
    intercepts: optionalFloats,
    multi_class: intAttribute(0),
    post_transform: postTransform,
  },
  types: { X: inputType },
  type: ({ X }, attributes, context) => {
    const { labels, rows } = classesOf(attributes);
    checkCoefficients(X, rows, attributes.coefficients ?? [], attributes.intercepts ?? [], context);
    if (rows !== 1 && labels.length < rows) context.fail(`has ${labels.length} labels for ${rows} classes.`);
    return labelTypes(rowsOf(X), labels, rows === 1 && labels.length === 2 ? 2 : rows);
  },
  expand: ({ X }, attributes, g) => {
    const { labels, rows } = classesOf(attributes);
    const scores = linear(g, X, rows, attributes.coefficients ?? [], attributes.intercepts ?? []);
    const post = attributes.post_transform;
    if (rows === 1 && labels.length === 2) {
      return [labelAt(g, labels, whichOfTwo(g, scores, 0)), pairOf(g, scores, true, post)];
    }
    const best = g.apply(ArgMax, [scores], { axis: 1, keepdims: 0 });
    return [labelAt(g, labels, best), transformed(g, scores, post)];
  },
});
