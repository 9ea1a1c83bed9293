// Values as users know them (tensors, strings, sequences, optionals, maps) ↔ the plain tensors at a program's ports.
// `Form` (ir/form.ts) says how they lie there.

import { readElement, toBytes } from '../../ir/bytes.ts';
import { byteSize, type DType, dtypes, isSubByte, storedSize } from '../../ir/dtype.ts';
import { constantOf } from '../../ir/expr-make.ts';
import { type Form, spanBits } from '../../ir/form.ts';
import type { Port } from '../../ir/program.ts';
import { UsageError } from '../errors.ts';
import { packElements, unpackElements } from '../npy-packing.ts';
import type { TensorData } from '../onnx/tensor.ts';
import type { DataValue } from '../onnx/test-data.ts';

type Sequence = Extract<Form, { kind: 'sequence' }>;

const wrong = (name: string, got: string, expected: string): UsageError =>
  new UsageError(`input ${JSON.stringify(name)} is ${got}, expected ${expected}.`);

const countOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
const ints = (dims: readonly number[], values: readonly (number | bigint)[]): TensorData => ({
  dtype: 'int64',
  dims,
  bytes: toBytes('int64', values),
});

/** Writes a value into the tensors at its ports. */
export function encode(
  form: Form,
  value: DataValue,
  name: string,
  ports: readonly Port[],
  tensors: (TensorData | undefined)[],
): void {
  switch (form.kind) {
    case 'tensor': {
      if (value.kind !== 'tensor') throw wrong(name, `a ${value.kind}`, 'a tensor');
      tensors[form.port] = value.tensor;
      if (form.size !== undefined) {
        const { dtype, bytes, dims } = value.tensor;
        const integers = Array.from({ length: countOf(dims) }, (_, i) => Number(readElement(dtype, bytes, i)));
        const sizes = [1, -1].flatMap((sign) => integers.map((integer) => Math.max(0, sign * integer)));
        tensors[form.size] = { dtype: 'uint8', dims: [...sizes, 0], bytes: new Uint8Array(0) };
      }
      return;
    }
    case 'strings':
      encodeStrings(form, value, name, tensors);
      return;
    case 'sequence':
      encodeSequence(form, value, name, ports, tensors);
      return;
    case 'optional': {
      const inner = value.kind === 'optional' ? value.value : value;
      tensors[form.present!] = { dtype: 'bool', dims: [], bytes: new Uint8Array([inner ? 1 : 0]) };
      if (inner && form.value) encode(form.value, inner, name, ports, tensors);
      else if (form.value) for (const port of portsOf(form.value)) tensors[port] = nothing(ports[port]!);
      return;
    }
    case 'map': {
      if (value.kind !== 'map') throw wrong(name, `a ${value.kind}`, 'a map');
      encode(
        form.keys,
        { kind: 'tensor', tensor: keysOf(value.keys, form.keys.kind === 'strings') },
        name,
        ports,
        tensors,
      );
      encode(
        form.values,
        { kind: 'tensor', tensor: joined(value.values, dtypeAt(form.values, ports), name) },
        name,
        ports,
        tensors,
      );
      return;
    }
    case 'list':
    case 'maps':
      throw wrong(name, `a ${value.kind}`, `of kind ${form.kind}, which no input is`);
  }
}

/** Zeros where nothing is given; open sizes are 0. */
function nothing({ buffer }: Port): TensorData {
  const dims = buffer.shape.map((extent) => constantOf(extent) ?? 0);
  // A table of shapes has room for the rank of each element.
  return { dtype: buffer.dtype, dims, bytes: new Uint8Array(byteSize(buffer.dtype, countOf(dims))) };
}

function portsOf(form: Form): readonly number[] {
  switch (form.kind) {
    case 'tensor':
      return [form.port, ...(form.size === undefined ? [] : [form.size])];
    case 'strings':
      return [form.spans, form.bytes];
    case 'list':
      return form.items.flatMap(portsOf);
    case 'sequence':
      return [form.shapes, ...portsOf(form.data)];
    case 'optional':
      return [form.present!, ...(form.value ? portsOf(form.value) : [])];
    case 'map':
    case 'maps':
      return [...portsOf(form.keys), ...portsOf(form.values)];
  }
}

