// Builds models for tests from plain data, with an encoder that is not ours. Nothing is checked: tests want bad ones too.

import proto from 'onnx-proto';
import { type DType, dtypes } from '../../ir/dtype.ts';

const { onnx } = proto;
export type NodeParts = proto.onnx.INodeProto;
export type TensorParts = proto.onnx.ITensorProto;
export type GraphParts = proto.onnx.IGraphProto;
export type AttributeParts = proto.onnx.IAttributeProto;
export type FunctionParts = proto.onnx.IFunctionProto;
export type PortParts = proto.onnx.IValueInfoProto;

export interface ModelParts extends GraphParts {
  readonly ir?: number;
  readonly opset?: number;
  /** Versions of other domains. */
  readonly domains?: Readonly<Record<string, number>>;
  readonly functions?: readonly FunctionParts[];
}

/** An input or output: `port('x', [1, 'n'])`. A size that is undefined has neither number nor name. */
export const port = (
  name: string,
  shape: readonly (number | string | undefined)[] | undefined,
  dtype: DType = 'float32',
): PortParts => {
  const dim = shape?.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size ?? '' }));
  return { name, type: { tensorType: { elemType: dtypes[dtype].onnx, ...(dim ? { shape: { dim } } : {}) } } };
};

/** Numbers are ints; floats, tensors and graphs are given as the fields of an AttributeProto. */
export type AttributeInput = number | string | readonly number[] | AttributeParts;

export function attribute(name: string, value: AttributeInput): AttributeParts {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: new TextEncoder().encode(value) };
  if (Array.isArray(value)) return { name, type: 7, ints: [...value] };
  return { name, ...(value as AttributeParts) };
}

export const float = (f: number): AttributeParts => ({ type: 1, f });
export const graph = (parts: GraphParts): AttributeParts => ({ type: 5, g: parts });
export const tensor = (t: TensorParts): AttributeParts => ({ type: 4, t });

export const node = (
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeInput>> = {},
  more: NodeParts = {},
): NodeParts => ({
  opType,
  input: [...input],
  output: [...output],
  attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  ...more,
});

const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

export const floats = (name: string, values: readonly number[], dims: readonly number[] = [values.length]) => ({
  name,
  dataType: dtypes.float32.onnx,
  dims: [...dims],
  rawData: bytesOf(Float32Array.from(values)),
});

export const ints = (name: string, values: readonly number[], dims: readonly number[] = [values.length]) => ({
  name,
  dataType: dtypes.int64.onnx,
  dims: [...dims],
  rawData: bytesOf(BigInt64Array.from(values.map(BigInt))),
});

export function makeModel({ ir = 8, opset = 17, domains = {}, functions = [], ...parts }: ModelParts): Uint8Array {
  const model = {
    irVersion: ir,
    opsetImport: [
      { domain: '', version: opset },
      ...Object.entries(domains).map(([domain, version]) => ({ domain, version })),
    ],
    graph: { name: 'test', ...parts },
    functions: [...functions],
  };
  return Uint8Array.from(onnx.ModelProto.encode(model).finish());
}
