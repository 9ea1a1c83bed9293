import * as assert from 'node:assert/strict';
import type { Attributes, Value } from '../../ir/graph.ts';
import { findOperator } from '../../src/ops/index.ts';
import { apply, g, input, type Numbers, run } from './one-node.ts';

const microsoft = (name: string, inputs: readonly (Value | undefined)[], attributes: Attributes = {}): Value =>
  g.apply(findOperator('com.microsoft', name)!, inputs, attributes);

const counted = (dims: readonly number[]): Numbers => ({
  dims,
  values: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 7) % 11) - 5),
});
const channelsLast = (X: Value): Value => apply('Transpose', [X], { perm: [0, 2, 3, 1] });

describe('operators of com.microsoft on pictures', () => {
  const [X, W] = [input('X', [1, 2, 5, 4]), input('W', [3, 2, 3, 2])];
  const given = [counted([1, 2, 5, 4]), counted([3, 2, 3, 2])];
  const attributes = { kernel_shape: [3, 2], pads: [1, 0, 1, 1], strides: [2, 1] };
  const expected = run([X, W], channelsLast(apply('Conv', [X, W], attributes)), given);

  it('convolve with the channels last, whichever way the weights lie', () => {
    const asExported = microsoft('NhwcConv', [channelsLast(X), channelsLast(W)], attributes);
    assert.deepEqual(run([X, W], asExported, given), expected);
    const asDocumented = microsoft('NhwcConv', [channelsLast(X), W], attributes);
    assert.deepEqual(run([X, W], asDocumented, given), expected);
  });

  it('convolve with the channels last, add, and activate', () => {
    const sum = channelsLast(apply('Conv', [X, W], attributes));
    const fused = microsoft('NhwcFusedConv', [channelsLast(X), W, undefined, sum], {
      ...attributes,
      activation: 'Relu',
    });
    const doubled = expected.values.map((value) => Math.max(2 * value, 0));
    assert.deepEqual(run([X, W], fused, given), { dims: expected.dims, values: doubled });
  });

  it('pool a row only as far as its mask allows', () => {
    const [P, M] = [input('P', [1, 1, 4]), input('M', [1, 1, 4], 'int32')];
    const pooled = microsoft('MaxpoolWithMask', [P, M], { kernel_shape: [2], strides: [2] });
    const values = [
      { dims: [1, 1, 4], values: [1, 9, 2, 3] },
      { dims: [1, 1, 4], values: [1, 0, 1, 1] },
    ];
    assert.deepEqual(run([P, M], pooled, values).values, [1, 3]);
  });

  it('refuse weights that fit neither way', () => {
    assert.throws(
      () => microsoft('NhwcConv', [channelsLast(X), input('V', [3, 5, 3, 5])], attributes),
      /W expects 5 input channels, X has 2/,
    );
  });
});

describe('Unique of com.microsoft', () => {
  it('finds nothing in nothing', () => {
    const X = input('X', [0]);
    assert.deepEqual(run([X], microsoft('Unique', [X]), [{ dims: [0], values: [] }]), { dims: [0], values: [] });
  });
});
