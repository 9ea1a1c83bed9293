// ONNX test data: folders `test_data_set_*` with `input_N.pb` and `output_N.pb`, one value each. A file does not say
// what it holds: a TensorProto, or for values of other types a SequenceProto, OptionalProto, MapProto or sparse tensor.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { dtypeFromOnnx } from '../../ir/dtype.ts';
import { problem } from '../errors.ts';
import { decodeMessage } from './decode.ts';
import { readModelFile } from './model-file.ts';
import { elementKinds, type MapProto, type OptionalProto, type SequenceProto, type TypeProto } from './proto-types.ts';
import { readSparseTensor } from './sparse-tensor.ts';
import { readTensor, type TensorData } from './tensor.ts';

export type DataValue =
  | { readonly kind: 'tensor'; readonly tensor: TensorData }
  | { readonly kind: 'sequence'; readonly elements: readonly DataValue[] }
  | { readonly kind: 'optional'; readonly value: DataValue | undefined }
  | { readonly kind: 'map'; readonly keys: readonly (bigint | string)[]; readonly values: readonly DataValue[] };

export interface DataFile {
  /** The N of `input_N.pb`. */
  readonly index: number;
  readonly file: string;
  /** The name of the value, if the file gives one. */
  readonly name: string | undefined;
  readonly value: DataValue;
}

export interface DataSet {
  readonly folder: string;
  readonly inputs: readonly DataFile[];
  readonly outputs: readonly DataFile[];
}

/** All data sets of a test case, in order. `inputTypes[N]` is the type of `input_N.pb`; an absent one means a tensor. */
export function readDataSets(
  caseFolder: string,
  inputTypes: readonly (TypeProto | undefined)[],
  outputTypes: readonly (TypeProto | undefined)[],
): DataSet[] {
  return numbered(caseFolder, /^test_data_set_(\d+)$/).map(({ file: folder }) => ({
    folder,
    inputs: readDataFiles(folder, 'input', inputTypes),
    outputs: readDataFiles(folder, 'output', outputTypes),
  }));
}

/** The files `ROLE_N.pb` of one data set. */
export function readDataFiles(
  folder: string,
  role: 'input' | 'output',
  types: readonly (TypeProto | undefined)[],
): DataFile[] {
  return numbered(folder, new RegExp(`^${role}_(\\d+)\\.pb$`)).map(({ index, file }) => {
    const { name, value } = readDataValue(readModelFile(file), types[index], `file ${file}`);
    return { index, file, name, value };
  });
}

function numbered(folder: string, pattern: RegExp): { index: number; file: string }[] {
  return fs
    .readdirSync(folder)
    .flatMap((name) => {
      const index = pattern.exec(name)?.[1];
      return index === undefined ? [] : [{ index: Number(index), file: path.join(folder, name) }];
    })
    .sort((a, b) => a.index - b.index);
}

/** Decodes the bytes of one `.pb` file as a value of the given type. */
export function readDataValue(
  bytes: Uint8Array,
  type: TypeProto | undefined,
  where: string,
): { readonly name: string | undefined; readonly value: DataValue } {
  if (type?.sequenceType !== undefined) {
    const proto = decodeMessage('SequenceProto', bytes, where);
    return { name: proto.name, value: readSequence(proto, where) };
  }
  if (type?.optionalType !== undefined) {
    const proto = decodeMessage('OptionalProto', bytes, where);
    return { name: proto.name, value: readOptional(proto, where) };
  }
  if (type?.mapType !== undefined) {
    const proto = decodeMessage('MapProto', bytes, where);
    return { name: proto.name, value: readMap(proto, where) };
  }
  if (type?.sparseTensorType !== undefined) {
    const proto = decodeMessage('SparseTensorProto', bytes, where);
    return { name: proto.values?.name, value: tensorValue(readSparseTensor(proto, undefined, where)) };
  }
  if (type?.opaqueType !== undefined) throw problem(where, 'Values of an opaque type cannot be read.');
  const proto = decodeMessage('TensorProto', bytes, where);
  return { name: proto.name, value: tensorValue(readTensor(proto, undefined, where)) };
}

const tensorValue = (tensor: TensorData): DataValue => ({ kind: 'tensor', tensor });

function readSequence(proto: SequenceProto, where: string): DataValue {
  const elements = [
    ...proto.tensorValues.map((tensor) => tensorValue(readTensor(tensor, undefined, where))),
    ...proto.sparseTensorValues.map((tensor) => tensorValue(readSparseTensor(tensor, undefined, where))),
    ...proto.sequenceValues.map((sequence) => readSequence(sequence, where)),
    ...proto.mapValues.map((map) => readMap(map, where)),
    ...proto.optionalValues.map((optional) => readOptional(optional, where)),
  ];
  return { kind: 'sequence', elements };
}

function readOptional(proto: OptionalProto, where: string): DataValue {
  return { kind: 'optional', value: presentValue(proto, where) };
}

function presentValue(proto: OptionalProto, where: string): DataValue | undefined {
  // Some writers fill an absent optional with an empty message of another kind, so the kind decides if there is one.
  const kind = proto.elemType ?? 0;
  const wanted = (number: number): boolean => kind === 0 || kind === number;
  if (proto.tensorValue && wanted(elementKinds.tensor))
    return tensorValue(readTensor(proto.tensorValue, undefined, where));
  if (proto.sparseTensorValue && wanted(elementKinds.sparseTensor)) {
    return tensorValue(readSparseTensor(proto.sparseTensorValue, undefined, where));
  }
  if (proto.sequenceValue && wanted(elementKinds.sequence)) return readSequence(proto.sequenceValue, where);
  if (proto.mapValue && wanted(elementKinds.map)) return readMap(proto.mapValue, where);
  if (proto.optionalValue && wanted(elementKinds.optional)) return readOptional(proto.optionalValue, where);
  return undefined;
}

function readMap(proto: MapProto, where: string): DataValue {
  const strings = dtypeFromOnnx(proto.keyType ?? 0) === 'string';
  const keys = strings ? proto.stringKeys.map((key) => decodeText(key, where)) : proto.keys;
  const sequence = proto.values === undefined ? undefined : readSequence(proto.values, where);
  const values = sequence?.kind === 'sequence' ? sequence.elements : [];
  if (values.length !== keys.length) {
    throw problem(where, `The map has ${keys.length} keys but ${values.length} values.`);
  }
  return { kind: 'map', keys, values };
}

function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw problem(where, 'A key of the map is not valid UTF-8.');
  }
}
