// Operators that move elements: shapes and index arithmetic with symbolic sizes, and what a run reports.

import assert from 'node:assert/strict';
import { int, mul } from '../../ir/expr-make.ts';
import { apply, elementOf, g, input, run, shapeOf, size } from './one-node.ts';

const N = size('N');
const H = size('H');

describe('movement operators', () => {
  it('keep axes apart that a Reshape does not touch', () => {
    const X = input('X', [N, 6, H]);
    const Y = apply('Reshape', [X, g.ints([0, 2, 3, -1])]);
    assert.equal(shapeOf(Y), '[N, 2, 3, H]');
    assert.equal(elementOf(Y), 'X[i0, i1 * 3 + i2, i3]');
  });
  it('check a Reshape at run time whose sizes are not provably equal', () => {
    const X = input('X', [N]);
    const Y = apply('Reshape', [X, g.ints([2, 2])]);
    const one = { dims: [4], values: [1, 2, 3, 4] };
    assert.deepEqual(run([X], Y, [one], [N]), { dims: [2, 2], values: [1, 2, 3, 4] });
    assert.throws(() => run([X], Y, [{ dims: [3], values: [1, 2, 3] }], [N]), /shape/);
  });
  it('refuse a Reshape of another number of elements', () => {
    assert.throws(() => apply('Reshape', [input('X', [2, 3]), g.ints([4, 2])]), {
      message: 'Reshape "node": data has 6 elements and the new shape 4,2 has 8.',
    });
  });
  it('slice to the end of a symbolic axis', () => {
    const Y = apply('Slice', [input('X', [N, H]), g.ints([1]), g.ints([2 ** 52]), g.ints([-1])]);
    assert.equal(shapeOf(Y), '[N, H - min(H, 1)]');
  });
  it('slice backwards', () => {
    const X = input('X', [4]);
    const Y = apply('Slice', [X, g.ints([-1]), g.ints([-100]), g.ints([0]), g.ints([-2])]);
    assert.deepEqual(run([X], Y, [{ dims: [4], values: [1, 2, 3, 4] }]), { dims: [2], values: [4, 2] });
  });
  it('join symbolic axes, and check the others at run time', () => {
    const A = input('A', [N, 2]);
    const B = input('B', [N, H]);
    assert.equal(shapeOf(apply('Concat', [A, B], { axis: 1 })), '[N, H + 2]');
    const C = input('C', [H, 1]);
    const Y = apply('Concat', [A, C], { axis: 1 });
    const given = [
      { dims: [2, 2], values: [1, 2, 3, 4] },
      { dims: [1, 1], values: [5] },
    ];
    assert.throws(() => run([A, C], Y, given, [N, H]), /shape/);
  });
  it('split unevenly with an empty last part', () => {
    const X = input('X', [4]);
    const outputs = [true, true, true];
    const first = apply('Split', [X], { num_outputs: 3 }, { outputs });
    const shapes = first.producer!.outputs.map(shapeOf);
    assert.deepEqual(shapes, ['[2]', '[2]', '[0]']);
  });
  it('read Gather positions from the end, and report those out of range', () => {
    const X = input('X', [3]);
    const I = input('I', [2], 'int64');
    const Y = apply('Gather', [X, I]);
    const data = { dims: [3], values: [1, 2, 3] };
    assert.deepEqual(run([X, I], Y, [data, { dims: [2], values: [-1, 0] }]).values, [3, 1]);
    assert.throws(() => run([X, I], Y, [data, { dims: [2], values: [0, 3] }]), /index/);
  });
  it('fold shape arithmetic', () => {
    const X = input('X', [N, 4, H]);
    const sizes = apply('Shape', [X], { start: 1 });
    const last = apply('Gather', [sizes, g.scalar(-1, 'int64')]);
    const flat = apply(
      'Concat',
      [g.ints([-1]), apply('Unsqueeze', [apply('Mul', [last, g.scalar(4, 'int64')]), g.ints([0])])],
      {
        axis: 0,
      },
    );
    assert.equal(shapeOf(apply('Reshape', [X, flat])), '[N, H * 4]');
  });
  it('read only inside of a Pad', () => {
    const Y = apply('Pad', [input('X', [N, 4]), g.ints([0, 0, 0, 2])]);
    assert.equal(shapeOf(Y), '[N, 6]');
    assert.equal(elementOf(Y), 'i1 < 4 ? X[i0, i1] : 0.0');
  });
  it('say the size of a Compress only at run time', () => {
    const X = input('X', [3, 2]);
    const condition = input('condition', [3], 'bool');
    const Y = apply('Compress', [X, condition], { axis: 0 });
    const given = [
      { dims: [3, 2], values: [1, 2, 3, 4, 5, 6] },
      { dims: [3], values: [1, 0, 1] },
    ];
    assert.deepEqual(run([X, condition], Y, given), { dims: [2, 2], values: [1, 2, 5, 6] });
  });
  it('multiply symbolic sizes in Tile', () => {
    assert.equal(shapeOf(apply('Tile', [input('X', [N, mul(H, int(2))]), g.ints([1, 3])])), '[N, H * 6]');
  });
});
