import * as assert from 'node:assert/strict';
import proto from 'onnx-proto';
import { toBytes } from '../../ir/bytes.ts';
import { importBytes, toProgram } from '../../src/compile.ts';
import { runProgram } from '../../src/evaluate.ts';

const { onnx } = proto;

const type = (elemType: number, dims: readonly (number | string)[]) => ({
  tensorType: {
    elemType,
    shape: { dim: dims.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d })) },
  },
});
const node = (opType: string, input: readonly string[], output: string, attribute: readonly object[] = []) => ({
  opType,
  input: [...input],
  output: [output],
  attribute: [...attribute],
});
const graphAttribute = (name: string, nodes: readonly object[], output: string) => ({
  name,
  type: 5,
  g: { name, node: [...nodes], output: [{ name: output }] },
});

/** x: float32[N, rows]; r = If(c, Squeeze(x, 1), x); then what `after` makes of r, called y. */
const squeezeModel = (rows: number | string, condition: readonly object[], after: readonly object[]): Uint8Array =>
  branchModel(rows, node('Squeeze', ['x', 'axis'], 't'), condition, after);

function branchModel(
  rows: number | string,
  then: object,
  condition: readonly object[],
  after: readonly object[],
): Uint8Array {
  const branches = [
    graphAttribute('then_branch', [then], 't'),
    graphAttribute('else_branch', [node('Identity', ['x'], 'e')], 'e'),
  ];
  const model = onnx.ModelProto.create({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'branches',
      input: [{ name: 'x', type: type(1, ['N', rows]) }],
      initializer: [
        { name: 'axis', dims: [1], dataType: 7, rawData: toBytes('int64', [1]) },
        { name: 'one', dims: [], dataType: 7, rawData: toBytes('int64', [1]) },
      ],
      node: [...condition, node('If', ['c'], 'r', branches), ...after],
      output: [{ name: 'y', type: type(1, []) }],
    },
  });
  return onnx.ModelProto.encode(model).finish();
}

/** c = the size of axis 1 is 1. */
const hasOneColumn = [node('Shape', ['x'], 's'), node('Gather', ['s', 'one'], 'n'), node('Equal', ['n', 'one'], 'c')];

function run(model: Uint8Array, dims: readonly number[], values: readonly number[]) {
  const [y] = runProgram(toProgram(importBytes(model), undefined), [
    { dtype: 'float32', dims, bytes: toBytes('float32', values) },
  ]);
  return { dims: y!.dims, values: [...new Float32Array(y!.bytes.slice().buffer)] };
}

describe('If at import', () => {
  it('is the branch that a known condition chooses, whatever the other one is', () => {
    const model = squeezeModel(2, hasOneColumn, [node('Neg', ['r'], 'y')]);
    assert.deepEqual(run(model, [1, 2], [3, 4]), { dims: [1, 2], values: [-3, -4] });
  });

  it('takes what follows into branches of different rank', () => {
    const model = squeezeModel('M', hasOneColumn, [
      node('ReduceSum', ['r'], 'y', [{ name: 'keepdims', type: 2, i: 0 }]),
    ]);
    assert.deepEqual(run(model, [2, 1], [3, 4]).values, [7]);
    assert.deepEqual(run(model, [1, 3], [3, 4, 5]).values, [12]);
  });

  it('insists on the branch after which the rest is legal', () => {
    const model = squeezeModel('M', hasOneColumn, [node('Det', ['r'], 'y')]);
    assert.deepEqual(run(model, [3, 3], [2, 0, 0, 0, 2, 0, 0, 0, 2]).values, [8]);
    assert.throws(() => run(model, [1, 1], [3]), /the run reported shape/);
  });

  it('gives what follows the sizes of the branch that was taken', () => {
    const isPositive = [
      node('ReduceMin', ['x'], 'm', [{ name: 'keepdims', type: 2, i: 0 }]),
      node('Sub', ['m', 'm'], 'zero'),
      node('Greater', ['m', 'zero'], 'c'),
    ];
    const model = branchModel(3, node('Concat', ['x', 'x'], 't', [{ name: 'axis', type: 2, i: 0 }]), isPositive, [
      node('Neg', ['r'], 'y'),
    ]);
    assert.deepEqual(run(model, [1, 3], [1, 2, 3]), { dims: [2, 3], values: [-1, -2, -3, -1, -2, -3] });
    assert.deepEqual(run(model, [1, 3], [0, 2, 3]), { dims: [1, 3], values: [-0, -2, -3] });
  });
});
