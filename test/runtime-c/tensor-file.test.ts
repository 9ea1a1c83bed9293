// Tensor files of the executable: every element type through .npy and .pb, and files made to do harm.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  build,
  bytesField,
  bytesOf,
  fixedField,
  floats,
  longs,
  makeFolder,
  needCompiler,
  npy,
  numberField,
  type Outcome,
  onnxTensor,
  readNpy,
  removeFolder,
  runProgram,
  runtimeFolder,
  sanitizers,
  testFolder,
  varint,
  writeFiles,
} from './toolchain.ts';

const packed = (field: number, ...values: readonly (number | bigint)[]): Buffer =>
  bytesField(field, Buffer.concat(values.map(varint)));
const raw = (bytes: Uint8Array): Buffer => bytesField(9, bytes);

describe('tensor files', function () {
  this.timeout(120_000);
  let folder = '';

  before(function () {
    const compiler = needCompiler(this);
    folder = makeFolder();
    const sources = [join(testFolder, 'echo-model.c'), join(runtimeFolder, 'executable.c')];
    build(
      compiler,
      [...sanitizers, '-O1', '-pthread', '-DLAP_MAIN_MODEL=echo_describe', ...sources, '-o', 'echo'],
      folder,
    );
  });
  after(() => removeFolder(folder));

  /** Sends one file through the model whose outputs are its inputs. */
  function echo(input: string, file: Uint8Array): Outcome {
    writeFiles(folder, { file });
    return runProgram(
      join(folder, 'echo'),
      ['--bench', '1', '--input', `${input}=file`, '--output-dir', 'out'],
      folder,
    );
  }

  /** What comes out for an input, as written to its own output file. */
  function echoed(input: string, index: number, file: Uint8Array): { header: string; data: Buffer } {
    const result = echo(input, file);
    equal(result.status, 0, result.stderr);
    const line = JSON.parse(result.stdout.split('\n')[1 + index] ?? '');
    equal(line.dtype, input);
    return readNpy(join(folder, line.file));
  }

  const rejects = (input: string, file: Uint8Array, message: string): void => {
    const result = echo(input, file);
    equal(result.stderr, `error: ${message}\n`);
    equal(result.status, 2);
  };

  it('names files after outputs only where that is safe and unique', () => {
    const result = echo('uint8', npy('|u1', [1], Buffer.from([1])));
    const files = result.stdout
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line));
    const renamed = files.filter(({ output, file }) => file !== `out/${output}.npy`);
    deepEqual(
      renamed.map(({ output, file }) => [output, file]),
      [
        ['FLOAT8E4M3FN', 'out/output_16.npy'],
        ['../escape', 'out/output_17.npy'],
        ['output_0', 'out/output_18.npy'],
        ['-uint4', 'out/output_19.npy'],
        ['.hidden', 'out/output_21.npy'],
        ['line\nbreak "quoted"', 'out/output_22.npy'],
        ['', 'out/output_23.npy'],
      ],
    );
    equal(readdirSync(join(folder, 'out')).length, 25);
    match(result.stderr, /note: NumPy has no bfloat16: "out\/bfloat16.npy" holds its bits as integers\n/);
  });

  const types: readonly (readonly [name: string, descriptor: string, bytes: number])[] = [
    ['float32', '<f4', 4],
    ['uint8', '|u1', 1],
    ['int8', '|i1', 1],
    ['uint16', '<u2', 2],
    ['int16', '<i2', 2],
    ['int32', '<i4', 4],
    ['int64', '<i8', 8],
    ['bool', '|b1', 1],
    ['float16', '<f2', 2],
    ['float64', '<f8', 8],
    ['uint32', '<u4', 4],
    ['uint64', '<u8', 8],
    ['complex64', '<c8', 8],
    ['complex128', '<c16', 16],
    ['bfloat16', '<u2', 2],
    ['float8e4m3fn', '|u1', 1],
    ['float8e4m3fnuz', '|u1', 1],
    ['float8e5m2', '|u1', 1],
    ['float8e5m2fnuz', '|u1', 1],
    ['uint4', '|u1', 1],
    ['int4', '|i1', 1],
    ['float4e2m1', '|u1', 1],
    ['float8e8m0', '|u1', 1],
    ['uint2', '|u1', 1],
    ['int2', '|i1', 1],
  ];
  const numbers = [...types.keys()].map((index) => (index < 7 ? index + 1 : index + 2));

  types.forEach(([name, descriptor, bytes], index) => {
    const largest = name.endsWith('2') && bytes === 1 && !name.startsWith('float') ? 1 : name === 'bool' ? 1 : 5;
    const data = Buffer.from(Array.from({ length: 3 * bytes }, (_, i) => i % (largest + 1)));

    it(`reads and writes ${name} as .npy`, () => {
      const { header, data: out } = echoed(name, index, npy(descriptor, [3], data));
      equal(header, `{'descr': '${descriptor}', 'fortran_order': False, 'shape': (3,), }`);
      deepEqual(out, data);
    });

    if (!['uint4', 'int4', 'float4e2m1', 'uint2', 'int2'].includes(name))
      it(`reads ${name} as raw ONNX data`, () => {
        deepEqual(echoed(name, index, onnxTensor(numbers[index] ?? 0, [3], raw(data))).data, data);
      });
  });

  it('reads versions 2 and 3, other orders of keys, quotes and spaces', () => {
    const data = floats(1, 2);
    deepEqual(echoed('float32', 0, npy('<f4', [2], data, { version: 2 })).data, data);
    deepEqual(echoed('float32', 0, npy('<f4', [2], data, { version: 3 })).data, data);
    const header = `{ "shape":(2L ,),"fortran_order" : True , "descr":"=f4"}`;
    deepEqual(echoed('float32', 0, npy('', [], data, { header })).data, data);
    deepEqual(echoed('bfloat16', 14, npy('|V2', [2], data.subarray(0, 4))).data, data.subarray(0, 4));
  });

  it('reads typed ONNX data, packed or not, in any order of fields', () => {
    deepEqual(echoed('float32', 0, onnxTensor(1, [2], bytesField(4, floats(1, 2)))).data, floats(1, 2));
    const single = [fixedField(4, floats(1)), fixedField(4, floats(2))];
    deepEqual(echoed('float32', 0, onnxTensor(1, [2], ...single)).data, floats(1, 2));
    const reversed = Buffer.concat([
      bytesField(4, floats(1, 2)),
      bytesField(8, Buffer.from('name')),
      onnxTensor(1, [2]),
    ]);
    deepEqual(echoed('float32', 0, reversed).data, floats(1, 2));
    const packedDims = Buffer.concat([packed(1, 2), numberField(2, 1), raw(floats(1, 2))]);
    deepEqual(echoed('float32', 0, packedDims).data, floats(1, 2));
    deepEqual(echoed('complex64', 12, onnxTensor(14, [1], bytesField(4, floats(1, 2)))).data, floats(1, 2));
    deepEqual(echoed('int8', 2, onnxTensor(3, [3], packed(5, -1, 2, -128))).data, Buffer.from([255, 2, 128]));
    deepEqual(echoed('bool', 7, onnxTensor(9, [2], packed(5, 1, 0))).data, Buffer.from([1, 0]));
    deepEqual(echoed('float16', 8, onnxTensor(10, [1], packed(5, 0x3c00))).data, Buffer.from([0, 0x3c]));
    deepEqual(echoed('int64', 6, onnxTensor(7, [2], packed(7, -5, 7))).data, longs(-5, 7));
    deepEqual(echoed('int64', 6, onnxTensor(7, [1], numberField(7, -5))).data, longs(-5));
    const doubles = bytesOf(Float64Array.of(1.5, -2));
    deepEqual(echoed('float64', 9, onnxTensor(11, [2], bytesField(10, doubles))).data, doubles);
    deepEqual(echoed('uint32', 10, onnxTensor(12, [1], packed(11, 0xffffffff))).data, Buffer.alloc(4, 255));
    const largest = onnxTensor(13, [1], packed(11, 0xffffffffffffffffn));
    deepEqual(echoed('uint64', 11, largest).data, Buffer.alloc(8, 255));
  });

  it('unpacks elements of 2 and 4 bits, low bits first', () => {
    deepEqual(echoed('int4', 20, onnxTensor(22, [3], raw(Buffer.from([0x8f, 0x07])))).data, Buffer.from([255, 248, 7]));
    deepEqual(echoed('uint4', 19, onnxTensor(21, [3], packed(5, 0x8f, 0x07))).data, Buffer.from([15, 8, 7]));
    deepEqual(
      echoed('int2', 24, onnxTensor(26, [5], raw(Buffer.from([0b11_10_01_00, 2])))).data.toJSON().data,
      [0, 1, 254, 255, 254],
    );
    deepEqual(echoed('int4', 20, npy('|i1', [2], Buffer.from([0xf8, 0x1f]))).data, Buffer.from([0xf8, 0xff]));
  });

  it('makes every true value 1', () => {
    deepEqual(echoed('bool', 7, onnxTensor(9, [3], raw(Buffer.from([2, 0, 255])))).data, Buffer.from([1, 0, 1]));
  });

  it('reads tensors without elements', () => {
    deepEqual(echoed('float32', 0, npy('<f4', [0], Buffer.alloc(0))).data.length, 0);
    deepEqual(echoed('float32', 0, onnxTensor(1, [0])).data.length, 0);
    deepEqual(echoed('int64', 6, onnxTensor(7, [0], raw(Buffer.alloc(0)))).data.length, 0);
  });

  it('rejects .npy files that are broken', () => {
    const data = floats(1, 2);
    const good = npy('<f4', [2], data);
    const broken = '"file" has a .npy header that is broken or not of a simple little-endian array';
    const withHeader = (header: string): Buffer => npy('', [], data, { header });
    const dict = (descriptor: string, order: string, shape: string): Buffer =>
      withHeader(`{'descr': ${descriptor}, 'fortran_order': ${order}, 'shape': ${shape}, }`);
    rejects('float32', good.subarray(0, 9), '"file" is not a .npy file of version 1, 2 or 3');
    rejects(
      'float32',
      Buffer.concat([good.subarray(0, 6), Buffer.from([9]), good.subarray(7)]),
      '"file" is not a .npy file of version 1, 2 or 3',
    );
    rejects('float32', good.subarray(0, 40), '"file" has a header that is cut off or too long');
    rejects('float32', npy('<f4', [2], data, { version: 2 }).subarray(0, 11), '"file" is cut off');
    rejects(
      'float32',
      Buffer.concat([good.subarray(0, 8), Buffer.from([255, 255]), Buffer.alloc(70000, 32)]),
      '"file" has a header that is cut off or too long',
    );
    for (const header of ['', '{', '{}', '{}'.repeat(30), "{'descr", "{'descr': '<f4'}", "{'a': 1}", "{'descr' '<f4'}"])
      rejects('float32', withHeader(header), broken);
    for (const descriptor of ["'>f4'", "'<f'", "'f4'", "''", "'<f99'", "'<f4x'", "[('a', '<f4')]", "'|O'", "'<f-4'"])
      rejects('float32', dict(descriptor, 'False', '(2,)'), broken);
    for (const shape of [
      '(2',
      '2',
      '(2)',
      '(-2,)',
      '(2,,)',
      '(99999999999999999999,)',
      '(1.5,)',
      '(2;3)',
      `(${'1,'.repeat(65)})`,
    ])
      rejects('float32', dict("'<f4'", 'False', shape), broken);
    rejects('float32', dict("'<f4'", 'Maybe', '(2,)'), broken);
    rejects(
      'float32',
      dict("'<f4'", 'True', '(1, 2)'),
      '"file" is in Fortran order; save it with numpy.ascontiguousarray',
    );
    const size = '"file" has 8 bytes of data, which is not what its shape needs';
    for (const shape of ['(3,)', '(1,)', '(4611686018427387904,)', '(4294967296, 4294967296, 4294967296)', '()'])
      rejects('float32', dict("'<f4'", 'False', shape), size);
    rejects('float32', dict("'<f4'", 'False', '(1, 2)'), 'input "float32": "file" has 2 dimensions, expected 1');
    rejects('float32', npy('<i4', [2], data), `"file" holds elements 'i4', expected 'f4' (float32)`);
  });

  it('rejects ONNX tensors that are broken', () => {
    const unusable = (why: string): string => `"file" is not a usable ONNX tensor: ${why}`;
    const neither = (why: string): string => `"file" is neither .npy nor a usable ONNX tensor: ${why}`;
    const good = onnxTensor(1, [2], raw(floats(1, 2)));
    rejects('float32', Buffer.alloc(0), '"file" holds an unknown type, expected float32');
    rejects('float32', Buffer.from('not a tensor at all'), neither('it is not an ONNX tensor'));
    for (let length = 1; length < good.length; length++) ok(echo('float32', good.subarray(0, length)).status === 2);
    rejects('float32', onnxTensor(7, [2], raw(longs(1, 2))), '"file" holds int64, expected float32');
    rejects('float32', onnxTensor(8, [1], bytesField(6, Buffer.from('text'))), '"file" holds string, expected float32');
    rejects(
      'float32',
      onnxTensor(1, [3], raw(floats(1, 2))),
      unusable('its data does not have the size that its shape needs'),
    );
    rejects(
      'float32',
      onnxTensor(1, [1], raw(floats(1, 2))),
      unusable('its data does not have the size that its shape needs'),
    );
    rejects(
      'float32',
      onnxTensor(1, [1], bytesField(4, floats(1, 2))),
      unusable('it has more elements than its shape says'),
    );
    rejects(
      'float32',
      onnxTensor(1, [3], bytesField(4, floats(1, 2))),
      unusable('it has fewer elements than its shape says'),
    );
    rejects('float32', onnxTensor(1, [2]), unusable('it has fewer elements than its shape says'));
    rejects(
      'float32',
      onnxTensor(1, [2], bytesField(4, floats(1, 2)), raw(floats(1, 2))),
      unusable('its data does not have the size that its shape needs'),
    );
    rejects(
      'float32',
      onnxTensor(1, [2], bytesField(4, Buffer.alloc(7)), raw(Buffer.alloc(0))),
      unusable('a list in it is cut off'),
    );
    rejects('float32', onnxTensor(1, [2], numberField(14, 1)), neither('its data is in another file'));
    rejects('float32', onnxTensor(1, [2], bytesField(3, Buffer.alloc(0))), neither('it is only a segment of a tensor'));
    rejects('float32', onnxTensor(1, [-1]), neither('its shape is not valid'));
    rejects('float32', onnxTensor(1, new Array(65).fill(1)), neither('its shape is not valid'));
    rejects('float32', Buffer.from([0x0b]), neither('it is not an ONNX tensor'));
    rejects('float32', Buffer.alloc(20, 0xff), neither('a number in it is too long'));
    rejects('float32', Buffer.from([0x4a, 0xff, 0xff, 0xff, 0xff, 0x0f]), neither('it is cut off'));
    equal(echo('float32', onnxTensor(1, [2 ** 60], raw(floats(1)))).status, 3);
  });
});
