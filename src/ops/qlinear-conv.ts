// QLinearConv: a convolution of quantized tensors, with its result quantized again.
//   y = saturate(round(sum((x - x_zero) * (w - w_zero)) + B) * x_scale * w_scale / y_scale) + y_zero)

import type { Expr } from '../../ir/expr.ts';
import { add, cast, constantOf, div, int, mul, unary } from '../../ir/expr-make.ts';
import { convolutionAttributes, convolutionSum, convolutionType, subtractZero, zeroPointAt } from './convolution.ts';
import { type Operand, op } from './define.ts';
import { scalarOf, tensorOf, typeSet } from './types.ts';

const bytes = (name: string) => typeSet(name, ['int8', 'uint8']);
const scales = typeSet('scale', ['float32', 'float16', 'bfloat16']);

/** A scale for the whole tensor, or one for each output channel. */
const scaleAt = (scale: Operand, channel: Expr): Expr => {
  const single = scale.rank === 0 || constantOf(scale.shape[0]!) === 1;
  return cast(scale.at(...scale.shape.map(() => (single ? int(0) : channel))), 'float32');
};

export const QLinearConv = op('QLinearConv', {
  inputs: ['x', 'x_scale', 'x_zero_point', 'w', 'w_scale', 'w_zero_point', 'y_scale', 'y_zero_point', 'B?'],
  outputs: ['y'],
  attributes: convolutionAttributes,
  types: {
    x: bytes('T1'),
    x_scale: scales,
    x_zero_point: bytes('T1'),
    w: bytes('T2'),
    w_scale: scales,
    w_zero_point: bytes('T2'),
    y_scale: scales,
    y_zero_point: bytes('T3'),
    B: typeSet('T4', ['int32']),
  },
  since: 10,
  type: ({ x, w, y_zero_point }, attributes, context) =>
    tensorOf(y_zero_point.dtype, convolutionType(x, w, attributes, context).shape),
  compute: (inputs, attributes, index) => {
    const { x, w, x_zero_point, w_zero_point, y_zero_point, B } = inputs;
    const channel = index[1]!;
    const sum = convolutionSum(
      x,
      w,
      attributes,
      index,
      (...at) => subtractZero(x, at, x_zero_point, int(0)),
      (...at) => subtractZero(w, at, w_zero_point, channel),
    );
    const biased = B ? add(sum, B.at(channel)) : sum;
    const ratio = div(
      mul(cast(scalarOf(inputs.x_scale), 'float32'), scaleAt(inputs.w_scale, channel)),
      cast(scalarOf(inputs.y_scale), 'float32'),
    );
    const rounded = unary('rint', mul(cast(biased, 'float32'), ratio));
    return cast(add(rounded, cast(zeroPointAt(y_zero_point, int(0)), 'float32')), y_zero_point.dtype);
  },
});
