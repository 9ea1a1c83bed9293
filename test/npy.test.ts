import assert from 'node:assert/strict';
import type { DType } from '../ir/dtype.ts';
import { ModelError } from '../src/errors.ts';
import { readNpy, writeNpy } from '../src/npy.ts';
import type { TensorData } from '../src/onnx/tensor.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const bytesOf = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes);

/** A file with this header dictionary; `data` in hexadecimal. */
function file(dictionary: string, data: string, version = 1): Uint8Array {
  const size = version === 1 ? 2 : 4;
  const header = Buffer.alloc(size);
  header.writeUIntLE(dictionary.length + 1, 0, size);
  const start = Buffer.from([0x93, ...text('NUMPY'), version, 0]);
  return new Uint8Array(Buffer.concat([start, header, text(`${dictionary}\n`), Buffer.from(data, 'hex')]));
}
const header = (descr: string, shape: string, order = 'False'): string =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;

function refusal(bytes: Uint8Array, expected?: DType): string {
  try {
    readNpy(bytes, 'file x.npy', expected);
  } catch (error) {
    if (error instanceof ModelError) return error.message;
    throw error;
  }
  return assert.fail('the file was accepted');
}

describe('readNpy', () => {
  it('reads what numpy.save writes', () => {
    const tensor = readNpy(file(header('<i2', '(2, 3)'), '000001000200030004000500'), 'x');
    assert.deepEqual(tensor, { dtype: 'int16', dims: [2, 3], bytes: bytesOf(0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0) });
  });

  it('knows the types of NumPy', () => {
    const types: Readonly<Record<string, readonly [DType, number]>> = {
      '|b1': ['bool', 1],
      '|i1': ['int8', 1],
      '<i2': ['int16', 2],
      '<i4': ['int32', 4],
      '<i8': ['int64', 8],
      '|u1': ['uint8', 1],
      '<u2': ['uint16', 2],
      '<u4': ['uint32', 4],
      '<u8': ['uint64', 8],
      '<f2': ['float16', 2],
      '<f4': ['float32', 4],
      '<f8': ['float64', 8],
      '<c8': ['complex64', 8],
      '<c16': ['complex128', 16],
    };
    for (const [descr, [dtype, size]] of Object.entries(types)) {
      const tensor = readNpy(file(header(descr, '(1,)'), '01'.repeat(size)), 'x');
      assert.equal(tensor.dtype, dtype);
      assert.deepEqual(writeNpy(tensor).subarray(-size), tensor.bytes);
      assert.ok(Buffer.from(writeNpy(tensor)).includes(`'descr': '${descr}'`), descr);
    }
  });

  it('turns Fortran order into C order', () => {
    // numpy.asfortranarray(numpy.arange(24, dtype='u1').reshape(2, 3, 4)), as NumPy stores it.
    const data = '000c0410081401' + '0d0511091502' + '0e06120a1603' + '0f07130b17';
    const tensor = readNpy(file(header('|u1', '(2, 3, 4)', 'True'), data), 'x');
    assert.deepEqual(
      tensor.bytes,
      Uint8Array.from({ length: 24 }, (_, index) => index),
    );
    const wide = readNpy(file(header('<i2', '(2, 2)', 'True'), '0000020001000300'), 'x');
    assert.deepEqual(wide.bytes, bytesOf(0, 0, 1, 0, 2, 0, 3, 0));
    assert.deepEqual(readNpy(file(header('<i2', '(2, 0)', 'True'), ''), 'x').dims, [2, 0]);
  });

  it('turns big-endian into little-endian', () => {
    assert.deepEqual(
      readNpy(file(header('>i4', '(2,)'), '00000001fffffffe'), 'x').bytes,
      bytesOf(1, 0, 0, 0, 254, 255, 255, 255),
    );
    assert.deepEqual(
      readNpy(file(header('>c8', '(1,)'), '3f80000040000000'), 'x').bytes,
      bytesOf(0, 0, 128, 63, 0, 0, 0, 64),
    );
  });

  it('reads scalars, empty arrays, and versions 2 and 3', () => {
    assert.deepEqual(readNpy(file(header('|b1', '()'), '01'), 'x'), { dtype: 'bool', dims: [], bytes: bytesOf(1) });
    assert.deepEqual(readNpy(file(header('<f2', '(0, 3)'), ''), 'x').dims, [0, 3]);
    for (const version of [2, 3]) {
      assert.deepEqual(readNpy(file(header('|u1', '(1,)'), '07', version), 'x').bytes, bytesOf(7));
    }
    assert.deepEqual(readNpy(file(header('|u1', '(1L, 1L)'), '07'), 'x').dims, [1, 1]);
  });

  it('reads strings of both kinds', () => {
    const letters = [...'grün'].map((letter) => `${letter.charCodeAt(0).toString(16)}000000`).join('');
    const unicode = readNpy(file(header('<U4', '(2,)'), `${letters}61${'00'.repeat(15)}`), 'x');
    assert.deepEqual(unicode, {
      dtype: 'string',
      dims: [2],
      bytes: new Uint8Array(0),
      strings: [text('grün'), text('a')],
    });
    assert.deepEqual(readNpy(file(header('>U1', '(1,)'), '0001f600'), 'x').strings, [text('😀')]);
    assert.deepEqual(readNpy(file(header('|S2', '(2,)'), '61626300'), 'x').strings, [text('ab'), text('c')]);
    assert.deepEqual(readNpy(file(header('<U0', '(2,)'), ''), 'x').strings, [text(''), text('')]);
  });

  it('reads types that NumPy does not know where they are expected', () => {
    assert.equal(readNpy(file(header('|V2', '(1,)'), '803f'), 'x', 'bfloat16').dtype, 'bfloat16');
    assert.equal(readNpy(file(header('<V2', '(1,)'), '803f'), 'x', 'bfloat16').dtype, 'bfloat16');
    assert.equal(readNpy(file(header('|V1', '(1,)'), '38'), 'x', 'float8e4m3fn').dtype, 'float8e4m3fn');
    assert.deepEqual(readNpy(file(header('|i1', '(3,)'), '01ff07'), 'x', 'int4'), {
      dtype: 'int4',
      dims: [3],
      bytes: bytesOf(0xf1, 0x07),
    });
    assert.equal(readNpy(file(header('<f4', '(1,)'), '0000803f'), 'x', 'bfloat16').dtype, 'float32');
    assert.equal(
      refusal(file(header('|V2', '(1,)'), '803f'), 'float32'),
      'file x.npy: The element type |V2 is not supported, expected float32.',
    );
  });

  it('refuses what it cannot read, and says why', () => {
    const good = file(header('<f4', '(2,)'), '0000803f00000040');
    assert.match(refusal(new Uint8Array(0)), /^file x.npy: Not a .npy file/);
    assert.match(refusal(text('PK\x03\x04 this is an .npz')), /Not a .npy file/);
    assert.match(refusal(good.subarray(0, 30)), /cut off in its header/);
    assert.match(refusal(good.subarray(0, -1)), /Expected 8 bytes of data for shape \[2\] of <f4, got 7/);
    assert.match(refusal(new Uint8Array([...good, 0])), /Expected 8 bytes of data for shape \[2\] of <f4, got 9/);
    assert.match(refusal(file(header('<f4', '(2,)'), '', 4)), /format version is 4; expected 1, 2 or 3/);
    assert.match(refusal(file(header('|O', '(2,)'), '')), /element type \|O is not supported/);
    assert.match(refusal(file(header('<M8[D]', '(2,)'), '')), /element type <M8\[D\] is not supported/);
    assert.match(refusal(file(header('<f16', '(1,)'), '00'.repeat(16))), /element type <f16 is not supported/);
    assert.match(
      refusal(file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", '')),
      /Arrays of records/,
    );
    assert.match(refusal(file('{}', '')), /The header cannot be read: "{}"/);
    assert.match(refusal(file(header('<f4', '(9999999999999999999,)'), '')), /is too large/);
    assert.match(refusal(file(header('<f4', '(9999999999999, 9999999999999)'), '')), /Expected .* bytes of data/);
    assert.match(refusal(file(header('<U1', '(1,)'), '00d80000')), /holds d800, which is no Unicode character/);
  });
});

describe('writeNpy', () => {
  it('writes the bytes that numpy.save writes', () => {
    const tensor: TensorData = { dtype: 'float32', dims: [2, 3], bytes: new Uint8Array(24) };
    const dictionary = header('<f4', '(2, 3)').padEnd(117);
    assert.deepEqual(writeNpy(tensor), file(dictionary, '00'.repeat(24)));
    assert.deepEqual(
      writeNpy({ dtype: 'bool', dims: [1], bytes: bytesOf(1) }),
      file(header('|b1', '(1,)').padEnd(117), '01'),
    );
    assert.deepEqual(
      writeNpy({ dtype: 'int64', dims: [], bytes: new Uint8Array(8) }),
      file(header('<i8', '()').padEnd(117), '00'.repeat(8)),
    );
  });

  it('aligns the data to 64 bytes for any rank', () => {
    for (let rank = 0; rank < 40; rank++) {
      const written = writeNpy({ dtype: 'uint8', dims: new Array(rank).fill(1), bytes: bytesOf(7) });
      assert.equal((written.length - 1) % 64, 0);
      assert.deepEqual(readNpy(written, 'x').dims, new Array(rank).fill(1));
    }
  });

  it('writes every type so that it can be read back as that type', () => {
    const tensors: readonly TensorData[] = [
      { dtype: 'bfloat16', dims: [2], bytes: bytesOf(1, 2, 3, 4) },
      { dtype: 'float8e5m2', dims: [2], bytes: bytesOf(1, 255) },
      { dtype: 'float8e8m0', dims: [2], bytes: bytesOf(1, 255) },
      { dtype: 'float4e2m1', dims: [3], bytes: bytesOf(0xf1, 0x07) },
      { dtype: 'int4', dims: [3], bytes: bytesOf(0xf1, 0x07) },
      { dtype: 'uint4', dims: [2], bytes: bytesOf(0xf1) },
      { dtype: 'int2', dims: [5], bytes: bytesOf(0xe4, 0x02) },
      { dtype: 'uint2', dims: [4], bytes: bytesOf(0xe4) },
      { dtype: 'string', dims: [2], bytes: new Uint8Array(0), strings: [text('größer 😀'), text('')] },
      { dtype: 'string', dims: [0], bytes: new Uint8Array(0), strings: [] },
    ];
    for (const tensor of tensors) assert.deepEqual(readNpy(writeNpy(tensor), 'x', tensor.dtype), tensor, tensor.dtype);
    assert.deepEqual(writeNpy(tensors[4]!).subarray(-3), bytesOf(1, 255, 7));
  });
});
