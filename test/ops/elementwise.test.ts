// Elementwise operators: broadcasting of sizes that only a run knows, special values, and what a run reports.

import assert from 'node:assert/strict';
import type { DType } from '../../ir/dtype.ts';
import { apply, elementOf, floats, g, input, type Numbers, run, shapeOf, size } from './one-node.ts';

const N = size('N');
const M = size('M');
const numbers = (dims: readonly number[], values: readonly number[]): Numbers => ({ dims, values });
const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

/** The operator applied to a vector of float32. */
function of(name: string, values: readonly number[], attributes = {}): readonly number[] {
  const X = input('X', [values.length]);
  return run([X], apply(name, [X], attributes), [numbers([values.length], values)]).values;
}
const asFloats = (name: string, dtype: DType, values: readonly number[], divisor: number): readonly number[] => {
  const X = input('X', [values.length], dtype);
  const Y = apply('Cast', [apply(name, [X, g.scalar(divisor, dtype)])], { to: 'float32' });
  return run([X], Y, [numbers([values.length], values)]).values;
};

describe('elementwise operators', () => {
  it('broadcast equal symbols without a question', () => {
    const Y = apply('Add', [input('A', [N, 3]), input('B', [N, 1])]);
    assert.equal(shapeOf(Y), '[N, 3]');
    assert.equal(elementOf(Y), 'A[i0, i1] + B[i0, 0]');
  });
  it('let the run decide whether a symbolic axis is repeated', () => {
    const A = input('A', [N]);
    const Y = apply('Add', [A, floats([10, 20])]);
    assert.equal(shapeOf(Y), '[2]');
    assert.deepEqual(run([A], Y, [numbers([1], [1])], [N]).values, [11, 21]);
    assert.deepEqual(run([A], Y, [numbers([2], [1, 2])], [N]).values, [11, 22]);
    assert.throws(() => run([A], Y, [numbers([3], [1, 2, 3])], [N]), /shape/);
  });
  it('broadcast two symbols against each other', () => {
    const A = input('A', [N]);
    const B = input('B', [M]);
    const Y = apply('Mul', [A, B]);
    const given = [numbers([1], [3]), numbers([2], [1, 2])];
    assert.deepEqual(run([A, B], Y, given, [N, M]), numbers([2], [3, 6]));
  });
  it('broadcast an axis of one element to one without any', () => {
    const A = input('A', [N]);
    const B = input('B', [M]);
    const Y = apply('Max', [A, B]);
    assert.deepEqual(run([A, B], Y, [numbers([1], [3]), numbers([0], [])], [N, M]), numbers([0], []));
    assert.deepEqual(run([A, B], Y, [numbers([0], []), numbers([1], [3])], [N, M]), numbers([0], []));
  });
  it('refuse shapes that do not broadcast', () => {
    assert.throws(() => apply('Add', [input('A', [2]), input('B', [3])]), {
      message: 'Add "node": shapes do not broadcast: 2 and 3 on axis 0.',
    });
  });
  it('take no NaN for being above a threshold', () => {
    assert.deepEqual(of('ThresholdedRelu', [nan, 0.5, 2]), [0, 0, 2]);
  });
  it('have float32 defaults, also for float64', () => {
    const X = input('X', [1], 'float64');
    const tiny = apply('Add', [apply('LeakyRelu', [X]), g.scalar(0.01, 'float64')]);
    const Y = apply('Cast', [tiny], { to: 'float32' });
    assert.deepEqual(run([X], Y, [numbers([1], [-1])]).values, [Math.fround(0.01 - Math.fround(0.01))]);
  });
  it('give the bits of a truth value as 0 or 1, whatever it is while it is computed', () => {
    const truth = apply('Greater', [input('X', [2]), g.scalar(0, 'float32')]);
    assert.equal(elementOf(apply('BitCast', [truth], { to: 'uint8' })), 'uint8(node[i0])');
  });
  it('let NaN pass', () => {
    assert.deepEqual(of('Relu', [nan, -1, 2]), [nan, 0, 2]);
    assert.deepEqual(of('Sign', [nan, -3, 0, 5]), [nan, -1, 0, 1]);
    const X = input('X', [2]);
    const Y = apply('Clip', [X, g.scalar(0, 'float32'), g.scalar(1, 'float32')]);
    assert.deepEqual(run([X], Y, [numbers([2], [nan, 7])]).values, [nan, 1]);
  });
  it('do not overflow in Softplus and Mish', () => {
    assert.deepEqual(of('Softplus', [-200, 200]), [0, 200]);
    assert.deepEqual(of('Mish', [-200, 200]), [-0, 200]);
  });
  it('raise to powers that are known cheaply, and as pow does', () => {
    const X = input('X', [2]);
    const raised = (exponent: number) => apply('Pow', [X, g.scalar(exponent, 'float32')]);
    assert.equal(elementOf(raised(2)), 'X[i0] * X[i0]');
    assert.deepEqual(run([X], raised(0.5), [numbers([2], [4, -infinity])]).values, [2, infinity]);
  });
  it('take integer powers exactly', () => {
    const X = input('X', [3], 'int64');
    const Y = apply('Cast', [apply('Pow', [X, g.scalar(3, 'int64')])], { to: 'float32' });
    assert.deepEqual(run([X], Y, [numbers([3], [-3, 0, 7])]).values, [-27, 0, 343]);
  });
  it('give Mod the sign of the divisor', () => {
    assert.deepEqual(asFloats('Mod', 'int32', [-7, 7, 6], 3), [2, 1, 0]);
    assert.deepEqual(asFloats('Mod', 'int32', [-7, 7, 6], -3), [-1, -2, 0]);
  });
  it('report an integer division by zero', () => {
    const X = input('X', [2], 'int32');
    const D = input('D', [], 'int32');
    const Y = apply('Cast', [apply('Div', [X, D])], { to: 'float32' });
    const given = (divisor: number) => [numbers([2], [6, -7]), numbers([], [divisor])];
    assert.deepEqual(run([X, D], Y, given(2)).values, [3, -3]);
    assert.throws(() => run([X, D], Y, given(0)), /divide/);
  });
  it('saturate float8, or overflow where told to', () => {
    const through = (to: DType, saturate: number): readonly number[] => {
      const X = input('X', [4]);
      const Y = apply('Cast', [apply('Cast', [X], { to, saturate })], { to: 'float32' });
      return run([X], Y, [numbers([4], [1e6, -1e6, 464, 0.3])]).values;
    };
    assert.deepEqual(through('float8e4m3fn', 1), [448, -448, 448, 0.3125]);
    assert.deepEqual(through('float8e4m3fn', 0), [nan, nan, 448, 0.3125]);
    assert.deepEqual(through('float8e5m2', 0), [infinity, -infinity, 448, 0.3125]);
  });
});