function encodeStrings(
  form: Extract<Form, { kind: 'strings' }>,
  value: DataValue,
  name: string,
  tensors: (TensorData | undefined)[],
): void {
  if (value.kind !== 'tensor' || value.tensor.dtype !== 'string')
    throw wrong(name, value.kind === 'tensor' ? `a tensor of ${value.tensor.dtype}` : `a ${value.kind}`, 'strings');
  const strings = value.tensor.strings ?? [];
  const bytes = Buffer.concat(strings);
  let offset = 0n;
  const spans = strings.map((text) => {
    const span = (offset << BigInt(spanBits)) | BigInt(text.length);
    offset += BigInt(text.length);
    return span;
  });
  tensors[form.spans] = ints(value.tensor.dims, spans);
  tensors[form.bytes] = { dtype: 'uint8', dims: [bytes.length], bytes: new Uint8Array(bytes) };
}

function encodeSequence(
  form: Sequence,
  value: DataValue,
  name: string,
  ports: readonly Port[],
  tensors: (TensorData | undefined)[],
): void {
  if (value.kind !== 'sequence') throw wrong(name, `a ${value.kind}`, 'a sequence');
  const elements = value.elements.map((element) => {
    if (element.kind !== 'tensor') throw wrong(name, `a sequence of ${element.kind}s`, 'a sequence of tensors');
    if (element.tensor.dtype !== form.dtype)
      throw wrong(name, `a sequence of ${element.tensor.dtype}`, `a sequence of ${form.dtype}`);
    return element.tensor;
  });
  const declared = constantOf(ports[form.shapes]!.buffer.shape[1]!);
  const widest = Math.max(0, ...elements.map(({ dims }) => dims.length));
  const rank = declared === undefined ? widest : declared - 1;
  if (widest > rank) throw wrong(name, `a sequence of tensors of rank ${widest}`, `one of rank ${rank}`);
  const rows = elements.flatMap(({ dims }) => [
    dims.length,
    ...dims,
    ...Array.from({ length: rank - dims.length }, () => 1),
  ]);
  tensors[form.shapes] = ints([elements.length, rank + 1], rows);
  // An extent is at most the room for elements, even where another one is 0.
  const largest = Math.max(0, ...elements.flatMap(({ dims }) => dims));
  const used = elements.reduce((sum, { dims }) => sum + countOf(dims), 0);
  const data = concatenated(elements, form, Math.max(used, largest));
  encode(form.data, { kind: 'tensor', tensor: data }, name, ports, tensors);
}

function concatenated(elements: readonly TensorData[], { dtype }: Sequence, room: number): TensorData {
  if (dtype === 'string') {
    const strings = elements.flatMap((element) => element.strings ?? []);
    const rest = Array.from({ length: room - strings.length }, () => new Uint8Array(0));
    return { dtype, dims: [room], bytes: new Uint8Array(0), strings: [...strings, ...rest] };
  }
  const bytes = new Uint8Array(storedSize(dtype, room));
  let at = 0;
  for (const { dims, bytes: own } of elements) {
    const count = countOf(dims);
    bytes.set(unpacked(dtype, own, count), at);
    at += storedSize(dtype, count);
  }
  return { dtype, dims: [room], bytes: packed(dtype, bytes) };
}

/** Elements of less than a byte are packed in ONNX. */
const packed = (dtype: TensorData['dtype'], bytes: Uint8Array): Uint8Array =>
  isSubByte(dtype) ? packElements(bytes, dtypes[dtype].bits) : bytes;
const unpacked = (dtype: TensorData['dtype'], bytes: Uint8Array, count: number): Uint8Array =>
  isSubByte(dtype) ? unpackElements(bytes, count, dtype) : bytes;

const dtypeAt = (form: Form, ports: readonly Port[]): DType =>
  form.kind === 'tensor' ? ports[form.port]!.buffer.dtype : 'string';

function keysOf(keys: readonly (bigint | string)[], asText: boolean): TensorData {
  if (!asText) return ints([keys.length], keys.map(BigInt));
  const strings = keys.map((key) => new TextEncoder().encode(String(key)));
  return { dtype: 'string', dims: [keys.length], bytes: new Uint8Array(0), strings };
}

/** Scalars as one vector. */
function joined(values: readonly DataValue[], expected: DType, name: string): TensorData {
  const tensors = values.map((value) => {
    if (value.kind !== 'tensor' || countOf(value.tensor.dims) !== 1)
      throw wrong(name, 'a map of something else', 'a map of scalars');
    return value.tensor;
  });
  const dtype = tensors[0]?.dtype ?? expected;
  const strings = tensors.flatMap((tensor) => tensor.strings ?? []);
  const bytes = new Uint8Array(Buffer.concat(tensors.map((tensor) => tensor.bytes)));
  return { dtype, dims: [values.length], bytes, ...(dtype === 'string' ? { strings } : {}) };
}

