// Compares a result with what was expected: floats within tolerances, everything else exactly.

import { readElement } from '../../ir/bytes.ts';
import { dtypes, isFloat } from '../../ir/dtype.ts';
import type { TensorValue } from '../evaluate.ts';

export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

export interface Difference {
  readonly same: boolean;
  /** What differs first, in words; empty where nothing does. */
  readonly message: string;
  readonly maxAbs: number;
  readonly maxRel: number;
  /** Units in the last place of float32; 0 for other types. */
  readonly maxUlp: number;
}

const bits = new DataView(new ArrayBuffer(4));
/** float32 values as integers that count up with the value. */
function ordinal(value: number): number {
  bits.setFloat32(0, value);
  const pattern = bits.getInt32(0);
  return pattern < 0 ? -(pattern & 0x7fffffff) : pattern;
}

const different = (message: string): Difference => ({
  same: false,
  message,
  maxAbs: Number.NaN,
  maxRel: Number.NaN,
  maxUlp: Number.NaN,
});

export function compareTensors(actual: TensorValue, expected: TensorValue, tolerance: Tolerance): Difference {
  if (actual.dtype !== expected.dtype) return different(`type is ${actual.dtype}, expected ${expected.dtype}`);
  if (actual.dims.join() !== expected.dims.join()) {
    return different(`shape is [${actual.dims.join(', ')}], expected [${expected.dims.join(', ')}]`);
  }
  const complex = dtypes[actual.dtype].class === 'complex';
  const dtype = complex ? (actual.dtype === 'complex64' ? 'float32' : 'float64') : actual.dtype;
  const count = actual.dims.reduce((a, b) => a * b, 1) * (complex ? 2 : 1);
  let message = '';
  let [maxAbs, maxRel, maxUlp] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    const a = readElement(dtype, actual.bytes, i);
    const b = readElement(dtype, expected.bytes, i);
    if (a === b) continue;
    const [x, y] = [Number(a), Number(b)];
    if (Number.isNaN(x) && Number.isNaN(y)) continue;
    const gap = Math.abs(x - y);
    if (Number.isFinite(gap)) {
      maxAbs = Math.max(maxAbs, gap);
      if (y !== 0) maxRel = Math.max(maxRel, gap / Math.abs(y));
      if (dtype === 'float32') maxUlp = Math.max(maxUlp, Math.abs(ordinal(x) - ordinal(y)));
    }
    const close = isFloat(dtype) && gap <= tolerance.absolute + tolerance.relative * Math.abs(y);
    if (!close && message === '') message = `element ${i} is ${a}, expected ${b}`;
  }
  return { same: message === '', message, maxAbs, maxRel, maxUlp };
}
