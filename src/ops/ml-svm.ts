// SVMRegressor and SVMClassifier of ai.onnx.ml: kernels between the rows of X and support vectors that are attributes.

import { constantOf, int } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { ArgMax } from './arg-extreme.ts';
import { Add, Mul, Sub } from './arithmetic.ts';
import { intAttribute, optionalFloats, optionalInts, optionalStrings, stringAttribute } from './attributes.ts';
import { castTo, scalarLike, tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { Concat } from './join.ts';
import { Greater, GreaterOrEqual, Where } from './logic.ts';
import { MatMul } from './matmul.ts';
import { CDist } from './microsoft-arithmetic.ts';
import { type Labels, labelAt, labelTypes } from './ml-classify.ts';
import { vector } from './ml-forest-tables.ts';
import { checkRows, floatRows, inputType, mlDomain, rowsOf } from './ml-inputs.ts';
import { PairProbabilities, PairwiseCoupling } from './ml-pairwise-coupling.ts';
import { postTransform, transformed } from './ml-post-transform.ts';
import { Pow } from './power.ts';
import { ReduceMax } from './reductions.ts';
import { Reshape } from './reshape.ts';
import { Transpose } from './transpose.ts';
import { tensorOf } from './types.ts';
import { Exp, Tanh } from './unary.ts';

interface Kernel {
  readonly kernel_type: string;
  /** gamma, coef0, degree. */
  readonly kernel_params: readonly number[] | undefined;
}

const kernelAttributes = {
  coefficients: optionalFloats,
  kernel_params: optionalFloats,
  kernel_type: stringAttribute('LINEAR', ['LINEAR', 'POLY', 'RBF', 'SIGMOID']),
  post_transform: postTransform,
  rho: optionalFloats,
  support_vectors: optionalFloats,
};

const matrix = (g: Builder, values: readonly number[], rows: number): Value =>
  g.apply(Reshape, [vector(g, values, 'float32'), g.ints([rows, -1])]);

/** The kernel of each row of X with each support vector. */
function kernelOf(g: Builder, X: Value, vectors: Value, { kernel_type, kernel_params = [] }: Kernel): Value {
  const [gamma = 0, offset = 0, degree = 0] = kernel_params;
  const by = (value: Value, factor: number): Value => g.apply(Mul, [value, scalarLike(g, value, factor)]);
  if (kernel_type === 'RBF') return g.apply(Exp, [by(g.apply(CDist, [X, vectors]), -gamma)]);
  const dot = g.apply(MatMul, [X, g.apply(Transpose, [vectors])]);
  if (kernel_type === 'LINEAR') return dot;
  const moved = g.apply(Add, [by(dot, gamma), scalarLike(g, dot, offset)]);
  return kernel_type === 'POLY' ? g.apply(Pow, [moved, scalarLike(g, moved, degree)]) : g.apply(Tanh, [moved]);
}

/** Refuses support vectors that do not fit the features of X. */
function checkVectors(X: Operand, count: number, vectors: readonly number[], context: TypeContext): void {
  checkRows(X, context);
  const features = constantOf(X.shape.at(-1)!);
  if (count > 0 && (vectors.length % count !== 0 || (features ?? vectors.length / count) !== vectors.length / count)) {
    context.fail(`has ${vectors.length} numbers for ${count} support vectors of ${features} features.`);
  }
}

export const SVMRegressor = op('SVMRegressor', {
  domain: mlDomain,
  inputs: ['X'],
  attributes: { ...kernelAttributes, n_supports: intAttribute(0), one_class: intAttribute(0, [0, 1]) },
  types: { X: inputType },
  type: ({ X }, { n_supports, support_vectors = [], coefficients = [], rho }, context) => {
    checkVectors(X, n_supports, support_vectors, context);
    const expected = n_supports > 0 ? n_supports : constantOf(X.shape.at(-1)!);
    if (expected !== undefined && coefficients.length !== expected) {
      context.fail(`has ${coefficients.length} coefficients; expected ${expected}.`);
    }
    if (!rho?.length) context.fail('attribute rho is missing.');
    return tensorOf('float32', [rowsOf(X), int(1)]);
  },
  expand: ({ X }, attributes, g) => {
    const { n_supports, support_vectors = [], coefficients = [], rho = [0], one_class, post_transform } = attributes;
    const rows = floatRows(g, X);
    const kernels = n_supports > 0 ? kernelOf(g, rows, matrix(g, support_vectors, n_supports), attributes) : rows;
    const product = g.apply(MatMul, [kernels, matrix(g, coefficients, coefficients.length)]);
    const sum = g.apply(Add, [product, scalarLike(g, product, rho[0]!)]);
    if (one_class === 0) return transformed(g, sum, post_transform);
    const inside = g.apply(Greater, [sum, scalarLike(g, sum, 0)]);
    return g.apply(Where, [inside, scalarLike(g, sum, 1), scalarLike(g, sum, -1)]);
  },
});

/** The pairs of classes that vote, in the order of rho. */
const pairsOf = (classes: number): readonly (readonly [number, number])[] =>
  Array.from({ length: classes }, (_, i) => i).flatMap((i) =>
    Array.from({ length: classes - i - 1 }, (_, rest): readonly [number, number] => [i, i + 1 + rest]),
  );

/** What each support vector adds to the score of each pair: coefficients of a class against the other one. */
function pairWeights(perClass: readonly number[], coefficients: readonly number[]): readonly number[] {
  const count = perClass.reduce((a, b) => a + b, 0);
  const classOf = perClass.flatMap((many, i) => Array.from({ length: many }, () => i));
  const pairs = pairsOf(perClass.length);
  return classOf.flatMap((own, m) =>
    pairs.map(([i, j]) =>
      own === i ? coefficients[(j - 1) * count + m]! : own === j ? coefficients[i * count + m]! : 0,
    ),
  );
}

interface Classes {
  readonly classlabels_ints: readonly number[] | undefined;
  readonly classlabels_strings: readonly string[] | undefined;
}

const labelsOf = ({ classlabels_ints, classlabels_strings }: Classes): Labels =>
  (classlabels_ints?.length ? classlabels_ints : classlabels_strings) ?? [];

export const SVMClassifier = op('SVMClassifier', {
  domain: mlDomain,
  inputs: ['X'],
  outputs: ['Y', 'Z'],
  attributes: {
    ...kernelAttributes,
    classlabels_ints: optionalInts,
    classlabels_strings: optionalStrings,
    prob_a: optionalFloats,
    prob_b: optionalFloats,
    vectors_per_class: optionalInts,
  },
  types: { X: inputType },
  type: ({ X }, attributes, context) => {
    const { vectors_per_class = [], support_vectors = [], coefficients = [], rho = [] } = attributes;
    const { prob_a = [], prob_b = [] } = attributes;
    const labels = labelsOf(attributes);
    if (labels.length < 2) context.fail('classlabels are missing.');
    const count = vectors_per_class.reduce((a, b) => a + b, 0);
    checkVectors(X, count, support_vectors, context);
    if (vectors_per_class.length === 0) {
      if (coefficients.length % labels.length !== 0 || rho.length === 0)
        context.fail('coefficients do not fit the labels.');
      return labelTypes(rowsOf(X), labels, labels.length);
    }
    const pairs = pairsOf(vectors_per_class.length).length;
    if (vectors_per_class.length !== labels.length || rho.length !== pairs) {
      context.fail(
        `has ${rho.length} entries of rho and ${labels.length} labels; ${vectors_per_class.length} classes need ${pairs}.`,
      );
    }
    if (coefficients.length !== count * (labels.length - 1))
      context.fail('coefficients do not fit the support vectors.');
    const probabilities = prob_a.length > 0 || prob_b.length > 0;
    if (probabilities && (prob_a.length !== pairs || prob_b.length !== pairs)) {
      context.fail(`has ${prob_a.length} entries of prob_a and ${prob_b.length} of prob_b; expected ${pairs} of each.`);
    }
    return labelTypes(rowsOf(X), labels, probabilities ? labels.length : pairs === 1 ? 2 : pairs);
  },
  expand: ({ X }, attributes, g) => {
    const { vectors_per_class: perClass = [], support_vectors = [], coefficients = [], rho = [] } = attributes;
    const labels = labelsOf(attributes);
    const rows = floatRows(g, X);
    if (perClass.length === 0) {
      const table = matrix(g, coefficients, labels.length);
      const product = g.apply(MatMul, [rows, g.apply(Transpose, [table])]);
      const scores = g.apply(Add, [product, scalarLike(g, product, rho[0]!)]);
      const positive = coefficients.every((coefficient) => coefficient >= 0);
      const best = attributes.prob_a?.length ? bestOf(g, scores) : decided(g, scores, labels.length, positive);
      return [labelAt(g, labels, best), transformed(g, scores, attributes.post_transform)];
    }
    const count = perClass.reduce((a, b) => a + b, 0);
    const kernels = kernelOf(g, rows, matrix(g, support_vectors, count), attributes);
    const product = g.apply(MatMul, [kernels, matrix(g, pairWeights(perClass, coefficients), count)]);
    const scores = g.apply(Add, [product, vector(g, rho, 'float32')]);
    const label = labelAt(g, labels, elected(g, scores, perClass.length));
    const { prob_a = [], prob_b = [], post_transform } = attributes;
    if (prob_a.length === 0) return [label, shown(g, scores, post_transform)];
    const sigmoids = [vector(g, prob_a, 'float32'), vector(g, prob_b, 'float32')];
    const pairs = g.apply(PairProbabilities, [scores, ...sigmoids], { classes: perClass.length });
    return [label, transformed(g, g.applyAll(PairwiseCoupling, [pairs])[0]!, post_transform)];
  },
});

/** The class with the most votes of its pairs, the first one of several. */
function elected(g: Builder, scores: Value, classes: number): Value {
  const pairs = pairsOf(classes);
  const first = castTo(g, g.apply(Greater, [scores, scalarLike(g, scores, 0)]), 'float32');
  // A pair gives its vote to the first class where its score is positive, else to the second.
  const gain = pairs.flatMap(([i, j]) =>
    Array.from({ length: classes }, (_, own) => (own === i ? 1 : own === j ? -1 : 0)),
  );
  const start = Array.from({ length: classes }, (_, own) => pairs.filter(([, j]) => j === own).length);
  const votes = g.apply(Add, [g.apply(MatMul, [first, matrix(g, gain, pairs.length)]), vector(g, start, 'float32')]);
  return g.apply(ArgMax, [votes], { axis: 1, keepdims: 0 });
}

const bestOf = (g: Builder, scores: Value): Value => g.apply(ArgMax, [scores], { axis: 1, keepdims: 0 });

/** Of two classes the second one wins as soon as a score says so; else the best one. */
function decided(g: Builder, scores: Value, classes: number, positive: boolean): Value {
  const best = bestOf(g, scores);
  if (classes !== 2) return best;
  const highest = g.apply(ReduceMax, [scores, g.ints([1])], { keepdims: 0 });
  const limit = scalarLike(g, scores, positive ? 0.5 : 0);
  const wins = positive ? g.apply(GreaterOrEqual, [highest, limit]) : g.apply(Greater, [highest, limit]);
  return g.apply(Where, [wins, g.scalar(1, 'int64'), best]);
}

/**
 * A single score speaks for one class and against the other. SOFTMAX and SOFTMAX_ZERO take it for a probability and leave
 * it, PROBIT has nothing to say of the other class: so ONNX Runtime.
 */
function shown(g: Builder, scores: Value, post: string): Value {
  if (constantOf(tensorTypeOf(scores).shape[1]!) !== 1) return transformed(g, scores, post);
  const opposed = g.apply(MatMul, [scores, matrix(g, [-1, 1], 1)]);
  if (post === 'NONE' || post === 'LOGISTIC') return transformed(g, opposed, post);
  if (post === 'PROBIT') return g.apply(MatMul, [transformed(g, scores, post), matrix(g, [1, 0], 1)]);
  return g.apply(Concat, [g.apply(Sub, [scalarLike(g, scores, 1), scores]), scores], { axis: 1 });
}
