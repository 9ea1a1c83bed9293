// Moves floats by a few units in the last place, to see how much a result hangs on them: those of an input, and those
// that a step function takes inside of a graph, where the least error decides for one step or the other.

import { readElement } from '../../ir/bytes.ts';
import type { DType } from '../../ir/dtype.ts';
import { type CaseInput, type CaseNode, elementCount, type FuzzCase, type Tensor } from './case.ts';
import { randomNumbers } from './draw.ts';
import { scalar, tensorFrom } from './tensors.ts';

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

const stepFunctions: ReadonlySet<string> = new Set([
  'Cast',
  'Ceil',
  'DynamicQuantizeLinear',
  'Floor',
  'QuantizeLinear',
  'Round',
]);

/** Multiplies what each step function takes by a number next to 1. Undefined where there is none, or no CastLike yet. */
export function nudgedSteps(fuzzCase: FuzzCase, factor: number): FuzzCase | undefined {
  if (fuzzCase.opset < 15 || !fuzzCase.nodes.some(({ op }) => stepFunctions.has(op))) return undefined;
  const name = 'nudge';
  const tensor = scalar('float32', factor);
  const constant: CaseInput = { name, tensor, constant: true, symbols: [] };
  const nodes = fuzzCase.nodes.flatMap((node): readonly CaseNode[] => {
    if (!stepFunctions.has(node.op)) return [node];
    const [from, ...rest] = node.inputs;
    const [like, near] = [`${node.outputs[0]}_like`, `${node.outputs[0]}_near`];
    const plain = { domain: '', attributes: {} };
    return [
      { ...plain, op: 'CastLike', inputs: [name, from!], outputs: [like] },
      { ...plain, op: 'Mul', inputs: [from!, like], outputs: [near] },
      { ...node, inputs: [near, ...rest] },
    ];
  });
  return { ...fuzzCase, inputs: [...fuzzCase.inputs, constant], nodes };
}
