import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import onnxProto from 'onnx-proto';
import { decodeMessage } from '../../src/onnx/decode.ts';
import { encodeDataValue, encodeTensor } from '../../src/onnx/encode-tensor.ts';
import type { TypeProto } from '../../src/onnx/proto-types.ts';
import { readTensor, type TensorData } from '../../src/onnx/tensor.ts';
import { type DataValue, readDataSets, readDataValue } from '../../src/onnx/test-data.ts';
import { delimited, integer, message } from './wire.ts';

const floats = (...values: readonly number[]): TensorData => ({
  dtype: 'float32',
  dims: [values.length],
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});
const tensor = (...values: readonly number[]): DataValue => ({ kind: 'tensor', tensor: floats(...values) });
const tensorType: TypeProto = { tensorType: { elemType: 1 } };
const sequenceType: TypeProto = { sequenceType: { elemType: tensorType } };

describe('encodeTensor', () => {
  it('writes what onnx-proto and we read', () => {
    const bytes = encodeTensor({ ...floats(1, 2, 3, 4), dims: [2, 2] }, 'naïve');
    const theirs = onnxProto.onnx.TensorProto.decode(bytes);
    assert.equal(theirs.name, 'naïve');
    assert.deepEqual(theirs.dims.map(Number), [2, 2]);
    assert.equal(theirs.dataType, 1);
    assert.deepEqual(readTensor(decodeMessage('TensorProto', bytes, 't')), { ...floats(1, 2, 3, 4), dims: [2, 2] });
  });

  it('writes strings, scalars and empty tensors', () => {
    const values: readonly TensorData[] = [
      { dtype: 'string', dims: [2], bytes: new Uint8Array(0), strings: [Uint8Array.of(255), new Uint8Array(0)] },
      { dtype: 'int64', dims: [], bytes: new Uint8Array(8).fill(1) },
      { dtype: 'float16', dims: [0, 3], bytes: new Uint8Array(0) },
      { dtype: 'int4', dims: [3], bytes: Uint8Array.of(0x21, 3) },
    ];
    for (const value of values) {
      assert.deepEqual(readTensor(decodeMessage('TensorProto', encodeTensor(value), 't')), value);
    }
  });
});

describe('readDataValue', () => {
  const cases: readonly { readonly name: string; readonly type: TypeProto; readonly value: DataValue }[] = [
    { name: 'tensor', type: tensorType, value: tensor(1, 2) },
    { name: 'sequence', type: sequenceType, value: { kind: 'sequence', elements: [tensor(1), tensor(2, 3)] } },
    { name: 'empty sequence', type: sequenceType, value: { kind: 'sequence', elements: [] } },
    {
      name: 'sequence of sequences',
      type: { sequenceType: { elemType: sequenceType } },
      value: { kind: 'sequence', elements: [{ kind: 'sequence', elements: [tensor(1)] }] },
    },
    {
      name: 'optional',
      type: { optionalType: { elemType: sequenceType } },
      value: { kind: 'optional', value: { kind: 'sequence', elements: [tensor(1)] } },
    },
    {
      name: 'absent optional',
      type: { optionalType: { elemType: tensorType } },
      value: { kind: 'optional', value: undefined },
    },
    {
      name: 'map of strings',
      type: { mapType: { keyType: 8, valueType: tensorType } },
      value: { kind: 'map', keys: ['a', 'ü'], values: [tensor(1), tensor(2)] },
    },
    {
      name: 'sequence of maps',
      type: { sequenceType: { elemType: { mapType: { keyType: 7, valueType: tensorType } } } },
      value: { kind: 'sequence', elements: [{ kind: 'map', keys: [1n, -2n], values: [tensor(1), tensor(2)] }] },
    },
  ];
  for (const { name, type, value } of cases) {
    it(`reads back a ${name}`, () => {
      assert.deepEqual(readDataValue(encodeDataValue(value, 'n'), type, 'file'), { name: 'n', value });
    });
  }

  it('reads a tensor when no type is given, and a sparse tensor as a dense one', () => {
    assert.deepEqual(readDataValue(encodeTensor(floats(1)), undefined, 'file').value, tensor(1));
    const sparse = onnxProto.onnx.SparseTensorProto.encode({
      values: { dataType: 1, dims: [1], floatData: [5] },
      indices: { dataType: 7, dims: [1], int64Data: [2] },
      dims: [3],
    }).finish();
    assert.deepEqual(readDataValue(sparse, { sparseTensorType: { elemType: 1 } }, 'file').value, tensor(0, 0, 5));
  });

  it('refuses maps whose keys and values disagree, and broken files', () => {
    const type: TypeProto = { mapType: { keyType: 7 } };
    const map = message(integer(2, 7), integer(3, 1), integer(3, 2), delimited(5, ''));
    assert.throws(() => readDataValue(map, type, 'file m.pb'), {
      message: 'file m.pb: The map has 2 keys but 0 values.',
    });
    const cut = encodeTensor(floats(1)).subarray(0, -1);
    assert.throws(
      () => readDataValue(cut, undefined, 'file t.pb'),
      /^ModelError: file t.pb: Not a valid ONNX file: rawData/,
    );
  });
});

describe('readDataSets', () => {
  it('finds sets and files in the order of their numbers', () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'case-'));
    const write = (name: string, value: DataValue) => {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      fs.writeFileSync(path.join(folder, name), encodeDataValue(value, name));
    };
    for (let index = 0; index < 11; index++) write(`test_data_set_0/input_${index}.pb`, tensor(index));
    write('test_data_set_0/output_0.pb', { kind: 'sequence', elements: [tensor(1)] });
    write('test_data_set_0/notes.pb', tensor(0));
    write('test_data_set_10/input_0.pb', tensor(10));
    write('test_data_set_2/output_0.pb', { kind: 'sequence', elements: [] });
    fs.writeFileSync(path.join(folder, 'model.onnx'), '');
    const sets = readDataSets(folder, [], [sequenceType]);
    fs.rmSync(folder, { recursive: true });
    assert.deepEqual(
      sets.map((set) => path.basename(set.folder)),
      ['test_data_set_0', 'test_data_set_2', 'test_data_set_10'],
    );
    assert.deepEqual(
      sets[0]?.inputs.map((input) => input.index),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
    assert.deepEqual(sets[0]?.inputs[10]?.value, tensor(10));
    assert.deepEqual(sets[0]?.outputs[0]?.value, { kind: 'sequence', elements: [tensor(1)] });
    assert.deepEqual(sets[1]?.inputs, []);
  });
});
