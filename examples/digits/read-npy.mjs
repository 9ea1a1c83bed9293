// Reads a .npy file of 32-bit floats, as the pictures and the scores of this example are.

/**
 * @param {Buffer} bytes
 * @returns {{ values: Float32Array, shape: number[] }}
 */
export function decodeNpy(bytes) {
  if (bytes.toString('latin1', 0, 6) !== '\x93NUMPY') throw new Error('This is no .npy file.');
  // Version 1 gives the length of the header in two bytes, later versions in four.
  const version = bytes[6];
  const headerStart = version === 1 ? 10 : 12;
  const dataStart = headerStart + (version === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8));
  const header = bytes.toString('latin1', headerStart, dataStart);
  if (!header.includes("'<f4'") || !header.includes("'fortran_order': False")) {
    throw new Error(`Only row by row 32-bit floats can be read here, and the header says ${header.trim()}`);
  }
  const shape = (header.match(/'shape': \(([^)]*)\)/)?.[1].match(/\d+/g) ?? []).map(Number);
  const count = shape.reduce((product, size) => product * size, 1);
  return {
    values: Float32Array.from({ length: count }, (_, index) => bytes.readFloatLE(dataStart + 4 * index)),
    shape,
  };
}
