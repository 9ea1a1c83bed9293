// The number lists of TensorProto (`int32_data` and so on), in their form on the wire → little-endian elements.

import { byteSize, type DType, dtypes, isSubByte } from '../../ir/dtype.ts';
import { problem } from '../errors.ts';

/** Packed runs of one list as one; a single run, the normal case, is not copied. */
export function joinRuns(runs: readonly Uint8Array[]): Uint8Array {
  const first = runs[0];
  if (runs.length === 1 && first !== undefined) return first;
  const joined = new Uint8Array(runs.reduce((length, run) => length + run.length, 0));
  let offset = 0;
  for (const run of runs) {
    joined.set(run, offset);
    offset += run.length;
  }
  return joined;
}

/**
 * Varints → elements of `dtype`. One varint holds one element, or for sub-byte types one byte of packed elements;
 * 16-bit and 8-bit floats are stored as their bit pattern.
 */
export function unpackVarints(runs: readonly Uint8Array[], dtype: DType, count: number, where: string): Uint8Array {
  const varints = joinRuns(runs);
  const bytes = isSubByte(dtype) ? 1 : dtypes[dtype].bits / 8;
  const expected = isSubByte(dtype) ? byteSize(dtype, count) : count;
  const got = countVarints(varints);
  if (got !== expected) {
    const packing = isSubByte(dtype) ? ` (${count} × ${dtype}, packed in bytes)` : '';
    throw problem(where, `Shape and data disagree: expected ${expected} numbers${packing}, got ${got}.`);
  }
  const elements = new Uint8Array(expected * bytes);
  const view = new DataView(elements.buffer);
  const range = acceptedRange(dtype, bytes);
  let position = 0;
  for (let index = 0; index < expected; index++) {
    const { low, high, next } = readVarint(varints, position);
    position = next;
    if (bytes < 8 && !range(low, high)) {
      const value = BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
      throw problem(where, `Element ${index} is ${value}, which does not fit ${dtype}.`);
    }
    if (bytes === 1) elements[index] = dtype === 'bool' ? Number((low | high) !== 0) : low;
    else if (bytes === 2) view.setUint16(index * 2, low & 0xffff, true);
    else view.setUint32(index * bytes, low, true);
    if (bytes === 8) view.setUint32(index * 8 + 4, high, true);
  }
  if (position !== varints.length) throw problem(where, 'A number in the data is cut off or longer than 10 bytes.');
  return elements;
}

/** Each varint ends with a byte below 128; the wire scan has seen nothing of these, so an open end counts too. */
function countVarints(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte < 128) count += 1;
  return (bytes.at(-1) ?? 0) < 128 ? count : count + 1;
}

/** The low and high 32 bits, unsigned. */
function readVarint(bytes: Uint8Array, start: number): { low: number; high: number; next: number } {
  let position = start;
  let byte = bytes[position++] ?? 0;
  let low = byte & 127;
  if (byte < 128) return { low, high: 0, next: position };
  let high = 0;
  for (let shift = 7; byte >= 128 && shift < 70; shift += 7) {
    byte = bytes[position++] ?? 0;
    const bits = byte & 127;
    if (shift < 32) low |= bits << shift;
    if (shift === 28) high = bits >>> 4;
    if (shift > 32) high |= bits << (shift - 32);
  }
  return { low: low >>> 0, high: high >>> 0, next: position };
}

/**
 * Whether a 64-bit number may stand for an element: its signed value, or its bit pattern as an unsigned number.
 * (int8 -1 is found as -1 and as 255.) Negative numbers come sign-extended to 64 bits, from some writers to 32.
 */
function acceptedRange(dtype: DType, bytes: number): (low: number, high: number) => boolean {
  if (dtype === 'bool') return () => true;
  const { class: kind } = dtypes[dtype];
  const bits = bytes * 8;
  const negativeLimit = kind === 'uint' && !isSubByte(dtype) ? 0 : -(2 ** (bits - 1));
  return (low, high) => {
    const positive = high === 0 && low < 2 ** bits;
    const negative = (high === 0xffffffff || high === 0) && (low | 0) < 0 && (low | 0) >= negativeLimit;
    return positive || negative;
  };
}
