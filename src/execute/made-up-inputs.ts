// Inputs for timing, where none are given: small random numbers, the same each time.

import { byteSize, dtypes, isFloat } from '../../ir/dtype.ts';
import { constantOf } from '../../ir/expr-make.ts';
import type { Program } from '../../ir/program.ts';
import { CompilerBug } from '../errors.ts';
import type { GivenInput } from './executable.ts';

/** Of a program without open sizes. Floats lie between -1 and 1; integers are 0 or 1, so that indices are in range. */
export function madeUpInputs(program: Program): readonly GivenInput[] {
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return program.inputs.map(({ name, buffer }) => {
    const dims = buffer.shape.map((extent) => {
      const size = constantOf(extent);
      if (size === undefined) throw new CompilerBug(`input ${name} has an open size`);
      return size;
    });
    const count = dims.reduce((a, b) => a * b, 1);
    const { dtype } = buffer;
    const bytes = new Uint8Array(byteSize(dtype, count));
    const view = new DataView(bytes.buffer);
    const width = dtypes[dtype].bits / 8;
    if (dtype === 'float32') for (let i = 0; i < count; i++) view.setFloat32(4 * i, random() * 2 - 1, true);
    else if (dtype === 'float64') for (let i = 0; i < count; i++) view.setFloat64(8 * i, random() * 2 - 1, true);
    else if (!isFloat(dtype) && width >= 1) for (let i = 0; i < count; i++) bytes[i * width] = random() < 0.5 ? 0 : 1;
    return { name, file: '', tensor: { dtype, dims, bytes } };
  });
}
