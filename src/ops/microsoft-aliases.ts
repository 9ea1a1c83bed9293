// Operators of the standard that ONNX Runtime had in its own domain first, or has there for more types.

import type { Operator } from './define.ts';
import { FusedMatMul } from './fused-matmul.ts';
import { GatherND } from './gather.ts';
import { Pad } from './pad.ts';
import { DequantizeLinear, QuantizeLinear } from './quantize.ts';
import { Range } from './sizes.ts';
import { Trilu } from './triangle.ts';

/** The same meaning, in its newest form: that domain has one opset. */
function alias({ upgrade: _, ...operator }: Operator, name = operator.name): Operator {
  return { ...operator, name, domain: 'com.microsoft', since: 1 };
}

export const MicrosoftDequantizeLinear = alias(DequantizeLinear);
export const MicrosoftQuantizeLinear = alias(QuantizeLinear);
export const MicrosoftGatherND = alias(GatherND);
export const MicrosoftPad = alias(Pad);
export const MicrosoftRange = alias(Range);
export const MicrosoftTrilu = alias(Trilu);
export const TransposeMatMul = alias(FusedMatMul, 'TransposeMatMul');
