// Models of one kind of layer each, two and ten times in a row: an eighth of the difference is what one takes inside of
// a network, where data has the layout that either side likes best.

import * as fs from 'node:fs';
import * as path from 'node:path';
import onnxProto from 'onnx-proto';
import type { Row } from './row.ts';

export interface LayerModel {
  readonly name: string;
  readonly folder: string;
  readonly tags: readonly string[];
  readonly macs: number;
}

interface Layer {
  readonly channels: number;
  readonly size: number;
  readonly kernel: number;
  readonly group: number;
}

const depthwise = (channels: number, size: number): Layer => ({
  channels,
  size,
  kernel: 3,
  group: channels,
});
const dense = (channels: number, size: number, kernel: number): Layer => ({
  channels,
  size,
  kernel,
  group: 1,
});

const layers: readonly Layer[] = [
  depthwise(96, 56),
  depthwise(576, 14),
  depthwise(144, 28),
  dense(64, 56, 3),
  dense(128, 28, 3),
  dense(64, 56, 1),
  dense(256, 14, 1),
];

const { onnx } = onnxProto;

/** Values of a small range that repeat late: neither zeros nor denormals. */
const values = (count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => ((i * 7919) % 1999) / 20_000 - 0.05);

const repetitions = [2, 10];

/** Writes a folder for each model, as models with test data are. */
export function writeLayers(root: string): readonly LayerModel[] {
  return layers.flatMap((layer) => repetitions.map((times) => writeLayer(root, layer, times)));
}

function writeLayer(root: string, layer: Layer, times: number): LayerModel {
  const { channels, size, kernel, group } = layer;
  const kind = group === 1 ? 'conv' : 'depthwise';
  const name = `${kind} ${kernel}x${kernel}, ${channels} channels at ${size}x${size}, ${times} times`;
  const folder = name.replaceAll(/\W+/g, '_');
  const data = path.join(root, folder, 'test_data_set_0');
  fs.mkdirSync(data, { recursive: true });
  fs.writeFileSync(path.join(root, folder, 'model.onnx'), modelOf(layer, times));
  const input = onnx.TensorProto.encode(tensor('x0', [1, channels, size, size])).finish();
  fs.writeFileSync(path.join(data, 'input_0.pb'), input);
  return { name, folder, tags: [], macs: (times * size * size * channels * kernel * kernel * channels) / group };
}

/** Microseconds of one layer on both sides, from rows of models as written above. */
export function layerTimes(rows: readonly Row[]): readonly Pick<Row, 'name' | 'oursUs' | 'peerUs' | 'macs'>[] {
  return rows.flatMap((many, i) => {
    const fewer = rows[i - 1];
    if (i % 2 === 0 || !fewer) return [];
    const further = repetitions[1]! - repetitions[0]!;
    const each = (key: 'oursUs' | 'peerUs'): number => (many[key] - fewer[key]) / further;
    const name = many.name.replace(/, \d+ times$/, '');
    return [{ name, macs: fewer.macs / repetitions[0]!, oursUs: each('oursUs'), peerUs: each('peerUs') }];
  });
}

function modelOf({ channels, size, kernel, group }: Layer, times: number): Uint8Array {
  const ints = (name: string, list: readonly number[]) => ({ name, type: 7, ints: [...list] });
  const dim = [1, channels, size, size].map((dimValue) => ({ dimValue }));
  const port = (name: string) => ({ name, type: { tensorType: { elemType: 1, shape: { dim } } } });
  const attribute = [
    ints('kernel_shape', [kernel, kernel]),
    ints('pads', Array<number>(4).fill(kernel >> 1)),
    { name: 'group', type: 2, i: group },
  ];
  const numbers = Array.from({ length: times }, (_, i) => i);
  const graph = {
    name: 'layers',
    node: numbers.map((i) => ({ opType: 'Conv', input: [`x${i}`, `w${i}`], output: [`x${i + 1}`], attribute })),
    input: [port('x0')],
    output: [port(`x${times}`)],
    initializer: numbers.map((i) => tensor(`w${i}`, [channels, channels / group, kernel, kernel])),
  };
  const model = onnx.ModelProto.create({ irVersion: 8, opsetImport: [{ domain: '', version: 13 }], graph });
  return onnx.ModelProto.encode(model).finish();
}

function tensor(name: string, dims: readonly number[]) {
  const data = values(dims.reduce((product, size) => product * size, 1));
  return onnx.TensorProto.create({ name, dataType: 1, dims: [...dims], rawData: new Uint8Array(data.buffer) });
}
