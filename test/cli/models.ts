// Small models and test cases for the command line, written with an encoder that is not ours.

import * as fs from 'node:fs';
import * as path from 'node:path';
import proto from 'onnx-proto';

const { onnx } = proto;

export interface SmallModel {
  readonly op?: string;
  readonly shape?: readonly (number | string)[];
  readonly input?: string;
  readonly output?: string;
}

/** One node with one float32 input and one output of the same shape: Neg of 3 elements, unless said otherwise. */
export function modelBytes({ op = 'Neg', shape = [3], input = 'x', output = 'y' }: SmallModel = {}): Uint8Array {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  const type = { tensorType: { elemType: 1, shape: { dim } } };
  const model = onnx.ModelProto.create({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'small',
      input: [{ name: input, type }],
      output: [{ name: output, type }],
      node: [{ opType: op, name: 'only', input: [input], output: [output] }],
    },
  });
  return onnx.ModelProto.encode(model).finish();
}

export function writeModel(folder: string, options: SmallModel = {}, name = 'model.onnx'): string {
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, name);
  fs.writeFileSync(file, modelBytes(options));
  return file;
}

export function tensorBytes(values: readonly number[], dims: readonly number[] = [values.length]): Uint8Array {
  const rawData = new Uint8Array(Float32Array.from(values).buffer);
  return onnx.TensorProto.encode({ dims: [...dims], dataType: 1, rawData }).finish();
}

/** A case with one data set: `given` in, `expected` out. */
export function writeCase(folder: string, given: readonly number[], expected: readonly number[], op = 'Neg'): void {
  writeModel(folder, { op, shape: [given.length] });
  const data = path.join(folder, 'test_data_set_0');
  fs.mkdirSync(data);
  fs.writeFileSync(path.join(data, 'input_0.pb'), tensorBytes(given));
  fs.writeFileSync(path.join(data, 'output_0.pb'), tensorBytes(expected));
}
