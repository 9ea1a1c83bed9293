// NumPy `.npy` files ↔ tensors. Data becomes little-endian in C order, whatever the file has.
// NumPy has no types for bfloat16, float8 and sub-byte elements. As with NumPy's ml_dtypes package, bfloat16 is written
// as raw V2, float8 and float4 as V1, 4- and 2-bit integers as one byte each; reading them needs the expected type.

import { type DType, dtypes, isSubByte } from '../ir/dtype.ts';
import { problem } from './errors.ts';
import { packElements, unpackElements } from './npy-packing.ts';
import { decodeStrings, encodeStrings } from './npy-strings.ts';
import type { TensorData } from './onnx/tensor.ts';

const magic = Uint8Array.from([0x93, ...new TextEncoder().encode('NUMPY')]);

/** NumPy's type code without the byte order → ours. */
const types: Readonly<Record<string, DType>> = {
  b1: 'bool',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  c8: 'complex64',
  c16: 'complex128',
};

/** Reads a file. With `expected`, codes that NumPy uses for several types are read as that type. */
export function readNpy(file: Uint8Array, where: string, expected?: DType): TensorData {
  const { descr, fortranOrder, shape, data } = readHeader(file, where);
  const { swapped, kind, size } = readDescr(descr, where);
  const count = Number(shape.reduce((product, dim) => product * BigInt(dim), 1n));
  if (data.length !== count * size) {
    const wanted = `${count * size} bytes of data for shape [${shape.join(', ')}] of ${descr}`;
    throw problem(where, `Expected ${wanted}, got ${data.length}. Is the file complete?`);
  }
  const unit = kind === 'U' ? 4 : kind === 'c' ? size / 2 : size;
  const ordered = fortranOrder && shape.length > 1 ? toRowMajor(data, shape, size) : data;
  const elements = swapped ? swapBytes(ordered, unit) : ordered;
  if (kind === 'U' || kind === 'S') {
    return {
      dtype: 'string',
      dims: shape,
      bytes: new Uint8Array(0),
      strings: decodeStrings(elements, count, size, kind, where),
    };
  }
  const dtype = dtypeOf(kind + size, descr, expected, where);
  return { dtype, dims: shape, bytes: isSubByte(dtype) ? packElements(elements, dtypes[dtype].bits) : elements };
}

function dtypeOf(code: string, descr: string, expected: DType | undefined, where: string): DType {
  if (expected !== undefined && codeOf(expected) === code) return expected;
  const dtype = types[code];
  if (dtype !== undefined) return dtype;
  throw problem(where, `The element type ${descr} is not supported${expected ? `, expected ${expected}` : ''}.`);
}

/** Type code and size of what is written for a type. */
function codeOf(dtype: DType): string {
  const known = Object.keys(types).find((code) => types[code] === dtype);
  if (known !== undefined) return known;
  const { class: kind, bits } = dtypes[dtype];
  if (kind === 'int') return 'i1';
  if (kind === 'uint') return 'u1';
  return bits === 16 ? 'V2' : 'V1';
}

interface Header {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Magic, version, header length, then a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } */
function readHeader(file: Uint8Array, where: string): Header {
  if (file.length < 10 || magic.some((byte, index) => file[index] !== byte)) {
    throw problem(where, 'Not a .npy file: it does not start with "\\x93NUMPY".');
  }
  const version = file[6] ?? 0;
  if (version < 1 || version > 3) throw problem(where, `The .npy format version is ${version}; expected 1, 2 or 3.`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const start = version === 1 ? 10 : 12;
  if (file.length < start) throw problem(where, 'The .npy file is cut off in its header.');
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > file.length) throw problem(where, 'The .npy file is cut off in its header.');
  const text = new TextDecoder().decode(file.subarray(start, start + length));
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || shape === undefined) {
    const reason = /'descr'\s*:\s*\[/.test(text) ? 'Arrays of records are not supported' : 'The header cannot be read';
    throw problem(where, `${reason}: ${JSON.stringify(text.trim().slice(0, 200))}.`);
  }
  const dims = (shape.match(/\d+/g) ?? []).map(Number);
  if (dims.some((dim) => !Number.isSafeInteger(dim))) throw problem(where, `The shape (${shape}) is too large.`);
  return { descr, fortranOrder: order === 'True', shape: dims, data: file.subarray(start + length) };
}

function readDescr(descr: string, where: string): { swapped: boolean; kind: string; size: number } {
  const [, order, kind, digits] = /^([<>|=])([a-zA-Z])(\d+)$/.exec(descr) ?? [];
  if (kind === undefined || digits === undefined || kind === 'O' || kind === 'M' || kind === 'm') {
    const reason = kind === 'O' ? ' (Python objects)' : '';
    throw problem(where, `The element type ${descr}${reason} is not supported.`);
  }
  // NumPy counts the characters of U, four bytes each.
  const size = Number(digits) * (kind === 'U' ? 4 : 1);
  return { swapped: order === '>' && kind !== 'S', kind, size };
}

/** Elements whose first index runs fastest → whose last one does. */
function toRowMajor(data: Uint8Array, shape: readonly number[], size: number): Uint8Array {
  const result = new Uint8Array(data.length);
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, dim) => product * dim, size));
  const index: number[] = shape.map(() => 0);
  let source = 0;
  for (let target = 0; target < data.length; target += size) {
    for (let byte = 0; byte < size; byte++) result[target + byte] = data[source + byte] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      const stride = strides[axis] ?? 0;
      source += stride;
      index[axis] = next;
      if (next < (shape[axis] ?? 0)) break;
      source -= next * stride;
      index[axis] = 0;
    }
  }
  return result;
}

function swapBytes(data: Uint8Array, unit: number): Uint8Array {
  const result = Uint8Array.from(data);
  if (unit < 2) return result;
  for (let start = 0; start < result.length; start += unit) result.subarray(start, start + unit).reverse();
  return result;
}

/** Writes a file of format version 1.0, as `numpy.save` does. */
export function writeNpy(tensor: TensorData): Uint8Array {
  const { dtype, dims } = tensor;
  const text = dtype === 'string' ? encodeStrings(tensor.strings ?? []) : undefined;
  const code = text === undefined ? codeOf(dtype) : `U${text.width}`;
  const count = dims.reduce((product, dim) => product * dim, 1);
  const data = text?.bytes ?? (isSubByte(dtype) ? unpackElements(tensor.bytes, count, dtype) : tensor.bytes);
  const order = /^(b1|i1|u1|V\d+)$/.test(code) ? '|' : '<';
  const shape = dims.length === 1 ? `(${dims[0]},)` : `(${dims.join(', ')})`;
  const dictionary = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': ${shape}, }`;
  // Data starts at a multiple of 64, and the header ends with a newline.
  const padding = 63 - ((10 + dictionary.length) % 64);
  const header = new TextEncoder().encode(`${dictionary}${' '.repeat(padding)}\n`);
  const file = new Uint8Array(10 + header.length + data.length);
  file.set(magic);
  file[6] = 1;
  new DataView(file.buffer).setUint16(8, header.length, true);
  file.set(header, 10);
  file.set(data, 10 + header.length);
  return file;
}
