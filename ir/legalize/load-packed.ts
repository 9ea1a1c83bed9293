// Reads one element of a tensor packed as ONNX does it: several elements a byte, the first in the low bits.
//   x[i] of int4        (bytes[i / 2] >> (i % 2 * 4)), its low four bits with their sign

import { dtypes } from '../dtype.ts';
import type { Expr } from '../expr.ts';
import { binary, bitcast, cast, ceilDiv, constant, div, IrError, int, load, mod, mul, product } from '../expr-make.ts';
import type { Buffer } from '../kernel.ts';
import { addressOf } from '../kernel-walk.ts';
import type { Representation } from './representation.ts';

const perByte = ({ dtype }: Buffer): number => 8 / dtypes[dtype].bits;

/** The bytes of a dense packed tensor. */
export function packedBuffer(buffer: Buffer): Buffer {
  if (buffer.strides) throw new IrError(`${buffer.name} is packed and has strides`);
  return { ...buffer, dtype: 'uint8', shape: [ceilDiv(product(buffer.shape), int(perByte(buffer)))] };
}

/** The code, in the storage type. */
export function loadPacked(form: Representation, old: Buffer, bytes: Buffer, indices: readonly Expr[]): Expr {
  const address = addressOf(old, indices);
  if (address.lanes > 1) throw new IrError(`vector load of ${old.name}, which is packed: unpack it first`);
  const count = int(perByte(old));
  const shift = mul(cast(mod(address, count), 'uint8'), constant(dtypes[old.dtype].bits, 'uint8'));
  const shifted = binary('shr', load(bytes, [div(address, count)]), shift);
  return form.trim(bitcast(shifted, form.storage));
}
