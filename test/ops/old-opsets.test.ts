// Nodes of old opsets: `upgrade` turns them into today's meaning.

import assert from 'node:assert/strict';
import type { Attributes, Value } from '../../ir/graph.ts';
import { findOperator } from '../../src/ops/index.ts';
import { g, input, type Numbers, run, size } from './one-node.ts';

const N = size('N');

/** The value of a node that was written for `opset`. */
function old(
  name: string,
  opset: number,
  inputs: readonly Value[],
  attributes: Attributes = {},
  outputCount = 1,
): Value {
  const operator = findOperator('', name)!;
  const constant = (values: readonly number[], dtype: 'int64' | 'float32', scalar?: boolean): Value =>
    scalar ? g.scalar(values[0]!, dtype) : g.ints(values);
  const node = { op: name, domain: '', inputs, attributes, outputCount, constant: constant as never };
  const upgraded = operator.upgrade?.(node, opset) ?? node;
  return g.apply(operator, upgraded.inputs, upgraded.attributes, { name: 'node' });
}
const numbers = (dims: readonly number[], values: readonly number[]): Numbers => ({ dims, values });
const rounded = ({ values }: Numbers): readonly number[] => values.map((value) => Math.round(value * 1000) / 1000);

describe('nodes of old opsets', () => {
  it('align B at an axis of A (Add of opset 6)', () => {
    const A = input('A', [2, 2, 2]);
    const B = input('B', [2]);
    const Y = old('Add', 6, [A, B], { axis: 1, broadcast: 1 });
    const given = [numbers([2, 2, 2], [0, 0, 0, 0, 0, 0, 0, 0]), numbers([2], [1, 2])];
    assert.deepEqual(run([A, B], Y, given).values, [1, 1, 2, 2, 1, 1, 2, 2]);
  });
  it('take all axes from the given one on together (Softmax of opset 11)', () => {
    const X = input('X', [2, 1, 2]);
    const given = [numbers([2, 1, 2], [0, 0, 0, Math.log(3)])];
    assert.deepEqual(rounded(run([X], old('Softmax', 11, [X], { axis: 0 }), given)), [0.167, 0.167, 0.167, 0.5]);
    assert.deepEqual(rounded(run([X], old('Softmax', 13, [X], { axis: 0 }), given)), [0.5, 0.25, 0.5, 0.75]);
  });
  it('accept a Softmax axis behind the last one: rows of one element (opset 11)', () => {
    const X = input('X', [3]);
    assert.deepEqual(run([X], old('Softmax', 11, [X], { axis: 1 }), [numbers([3], [1, 2, 3])]).values, [1, 1, 1]);
  });
  it('take bounds from attributes (Clip of opset 6)', () => {
    const X = input('X', [3]);
    const Y = old('Clip', 6, [X], { min: 0, max: 1, consumed_inputs: [0] });
    assert.deepEqual(run([X], Y, [numbers([3], [-1, 0.5, 7])]).values, [0, 0.5, 1]);
  });
  it('take axes from an attribute (ReduceSum of opset 11)', () => {
    const X = input('X', [N, 2]);
    const Y = old('ReduceSum', 11, [X], { axes: [-1], keepdims: 0 });
    assert.deepEqual(run([X], Y, [numbers([2, 2], [1, 2, 3, 4])], [N]), numbers([2], [3, 7]));
  });
  it('give each channel its slope (PRelu of opset 6)', () => {
    const X = input('X', [1, 2, 2]);
    const S = input('S', [2]);
    const Y = old('PRelu', 6, [X, S]);
    const given = [numbers([1, 2, 2], [-1, 1, -1, 1]), numbers([2], [2, 3])];
    assert.deepEqual(run([X, S], Y, given).values, [-2, 1, -3, 1]);
  });
  it('mean inference by BatchNormalization with one output, whatever is_test says (opset 6)', () => {
    const X = input('X', [2, 1]);
    const one = input('one', [1]);
    const Y = old('BatchNormalization', 6, [X, one, one, one, one], { epsilon: 0, is_test: 0, spatial: 1 });
    assert.deepEqual(run([X, one], Y, [numbers([2, 1], [3, 5]), numbers([1], [1])]).values, [3, 5]);
  });
  it('give each position its own parameters (BatchNormalization with spatial = 0)', () => {
    const X = input('X', [1, 1, 2]);
    const scale = input('scale', [1, 2]);
    const zero = input('zero', [1, 2]);
    const one = input('one', [1, 2]);
    const Y = old('BatchNormalization', 7, [X, scale, zero, zero, one], { epsilon: 0, spatial: 0 });
    const given = [
      numbers([1, 1, 2], [1, 1]),
      numbers([1, 2], [2, 3]),
      numbers([1, 2], [0, 0]),
      numbers([1, 2], [1, 1]),
    ];
    assert.deepEqual(run([X, scale, zero, one], Y, given).values, [2, 3]);
  });
});
