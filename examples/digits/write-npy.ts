// Writes a tensor in NumPy's .npy format, version 1.0: a magic word, a header in text, then the raw numbers.

import { floatBytes } from './float-bytes.ts';

export function encodeNpy(values: Float32Array, shape: readonly number[]): Uint8Array {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.map((size) => `${size},`).join(' ')}), }`;
  // The numbers must start at a multiple of 64 bytes; the 10 bytes before the text and its newline count too.
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const magic = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, length % 256, Math.floor(length / 256)]);
  return Buffer.concat([magic, Buffer.from(`${text.padEnd(length - 1)}\n`), floatBytes(values)]);
}
