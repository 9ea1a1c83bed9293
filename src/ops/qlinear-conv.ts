// QLinearConv: a convolution of quantized tensors, with its result quantized again.
//   y = saturate(round(sum((x - x_zero) * (w - w_zero)) + B) * x_scale * w_scale / y_scale) + y_zero)

import { add, cast, div, mul, unary } from '../../ir/expr-make.ts';
import {
  checkPerChannel,
  convolutionAttributes,
  convolutionSum,
  convolutionType,
  perChannel,
  subtractZero,
} from './convolution.ts';
import { op } from './define.ts';
import { scalarOf, tensorOf, typeSet } from './types.ts';

const bytes = (name: string) => typeSet(name, ['int8', 'uint8']);
const scales = typeSet('scale', ['float32', 'float16', 'bfloat16']);

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
  type: ({ x, w, w_scale, w_zero_point, y_zero_point, B }, attributes, context) => {
    checkPerChannel(w_scale, 'w_scale', w, context);
    checkPerChannel(w_zero_point, 'w_zero_point', w, context);
    checkPerChannel(B, 'B', w, context);
    return tensorOf(y_zero_point.dtype, convolutionType(x, w, attributes, context).shape);
  },
  compute: (inputs, attributes, index) => {
    const { x, w, x_zero_point, w_zero_point, y_zero_point, B } = inputs;
    const channel = index[1]!;
    const sum = convolutionSum(
      x,
      w,
      attributes,
      index,
      (...at) => subtractZero(x, at, scalarOf(x_zero_point)),
      (...at) => subtractZero(w, at, perChannel(w_zero_point, channel, w.shape[0]!)),
    );
    const biased = B ? add(sum, perChannel(B, channel, w.shape[0]!)) : sum;
    const ratio = div(
      mul(cast(scalarOf(inputs.x_scale), 'float32'), cast(perChannel(inputs.w_scale, channel, w.shape[0]!), 'float32')),
      cast(scalarOf(inputs.y_scale), 'float32'),
    );
    const rounded = unary('rint', mul(cast(biased, 'float32'), ratio));
    return cast(add(rounded, cast(scalarOf(y_zero_point), 'float32')), y_zero_point.dtype);
  },
});
