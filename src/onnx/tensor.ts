// TensorProto → element type, shape and little-endian bytes, whichever of the seven ways the file stores them.
// Elements never become JavaScript numbers, so NaN payloads and 64-bit integers survive. Sub-byte elements stay packed
// as ONNX packs them: first element in the lowest bits.

import { constants } from 'node:buffer';
import { byteSize, type DType, dtypeFromOnnx } from '../../ir/dtype.ts';
import { problem } from '../errors.ts';
import type { StringStringEntryProto, TensorProto } from './proto-types.ts';
import { joinRuns, unpackVarints } from './typed-data.ts';

export interface TensorData {
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** Usually a view of the file: it may start at any address, so copy before viewing it as wider elements. */
  readonly bytes: Uint8Array;
  /** The elements of a string tensor (UTF-8), whose `bytes` is empty. */
  readonly strings?: readonly Uint8Array[];
}

/** Fetches `byteLength` bytes that are stored outside the model, as `entries` describe. */
export type ResolveExternal = (
  entries: readonly StringStringEntryProto[],
  byteLength: number,
  where: string,
) => Uint8Array;

/** `where` names the tensor in errors. Without `resolveExternal`, external data is an error. */
export function readTensor(
  proto: TensorProto,
  resolveExternal?: ResolveExternal,
  where = `tensor ${JSON.stringify(proto.name ?? '')}`,
): TensorData {
  const dtype = readDtype(proto, where);
  const dims = readDims(proto.dims, where);
  if (proto.segment !== undefined) {
    throw problem(where, 'The tensor is a segment of a larger one; only whole tensors are supported.');
  }
  const count = elementCount(dtype, dims, where);
  const filled = filledFields(proto);
  if (filled.length > 1) {
    throw problem(where, `The data is stored more than once, in ${filled.join(' and ')}; expected one of them.`);
  }
  if (dtype === 'string') return { dtype, dims, bytes: new Uint8Array(0), strings: readStrings(proto, count, where) };
  return { dtype, dims, bytes: readBytes(proto, dtype, count, filled[0], resolveExternal, where) };
}

/** Checks dimensions and makes them numbers. */
export function readDims(dims: readonly bigint[], where: string): number[] {
  return dims.map((dim) => {
    if (dim < 0n) throw problem(where, `Dimension ${dim} of shape [${dims.join(', ')}] is negative.`);
    if (dim > Number.MAX_SAFE_INTEGER)
      throw problem(where, `Dimension ${dim} of shape [${dims.join(', ')}] is too large.`);
    return Number(dim);
  });
}

/** The number of elements; refuses what cannot be held in one buffer. */
export function elementCount(dtype: DType, dims: readonly number[], where: string): number {
  const count = dims.reduce((product, dim) => product * BigInt(dim), 1n);
  // Strings have no fixed size; what limits them is the list itself.
  const largest = dtype === 'string' ? 2n ** 32n : BigInt(constants.MAX_LENGTH);
  if (count > largest || byteSize(dtype, Number(count)) > largest) {
    throw problem(where, `A tensor of shape [${dims.join(', ')}] and type ${dtype} is too large: ${count} elements.`);
  }
  return Number(count);
}

function readDtype(proto: TensorProto, where: string): DType {
  const code = proto.dataType ?? 0;
  const dtype = dtypeFromOnnx(code);
  if (dtype === undefined) {
    const got = code === 0 ? 'absent or UNDEFINED' : `${code}, which is no known TensorProto.DataType`;
    throw problem(where, `The data type is ${got}; expected one of 1 to 26.`);
  }
  return dtype;
}

/** Numbers on the wire for each typed field: how many make one element, and whether they are varints. */
const typedFields = {
  floatData: { label: 'float_data', form: 'fixed' },
  doubleData: { label: 'double_data', form: 'fixed' },
  int32Data: { label: 'int32_data', form: 'varint' },
  int64Data: { label: 'int64_data', form: 'varint' },
  uint64Data: { label: 'uint64_data', form: 'varint' },
} as const;
type TypedField = keyof typeof typedFields;
const typedFieldNames: readonly TypedField[] = ['floatData', 'doubleData', 'int32Data', 'int64Data', 'uint64Data'];

