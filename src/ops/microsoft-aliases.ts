// Operators of the standard that ONNX Runtime had in its own domain first, or has there for more types.

import type { Type } from '../../ir/graph.ts';
import type { Buffer } from '../../ir/kernel.ts';
import type { Operator } from './define.ts';
import { FusedMatMul } from './fused-matmul.ts';
import { GatherND } from './gather.ts';
import { GridSample } from './grid-sample.ts';
import { withInput } from './legacy.ts';
import { Pad } from './pad.ts';
import { DequantizeLinear, QuantizeLinear } from './quantize.ts';
import { Range } from './sizes.ts';
import { Trilu } from './triangle.ts';
import { typeSet } from './types.ts';
import { Unique } from './unique.ts';

/** The same meaning, in its newest form: that domain has one opset. */
function alias({ upgrade: _, ...operator }: Operator, name = operator.name): Operator {
  return { ...operator, name, domain: 'com.microsoft', since: 1 };
}

export const MicrosoftDequantizeLinear = alias(DequantizeLinear);
export const MicrosoftQuantizeLinear = alias(QuantizeLinear);
export const MicrosoftGatherND = alias(GatherND);
export const MicrosoftPad = alias(Pad);
export const MicrosoftGridSample = { ...alias(GridSample), upgrade: GridSample.upgrade! } satisfies Operator;
export const MicrosoftTrilu = alias(Trilu);
export const TransposeMatMul = alias(FusedMatMul, 'TransposeMatMul');

/** Here the step may be left out. */
export const MicrosoftRange: Operator = {
  ...alias(Range),
  inputs: ['start', 'limit', 'delta?'],
  upgrade: (node) => {
    const type = node.inputs[0]?.type;
    if (node.inputs[2] || type?.kind !== 'tensor') return node;
    return withInput(node, 2, node.constant([1], type.dtype, true));
  },
};

/** The different elements of a list in the order in which they first appear. Only the outputs are named otherwise. */
const { type: typeOfUnique, kernel: kernelOfUnique } = Unique;
const order = [0, 2, 3, 1, 4, 5, 6] as const;
export const MicrosoftUnique: Operator = {
  ...alias(Unique),
  inputs: ['x'],
  outputs: ['uniques', 'idx', 'counts', 'indices?', 'order?', 'spare?', 'first?'],
  attributes: {},
  types: { x: typeSet('T', ['float32']) },
  type: ({ x }, attributes, context) => {
    if (x.rank !== 1) context.fail(`x has rank ${x.rank}; expected 1.`);
    const types = typeOfUnique({ X: x }, attributes, context) as readonly Type[];
    return order.map((position) => types[position]!);
  },
  kernel: ({ x }: { readonly x: Buffer }, outputs, _, context) => {
    const ordered = order.map((_, position) => outputs[order.indexOf(position as 0)]!);
    return kernelOfUnique!({ X: x } as never, ordered, { sorted: 0 }, context);
  },
};
