// Values at the edges: what they give, or which error a run reports, is the same in C, in WebAssembly and in the
// evaluator.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { readElement, toBytes } from '../../ir/bytes.ts';
import { type DType, dtypes } from '../../ir/dtype.ts';
import { RunError } from '../../src/evaluate.ts';
import { buildExecutable } from '../../src/execute/build.ts';
import { tensorIn } from '../../src/execute/executable.ts';
import { writeNpy } from '../../src/npy.ts';
import { installedCompilers } from '../../src/toolchain/compiler.ts';
import { type AttributeInput, makeModel, node, port } from '../onnx/make-model.ts';

type Numbers = readonly (number | bigint)[];
interface Edge {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly (readonly [DType, Numbers])[];
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  /** The element type of the result, where it is not that of the first input. */
  readonly result?: DType;
  readonly expected: Numbers | 'index' | 'divide';
}

const [nan, infinity] = [Number.NaN, Number.POSITIVE_INFINITY];
const [least, greatest] = [-(2 ** 31), 2 ** 31 - 1];
const [least64, greatest64] = [-(2n ** 63n), 2n ** 63n - 1n];
const floats = [nan, infinity, -infinity, 1e20, -1e20, 300.7, -1.5];
const code = (dtype: DType): number => dtypes[dtype].onnx;

const edges: readonly Edge[] = [
  {
    name: 'Gather beyond the end',
    op: 'Gather',
    inputs: [
      ['float32', [1, 2, 3]],
      ['int64', [0, 3]],
    ],
    expected: 'index',
  },
  {
    name: 'Gather before the beginning',
    op: 'Gather',
    inputs: [
      ['float32', [1, 2, 3]],
      ['int64', [-4]],
    ],
    expected: 'index',
  },
  {
    name: 'Gather at INT64_MIN',
    op: 'Gather',
    inputs: [
      ['float32', [1, 2, 3]],
      ['int64', [least64]],
    ],
    expected: 'index',
  },
  {
    name: 'Gather from the end',
    op: 'Gather',
    inputs: [
      ['float32', [1, 2, 3]],
      ['int64', [-3, -1]],
    ],
    expected: [1, 3],
  },
  {
    name: 'GatherElements beyond the end',
    op: 'GatherElements',
    inputs: [
      ['float32', [1, 2]],
      ['int64', [0, 2]],
    ],
    expected: 'index',
  },
  {
    name: 'ScatterElements beyond the end',
    op: 'ScatterElements',
    inputs: [
      ['float32', [1, 2]],
      ['int64', [7]],
      ['float32', [5]],
    ],
    expected: 'index',
  },
  {
    name: 'int32 / 0',
    op: 'Div',
    inputs: [
      ['int32', [1, 2]],
      ['int32', [1, 0]],
    ],
    expected: 'divide',
  },
  {
    name: 'int64 / 0',
    op: 'Div',
    inputs: [
      ['int64', [1n]],
      ['int64', [0n]],
    ],
    expected: 'divide',
  },
  {
    name: 'uint8 / 0',
    op: 'Div',
    inputs: [
      ['uint8', [1]],
      ['uint8', [0]],
    ],
    expected: 'divide',
  },
  {
    name: 'int32 mod 0',
    op: 'Mod',
    inputs: [
      ['int32', [1]],
      ['int32', [0]],
    ],
    expected: 'divide',
  },
  {
    name: 'INT32_MIN / -1',
    op: 'Div',
    inputs: [
      ['int32', [least, -7]],
      ['int32', [-1, 2]],
    ],
    expected: [least, -3],
  },
  {
    name: 'INT64_MIN / -1',
    op: 'Div',
    inputs: [
      ['int64', [least64]],
      ['int64', [-1n]],
    ],
    expected: [least64],
  },
  {
    name: 'INT32_MIN mod -1',
    op: 'Mod',
    inputs: [
      ['int32', [least, -7]],
      ['int32', [-1, 3]],
    ],
    expected: [0, 2],
  },
  {
    name: 'INT32_MAX + 1',
    op: 'Add',
    inputs: [
      ['int32', [greatest]],
      ['int32', [1]],
    ],
    expected: [least],
  },
  {
    name: 'INT64_MAX * 2',
    op: 'Mul',
    inputs: [
      ['int64', [greatest64]],
      ['int64', [2n]],
    ],
    expected: [-2n],
  },
  { name: '-INT32_MIN', op: 'Neg', inputs: [['int32', [least]]], expected: [least] },
  { name: '|INT32_MIN|', op: 'Abs', inputs: [['int32', [least]]], expected: [least] },
  {
    name: 'uint32 << 40',
    op: 'BitShift',
    attributes: { direction: 'LEFT' },
    inputs: [
      ['uint32', [1, 1]],
      ['uint32', [40, 31]],
    ],
    expected: [0, 2 ** 31],
  },
  {
    name: 'uint64 >> 64',
    op: 'BitShift',
    attributes: { direction: 'RIGHT' },
    inputs: [
      ['uint64', [5n, 8n]],
      ['uint64', [64n, 3n]],
    ],
    expected: [0n, 1n],
  },
  {
    name: 'float32 to int32',
    op: 'Cast',
    attributes: { to: code('int32') },
    result: 'int32',
    inputs: [['float32', floats]],
    expected: [0, greatest, least, greatest, least, 300, -1],
  },
  {
    name: 'float32 to uint8',
    op: 'Cast',
    attributes: { to: code('uint8') },
    result: 'uint8',
    inputs: [['float32', floats]],
    expected: [0, 255, 0, 255, 0, 255, 0],
  },
  {
    name: 'float32 to int64',
    op: 'Cast',
    attributes: { to: code('int64') },
    result: 'int64',
    inputs: [['float32', floats]],
    expected: [0n, greatest64, least64, greatest64, least64, 300n, -1n],
  },
  {
    name: 'Min with NaN',
    op: 'Min',
    inputs: [
      ['float32', [1, nan]],
      ['float32', [nan, 1]],
    ],
    expected: [nan, nan],
  },
  {
    name: 'Max with NaN',
    op: 'Max',
    inputs: [
      ['float32', [1, nan]],
      ['float32', [nan, 1]],
    ],
    expected: [nan, nan],
  },
  { name: 'Relu of NaN', op: 'Relu', inputs: [['float32', [nan, -1, infinity]]], expected: [nan, 0, infinity] },
  {
    name: 'Clip of NaN, and with its bounds the wrong way round',
    op: 'Clip',
    inputs: [
      ['float32', [nan, 5, -5]],
      ['float32', [2]],
      ['float32', [1]],
    ],
    expected: [nan, 1, 1],
  },
];

