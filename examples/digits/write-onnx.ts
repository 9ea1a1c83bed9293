// Writes the trained network as an ONNX model. The weights go in as raw bytes, and they are not inputs:
// the only input of the model is the image.

import proto from 'onnx-proto';
import { floatBytes } from './float-bytes.ts';
import { epsilon, type Statistics } from './layers.ts';
import { classes, type Parameters, parameterNames, parameterShapes } from './network.ts';
import { side } from './render.ts';

const { onnx } = proto;
const { AttributeType } = onnx.AttributeProto;
const { DataType } = onnx.TensorProto;

type Node = proto.onnx.INodeProto;
type Attribute = proto.onnx.IAttributeProto;

export function encodeOnnx(parameters: Parameters, statistics: Statistics): Uint8Array {
  const weights = [
    ...parameterNames.map((name) => tensor(name, parameterShapes[name], parameters[name])),
    tensor('normMean', [statistics.mean.length], statistics.mean),
    tensor('normVariance', [statistics.variance.length], statistics.variance),
  ];
  const model = onnx.ModelProto.create({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    producerName: 'lapidary digits example',
    graph: {
      name: 'digits',
      input: [tensorInfo('image', [1, 1, side, side])],
      output: [tensorInfo('scores', [1, classes])],
      initializer: weights,
      node: nodes(),
    },
  });
  return onnx.ModelProto.encode(model).finish();
}

function nodes(): Node[] {
  const convolution = [ints('kernel_shape', [3, 3]), ints('pads', [1, 1, 1, 1])];
  const pooling = [ints('kernel_shape', [2, 2]), ints('strides', [2, 2])];
  const normParameters = ['normScale', 'normShift', 'normMean', 'normVariance'];
  return [
    node('Conv', ['image', 'conv1Weight'], 'conv1', convolution),
    node('BatchNormalization', ['conv1', ...normParameters], 'norm1', [float('epsilon', epsilon)]),
    node('Relu', ['norm1'], 'relu1'),
    node('MaxPool', ['relu1'], 'pool1', pooling),
    node('Conv', ['pool1', 'conv2Weight', 'conv2Bias'], 'conv2', convolution),
    node('Relu', ['conv2'], 'relu2'),
    node('MaxPool', ['relu2'], 'pool2', pooling),
    node('Flatten', ['pool2'], 'features', [int('axis', 1)]),
    node('Gemm', ['features', 'denseWeight', 'denseBias'], 'logits', [int('transB', 1)]),
    node('Softmax', ['logits'], 'scores', [int('axis', 1)]),
  ];
}

/** A node is named after the one value that it makes. */
function node(opType: string, input: string[], output: string, attribute: Attribute[] = []): Node {
  return { opType, name: output, input, output: [output], attribute };
}

const int = (name: string, i: number): Attribute => ({ name, type: AttributeType.INT, i });
const ints = (name: string, values: number[]): Attribute => ({ name, type: AttributeType.INTS, ints: values });
const float = (name: string, f: number): Attribute => ({ name, type: AttributeType.FLOAT, f });

function tensor(name: string, dims: readonly number[], values: Float32Array): proto.onnx.ITensorProto {
  return { name, dims: [...dims], dataType: DataType.FLOAT, rawData: floatBytes(values) };
}

function tensorInfo(name: string, sizes: readonly number[]): proto.onnx.IValueInfoProto {
  const dim = sizes.map((dimValue) => ({ dimValue }));
  return { name, type: { tensorType: { elemType: DataType.FLOAT, shape: { dim } } } };
}
