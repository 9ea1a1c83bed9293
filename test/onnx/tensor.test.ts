import assert from 'node:assert/strict';
import onnxProto from 'onnx-proto';
import { type DType, dtypes } from '../../ir/dtype.ts';
import { ModelError } from '../../src/errors.ts';
import { decodeMessage } from '../../src/onnx/decode.ts';
import { readTensor, type TensorData } from '../../src/onnx/tensor.ts';
import { delimited, fixed32, integer, message, repeat, varint } from './wire.ts';

const { TensorProto } = onnxProto.onnx;
const bytesOf = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes);
const read = (bytes: Uint8Array): TensorData => readTensor(decodeMessage('TensorProto', bytes, 'tensor'));
const encoded = (tensor: onnxProto.onnx.ITensorProto): Uint8Array => TensorProto.encode(tensor).finish();
const stored = (dtype: DType, count: number, ...fields: readonly Uint8Array[]): Uint8Array =>
  message(integer(1, count), integer(2, dtypes[dtype].onnx), ...fields);

function refusal(bytes: Uint8Array): string {
  try {
    read(bytes);
  } catch (error) {
    if (error instanceof ModelError) return error.message;
    throw error;
  }
  return assert.fail('the tensor was accepted');
}

const little = (array: { readonly buffer: ArrayBufferLike }): Uint8Array => new Uint8Array(array.buffer);

