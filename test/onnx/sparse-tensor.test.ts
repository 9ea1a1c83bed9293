import assert from 'node:assert/strict';
import onnxProto from 'onnx-proto';
import { ModelError } from '../../src/errors.ts';
import { decodeMessage } from '../../src/onnx/decode.ts';
import { readSparseTensor } from '../../src/onnx/sparse-tensor.ts';
import type { TensorData } from '../../src/onnx/tensor.ts';

const { SparseTensorProto } = onnxProto.onnx;
const read = (proto: onnxProto.onnx.ISparseTensorProto): TensorData =>
  readSparseTensor(decodeMessage('SparseTensorProto', SparseTensorProto.encode(proto).finish(), 'sparse'));
const floats = (...values: readonly number[]) => ({
  name: 's',
  dataType: 1,
  dims: [values.length],
  floatData: [...values],
});
const indices = (dims: readonly number[], ...values: readonly number[]) => ({
  dataType: 7,
  dims: [...dims],
  int64Data: [...values],
});
const refuses = (proto: onnxProto.onnx.ISparseTensorProto, text: RegExp): void => {
  assert.throws(
    () => read(proto),
    (error: unknown) => error instanceof ModelError && text.test(error.message),
  );
};

describe('readSparseTensor', () => {
  it('places values by position', () => {
    const tensor = read({ values: floats(7, 8), indices: indices([2], 1, 5), dims: [2, 3] });
    assert.equal(tensor.dtype, 'float32');
    assert.deepEqual(tensor.dims, [2, 3]);
    assert.deepEqual(new Float32Array(tensor.bytes.buffer), Float32Array.of(0, 7, 0, 0, 0, 8));
  });

  it('places values by coordinates', () => {
    const tensor = read({ values: floats(7, 8), indices: indices([2, 2], 0, 1, 1, 2), dims: [2, 3] });
    assert.deepEqual(new Float32Array(tensor.bytes.buffer), Float32Array.of(0, 7, 0, 0, 0, 8));
  });

  it('places sub-byte values', () => {
    const values = { dataType: 22, dims: [3], int32Data: [0x21, 0x0f] };
    const tensor = read({ values, indices: indices([3], 0, 3, 4), dims: [5] });
    assert.deepEqual(tensor.bytes, Uint8Array.of(0x01, 0x20, 0x0f));
  });

  it('places strings', () => {
    const values = { dataType: 8, dims: [1], stringData: [new TextEncoder().encode('a')] };
    const tensor = read({ values, indices: indices([1], 1), dims: [2] });
    assert.deepEqual(tensor.strings, [new Uint8Array(0), new TextEncoder().encode('a')]);
  });

  it('accepts a tensor without values', () => {
    assert.deepEqual(read({ values: floats(), dims: [2] }).bytes, new Uint8Array(8));
    assert.deepEqual(read({ values: floats(), indices: indices([0]), dims: [2] }).bytes, new Uint8Array(8));
  });

  it('refuses indices that are wrong', () => {
    const values = floats(7, 8);
    refuses({ dims: [2] }, /has no values/);
    refuses({ values, dims: [2] }, /sparse tensor "s": The sparse tensor has 2 values but no indices/);
    refuses({ values, indices: indices([2], 1, 6), dims: [6] }, /Index 6 of value 1 is outside 0 to 5/);
    refuses({ values, indices: indices([2], -1, 6), dims: [6] }, /Index -1 of value 0 is outside/);
    refuses({ values, indices: indices([2], 3, 3), dims: [6] }, /indices of value 1 are not in ascending order/);
    refuses({ values, indices: indices([2, 2], 0, 1, 0, 3), dims: [2, 3] }, /Index 3 of value 1 is outside 0 to 2/);
    refuses({ values, indices: indices([3], 0, 1, 2), dims: [6] }, /should have shape \[2\] or \[2, 1\], got \[3\]/);
    refuses({ values, indices: { ...floats(0, 1) }, dims: [6] }, /indices should be int64, got float32/);
    refuses(
      { values: { ...values, dims: [2, 1] }, indices: indices([2], 0, 1), dims: [6] },
      /should have one dimension/,
    );
  });

  it('refuses a dense form that is too large', () => {
    refuses({ values: floats(), dims: [2 ** 20, 2 ** 10] }, /would take 4294967296 bytes; too large/);
    refuses({ values: floats(), dims: [2 ** 40, 2 ** 40] }, /is too large/);
  });
});
