// What a model says of the types of its values, and what follows from that backwards: an operator that keeps the shape
// of its input lets the declared shape of its output stand for the input too. So a shape that only a run knows (of a
// ReduceSum whose axes are an input, say) is found where the model declares no more than its outputs.

import type { NodeProto, TypeProto } from './proto-types.ts';
import { sortNodes } from './sort-nodes.ts';

/** Standard operators whose first output has the shape of their first input. */
const keepsShape = new Set(
  (
    'Abs Acos Acosh Asin Asinh Atan Atanh BitCast BitwiseNot Cast CastLike Ceil Celu Clip Cos Cosh CumProd CumSum ' +
    'DequantizeLinear Dropout Elu Erf Exp Floor Gelu HardSigmoid HardSwish Hardmax Identity IsInf IsNaN LeakyRelu Log ' +
    'LogSoftmax Mish Neg Not QuantizeLinear Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus ' +
    'Softsign Sqrt Swish Tan Tanh ThresholdedRelu Trilu'
  ).split(' '),
);

/** Standard operators whose inputs broadcast to the shape of the output: it bounds theirs. */
const broadcasts = new Set(
  (
    'Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Clip Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean ' +
    'Min Mod Mul Or PRelu Pow Sub Sum Where Xor'
  ).split(' '),
);

interface Named {
  readonly name?: string;
  readonly type?: TypeProto;
}

export interface TypeHints {
  /** Types by value name; the element type of one that was inferred backwards is a guess. */
  readonly declared: ReadonlyMap<string, TypeProto>;
  /** Shapes that bound those of further values, aligned at the last axis. */
  readonly limits: ReadonlyMap<string, TypeProto>;
}

export function typeHints(
  infos: readonly Named[],
  nodes: readonly NodeProto[],
  more: Iterable<readonly [string, TypeProto]> = [],
): TypeHints {
  const declared = new Map<string, TypeProto>(more);
  const limits = new Map<string, TypeProto>();
  for (const { name = '', type } of infos) if (type) declared.set(name, type);
  for (const { opType = '', domain, input, output } of [...sortNodes(nodes).nodes].reverse()) {
    const [from = '', to = ''] = [input[0], output[0]];
    if (domain && domain !== 'ai.onnx') continue;
    const known = declared.get(to);
    const limit = known ?? limits.get(to);
    if (known && from && !declared.has(from) && keepsShape.has(opType)) declared.set(from, known);
    if (limit && from && keepsShape.has(opType)) limits.set(from, limit);
    if (limit && broadcasts.has(opType)) for (const name of input) if (name) limits.set(name, limit);
  }
  return { declared, limits };
}
