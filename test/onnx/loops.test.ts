import * as assert from 'node:assert/strict';
import proto from 'onnx-proto';
import { toBytes } from '../../ir/bytes.ts';
import { importBytes, toProgram } from '../../src/compile.ts';
import { runProgram } from '../../src/evaluate.ts';

const { onnx } = proto;

const tensor = (elemType: number, ...dims: number[]) => ({
  tensorType: { elemType, shape: { dim: dims.map((dimValue) => ({ dimValue })) } },
});
const node = (
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attribute: readonly object[] = [],
) => ({
  opType,
  input: [...input],
  output: [...output],
  attribute: [...attribute],
});
const number = (name: string, ...values: number[]) => ({
  name,
  dims: [values.length],
  dataType: 7,
  rawData: toBytes('int64', values),
});

/** total: float32[1] = 0; for i < 3 { total = total + data[i : i + width] } */
function sumOfSlices(width: number): Uint8Array {
  const body = {
    name: 'body',
    input: [
      { name: 'i', type: tensor(7) },
      { name: 'going', type: tensor(9) },
      { name: 'total', type: tensor(1, 1) },
    ],
    node: [
      node('Unsqueeze', ['i', 'first'], ['from']),
      node('Add', ['from', 'width'], ['to']),
      node('Slice', ['data', 'from', 'to'], ['part']),
      node('Add', ['total', 'part'], ['next']),
      node('Identity', ['going'], ['still']),
    ],
    output: [{ name: 'still' }, { name: 'next' }],
  };
  const model = onnx.ModelProto.create({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'loop',
      input: [
        { name: 'data', type: tensor(1, 3) },
        { name: 'start', type: tensor(1, 1) },
      ],
      initializer: [number('first', 0), number('width', width), { ...number('turns', 3), dims: [] }],
      node: [node('Loop', ['turns', '', 'start'], ['y'], [{ name: 'body', type: 5, g: body }])],
      output: [{ name: 'y', type: tensor(1, 1) }],
    },
  });
  return onnx.ModelProto.encode(model).finish();
}

function run(model: Uint8Array) {
  const [y] = runProgram(toProgram(importBytes(model), undefined), [
    { dtype: 'float32', dims: [3], bytes: toBytes('float32', [1, 2, 4]) },
    { dtype: 'float32', dims: [1], bytes: toBytes('float32', [10]) },
  ]);
  return [...new Float32Array(y!.bytes.slice().buffer)];
}

describe('Loop', () => {
  it('hands on values whose size only the run knows, where it stays the same', () => {
    assert.deepEqual(run(sumOfSlices(1)), [17]);
  });

  it('ends the run where a turn changes the shape of what it hands on', () => {
    assert.throws(() => run(sumOfSlices(2)), /the run reported shape/);
  });
});
