// Results against expectations: tolerances of floats, exactness of everything else.

import * as assert from 'node:assert/strict';
import type { DType } from '../../ir/dtype.ts';
import { compareTensors, type Tolerance } from '../../src/test-runner/compare.ts';

const tolerance: Tolerance = { relative: 1e-3, absolute: 1e-7 };

const floats = (...values: readonly number[]) => ({
  dtype: 'float32' as DType,
  dims: [values.length],
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});
const bytes = (dtype: DType, ...values: readonly number[]) => ({
  dtype,
  dims: [values.length],
  bytes: Uint8Array.from(values),
});

describe('comparing tensors', () => {
  it('accepts floats within the tolerances and counts how far they are off', () => {
    const { same, maxAbs, maxRel, maxUlp } = compareTensors(floats(1, 2.001), floats(1, 2), tolerance);
    assert.equal(same, true);
    assert.ok(Math.abs(maxAbs - 0.001) < 1e-6 && Math.abs(maxRel - 0.0005) < 1e-6);
    assert.equal(maxUlp, 4194);
  });

  it('says which element differs first, and how many do', () => {
    const actual = { ...floats(1, 2, 3, 4), dims: [2, 2] };
    const expected = { ...floats(1, 2, 5, 6), dims: [2, 2] };
    assert.equal(
      compareTensors(actual, expected, tolerance).message,
      '2 of 4 elements differ, the first: [1, 0] is 3, expected 5',
    );
  });

  it('takes NaN for equal to NaN, and to nothing else', () => {
    assert.equal(compareTensors(floats(Number.NaN), floats(Number.NaN), tolerance).same, true);
    assert.equal(compareTensors(floats(Number.NaN), floats(0), tolerance).same, false);
    assert.equal(compareTensors(floats(0), floats(Number.NaN), tolerance).same, false);
  });

  it('tells infinities apart', () => {
    assert.equal(compareTensors(floats(Infinity), floats(Infinity), tolerance).same, true);
    assert.equal(compareTensors(floats(-Infinity), floats(Infinity), tolerance).same, false);
    assert.equal(compareTensors(floats(3e38), floats(Infinity), tolerance).same, false);
  });

  it('counts units in the last place across zero, and for small floats too', () => {
    assert.equal(compareTensors(floats(-1e-45), floats(1e-45), tolerance).maxUlp, 2);
    const half = (code: number) => ({ ...bytes('float16', code & 255, code >> 8), dims: [1] });
    assert.equal(compareTensors(half(0x3c01), half(0x3c00), tolerance).maxUlp, 1);
    assert.equal(compareTensors(bytes('float8e4m3fn', 0x39), bytes('float8e4m3fn', 0x38), tolerance).maxUlp, 1);
  });

  it('compares integers and truth values exactly, unless steps are allowed', () => {
    assert.equal(compareTensors(bytes('uint8', 100), bytes('uint8', 101), tolerance).same, false);
    assert.equal(compareTensors(bytes('uint8', 100), bytes('uint8', 102), { ...tolerance, integer: 2 }).same, true);
    assert.equal(compareTensors(bytes('bool', 1), bytes('bool', 0), { ...tolerance, integer: 2 }).same, false);
  });

  it('compares 64-bit integers beyond what a number holds', () => {
    const wide = (value: bigint) => ({
      dtype: 'int64' as DType,
      dims: [1],
      bytes: new Uint8Array(BigInt64Array.of(value).buffer),
    });
    assert.equal(compareTensors(wide(2n ** 60n), wide(2n ** 60n + 1n), tolerance).same, false);
  });

  it('compares types, shapes and texts', () => {
    assert.equal(
      compareTensors(bytes('int8', 1), bytes('uint8', 1), tolerance).message,
      'type is int8, expected uint8',
    );
    assert.equal(compareTensors(floats(1, 2), floats(1), tolerance).message, 'shape is [2], expected [1]');
    const texts = (...values: readonly string[]) => ({
      ...bytes('string'),
      dims: [values.length],
      strings: values.map((value) => new TextEncoder().encode(value)),
    });
    assert.equal(compareTensors(texts('a', 'b'), texts('a', 'b'), tolerance).same, true);
    assert.equal(compareTensors(texts('a', 'b'), texts('a', 'c'), tolerance).message, '[1] is "b", expected "c"');
  });

  it('does not mind bytes that begin anywhere in a larger buffer', () => {
    const shared = Buffer.concat([Buffer.from([0]), Buffer.from(Float32Array.of(1, 2).buffer)]).subarray(1);
    assert.equal(compareTensors({ ...floats(1, 2), bytes: shared }, floats(1, 2), tolerance).same, true);
  });
});