describe('readTensor', () => {
  it('reads every numeric type from raw_data without copying', () => {
    const types = Object.keys(dtypes).filter((name) => name !== 'string' && name !== 'index') as DType[];
    assert.equal(types.length, 25);
    for (const dtype of types) {
      // Three elements: sub-byte types end within a byte.
      const raw = Uint8Array.from({ length: Math.ceil((dtypes[dtype].bits * 3) / 8) }, (_, index) => index & 1);
      const file = stored(dtype, 3, delimited(9, raw));
      const tensor = read(file);
      assert.equal(tensor.dtype, dtype);
      assert.deepEqual(tensor.dims, [3]);
      assert.deepEqual(tensor.bytes, raw);
      assert.equal(tensor.bytes.buffer, file.buffer);
    }
  });

  it('reads typed fields as onnx-proto writes them', () => {
    const cases: readonly [onnxProto.onnx.ITensorProto, Uint8Array][] = [
      [{ dataType: 1, dims: [2], floatData: [1.5, -0] }, little(Float32Array.of(1.5, -0))],
      [{ dataType: 11, dims: [2], doubleData: [0.1, -1e300] }, little(Float64Array.of(0.1, -1e300))],
      [{ dataType: 14, dims: [1], floatData: [1, 2] }, little(Float32Array.of(1, 2))],
      [{ dataType: 15, dims: [1], doubleData: [1, 2] }, little(Float64Array.of(1, 2))],
      [{ dataType: 6, dims: [3], int32Data: [1, -1, -(2 ** 31)] }, little(Int32Array.of(1, -1, -(2 ** 31)))],
      [{ dataType: 3, dims: [4], int32Data: [1, -1, -128, 127] }, little(Int8Array.of(1, -1, -128, 127))],
      [{ dataType: 2, dims: [3], int32Data: [0, 200, 255] }, bytesOf(0, 200, 255)],
      [{ dataType: 5, dims: [2], int32Data: [-32768, 32767] }, little(Int16Array.of(-32768, 32767))],
      [{ dataType: 4, dims: [2], int32Data: [1, 65535] }, little(Uint16Array.of(1, 65535))],
      [{ dataType: 9, dims: [3], int32Data: [0, 1, 1] }, bytesOf(0, 1, 1)],
      [{ dataType: 10, dims: [2], int32Data: [0x3c00, 0xfe00] }, little(Uint16Array.of(0x3c00, 0xfe00))],
      [{ dataType: 16, dims: [2], int32Data: [0x3f80, 0xffc0] }, little(Uint16Array.of(0x3f80, 0xffc0))],
      [{ dataType: 17, dims: [2], int32Data: [0x38, 0xff] }, bytesOf(0x38, 0xff)],
      [{ dataType: 7, dims: [2], int64Data: [5, -6] }, little(BigInt64Array.of(5n, -6n))],
      [{ dataType: 13, dims: [2], uint64Data: [5, 2 ** 40] }, little(BigUint64Array.of(5n, 2n ** 40n))],
      [{ dataType: 12, dims: [2], uint64Data: [5, 2 ** 32 - 1] }, little(Uint32Array.of(5, 2 ** 32 - 1))],
      [{ dataType: 22, dims: [3], int32Data: [0x21, 0x0f] }, bytesOf(0x21, 0x0f)],
      [{ dataType: 21, dims: [4], int32Data: [0x21, 0xff] }, bytesOf(0x21, 0xff)],
      [{ dataType: 23, dims: [2], int32Data: [0x7a] }, bytesOf(0x7a)],
      [{ dataType: 25, dims: [5], int32Data: [0xe4, 0x03] }, bytesOf(0xe4, 0x03)],
      [{ dataType: 26, dims: [4], int32Data: [0xe4] }, bytesOf(0xe4)],
      [{ dataType: 24, dims: [1], int32Data: [127] }, bytesOf(127)],
    ];
    for (const [proto, expected] of cases) {
      assert.deepEqual(read(encoded(proto)).bytes, expected, JSON.stringify(proto));
    }
  });

  it('keeps every bit of 64-bit integers', () => {
    const values = [0n, 127n, 128n, 2n ** 28n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 35n, 2n ** 53n + 1n, 2n ** 63n - 1n];
    const all = [...values, ...values.map((value) => -value), -(2n ** 63n)];
    const packed = delimited(7, message(...all.map(varint)));
    assert.deepEqual(read(stored('int64', all.length, packed)).bytes, little(BigInt64Array.from(all)));
    const unsigned = [...values, 2n ** 64n - 1n];
    const list = delimited(11, message(...unsigned.map(varint)));
    assert.deepEqual(read(stored('uint64', unsigned.length, list)).bytes, little(BigUint64Array.from(unsigned)));
  });

  it('keeps the payload of signalling NaNs in float_data', () => {
    const nan = [0x01, 0x00, 0xa0, 0x7f];
    assert.deepEqual(read(stored('float32', 1, delimited(4, Uint8Array.from(nan)))).bytes, Uint8Array.from(nan));
    assert.deepEqual(read(stored('float32', 1, fixed32(4, nan))).bytes, Uint8Array.from(nan));
  });

  it('reads number lists that are not packed, in several runs, or both ways of the same list refused', () => {
    const single = [integer(5, 7), integer(5, -1), integer(5, 300)];
    assert.deepEqual(read(stored('int32', 3, ...single)).bytes, little(Int32Array.of(7, -1, 300)));
    const runs = [delimited(5, bytesOf(1, 2)), delimited(5, bytesOf()), delimited(5, bytesOf(0xac, 2))];
    assert.deepEqual(read(stored('int32', 3, ...runs)).bytes, little(Int32Array.of(1, 2, 300)));
    const floats = [fixed32(4, [0, 0, 128, 63]), fixed32(4, [0, 0, 0, 64])];
    assert.deepEqual(read(stored('float32', 2, ...floats)).bytes, little(Float32Array.of(1, 2)));
    assert.match(refusal(stored('int32', 3, ...single, ...runs)), /int32Data mixes packed and single numbers/);
  });

  it('reads strings as bytes', () => {
    const texts = [new TextEncoder().encode('grün'), bytesOf(), bytesOf(0xff)];
    const tensor = read(encoded({ dataType: 8, dims: [3, 1], stringData: texts }));
    assert.deepEqual(tensor, { dtype: 'string', dims: [3, 1], bytes: new Uint8Array(0), strings: texts });
  });

  it('reads scalars and tensors without elements', () => {
    assert.deepEqual(read(encoded({ dataType: 1, floatData: [1] })).dims, []);
    assert.equal(read(encoded({ dataType: 1, dims: [0, 5] })).bytes.length, 0);
    assert.equal(read(encoded({ dataType: 1, dims: [0], rawData: bytesOf() })).bytes.length, 0);
    assert.deepEqual(read(encoded({ dataType: 8, dims: [0] })).strings, []);
  });

  it('counts an empty field as absent', () => {
    const tensor = read(encoded({ dataType: 1, dims: [1], floatData: [1], rawData: bytesOf() }));
    assert.deepEqual(tensor.bytes, little(Float32Array.of(1)));
  });

  it('makes every true the same byte', () => {
    assert.deepEqual(read(stored('bool', 4, delimited(9, bytesOf(0, 1, 2, 255)))).bytes, bytesOf(0, 1, 1, 1));
    assert.deepEqual(read(stored('bool', 2, delimited(5, message(varint(256), varint(-1))))).bytes, bytesOf(1, 1));
  });

  it('reads a big typed list in good time', () => {
    const start = performance.now();
    const tensor = read(stored('int64', 4_000_000, delimited(7, repeat(bytesOf(0xac, 2), 4_000_000))));
    assert.equal(new DataView(tensor.bytes.buffer).getBigInt64(8, true), 300n);
    assert.ok(performance.now() - start < 3000);
  });
});

