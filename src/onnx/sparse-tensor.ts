// SparseTensorProto → the dense tensor it stands for, as bytes.
//   values [n], indices [n] (positions in the flattened tensor) or [n, rank] (coordinates), all others zero

import { byteSize, dtypes } from '../../ir/dtype.ts';
import { problem } from '../errors.ts';
import type { SparseTensorProto } from './proto-types.ts';
import { elementCount, type ResolveExternal, readDims, readTensor, type TensorData } from './tensor.ts';

/** A few bytes can ask for any size; beyond this a dense form makes no sense. */
const largestDense = 2 ** 31;

export function readSparseTensor(
  proto: SparseTensorProto,
  resolveExternal?: ResolveExternal,
  where = `sparse tensor ${JSON.stringify(proto.values?.name ?? '')}`,
): TensorData {
  if (proto.values === undefined) throw problem(where, 'The sparse tensor has no values.');
  const values = readTensor(proto.values, resolveExternal, `${where}, values`);
  const dims = readDims(proto.dims, where);
  const count = elementCount(values.dtype, dims, where);
  const byteLength = byteSize(values.dtype, count);
  if (byteLength > largestDense)
    throw problem(where, `As a dense tensor it would take ${byteLength} bytes; too large.`);
  if (values.dims.length !== 1) {
    throw problem(where, `The values should have one dimension, got shape [${values.dims.join(', ')}].`);
  }
  const positions = readPositions(proto, dims, values.dims[0] ?? 0, count, resolveExternal, where);
  if (values.strings !== undefined) {
    const strings: Uint8Array[] = new Array(count).fill(new Uint8Array(0));
    positions.forEach((position, index) => {
      strings[position] = values.strings?.[index] ?? new Uint8Array(0);
    });
    return { dtype: 'string', dims, bytes: new Uint8Array(0), strings };
  }
  const dense = new Uint8Array(byteLength);
  scatter(dense, positions, values.bytes, dtypes[values.dtype].bits);
  return { dtype: values.dtype, dims, bytes: dense };
}

/** Flat positions, checked to be inside the tensor and strictly ascending, as ONNX demands. */
function readPositions(
  proto: SparseTensorProto,
  dims: readonly number[],
  count: number,
  total: number,
  resolveExternal: ResolveExternal | undefined,
  where: string,
): number[] {
  if (proto.indices === undefined) {
    if (count === 0) return [];
    throw problem(where, `The sparse tensor has ${count} values but no indices.`);
  }
  const indices = readTensor(proto.indices, resolveExternal, `${where}, indices`);
  const linear = indices.dims.length === 1;
  const width = linear ? 1 : dims.length;
  const expected = linear ? [count] : [count, dims.length];
  if (indices.dtype !== 'int64') throw problem(where, `The indices should be int64, got ${indices.dtype}.`);
  if (indices.dims.length !== expected.length || indices.dims.some((dim, axis) => dim !== expected[axis])) {
    const shapes = `[${count}] or [${count}, ${dims.length}]`;
    throw problem(where, `The indices should have shape ${shapes}, got [${indices.dims.join(', ')}].`);
  }
  const view = new DataView(indices.bytes.buffer, indices.bytes.byteOffset, indices.bytes.byteLength);
  const extents = linear ? [total] : dims;
  const positions: number[] = [];
  for (let row = 0; row < count; row++) {
    let position = 0;
    for (let axis = 0; axis < width; axis++) {
      const extent = extents[axis] ?? 0;
      const index = view.getBigInt64((row * width + axis) * 8, true);
      if (index < 0n || index >= extent) {
        throw problem(where, `Index ${index} of value ${row} is outside 0 to ${extent - 1}.`);
      }
      position = position * extent + Number(index);
    }
    if (position <= (positions.at(-1) ?? -1))
      throw problem(where, `The indices of value ${row} are not in ascending order.`);
    positions.push(position);
  }
  return positions;
}

function scatter(dense: Uint8Array, positions: readonly number[], values: Uint8Array, bits: number): void {
  const bytes = bits / 8;
  const mask = (1 << bits) - 1;
  positions.forEach((position, index) => {
    if (bits >= 8) {
      dense.set(values.subarray(index * bytes, (index + 1) * bytes), position * bytes);
      return;
    }
    const value = ((values[Math.floor(index * bytes)] ?? 0) >> ((index * bits) % 8)) & mask;
    const byte = Math.floor(position * bytes);
    dense[byte] = (dense[byte] ?? 0) | (value << ((position * bits) % 8));
  });
}
