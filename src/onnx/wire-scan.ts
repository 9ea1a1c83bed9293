// Walks a protobuf file before it is decoded, without allocating anything per field: the file must be whole, nested
// and sized so that decoding it cannot overflow the stack or fill the memory (10 MB of empty nodes decode to 1 GB).
// Everything that the decoder could trip over is reported here, with the place; only UTF-8 is left to the decoder.

import { problem } from '../errors.ts';
import { type Field, fields } from './generated/onnx.js';

export const scanLimits = {
  /** Messages in messages. A subgraph takes three (node, attribute, graph), and the decoder stops at 100 too. */
  depth: 100,
  nodes: 500_000,
  /** What the decoded objects may take, by the estimates below. The payloads of tensors cost nothing: they are views. */
  decodedBytes: 1.5 * 2 ** 30,
} as const;

export interface WireScan {
  /** A number list of a tensor is not in packed form, which the schema cannot express (it takes the runs as bytes). */
  readonly unpackedTensors: boolean;
}

/** Bytes of JavaScript heap that one decoded item takes, measured on Node 20 and rounded up. */
const heapBytes = { message: 700, string: 48, bytes: 160, integer: 40, float: 16 } as const;

/** A message or an unknown group that is open at the current position. */
interface Frame {
  /** The message type; undefined inside an unknown group. */
  readonly message: string | undefined;
  /** For error texts: the field that holds it. */
  readonly name: string;
  readonly end: number;
  /** The field number that must close a group. */
  readonly group: number | undefined;
}

interface Scanner {
  readonly bytes: Uint8Array;
  readonly where: string;
  readonly frames: Frame[];
  position: number;
  nodes: number;
  decodedBytes: number;
  unpackedTensors: boolean;
}

/** Throws a ModelError unless `bytes` is a whole message of type `root` that is safe to decode. */
export function scanWire(bytes: Uint8Array, root: string, where: string): WireScan {
  const start: Frame = { message: root, name: root, end: bytes.length, group: undefined };
  const scanner: Scanner = {
    bytes,
    where,
    frames: [start],
    position: 0,
    nodes: 0,
    decodedBytes: 0,
    unpackedTensors: false,
  };
  for (let frame = scanner.frames.at(-1); frame !== undefined; frame = scanner.frames.at(-1)) {
    if (scanner.position < frame.end) scanField(scanner, frame);
    else if (frame.group === undefined) scanner.frames.pop();
    else fail(scanner, 'a group is not closed before the end of its message');
  }
  return { unpackedTensors: scanner.unpackedTensors };
}

