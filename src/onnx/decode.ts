// Bytes of a file → messages as plain data. The border to protobufjs: nothing else in the compiler imports it.
// The wire scan comes first, so what reaches the decoder is whole, and small enough when decoded.

import protobuf from 'protobufjs/minimal.js';
import { problem } from '../errors.ts';
import { fields, onnx } from './generated/onnx.js';
import { largestModelFile, tooLargeModel } from './model-file.ts';
import type {
  MapProto,
  ModelProto,
  OptionalProto,
  SequenceProto,
  SparseTensorProto,
  TensorProto,
  TypeProto,
} from './proto-types.ts';
import { numberLists, scanWire } from './wire-scan.ts';

interface Roots {
  readonly ModelProto: ModelProto;
  readonly TensorProto: TensorProto;
  readonly SequenceProto: SequenceProto;
  readonly SparseTensorProto: SparseTensorProto;
  readonly OptionalProto: OptionalProto;
  readonly MapProto: MapProto;
  readonly TypeProto: TypeProto;
}

/** Decodes a model and checks that it is one: an IR version and a graph. `where` names it in errors. */
export function decodeModel(bytes: Uint8Array, where = 'model'): ModelProto {
  if (bytes.length === 0) throw problem(where, 'The file is empty; expected an ONNX model.');
  const model = decodeMessage('ModelProto', bytes, where);
  if (model.irVersion === undefined || model.irVersion < 1n) {
    throw problem(where, `Not an ONNX model: ir_version is ${model.irVersion ?? 'absent'}, expected 3 or more.`);
  }
  if (model.graph === undefined) throw problem(where, 'The model has no graph. Is the file complete?');
  return model;
}

/** Decodes one message of the given type. */
export function decodeMessage<Root extends keyof Roots>(root: Root, bytes: Uint8Array, where: string): Roots[Root] {
  if (bytes.length > largestModelFile) throw tooLargeModel(where, bytes.length);
  // A Buffer would give slices that are Buffers.
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { unpackedTensors } = scanWire(view, root, where);
  const reader = bigintReader(view);
  reader.discardUnknown = !unpackedTensors;
  const decoder = onnx[root]!;
  try {
    return plainMessage(decoder.decode(reader)) as Roots[Root];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof TypeError)
      throw problem(where, `Not a valid ONNX file: a name is not valid UTF-8 (${reason}).`);
    throw problem(where, `Not a valid ONNX file: ${reason}.`);
  }
}

/** A protobufjs reader whose 64-bit integers are bigint instead of Long objects. */
function bigintReader(bytes: Uint8Array): protobuf.Reader {
  const reader = protobuf.Reader.create(bytes);
  const int64 = (): bigint => {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 42; scale *= 128) {
      const byte = bytes[reader.pos++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return BigInt(value);
    }
    // Those were 49 bits. More are rare: negative numbers, and sentinels such as INT64_MAX.
    let wide = BigInt(value);
    for (let shift = 49n; shift <= 63n; shift += 7n) {
      const byte = bytes[reader.pos++] ?? 0;
      wide |= BigInt(byte & 127) << shift;
      if (byte < 128) break;
    }
    return BigInt.asIntN(64, wide);
  };
  return Object.assign(reader, { int64 });
}

const nothing: readonly never[] = Object.freeze([]);

/** protobufjs reads absent fields as null through the prototype; a plain copy of the present ones has no such fields. */
function plainMessage(message: object): object {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(message)) plain[name] = plainValue(value);
  if ('$unknowns' in message) addUnpackedNumbers(plain, message.$unknowns as readonly Uint8Array[]);
  return plain;
}

function plainValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (!Array.isArray(value)) return plainMessage(value);
  if (value.length === 0) return nothing;
  return typeof value[0] === 'object' ? value.map(plainValue) : value;
}

/**
 * The schema takes a number list of a tensor as packed runs of bytes, so single numbers arrive as unknown fields.
 * What follows the tag of a single number is exactly a packed run of one.
 */
function addUnpackedNumbers(plain: Record<string, unknown>, unknowns: readonly Uint8Array[]): void {
  if (!('floatData' in plain)) return;
  const runs = new Map<string, Uint8Array[]>();
  for (const unknown of unknowns) {
    const reader = protobuf.Reader.create(unknown);
    const tag = reader.tag();
    const name = fields.TensorProto?.[tag >>> 3]?.name ?? '';
    if (numberLists.get(name) !== (tag & 7)) continue;
    const list = runs.get(name) ?? [];
    list.push(unknown.subarray(reader.pos));
    runs.set(name, list);
  }
  for (const [name, list] of runs) {
    // Their order among packed runs is lost; no writer mixes the two forms.
    if ((plain[name] as readonly Uint8Array[]).length > 0) throw new Error(`${name} mixes packed and single numbers`);
    plain[name] = list;
  }
}
