// Compares a result with the oracle's: integers exactly, floats within a few units in the last place.

import { readElement } from '../../ir/bytes.ts';
import type { DType } from '../../ir/dtype.ts';
import { elementCount, isFloatType, type Tensor } from './case.ts';

export interface Tolerances {
  readonly relative?: number;
  readonly absolute?: number;
  readonly integer?: number;
}

const relatives: Partial<Readonly<Record<DType, number>>> = {
  float16: 2e-3,
  bfloat16: 1e-2,
  float32: 1e-5,
  float64: 1e-12,
};
const absolutes: Partial<Readonly<Record<DType, number>>> = {
  float16: 1e-6,
  bfloat16: 1e-7,
  float32: 1e-7,
  float64: 1e-15,
};

/** Nothing where all is well. `moved` has answers of the oracle for inputs that differ in their last places. */
export function compareTensors(
  actual: Tensor,
  expected: Tensor,
  tolerances: Tolerances,
  moved: readonly Tensor[],
): string {
  const { dtype, dims } = expected;
  if (actual.dtype !== dtype) return `type is ${actual.dtype}, expected ${dtype}`;
  if (actual.dims.join() !== dims.join()) return `shape is [${actual.dims}], expected [${dims}]`;
  const float = isFloatType(dtype);
  const relative = tolerances.relative ?? relatives[dtype] ?? 0;
  const absolute = tolerances.absolute ?? absolutes[dtype] ?? 0;
  const count = elementCount(dims);
  for (let index = 0; index < count; index++) {
    const [left, right] = [readElement(dtype, actual.bytes, index), readElement(dtype, expected.bytes, index)];
    if (left === right) continue;
    const [a, b] = [Number(left), Number(right)];
    if (Number.isNaN(a) && Number.isNaN(b)) continue;
    const most = float ? absolute + relative * Math.abs(b) : (tolerances.integer ?? 0);
    const others = moved.map((answer) => Number(readElement(dtype, answer.bytes, index)));
    if (Math.abs(a - b) <= most || others.some((other) => other === a)) continue;
    const spread = Math.max(0, ...others.map((other) => Math.abs(other - b)));
    if (Math.abs(a - b) <= 8 * spread) continue;
    return `element ${index} of [${dims}] is ${left}, expected ${right}`;
  }
  return '';
}