const wireTypes = { varint: 0, fixed64: 1, delimited: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const;

function scanField(scanner: Scanner, frame: Frame): void {
  const tag = readVarint(scanner, frame, 0xffffffff, 'a field tag');
  const number = Math.floor(tag / 8);
  const wireType = tag % 8;
  if (number === 0) fail(scanner, 'field number 0 does not exist');
  const field = frame.message === undefined ? undefined : fields[frame.message]?.[number];
  switch (wireType) {
    case wireTypes.varint:
      skipVarint(scanner, frame.end);
      if (field !== undefined) spend(scanner, heapBytes.integer);
      break;
    case wireTypes.fixed64:
      advance(scanner, frame, 8, 'a 64-bit field');
      if (field !== undefined) spend(scanner, heapBytes.float);
      break;
    case wireTypes.fixed32:
      advance(scanner, frame, 4, 'a 32-bit field');
      if (field !== undefined) spend(scanner, heapBytes.float);
      break;
    case wireTypes.delimited:
      scanDelimited(scanner, frame, field);
      return;
    case wireTypes.startGroup:
      open(scanner, { message: undefined, name: `group ${number}`, end: frame.end, group: number });
      return;
    case wireTypes.endGroup:
      if (frame.group !== number) fail(scanner, `group ${number} is closed but not open`);
      scanner.frames.pop();
      return;
    default:
      fail(scanner, `wire type ${wireType} does not exist`);
  }
  if (frame.message === 'TensorProto' && field !== undefined && numberLists.get(field.name) === wireType) {
    scanner.unpackedTensors = true;
    spend(scanner, heapBytes.bytes * 2);
  }
}

function scanDelimited(scanner: Scanner, frame: Frame, field: Field | undefined): void {
  const length = readVarint(scanner, frame, 0x7fffffff, 'a length');
  const end = scanner.position + length;
  if (end > frame.end) {
    const left = frame.end - scanner.position;
    fail(scanner, `${field?.name ?? 'a field'} should be ${length} bytes long, but only ${left} are left`);
  }
  if (field?.message !== undefined) {
    if (field.message === 'NodeProto') scanner.nodes += 1;
    if (scanner.nodes > scanLimits.nodes) tooLarge(scanner, `more than ${scanLimits.nodes} nodes`);
    spend(scanner, heapBytes.message);
    open(scanner, { message: field.message, name: field.name, end, group: undefined });
    return;
  }
  if (field !== undefined) scanScalars(scanner, field, end);
  scanner.position = end;
}

/** A string, a byte string or a packed list that ends at `end`. */
function scanScalars(scanner: Scanner, field: Field, end: number): void {
  const length = end - scanner.position;
  switch (field.scalar) {
    case 'string':
      spend(scanner, heapBytes.string + 2 * length);
      break;
    case 'bytes':
      spend(scanner, heapBytes.bytes);
      break;
    case 'float':
      spend(scanner, heapBytes.float * packedCount(scanner, field, length, 4));
      break;
    case 'double':
      spend(scanner, heapBytes.float * packedCount(scanner, field, length, 8));
      break;
    default: {
      let count = 0;
      for (; scanner.position < end; count++) skipVarint(scanner, end);
      spend(scanner, heapBytes.integer * count);
    }
  }
}

function packedCount(scanner: Scanner, field: Field, length: number, size: number): number {
  if (length % size !== 0) fail(scanner, `${field.name} is ${length} bytes long, not a multiple of ${size}`);
  return length / size;
}

/** The number lists of TensorProto, with the wire type of a single number. */
export const numberLists: ReadonlyMap<string, number> = new Map([
  ['floatData', wireTypes.fixed32],
  ['doubleData', wireTypes.fixed64],
  ['int32Data', wireTypes.varint],
  ['int64Data', wireTypes.varint],
  ['uint64Data', wireTypes.varint],
]);

function open(scanner: Scanner, frame: Frame): void {
  scanner.frames.push(frame);
  if (scanner.frames.length > scanLimits.depth) {
    fail(scanner, `messages are nested more than ${scanLimits.depth} deep (a subgraph counts as three)`);
  }
}

function spend(scanner: Scanner, bytes: number): void {
  scanner.decodedBytes += bytes;
  if (scanner.decodedBytes > scanLimits.decodedBytes) tooLarge(scanner, 'more small parts than fit in 1.5 GiB decoded');
}

function advance(scanner: Scanner, frame: Frame, length: number, what: string): void {
  if (scanner.position + length > frame.end) fail(scanner, `${what} is cut off`);
  scanner.position += length;
}

function skipVarint(scanner: Scanner, end: number): void {
  const limit = Math.min(end, scanner.position + 10);
  while (scanner.position < limit) {
    const byte = scanner.bytes[scanner.position++];
    if (byte !== undefined && byte < 128) return;
  }
  fail(scanner, limit === end ? 'a number is cut off' : 'a number is longer than 10 bytes');
}

/** A varint of at most five bytes, as tags and lengths are. */
function readVarint(scanner: Scanner, frame: Frame, maximum: number, what: string): number {
  let value = 0;
  for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
    if (scanner.position >= frame.end) fail(scanner, `${what} is cut off`);
    const byte = scanner.bytes[scanner.position++] ?? 0;
    value += (byte & 127) * scale;
    if (value > maximum) break;
    if (byte < 128) return value;
  }
  return fail(scanner, `${what} is too large`);
}

const pathOf = (scanner: Scanner): string =>
  scanner.frames
    .slice(0, 8)
    .map((frame) => frame.name)
    .join('.') + (scanner.frames.length > 8 ? '…' : '');

function fail(scanner: Scanner, what: string): never {
  const place = `in ${pathOf(scanner)} at byte ${scanner.position}`;
  throw problem(scanner.where, `Not a valid ONNX file: ${what} (${place}). Is it complete, and is it ONNX?`);
}

function tooLarge(scanner: Scanner, what: string): never {
  throw problem(scanner.where, `Too large to compile: ${what} (in ${pathOf(scanner)}).`);
}
