import * as assert from 'node:assert/strict';
import type { DType } from '../../ir/dtype.ts';
import type { Attributes, Value } from '../../ir/graph.ts';
import { findOperator } from '../../src/ops/index.ts';
import { g, input, type Numbers, run } from './one-node.ts';

/** The first output of an operator of ai.onnx.ml for one input. */
function result(name: string, attributes: Attributes, given: Numbers, dtype: DType = 'float32'): readonly number[] {
  const X = input('X', given.dims, dtype);
  const operator = findOperator('ai.onnx.ml', name);
  assert.ok(operator, `there is no ${name}`);
  return run([X], g.apply(operator, [X], attributes), [given]).values;
}

const scores = (attributes: Attributes, given: Numbers): readonly number[] => {
  const X: Value = input('X', given.dims);
  const [, Z] = g.applyAll(findOperator('ai.onnx.ml', 'LinearClassifier')!, [X], attributes, { outputs: [true, true] });
  return run([X], Z!, [given]).values;
};

describe('operators of ai.onnx.ml', () => {
  it('scale each column by its own numbers', () => {
    const rows = { dims: [2, 2], values: [1, 2, 3, 4] };
    assert.deepEqual(result('Scaler', { offset: [1, 2], scale: [2, 0.5] }, rows), [0, 0, 4, 1]);
  });

  it('divide rows by their norm and leave rows of zeros', () => {
    const rows = { dims: [2, 2], values: [3, -4, 0, 0] };
    assert.deepEqual(result('Normalizer', { norm: 'L2' }, rows), [Math.fround(0.6), Math.fround(-0.8), 0, 0]);
    assert.deepEqual(result('Normalizer', { norm: 'MAX' }, rows), [1, Math.fround(-4 / 3), 0, 0]);
  });

  it('impute NaN by the number of its column', () => {
    const rows = { dims: [2, 2], values: [Number.NaN, 1, 2, Number.NaN] };
    const attributes = { imputed_value_floats: [8, 9], replaced_value_float: Number.NaN };
    assert.deepEqual(result('Imputer', attributes, rows), [8, 1, 2, 9]);
  });

  it('encode categories, and leave out those that are not known', () => {
    const given = { dims: [3], values: [5, 1, 7] };
    assert.deepEqual(result('OneHotEncoder', { cats_int64s: [1, 5] }, given, 'int64'), [0, 1, 1, 0, 0, 0]);
  });

  it('translate labels, NaN among them', () => {
    const table = { keys_floats: [1, Number.NaN], values_floats: [10, 20], default_float: -1 };
    assert.deepEqual(result('LabelEncoder', table, { dims: [3], values: [Number.NaN, 1, 2] }), [20, 10, -1]);
  });

  it('give two classes to a linear classifier with one row of coefficients', () => {
    const attributes = { coefficients: [1, 1], intercepts: [0.5], classlabels_ints: [3, 4] };
    assert.deepEqual(scores(attributes, { dims: [1, 2], values: [0.125, 0.125] }), [0.25, 0.75]);
  });

  it('leave a single score as it is, whatever the transform', () => {
    const attributes = { coefficients: [2], targets: 1, post_transform: 'LOGISTIC' };
    assert.deepEqual(result('LinearRegressor', attributes, { dims: [1, 1], values: [3] }), [6]);
  });

  it('let support vectors vote for the classes of their pairs', () => {
    // Linear kernels: the scores of the three pairs are 2 x0 - x1, 3 x0, and 5 x1.
    const attributes = {
      classlabels_ints: [7, 8, 9],
      coefficients: [2, -1, 0, 3, 5, 0],
      rho: [0, 0, 0],
      support_vectors: [1, 0, 0, 1, 0, 0],
      vectors_per_class: [1, 1, 1],
    };
    const X = input('X', [2, 2]);
    const svm = findOperator('ai.onnx.ml', 'SVMClassifier')!;
    const [Y, Z] = g.applyAll(svm, [X], attributes, { outputs: [true, true] });
    const given = [{ dims: [2, 2], values: [1, 1, -1, 1] }];
    assert.deepEqual(run([X], Z!, given).values, [1, 3, 5, -3, -3, 5]);
    const labels = g.apply(findOperator('', 'Cast')!, [Y], { to: 'float32' });
    assert.deepEqual(run([X], labels, given).values, [7, 8]);
  });

  it('turn the scores of pairs of classes into probabilities', () => {
    const attributes = {
      kernel_type: 'LINEAR',
      kernel_params: [0, 0, 0],
      support_vectors: [1, 1, 1],
      vectors_per_class: [1, 1, 1],
      coefficients: [1, 0, 0, 0, 0, 0],
      rho: [0, 0, 0],
      classlabels_ints: [7, 8, 9],
    };
    const svm = findOperator('ai.onnx.ml', 'SVMClassifier')!;
    const X = input('X', [1, 1]);
    const probabilities = (more: Attributes): readonly number[] => {
      const [, Z] = g.applyAll(svm, [X], { ...attributes, ...more }, { outputs: [true, true] });
      return run([X], Z!, [{ dims: [1, 1], values: [2] }]).values.map((value) => Math.round(value * 100) / 100);
    };
    // Pairs that cannot decide leave the classes equal.
    assert.deepEqual(probabilities({ prob_a: [0, 0, 0], prob_b: [0, 0, 0] }), [0.33, 0.33, 0.33]);
    // Where a wins against b and c by 3 : 1 each, and b and c are equal, so they are in the whole; the search ends close to that.
    const log3 = Math.log(3);
    assert.deepEqual(probabilities({ prob_a: [0, 0, 0], prob_b: [-log3, -log3, 0] }), [0.6, 0.2, 0.2]);
  });

  it('refuse probabilities for another number of pairs', () => {
    const attributes = {
      support_vectors: [1, 1],
      vectors_per_class: [1, 1],
      coefficients: [1, 1],
      rho: [0],
      classlabels_ints: [0, 1],
      prob_a: [1, 2],
      prob_b: [1, 2],
    };
    const svm = findOperator('ai.onnx.ml', 'SVMClassifier')!;
    assert.throws(
      () => g.apply(svm, [input('X', [1, 1])], attributes),
      /has 2 entries of prob_a and 2 of prob_b; expected 1/,
    );
  });

  it('apply the kernel of a support vector regressor', () => {
    const attributes = {
      kernel_type: 'POLY',
      kernel_params: [1, 1, 2],
      support_vectors: [2],
      coefficients: [3],
      n_supports: 1,
    };
    assert.deepEqual(result('SVMRegressor', { ...attributes, rho: [0.5] }, { dims: [1, 1], values: [1] }), [27.5]);
    assert.deepEqual(
      result('SVMRegressor', { ...attributes, rho: [-30], one_class: 1 }, { dims: [1, 1], values: [1] }),
      [-1],
    );
  });

  it('refuse coefficients that do not fit the features', () => {
    assert.throws(
      () => result('LinearRegressor', { coefficients: [1, 2, 3], targets: 1 }, { dims: [1, 2], values: [0, 0] }),
      /has 3 coefficients; 1 rows for 2 features need 2/,
    );
  });
});
