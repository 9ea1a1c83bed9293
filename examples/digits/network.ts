// The network, forwards and backwards:
//   image [1, 28, 28] → conv 3×3 → batch norm → relu → max pool → [8, 14, 14]
//                     → conv 3×3 → relu → max pool → [16, 7, 7] → fully connected → softmax → scores [10]

import { convolve, convolveBackward, convolveBackwardToInput } from './convolution.ts';
import {
  channelStatistics,
  dense,
  denseBackward,
  maxPool,
  maxPoolBackward,
  normalize,
  normalizeBackward,
  type Pooled,
  relu,
  reluBackward,
  type Statistics,
  softmax,
} from './layers.ts';
import type { Maps } from './maps.ts';
import { normal, type Random } from './random.ts';
import { pixelsPerPicture, side } from './render.ts';

export const classes = 10;
const channels1 = 8;
const channels2 = 16;
const features = channels2 * (side / 4) ** 2;

/** What the training learns. The first convolution has no bias: the normalization after it would take it away again. */
export interface Parameters {
  readonly conv1Weight: Float32Array;
  readonly normScale: Float32Array;
  readonly normShift: Float32Array;
  readonly conv2Weight: Float32Array;
  readonly conv2Bias: Float32Array;
  readonly denseWeight: Float32Array;
  readonly denseBias: Float32Array;
}

export const parameterNames: readonly (keyof Parameters)[] = [
  'conv1Weight',
  'normScale',
  'normShift',
  'conv2Weight',
  'conv2Bias',
  'denseWeight',
  'denseBias',
];

/** Shapes in ONNX's order. */
export const parameterShapes: Readonly<Record<keyof Parameters, readonly number[]>> = {
  conv1Weight: [channels1, 1, 3, 3],
  normScale: [channels1],
  normShift: [channels1],
  conv2Weight: [channels2, channels1, 3, 3],
  conv2Bias: [channels2],
  denseWeight: [classes, features],
  denseBias: [classes],
};

export function firstParameters(random: Random): Parameters {
  // He's rule: the deviation keeps the size of the signal the same from layer to layer.
  const weights = (count: number, inputs: number): Float32Array =>
    new Float32Array(count).map(() => normal(random) * Math.sqrt(2 / inputs));
  return {
    conv1Weight: weights(channels1 * 9, 9),
    normScale: new Float32Array(channels1).fill(1),
    normShift: new Float32Array(channels1),
    conv2Weight: weights(channels2 * channels1 * 9, channels1 * 9),
    conv2Bias: new Float32Array(channels2),
    denseWeight: weights(classes * features, features),
    denseBias: new Float32Array(classes),
  };
}

/** Everything that the backward pass needs to look at again. */
export interface Trace {
  readonly image: Maps;
  readonly conv1: Maps;
  readonly statistics: Statistics;
  readonly relu1: Maps;
  readonly pool1: Pooled;
  readonly relu2: Maps;
  readonly pool2: Pooled;
  readonly scores: Float32Array;
}

/** The forward pass. Training normalizes by the statistics of the batch; give `known` ones to use the network after it. */
export function forward(parameters: Parameters, pictures: Float32Array, known?: Statistics): Trace {
  const batch = pictures.length / pixelsPerPicture;
  const image: Maps = { batch, channels: 1, height: side, width: side, values: pictures };
  const conv1 = convolve(image, parameters.conv1Weight);
  const statistics = known ?? channelStatistics(conv1);
  const relu1 = relu(normalize(conv1, parameters.normScale, parameters.normShift, statistics));
  const pool1 = maxPool(relu1);
  const relu2 = relu(convolve(pool1.y, parameters.conv2Weight, parameters.conv2Bias));
  const pool2 = maxPool(relu2);
  const logits = dense(pool2.y.values, parameters.denseWeight, parameters.denseBias);
  return { image, conv1, statistics, relu1, pool1, relu2, pool2, scores: softmax(logits, classes) };
}

/** The gradient of the mean cross entropy between the scores and the true digits, with respect to each parameter. */
export function backward(parameters: Parameters, trace: Trace, digits: Uint8Array): Parameters {
  // For softmax followed by cross entropy, the gradient is simply scores minus truth.
  const dLogits = trace.scores.map((score, index) => {
    const truth = digits[Math.floor(index / classes)] === index % classes ? 1 : 0;
    return (score - truth) / digits.length;
  });
  const dDense = denseBackward(trace.pool2.y.values, parameters.denseWeight, classes, dLogits);

  const dRelu2 = maxPoolBackward(trace.relu2, trace.pool2, { ...trace.pool2.y, values: dDense.dX });
  const dConv2 = reluBackward(trace.relu2, dRelu2);
  const dSecond = convolveBackward(trace.pool1.y, dConv2);

  const dPool1 = convolveBackwardToInput(trace.pool1.y, parameters.conv2Weight, dConv2);
  const dNorm = reluBackward(trace.relu1, maxPoolBackward(trace.relu1, trace.pool1, dPool1));
  const dFirst = normalizeBackward(trace.conv1, parameters.normScale, trace.statistics, dNorm);

  return {
    conv1Weight: convolveBackward(trace.image, dFirst.dX).dWeight,
    normScale: dFirst.dScale,
    normShift: dFirst.dShift,
    conv2Weight: dSecond.dWeight,
    conv2Bias: dSecond.dBias,
    denseWeight: dDense.dWeight,
    denseBias: dDense.dBias,
  };
}

/** The digit with the highest score, for each picture. */
export function winners(scores: Float32Array): Uint8Array {
  return Uint8Array.from({ length: scores.length / classes }, (_, picture) => {
    const row = scores.subarray(picture * classes, (picture + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
}
