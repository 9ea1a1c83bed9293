// Sub-byte elements: packed as ONNX stores them (first element in the lowest bits) ↔ one byte each as NumPy does.

import { type DType, dtypes } from '../ir/dtype.ts';

export function packElements(elements: Uint8Array, bits: number): Uint8Array {
  const packed = new Uint8Array(Math.ceil((elements.length * bits) / 8));
  const mask = (1 << bits) - 1;
  elements.forEach((element, index) => {
    const byte = Math.floor((index * bits) / 8);
    packed[byte] = (packed[byte] ?? 0) | ((element & mask) << ((index * bits) % 8));
  });
  return packed;
}

/** Signed integers are sign-extended to the byte. */
export function unpackElements(packed: Uint8Array, count: number, dtype: DType): Uint8Array {
  const { bits, class: kind } = dtypes[dtype];
  const mask = (1 << bits) - 1;
  const sign = kind === 'int' ? 1 << (bits - 1) : 0;
  const elements = new Uint8Array(count);
  for (let index = 0; index < count; index++) {
    const element = ((packed[Math.floor((index * bits) / 8)] ?? 0) >> ((index * bits) % 8)) & mask;
    elements[index] = (element ^ sign) - sign;
  }
  return elements;
}
