import * as assert from 'node:assert/strict';
import type { Attributes, Value } from '../../ir/graph.ts';
import { findOperator } from '../../src/ops/index.ts';
import { floats, g, input, type Numbers, run } from './one-node.ts';

const microsoft = (name: string, inputs: readonly (Value | undefined)[], attributes: Attributes = {}): Value =>
  g.apply(findOperator('com.microsoft', name)!, inputs, attributes);
const matrix = (rows: number, values: readonly number[]): Numbers => ({ dims: [rows, values.length / rows], values });

describe('operators of com.microsoft', () => {
  it('measure the distances of all pairs of rows', () => {
    const [A, B] = [input('A', [2, 2]), input('B', [1, 2])];
    const given = [matrix(2, [0, 0, 3, 4]), matrix(1, [0, 0])];
    assert.deepEqual(run([A, B], microsoft('CDist', [A, B], { metric: 'euclidean' }), given).values, [0, 5]);
    assert.deepEqual(run([A, B], microsoft('CDist', [A, B]), given).values, [0, 25]);
  });

  it('end a product in an activation with its parameters', () => {
    const [A, B] = [input('A', [1, 2]), input('B', [2, 2])];
    const fused = microsoft('FusedGemm', [A, B, floats([-9, 0])], { activation: 'LeakyRelu', activation_alpha: 0.5 });
    assert.deepEqual(run([A, B], fused, [matrix(1, [1, 2]), matrix(2, [1, 0, 0, 1])]).values, [-4, 2]);
  });

  it('multiply complex numbers, also with a conjugate', () => {
    const [A, B] = [input('A', [1, 2]), input('B', [1, 2])];
    const given = [matrix(1, [1, 2]), matrix(1, [3, 4])];
    assert.deepEqual(run([A, B], microsoft('ComplexMul', [A, B]), given).values, [-5, 10]);
    assert.deepEqual(run([A, B], microsoft('ComplexMulConj', [A, B]), given).values, [11, 2]);
  });

  it('cut an axis into overlapping stretches', () => {
    const X = input('X', [1, 5]);
    const unfolded = microsoft('UnfoldTensor', [X], { dim: 1, size: 3, step: 2 });
    const result = run([X], unfolded, [matrix(1, [0, 1, 2, 3, 4])]);
    assert.deepEqual(result, { dims: [1, 2, 3], values: [0, 1, 2, 2, 3, 4] });
  });

  it('pool bytes with the channels last', () => {
    const X = input('X', [1, 2, 2, 2], 'uint8');
    const pooled = g.apply(findOperator('', 'Cast')!, [microsoft('NhwcMaxPool', [X], { kernel_shape: [2, 2] })], {
      to: 'float32',
    });
    const result = run([X], pooled, [{ dims: [1, 2, 2, 2], values: [1, 80, 2, 70, 3, 60, 4, 50] }]);
    assert.deepEqual(result, { dims: [1, 1, 1, 2], values: [4, 80] });
  });

  it('count what a mask keeps beside the sum of embeddings', () => {
    const [ids, mask] = [input('ids', [1, 2], 'int32'), input('mask', [1, 2], 'int32')];
    const table = g.apply(findOperator('', 'Reshape')!, [floats([1, 2, 3, 4]), g.ints([2, 2])]);
    const operands = [ids, undefined, table, table, undefined, floats([1, 1]), floats([0, 0]), mask];
    const outputs = [true, true, true];
    const embed = findOperator('com.microsoft', 'EmbedLayerNormalization')!;
    const [, lengths, sum] = g.applyAll(embed, operands, {}, { outputs });
    const given = [
      { dims: [1, 2], values: [1, 0] },
      { dims: [1, 2], values: [1, 0] },
    ];
    const counted = g.apply(findOperator('', 'Cast')!, [lengths], { to: 'float32' });
    assert.deepEqual(run([ids, mask], counted, given).values, [1]);
    assert.deepEqual(run([ids, mask], sum!, given).values, [4, 6, 4, 6]);
  });
});