function modelOf({ op, inputs, attributes, result }: Edge): Uint8Array {
  const names = inputs.map((_, position) => 'abc'[position]!);
  // The bounds of Clip are scalars.
  const shape = (values: Numbers, position: number): number[] => (op === 'Clip' && position > 0 ? [] : [values.length]);
  return makeModel({
    input: inputs.map(([dtype, values], position) => port(names[position]!, shape(values, position), dtype)),
    output: [port('y', undefined, result ?? inputs[0]![0])],
    node: [node(op, names, ['y'], attributes ?? {})],
  });
}

async function outcomeOf(edge: Edge, target: string, folder: string): Promise<Edge['expected']> {
  const file = path.join(folder, 'model.onnx');
  const executable = await buildExecutable({ bytes: modelOf(edge), file }, target, { sanitize: target === 'c' });
  try {
    const inputs = edge.inputs.map(([dtype, values], position) => {
      const dims = edge.op === 'Clip' && position > 0 ? [] : [values.length];
      const tensor = { dtype, dims, bytes: toBytes(dtype, values) };
      const place = path.join(folder, `${position}.npy`);
      fs.writeFileSync(place, writeNpy(tensor));
      return { name: 'abc'[position]!, file: place, tensor };
    });
    const { dtype, dims, bytes } = tensorIn((await executable.run(inputs))[0]!);
    return Array.from({ length: dims[0] ?? 1 }, (_, at) => readElement(dtype, bytes, at));
  } catch (error) {
    if (error instanceof RunError && error.code !== 'shape') return error.code;
    throw error;
  } finally {
    executable.dispose();
  }
}

describe('values at the edges', function () {
  this.timeout(120_000);
  let folder = '';
  let hasCompiler = false;
  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lapidary-edges-'));
    hasCompiler = (await installedCompilers()).length > 0;
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  for (const edge of edges) {
    it(`${edge.name} gives ${edge.expected}`, async () => {
      for (const target of hasCompiler ? ['js', 'wasm', 'c'] : ['js', 'wasm'])
        assert.deepEqual(await outcomeOf(edge, target, folder), edge.expected, target);
    });
  }
});
