// Values → `.pb` bytes in the form of ONNX test data (see test-data.ts): the other direction of the decoder, for the
// few messages that we write.

import { dtypes } from '../../ir/dtype.ts';
import { CompilerBug } from '../errors.ts';
import { elementKinds } from './proto-types.ts';
import type { TensorData } from './tensor.ts';
import type { DataValue } from './test-data.ts';
import { joinRuns } from './typed-data.ts';

/** A TensorProto with its data in `raw_data`, or in `string_data` for strings. */
export function encodeTensor(tensor: TensorData, name?: string): Uint8Array {
  const strings = tensor.dtype === 'string' ? (tensor.strings ?? []) : undefined;
  return joinRuns([
    ...tensor.dims.map((dim) => integerField(1, BigInt(dim))),
    integerField(2, BigInt(dtypes[tensor.dtype].onnx)),
    ...(strings?.map((text) => bytesField(6, text)) ?? []),
    ...nameField(8, name),
    ...(strings === undefined ? [bytesField(9, tensor.bytes)] : []),
  ]);
}

/** The message that belongs to the kind of the value: TensorProto, SequenceProto, OptionalProto or MapProto. */
export function encodeDataValue(value: DataValue, name?: string): Uint8Array {
  switch (value.kind) {
    case 'tensor':
      return encodeTensor(value.tensor, name);
    case 'sequence':
      return encodeSequence(value.elements, name);
    case 'optional': {
      if (value.value === undefined) return joinRuns(nameField(1, name));
      const { kind, optionalField } = containers[value.value.kind];
      const element = bytesField(optionalField, encodeDataValue(value.value));
      return joinRuns([...nameField(1, name), integerField(2, BigInt(kind)), element]);
    }
    case 'map':
      return encodeMap(value.keys, value.values, name);
  }
}

/** For each kind of element: its number as `elem_type`, and the fields that hold it. */
const containers = {
  tensor: { kind: elementKinds.tensor, sequenceField: 3, optionalField: 3 },
  sequence: { kind: elementKinds.sequence, sequenceField: 5, optionalField: 5 },
  map: { kind: elementKinds.map, sequenceField: 6, optionalField: 6 },
  optional: { kind: elementKinds.optional, sequenceField: 7, optionalField: 7 },
} as const;

function encodeSequence(elements: readonly DataValue[], name?: string): Uint8Array {
  const kind = elements[0]?.kind ?? 'tensor';
  if (elements.some((element) => element.kind !== kind)) throw new CompilerBug('A sequence mixes kinds of elements.');
  return joinRuns([
    ...nameField(1, name),
    integerField(2, BigInt(containers[kind].kind)),
    ...elements.map((element) => bytesField(containers[kind].sequenceField, encodeDataValue(element))),
  ]);
}

function encodeMap(keys: readonly (bigint | string)[], values: readonly DataValue[], name?: string): Uint8Array {
  const strings = typeof keys[0] === 'string';
  return joinRuns([
    ...nameField(1, name),
    integerField(2, BigInt(dtypes[strings ? 'string' : 'int64'].onnx)),
    ...keys.map((key) => (typeof key === 'string' ? textField(4, key) : integerField(3, key))),
    bytesField(5, encodeSequence(values)),
  ]);
}

// ---- Protobuf fields ----------------------------------------------------------------------------------------------

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

const integerField = (number: number, value: bigint): Uint8Array =>
  Uint8Array.from([...varint(BigInt(number * 8)), ...varint(value)]);

const bytesField = (number: number, bytes: Uint8Array): Uint8Array =>
  joinRuns([Uint8Array.from([...varint(BigInt(number * 8 + 2)), ...varint(BigInt(bytes.length))]), bytes]);

const textField = (number: number, text: string): Uint8Array => bytesField(number, new TextEncoder().encode(text));

const nameField = (number: number, name: string | undefined): Uint8Array[] =>
  name === undefined ? [] : [textField(number, name)];
