// Reductions, contractions and running totals: axes that only a run knows, ties, empty sets.

import assert from 'node:assert/strict';
import { int } from '../../ir/expr-make.ts';
import type { Type } from '../../ir/graph.ts';
import { apply, g, input, type Numbers, run, shapeOf, size } from './one-node.ts';

const N = size('N');
const numbers = (dims: readonly number[], values: readonly number[]): Numbers => ({ dims, values });
const declared = (...shape: readonly number[]): Type => ({ kind: 'tensor', dtype: 'float32', shape: shape.map(int) });
const counting = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

describe('reductions', () => {
  it('find run-time axes by the declared shape where that is enough', () => {
    const X = input('X', [2, 3]);
    const axes = input('axes', [1], 'int64');
    const Y = apply('ReduceSum', [X, axes], {}, { declared: [declared(2, 1)] });
    const given = [numbers([2, 3], counting(6)), numbers([1], [1])];
    assert.deepEqual(run([X, axes], Y, given), numbers([2, 1], [3, 12]));
  });
  it('choose among run-time axes that give the same shape', () => {
    const X = input('X', [2, 2]);
    const axes = input('axes', [1], 'int64');
    const Y = apply('ReduceSum', [X, axes], { keepdims: 0 }, { declared: [declared(2)] });
    const along = (axis: number): readonly number[] =>
      run([X, axes], Y, [numbers([2, 2], [1, 2, 3, 4]), numbers([1], [axis])]).values;
    assert.deepEqual(along(0), [4, 6]);
    assert.deepEqual(along(1), [3, 7]);
    assert.deepEqual(along(-2), [4, 6]);
  });
  it('need a declared shape for run-time axes', () => {
    const axes = input('axes', [1], 'int64');
    assert.throws(() => apply('ReduceSum', [input('X', [2, 2]), axes]), /depends on axes, which is only known at run/);
  });
  it('give the neutral element for an empty set', () => {
    const X = input('X', [2, 0]);
    const values = (name: string): readonly number[] =>
      run([X], apply(name, [X, g.ints([1])]), [numbers([2, 0], [])]).values;
    assert.deepEqual(values('ReduceSum'), [0, 0]);
    assert.deepEqual(values('ReduceProd'), [1, 1]);
    assert.deepEqual(values('ReduceMax'), [-Infinity, -Infinity]);
    assert.deepEqual(values('ReduceLogSumExp'), [-Infinity, -Infinity]);
  });
  it('apply the function of each element where no axis is reduced', () => {
    const X = input('X', [2]);
    const Y = apply('ReduceSumSquare', [X], { noop_with_empty_axes: 1 });
    assert.deepEqual(run([X], Y, [numbers([2], [2, -3])]).values, [4, 9]);
  });
  it('do not overflow in ReduceLogSumExp', () => {
    const X = input('X', [2]);
    const [value] = run([X], apply('ReduceLogSumExp', [X]), [numbers([2], [1000, 1000])]).values;
    assert.ok(Math.abs(value! - 1000.6931) < 1e-3);
  });
  it('break ties of ArgMax to the first or the last, and count NaN as the largest', () => {
    const X = input('X', [1, 4]);
    const best = (values: readonly number[], select_last_index: number): number => {
      const Y = apply('Cast', [apply('ArgMax', [X], { axis: 1, select_last_index })], { to: 'float32' });
      return run([X], Y, [numbers([1, 4], values)]).values[0]!;
    };
    assert.equal(best([1, 5, 5, 0], 0), 1);
    assert.equal(best([1, 5, 5, 0], 1), 2);
    assert.equal(best([1, Number.NaN, 7, Number.NaN], 0), 1);
    assert.equal(best([1, Number.NaN, 7, Number.NaN], 1), 3);
  });
  it('contract any equation of Einsum', () => {
    const A = input('A', [2, 2]);
    const values = (equation: string, count: number): readonly number[] =>
      run([A], apply('Einsum', Array(count).fill(A), { equation }), [numbers([2, 2], [1, 2, 3, 4])]).values;
    assert.deepEqual(values('ij,jk->ik', 2), [7, 10, 15, 22]);
    assert.deepEqual(values('ij,jk,kl->il', 3), [37, 54, 81, 118]);
    assert.deepEqual(values('ii->i', 1), [1, 4]);
    assert.deepEqual(values('...i->...', 1), [3, 7]);
    assert.deepEqual(values('ba', 1), [1, 3, 2, 4]);
  });
  it('refuse an equation that does not fit', () => {
    assert.throws(() => apply('Einsum', [input('A', [2, 2])], { equation: 'ijk->i' }), {
      message: 'Einsum "node": term "ijk" of the equation has 3 labels; input 0 has rank 2.',
    });
  });
  it('cumulate along an axis that only a run knows', () => {
    const X = input('X', [N, 2]);
    const axis = input('axis', [], 'int64');
    const Y = apply('CumSum', [X, axis], { reverse: 1, exclusive: 1 });
    const along = (at: number): readonly number[] =>
      run([X, axis], Y, [numbers([2, 2], [1, 2, 3, 4]), numbers([], [at])], [N]).values;
    assert.deepEqual(along(0), [3, 4, 0, 0]);
    assert.deepEqual(along(-1), [2, 0, 4, 0]);
    assert.throws(() => along(2), /index/);
  });
  it('quantize in blocks along an axis, rounding half to even and saturating', () => {
    const X = input('X', [1, 4]);
    const scale = input('scale', [1, 2]);
    const quantized = apply('QuantizeLinear', [X, scale], { axis: 1, block_size: 2 });
    const Y = apply('DequantizeLinear', [quantized, scale], { axis: 1, block_size: 2 });
    const given = [numbers([1, 4], [0.5, 1.5, 3000, -2]), numbers([1, 2], [1, 10])];
    assert.deepEqual(run([X, scale], Y, given).values, [0, 2, 2550, 0]);
  });
  it('keep symbolic sizes through products', () => {
    assert.equal(shapeOf(apply('MatMul', [input('A', [N, 3, 4]), input('B', [4, 5])])), '[N, 3, 5]');
    assert.equal(shapeOf(apply('Gemm', [input('A', [4, N]), input('B', [5, 4])], { transA: 1, transB: 1 })), '[N, 5]');
  });
});
