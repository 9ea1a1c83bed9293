// A fuzz case as an ONNX file, through an encoder that is not ours.

import onnxProto from 'onnx-proto';
import { dtypes } from '../../ir/dtype.ts';
import type { Attribute, CaseInput, CaseNode, FuzzCase, Subgraph, Tensor } from './case.ts';

const { onnx } = onnxProto;
type Proto = onnxProto.onnx.IGraphProto;

const tensorProto = (name: string, { dtype, dims, bytes }: Tensor): onnxProto.onnx.ITensorProto => ({
  name,
  dataType: dtypes[dtype].onnx,
  dims: [...dims],
  rawData: bytes,
});

const valueInfo = (
  name: string,
  dtype: Tensor['dtype'],
  dims: readonly (number | string)[],
): onnxProto.onnx.IValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType: dtypes[dtype].onnx,
      shape: { dim: dims.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size })) },
    },
  },
});

const inputInfo = ({ name, tensor, symbols }: CaseInput): onnxProto.onnx.IValueInfoProto =>
  valueInfo(
    name,
    tensor.dtype,
    tensor.dims.map((size, axis) => symbols[axis] ?? size),
  );

const bytesOf = (words: string): Uint8Array => new TextEncoder().encode(words);

function attributeProto(name: string, attribute: Attribute): onnxProto.onnx.IAttributeProto {
  switch (attribute.kind) {
    case 'int':
      return { name, type: 2, i: attribute.value };
    case 'float':
      return { name, type: 1, f: attribute.value };
    case 'string':
      return { name, type: 3, s: bytesOf(attribute.value) };
    case 'tensor':
      return { name, type: 4, t: tensorProto('', attribute.value) };
    case 'graph':
      return { name, type: 5, g: subgraphProto(name, attribute.value) };
    case 'floats':
      return { name, type: 6, floats: [...attribute.value] };
    case 'ints':
      return { name, type: 7, ints: [...attribute.value] };
    case 'strings':
      return { name, type: 8, strings: attribute.value.map(bytesOf) };
  }
}

const nodeProto = ({ op, domain, inputs, outputs, attributes }: CaseNode): onnxProto.onnx.INodeProto => ({
  name: `node_${outputs.find((output) => output !== '') ?? op}`,
  opType: op,
  domain,
  input: [...inputs],
  output: [...outputs],
  attribute: Object.entries(attributes).flatMap(([name, attribute]) =>
    attribute === undefined ? [] : [attributeProto(name, attribute)],
  ),
});

function subgraphProto(name: string, { inputs, constants, nodes, outputs }: Subgraph): Proto {
  return {
    name,
    input: inputs.map((input) => valueInfo(input.name, input.dtype, input.dims)),
    initializer: constants.map((constant) => tensorProto(constant.name, constant.tensor)),
    node: nodes.map(nodeProto),
    output: outputs.map((output) => ({ name: output })),
  };
}

export function encodeCase({ opset, inputs, nodes, outputs, declared }: FuzzCase): Uint8Array {
  const domains = new Set(nodes.map(({ domain }) => domain).filter((domain) => domain !== ''));
  return onnx.ModelProto.encode({
    irVersion: 10,
    opsetImport: [{ version: opset }, ...[...domains].map((domain) => ({ domain, version: 1 }))],
    graph: {
      name: 'fuzz',
      input: inputs.filter(({ constant }) => !constant).map(inputInfo),
      initializer: inputs.filter(({ constant }) => constant).map(({ name, tensor }) => tensorProto(name, tensor)),
      node: nodes.map(nodeProto),
      output: outputs.map((name, i) => (declared ? valueInfo(name, declared[i]!.dtype, declared[i]!.dims) : { name })),
    },
  }).finish();
}
