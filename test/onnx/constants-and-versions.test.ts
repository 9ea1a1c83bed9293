// Every form in which a Constant holds its value, and every version of the file format.

import * as assert from 'node:assert/strict';
import type { DataValue } from '../../src/onnx/test-data.ts';
import { type Plain, runValues } from '../ops/run-values.ts';
import { type AttributeInput, float, floats, ints, type ModelParts, node, port, tensor } from './make-model.ts';

const text = (word: string): Uint8Array => new TextEncoder().encode(word);

const forms: readonly (readonly [
  attribute: string,
  value: AttributeInput,
  dtype: 'float32' | 'int64' | 'string',
  expected: Extract<Plain, readonly unknown[]>,
])[] = [
  [
    'value',
    tensor(floats('', [1.5, -2], [1, 2])),
    'float32',
    [
      [1, 2],
      [1.5, -2],
    ],
  ],
  ['value_float', float(2.5), 'float32', [[], [2.5]]],
  ['value_floats', { type: 6, floats: [0.5, 1, -3] }, 'float32', [[3], [0.5, 1, -3]]],
  ['value_int', -7, 'int64', [[], [-7]]],
  ['value_ints', [4, 5], 'int64', [[2], [4, 5]]],
  ['value_string', 'ä b', 'string', [[], ['ä b']]],
  ['value_strings', { type: 8, strings: [text('one'), text('')] }, 'string', [[2], ['one', '']]],
  [
    'sparse_value',
    { type: 11, sparseTensor: { values: floats('', [3, 4]), indices: ints('', [1, 4]), dims: [2, 3] } },
    'float32',
    [
      [2, 3],
      [0, 3, 0, 0, 4, 0],
    ],
  ],
];

describe('a Constant', () => {
  for (const [name, value, dtype, expected] of forms) {
    it(`gives its ${name}`, async () => {
      const dims = expected[0];
      const parts: ModelParts = {
        input: [port('unused', [1])],
        output: [port('y', dims, dtype)],
        node: [node('Constant', [], ['c'], { [name]: value }), node('Identity', ['c'], ['y'])],
      };
      const unused: DataValue = { kind: 'tensor', tensor: { dtype: 'float32', dims: [1], bytes: new Uint8Array(4) } };
      assert.deepEqual(await runValues(parts, { unused }), [expected]);
    });
  }
});

describe('the version of the file format', () => {
  const parts: ModelParts = { input: [port('x', [2])], output: [port('y', [2])], node: [node('Neg', ['x'], ['y'])] };
  const bytes = new Uint8Array(Float32Array.from([1, -2]).buffer);
  const x: DataValue = { kind: 'tensor', tensor: { dtype: 'float32', dims: [2], bytes } };
  const negated = (ir: number): Promise<readonly Plain[]> => runValues({ ...parts, ir }, { x });

  for (let ir = 3; ir <= 13; ir++) {
    it(`may be ${ir}`, async () => assert.deepEqual(await negated(ir), [[[2], [-1, 2]]]));
  }
  it('3 lists initializers among the inputs too', async () => {
    const listed = { ...parts, input: [...parts.input!, port('w', [2])], initializer: [floats('w', [10, 20])] };
    const sum = { ...listed, node: [node('Add', ['x', 'w'], ['y'])], ir: 3 };
    assert.deepEqual(await runValues(sum, { x }), [[[2], [11, 18]]]);
  });
  it('is not 0, nor newer than we know', async () => {
    for (const ir of [0, 14]) await assert.rejects(negated(ir), /IR version|ir_version/);
  });
});
