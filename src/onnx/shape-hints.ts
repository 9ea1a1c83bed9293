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

interface Named {
  readonly name?: string;
  readonly type?: TypeProto;
}

/** Types by value name; the element type of one that was inferred backwards is a guess. */
export function typeHints(
  infos: readonly Named[],
  nodes: readonly NodeProto[],
  more: Iterable<readonly [string, TypeProto]> = [],
): ReadonlyMap<string, TypeProto> {
  const hints = new Map<string, TypeProto>(more);
  for (const { name = '', type } of infos) if (type) hints.set(name, type);
  for (const { opType = '', domain, input, output } of [...sortNodes(nodes).nodes].reverse()) {
    const [from = '', to = ''] = [input[0], output[0]];
    const known = hints.get(to);
    const standard = !domain || domain === 'ai.onnx';
    if (known && from && standard && !hints.has(from) && keepsShape.has(opType)) hints.set(from, known);
  }
  return hints;
}