describe('readTensor refuses', () => {
  const four = delimited(9, bytesOf(0, 0, 128, 63));

  it('types that are absent or unknown', () => {
    assert.match(
      refusal(delimited(9, 'abcd')),
      /tensor "": The data type is absent or UNDEFINED; expected one of 1 to/,
    );
    assert.match(refusal(integer(2, 99)), /The data type is 99, which is no known TensorProto.DataType/);
    assert.match(refusal(integer(2, -1)), /The data type is -1, which/);
  });

  it('data of the wrong length, and says both', () => {
    const named = message(stored('float32', 2, four), delimited(8, 'w"1'));
    assert.equal(
      refusal(named),
      'tensor "w\\"1": Shape [2] and the data disagree: expected 8 (2 × float32), got 4 bytes.',
    );
    assert.match(refusal(stored('int64', 1, four)), /expected 8 \(1 × int64\), got 4 bytes/);
    assert.match(refusal(stored('int4', 3, four)), /expected 2 \(3 × int4\), got 4 bytes/);
    assert.match(refusal(stored('float32', 2)), /expected 8 bytes \(2 × float32\), got no data/);
    assert.match(refusal(stored('float32', 0, four)), /expected 0 \(0 × float32\), got 4 bytes/);
    assert.match(
      refusal(stored('float32', 2, delimited(4, bytesOf(0, 0, 0, 0)))),
      /expected 8 \(2 × float32\), got 4 bytes/,
    );
    assert.match(refusal(stored('int32', 2, delimited(5, bytesOf(1, 2, 3)))), /expected 2 numbers, got 3/);
    assert.match(
      refusal(stored('int4', 4, delimited(5, bytesOf(1, 2, 3, 4)))),
      /expected 2 numbers \(4 × int4, packed/,
    );
    assert.match(refusal(stored('string', 2, delimited(6, 'a'))), /expected 2, got 1 strings/);
  });

  it('dimensions that are negative or whose product is too large', () => {
    assert.match(refusal(stored('float32', -1, four)), /Dimension -1 of shape \[-1\] is negative/);
    assert.match(refusal(message(integer(1, 2n ** 63n - 1n), integer(2, 1), four)), /is too large/);
    const huge = message(integer(1, 2 ** 40), integer(1, 2 ** 40), integer(2, 1), four);
    assert.match(refusal(huge), /shape \[1099511627776, 1099511627776\] and type float32 is too large: 12089258196146/);
    // 2^32 × 2^32 would be 0 in 64 bits.
    assert.match(refusal(message(integer(1, 2 ** 32), integer(1, 2 ** 32), integer(2, 2))), /is too large/);
    assert.match(refusal(message(integer(1, 2 ** 31), integer(2, 8))), /type string is too large/);
  });

  it('data that is given twice or in the field of another type', () => {
    const float = delimited(4, bytesOf(0, 0, 128, 63));
    assert.match(
      refusal(stored('float32', 1, four, float)),
      /more than once, in raw_data and float_data; expected one/,
    );
    assert.match(
      refusal(stored('float32', 1, delimited(5, bytesOf(1)))),
      /stored in float_data or raw_data, but int32_data/,
    );
    assert.match(
      refusal(stored('int64', 1, delimited(5, bytesOf(1)))),
      /int64 tensor is stored in int64_data or raw_data/,
    );
    assert.match(
      refusal(stored('string', 1, four)),
      /A string tensor is stored in string_data, but raw_data is filled/,
    );
    assert.match(
      refusal(stored('float32', 1, delimited(6, 'abcd'))),
      /in float_data or raw_data, but string_data is filled/,
    );
    const external = message(integer(14, 1), delimited(13, message(delimited(1, 'location'), delimited(2, 'w'))));
    assert.match(refusal(stored('float32', 1, four, external)), /in external_data and raw_data/);
    assert.match(
      refusal(stored('float32', 1, external)),
      /stored outside the model, but the folder of the model is not/,
    );
  });

  it('segments', () => {
    assert.match(refusal(stored('float32', 1, four, delimited(3, integer(1, 0)))), /a segment of a larger one/);
  });

  it('numbers that do not fit their type', () => {
    const of = (dtype: DType, value: number | bigint) => stored(dtype, 1, delimited(5, varint(value)));
    assert.match(refusal(of('uint8', 256)), /Element 0 is 256, which does not fit uint8/);
    assert.match(refusal(of('uint8', -1)), /Element 0 is -1, which does not fit uint8/);
    assert.match(refusal(of('int8', -129)), /-129, which does not fit int8/);
    assert.match(refusal(of('uint16', 65536)), /does not fit uint16/);
    assert.match(refusal(of('int32', 2n ** 40n)), /does not fit int32/);
    assert.match(refusal(of('int4', 256)), /does not fit int4/);
    assert.match(refusal(stored('uint32', 1, delimited(11, varint(2n ** 32n)))), /does not fit uint32/);
    // The bit pattern of -1 is accepted as well as -1.
    assert.deepEqual(read(of('int8', 255)).bytes, bytesOf(255));
    assert.deepEqual(read(of('int8', 0xffffffff)).bytes, bytesOf(255));
  });

  it('lists that end within a number or have one that is too long', () => {
    assert.match(refusal(stored('int32', 1, delimited(5, bytesOf(128)))), /cut off or longer than 10 bytes/);
    assert.match(
      refusal(stored('int64', 1, delimited(7, bytesOf(...Array(11).fill(128), 0)))),
      /cut off or longer than 10/,
    );
  });
});