/** Reads a value from the tensors at its ports. */
export function decode(form: Form, tensors: readonly TensorData[]): DataValue {
  switch (form.kind) {
    case 'tensor':
      return { kind: 'tensor', tensor: tensors[form.port]! };
    case 'strings':
      return { kind: 'tensor', tensor: decodeStrings(tensors[form.spans]!, tensors[form.bytes]!) };
    case 'list':
      return { kind: 'sequence', elements: form.items.map((item) => decode(item, tensors)) };
    case 'sequence':
      return decodeSequence(form, tensors);
    case 'optional': {
      const present = form.present === undefined || tensors[form.present]!.bytes[0] !== 0;
      return { kind: 'optional', value: present && form.value ? decode(form.value, tensors) : undefined };
    }
    case 'map': {
      const [keys, values] = [tensorAt(form.keys, tensors), tensorAt(form.values, tensors)];
      return { kind: 'map', keys: keyList(keys), values: slices(values, [], countOf(values.dims)) };
    }
    case 'maps': {
      const keys = keyList(tensorAt(form.keys, tensors));
      const values = tensorAt(form.values, tensors);
      const rows = slices(values, [], countOf(values.dims));
      const elements = Array.from({ length: values.dims[0] ?? 0 }, (_, row): DataValue => {
        const own = rows.slice(row * keys.length, (row + 1) * keys.length);
        return { kind: 'map', keys, values: own };
      });
      return { kind: 'sequence', elements };
    }
  }
}

function tensorAt(form: Form, tensors: readonly TensorData[]): TensorData {
  const value = decode(form, tensors);
  if (value.kind !== 'tensor') throw new RangeError(`a ${value.kind} where a tensor was expected`);
  return value.tensor;
}

function decodeStrings(spans: TensorData, bytes: TensorData): TensorData {
  const strings = Array.from({ length: countOf(spans.dims) }, (_, i) => {
    const span = BigInt(readElement('int64', spans.bytes, i));
    const offset = Number(span >> BigInt(spanBits));
    return bytes.bytes.slice(offset, offset + Number(span & ((1n << BigInt(spanBits)) - 1n)));
  });
  return { dtype: 'string', dims: spans.dims, bytes: new Uint8Array(0), strings };
}

function decodeSequence(form: Sequence, tensors: readonly TensorData[]): DataValue {
  const shapes = tensors[form.shapes]!;
  const width = shapes.dims[1]!;
  const entry = (row: number, column: number): number =>
    Number(readElement('int64', shapes.bytes, row * width + column));
  const count =
    form.count === undefined ? shapes.dims[0]! : Number(readElement('int64', tensors[form.count]!.bytes, 0));
  const data = tensorAt(form.data, tensors);
  let start = 0;
  const elements = Array.from({ length: count }, (_, row): DataValue => {
    const dims = Array.from({ length: entry(row, 0) }, (_axis, axis) => entry(row, axis + 1));
    const element = sliceOf(data, start, dims);
    start += countOf(dims);
    return { kind: 'tensor', tensor: element };
  });
  return { kind: 'sequence', elements };
}

function sliceOf(
  { dtype, bytes, dims: whole, strings }: TensorData,
  start: number,
  dims: readonly number[],
): TensorData {
  const count = countOf(dims);
  if (strings) return { dtype, dims, bytes: new Uint8Array(0), strings: strings.slice(start, start + count) };
  const plain = unpacked(dtype, bytes, countOf(whole));
  const own = plain.slice(storedSize(dtype, start), storedSize(dtype, start + count));
  return { dtype, dims, bytes: packed(dtype, own) };
}

const slices = (data: TensorData, dims: readonly number[], count: number): readonly DataValue[] =>
  Array.from({ length: count }, (_, i) => ({ kind: 'tensor', tensor: sliceOf(data, i, dims) }));

const keyList = (keys: TensorData): readonly (bigint | string)[] =>
  keys.strings
    ? keys.strings.map((key) => new TextDecoder().decode(key))
    : Array.from({ length: countOf(keys.dims) }, (_, i) => BigInt(readElement(keys.dtype, keys.bytes, i)));
