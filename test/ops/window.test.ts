// Windows: output sizes, padding, and which reads are checked.

import assert from 'node:assert/strict';
import { apply, elementOf, floats, input, run, shapeOf, size } from './one-node.ts';

const N = size('N');
const H = size('H');

describe('window operators', () => {
  it('read without checks in a Conv without padding', () => {
    const Y = apply('Conv', [input('X', [N, 4, H, 9]), input('W', [6, 4, 3, 3])], { strides: [1, 2] });
    assert.equal(shapeOf(Y), '[N, 6, max(H - 2, 0), 4]');
    assert.equal(elementOf(Y), 'sum[c < 4, k0 < 3, k1 < 3](X[i0, c, i2 + k0, i3 * 2 + k1] * W[i1, c, k0, k1])');
  });
  it('check only padded sides', () => {
    const Y = apply('Conv', [input('X', [1, 1, 8]), input('W', [1, 1, 3])], { pads: [0, 1] });
    assert.equal(elementOf(Y), 'sum[k0 < 3]((i2 + k0 < 8 ? X[0, 0, i2 + k0] : 0.0) * W[0, 0, k0])');
  });
  it('reduce over no channels in a depthwise Conv', () => {
    const Y = apply('Conv', [input('X', [1, 5, 8]), input('W', [5, 1, 3])], { group: 5 });
    assert.equal(elementOf(Y), 'sum[k0 < 3](X[0, i1, i2 + k0] * W[i1, 0, k0])');
  });
  it('are a matrix product where the kernel has one tap', () => {
    const Y = apply('Conv', [input('X', [1, 5, 8, 8]), input('W', [7, 5, 1, 1])]);
    assert.equal(elementOf(Y), 'sum[c < 5](X[0, c, i2, i3] * W[i1, c, 0, 0])');
  });
  it('keep a symbolic size under SAME padding', () => {
    const Y = apply('MaxPool', [input('X', [1, 1, H])], { kernel_shape: [3], auto_pad: 'SAME_UPPER' });
    assert.equal(shapeOf(Y), '[1, 1, H]');
  });
  it('leave out a last window that starts in the padding', () => {
    const attributes = { kernel_shape: [1], strides: [2], ceil_mode: 1 };
    assert.equal(shapeOf(apply('MaxPool', [input('X', [1, 1, 2])], attributes)), '[1, 1, 1]');
    assert.equal(shapeOf(apply('AveragePool', [input('X', [1, 1, 3])], attributes)), '[1, 1, 2]');
  });
  it('average over the taps inside of the input', () => {
    const X = input('X', [1, 1, 3]);
    const Y = apply('AveragePool', [X], { kernel_shape: [3], pads: [1, 1] });
    assert.deepEqual(run([X], Y, [{ dims: [1, 1, 3], values: [3, 6, 9] }]).values, [4.5, 6, 7.5]);
  });
  it('refuse weights for other channels', () => {
    assert.throws(() => apply('Conv', [input('X', [1, 3, 8]), input('W', [2, 4, 3])]), {
      message: 'Conv "node": W expects 4 input channels, X has 3 (group = 1).',
    });
  });
  it('report channels that do not fit at run time', () => {
    const X = input('X', [1, N, 2]);
    const W = input('W', [1, 2, 1]);
    const Y = apply('Conv', [X, W]);
    const weights = { dims: [1, 2, 1], values: [1, 1] };
    assert.deepEqual(run([X, W], Y, [{ dims: [1, 2, 2], values: [1, 2, 3, 4] }, weights], [N]).values, [4, 6]);
    assert.throws(() => run([X, W], Y, [{ dims: [1, 1, 2], values: [1, 2] }, weights], [N]), /shape/);
  });
});

describe('Resize', () => {
  const nearest = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  it('divides indices where it repeats whole rows', () => {
    const Y = apply('Resize', [input('X', [1, 1, H, 4]), undefined, floats([1, 1, 2, 3])], nearest);
    assert.equal(shapeOf(Y), '[1, 1, H * 2, 12]');
    assert.equal(elementOf(Y), 'X[0, 0, i2 / 2, i3 / 3]');
  });
  it('divides indices for centered whole factors too', () => {
    const Y = apply('Resize', [input('X', [1, 1, 4, 4]), undefined, floats([1, 1, 2, 1])]);
    assert.equal(elementOf(Y), 'X[0, 0, i2 / 2, i3]');
  });
  it('rounds a symbolic size down', () => {
    const Y = apply('Resize', [input('X', [1, 1, H, 4]), undefined, floats([1, 1, 0.5, 1])], nearest);
    assert.equal(shapeOf(Y), '[1, 1, H / 2, 4]');
  });
});
