// The smallest model: y = Relu(x) of one float. What a run of it costs, the interpreter's binding costs.

import onnxProto from 'onnx-proto';

export function writeOneNodeModel(): Uint8Array {
  const { onnx } = onnxProto;
  const type = { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 1 }] } } };
  const graph = {
    name: 'one-node',
    node: [{ opType: 'Relu', input: ['x'], output: ['y'] }],
    input: [{ name: 'x', type }],
    output: [{ name: 'y', type }],
  };
  const model = onnx.ModelProto.create({ irVersion: 8, opsetImport: [{ domain: '', version: 13 }], graph });
  return onnx.ModelProto.encode(model).finish();
}