function typedFieldOf(dtype: DType): TypedField {
  switch (dtype) {
    case 'float32':
    case 'complex64':
      return 'floatData';
    case 'float64':
    case 'complex128':
      return 'doubleData';
    case 'int64':
      return 'int64Data';
    case 'uint32':
    case 'uint64':
      return 'uint64Data';
    default:
      return 'int32Data';
  }
}

const hasBytes = (runs: readonly Uint8Array[]): boolean => runs.some((run) => run.length > 0);

/** The fields that hold data, by their ONNX names. An empty field counts as absent: some writers set all of them. */
function filledFields(proto: TensorProto): string[] {
  return [
    ...(proto.dataLocation === 1 ? ['external_data'] : []),
    ...((proto.rawData?.length ?? 0) > 0 ? ['raw_data'] : []),
    ...(proto.stringData.length > 0 ? ['string_data'] : []),
    ...typedFieldNames.filter((name) => hasBytes(proto[name])).map((name) => typedFields[name].label),
  ];
}

function readStrings(proto: TensorProto, count: number, where: string): readonly Uint8Array[] {
  const filled = filledFields(proto)[0] ?? 'string_data';
  if (filled !== 'string_data')
    throw problem(where, `A string tensor is stored in string_data, but ${filled} is filled.`);
  if (proto.stringData.length !== count)
    throw wrongCount(proto, where, `${proto.stringData.length} strings`, `${count}`);
  return proto.stringData;
}

function readBytes(
  proto: TensorProto,
  dtype: DType,
  count: number,
  filled: string | undefined,
  resolveExternal: ResolveExternal | undefined,
  where: string,
): Uint8Array {
  const byteLength = byteSize(dtype, count);
  if (filled === undefined) {
    if (byteLength > 0) throw wrongCount(proto, where, 'no data', `${byteLength} bytes (${count} × ${dtype})`);
    return new Uint8Array(0);
  }
  if (filled === 'external_data') {
    if (resolveExternal === undefined) {
      throw problem(where, 'The data is stored outside the model, but the folder of the model is not known.');
    }
    return asBool(dtype, resolveExternal(proto.externalData, byteLength, where));
  }
  if (filled === 'raw_data') {
    const raw = proto.rawData ?? new Uint8Array(0);
    if (raw.length !== byteLength) {
      throw wrongCount(proto, where, `${raw.length} bytes`, `${byteLength} (${count} × ${dtype})`);
    }
    return asBool(dtype, raw);
  }
  return asBool(dtype, readTyped(proto, dtype, count, filled, where));
}

function readTyped(proto: TensorProto, dtype: DType, count: number, filled: string, where: string): Uint8Array {
  const name = typedFieldOf(dtype);
  const { label, form } = typedFields[name];
  if (filled !== label)
    throw problem(where, `A ${dtype} tensor is stored in ${label} or raw_data, but ${filled} is filled.`);
  if (form === 'varint') return unpackVarints(proto[name], dtype, count, where);
  const bytes = joinRuns(proto[name]);
  const byteLength = byteSize(dtype, count);
  if (bytes.length !== byteLength) {
    throw wrongCount(proto, where, `${bytes.length} bytes`, `${byteLength} (${count} × ${dtype})`);
  }
  return bytes;
}

/** C and ONNX Runtime read any byte but 0 as true; generated code may rely on 0 and 1. */
function asBool(dtype: DType, bytes: Uint8Array): Uint8Array {
  if (dtype !== 'bool' || bytes.every((byte) => byte <= 1)) return bytes;
  return bytes.map((byte) => (byte === 0 ? 0 : 1));
}

const wrongCount = (proto: TensorProto, where: string, got: string, expected: string) =>
  problem(where, `Shape [${proto.dims.join(', ')}] and the data disagree: expected ${expected}, got ${got}.`);
