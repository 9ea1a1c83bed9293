// Operators that ONNX Runtime for the web writes with the channels last, in a domain of its own.

import { floatAttribute, intAttribute } from './attributes.ts';
import { BatchNormalization } from './batch-normalization.ts';
import { tensorTypeOf } from './compose.ts';
import { op } from './define.ts';
import { moveChannels } from './microsoft-movement.ts';
import { anyFloat, floatTypes, tensorOf, typeSet } from './types.ts';

const parameters = typeSet('T1', floatTypes);
const statistics = typeSet('T2', floatTypes);

/** Inference only. With spatial = 0 (before opset 9) each position has parameters of its own. */
export const NhwcBatchNormalization = op('BatchNormalization', {
  domain: 'com.ms.internal.nhwc',
  inputs: ['X', 'scale', 'B', 'input_mean', 'input_var'],
  attributes: {
    epsilon: floatAttribute(1e-5),
    momentum: floatAttribute(0.9),
    spatial: intAttribute(1, [0, 1]),
    training_mode: intAttribute(0, [0]),
  },
  types: { X: anyFloat, scale: parameters, B: parameters, input_mean: statistics, input_var: statistics },
  type: ({ X }) => tensorOf(X.dtype, X.shape),
  expand: ({ X, scale, B, input_mean, input_var }, { epsilon }, g) => {
    const moves = tensorTypeOf(X).shape.length > 2;
    const first = moves ? moveChannels(g, X, true) : X;
    const Y = g.apply(BatchNormalization, [first, scale, B, input_mean, input_var], { epsilon });
    return moves ? moveChannels(g, Y, false) : Y;
  },
});
