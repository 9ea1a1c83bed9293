// Random results: found by their operators, compared by distribution.

import * as assert from 'node:assert/strict';
import type { DType } from '../../ir/dtype.ts';
import { compareDistributions } from '../../src/test-runner/random.ts';

const floats = (values: readonly number[]) => ({
  dtype: 'float32' as DType,
  dims: [values.length],
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});
const wave = (count: number, phase: number, offset = 0): readonly number[] =>
  Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + phase) + offset);

describe('comparing distributions', () => {
  it('accepts other numbers of the same distribution', () => {
    assert.equal(compareDistributions(floats(wave(1000, 0)), floats(wave(1000, 1))), '');
  });

  it('refuses another mean', () => {
    assert.match(compareDistributions(floats(wave(1000, 0, 1)), floats(wave(1000, 1))), /^the mean is 1\.0/);
  });

  it('refuses what is not finite, and other types and shapes', () => {
    assert.equal(compareDistributions(floats([1, Number.NaN]), floats([1, 2])), 'an element is not finite');
    assert.equal(compareDistributions(floats([1]), floats([1, 2])), 'type or shape differ');
  });
});
