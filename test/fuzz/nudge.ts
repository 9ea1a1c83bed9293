// Moves floats by a few units in the last place, to see how much a result hangs on them.

import { readElement } from '../../ir/bytes.ts';
import type { DType } from '../../ir/dtype.ts';
import { elementCount, type Tensor } from './case.ts';
import { randomNumbers } from './draw.ts';
import { tensorFrom } from './tensors.ts';

const steps: Partial<Readonly<Record<DType, number>>> = { float16: 2 ** -10, float32: 2 ** -22, float64: 2 ** -50 };

export function nudged(tensor: Tensor, seed: number): Tensor {
  const step = steps[tensor.dtype];
  if (step === undefined) return tensor;
  const random = randomNumbers(seed);
  const values = Array.from({ length: elementCount(tensor.dims) }, (_, index) => {
    const value = Number(readElement(tensor.dtype, tensor.bytes, index));
    return value * (1 + step * Math.sign(random() - 0.5));
  });
  return tensorFrom(tensor.dtype, tensor.dims, values);
}
