import * as assert from 'node:assert/strict';
import type { NodeProto, TypeProto } from '../../src/onnx/proto-types.ts';
import { typeHints } from '../../src/onnx/shape-hints.ts';

const type: TypeProto = { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 10n }] } } };
const node = (opType: string, input: readonly string[], output: string): NodeProto => ({
  opType,
  input: [...input],
  output: [output],
  attribute: [],
  metadataProps: [],
  deviceConfigurations: [],
});

describe('what the declared types say of other values', () => {
  const nodes = [
    node('Range', ['a', 'b', 'c'], 'range'),
    node('Mul', ['range', 'factor'], 'scaled'),
    node('Cos', ['scaled'], 'wave'),
    node('ReduceSum', ['wave'], 'total'),
  ];

  it('follows backwards through operators that keep the shape', () => {
    const { declared } = typeHints([{ name: 'wave', type }], nodes);
    assert.deepEqual([...declared.keys()], ['wave', 'scaled']);
  });

  it('bounds what is broadcast, and stops at everything else', () => {
    const { limits } = typeHints([{ name: 'wave', type }], nodes);
    assert.deepEqual([...limits.keys()].sort(), ['factor', 'range', 'scaled']);
    assert.deepEqual([...typeHints([{ name: 'total', type }], nodes).limits.keys()], []);
  });
});
