// The other layers of a small convolutional network, each with its backward pass: given the gradient of the loss with respect
// to what the layer gave (dY), it finds the gradient with respect to what the layer took (dX) and to its weights.

import { emptyLike, emptyMaps, type Maps, plane } from './maps.ts';

// --- Rectified linear unit -------------------------------------------------------------------------------------------

export function relu(x: Maps): Maps {
  return { ...x, values: x.values.map((value) => Math.max(0, value)) };
}

export function reluBackward(y: Maps, dY: Maps): Maps {
  return { ...dY, values: dY.values.map((gradient, index) => (y.values[index] > 0 ? gradient : 0)) };
}

// --- Max pooling, 2 × 2 with stride 2 --------------------------------------------------------------------------------

export interface Pooled {
  readonly y: Maps;
  /** For each element of y, where in x it came from. */
  readonly source: Int32Array;
}

export function maxPool(x: Maps): Pooled {
  const y = emptyMaps(x.batch, x.channels, x.height / 2, x.width / 2);
  const source = new Int32Array(y.values.length);
  for (let index = 0; index < source.length; index++) {
    const column = index % y.width;
    const rowOfAll = Math.floor(index / y.width); // Heights are even, so rows can be counted through all planes.
    const corner = 2 * rowOfAll * x.width + 2 * column;
    let best = corner;
    for (const candidate of [corner + 1, corner + x.width, corner + x.width + 1]) {
      if (x.values[candidate] > x.values[best]) best = candidate;
    }
    source[index] = best;
    y.values[index] = x.values[best];
  }
  return { y, source };
}

export function maxPoolBackward(x: Maps, pooled: Pooled, dY: Maps): Maps {
  const dX = emptyLike(x);
  for (let index = 0; index < pooled.source.length; index++) dX.values[pooled.source[index]] += dY.values[index];
  return dX;
}

// --- Batch normalization ---------------------------------------------------------------------------------------------

/** Mean and variance of each channel, over all pictures and pixels. */
export interface Statistics {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

export const epsilon = 1e-5;

export function channelStatistics(x: Maps): Statistics {
  const mean = new Float32Array(x.channels);
  const variance = new Float32Array(x.channels);
  const count = x.batch * x.height * x.width;
  for (let channel = 0; channel < x.channels; channel++) {
    let sum = 0;
    let sumOfSquares = 0;
    for (let picture = 0; picture < x.batch; picture++) {
      for (const value of plane(x, picture, channel)) {
        sum += value;
        sumOfSquares += value * value;
      }
    }
    mean[channel] = sum / count;
    variance[channel] = sumOfSquares / count - (sum / count) ** 2;
  }
  return { mean, variance };
}

export function normalize(x: Maps, scale: Float32Array, shift: Float32Array, { mean, variance }: Statistics): Maps {
  const y = emptyLike(x);
  for (let channel = 0; channel < x.channels; channel++) {
    const factor = scale[channel] / Math.sqrt(variance[channel] + epsilon);
    for (let picture = 0; picture < x.batch; picture++) {
      const from = plane(x, picture, channel);
      const to = plane(y, picture, channel);
      for (let pixel = 0; pixel < to.length; pixel++)
        to[pixel] = (from[pixel] - mean[channel]) * factor + shift[channel];
    }
  }
  return y;
}

export interface NormalizeGradients {
  readonly dX: Maps;
  readonly dScale: Float32Array;
  readonly dShift: Float32Array;
}

/** Every x also moves the mean and the variance of its channel; the two subtracted terms of dX are that influence. */
export function normalizeBackward(x: Maps, scale: Float32Array, statistics: Statistics, dY: Maps): NormalizeGradients {
  const dX = emptyLike(x);
  const dScale = new Float32Array(x.channels);
  const dShift = new Float32Array(x.channels);
  const count = x.batch * x.height * x.width;
  for (let channel = 0; channel < x.channels; channel++) {
    const mean = statistics.mean[channel];
    const inverseDeviation = 1 / Math.sqrt(statistics.variance[channel] + epsilon);
    let sum = 0;
    let sumTimesNormalized = 0;
    for (let picture = 0; picture < x.batch; picture++) {
      const from = plane(x, picture, channel);
      const gradient = plane(dY, picture, channel);
      for (let pixel = 0; pixel < from.length; pixel++) {
        sum += gradient[pixel];
        sumTimesNormalized += gradient[pixel] * (from[pixel] - mean) * inverseDeviation;
      }
    }
    dShift[channel] = sum;
    dScale[channel] = sumTimesNormalized;
    for (let picture = 0; picture < x.batch; picture++) {
      const from = plane(x, picture, channel);
      const gradient = plane(dY, picture, channel);
      const to = plane(dX, picture, channel);
      for (let pixel = 0; pixel < from.length; pixel++) {
        const normalized = (from[pixel] - mean) * inverseDeviation;
        const influence = (sum + normalized * sumTimesNormalized) / count;
        to[pixel] = scale[channel] * inverseDeviation * (gradient[pixel] - influence);
      }
    }
  }
  return { dX, dScale, dShift };
}

// --- Fully connected -------------------------------------------------------------------------------------------------

/** Y = X · Wᵀ + b, with X [batch, inputs] and W [outputs, inputs]. */
export function dense(x: Float32Array, weight: Float32Array, bias: Float32Array): Float32Array {
  const outputs = bias.length;
  const inputs = weight.length / outputs;
  const y = new Float32Array((x.length / inputs) * outputs);
  for (let index = 0; index < y.length; index++) {
    const output = index % outputs;
    const picture = Math.floor(index / outputs);
    let sum = bias[output];
    for (let input = 0; input < inputs; input++) sum += x[picture * inputs + input] * weight[output * inputs + input];
    y[index] = sum;
  }
  return y;
}

export interface DenseGradients {
  readonly dX: Float32Array;
  readonly dWeight: Float32Array;
  readonly dBias: Float32Array;
}

export function denseBackward(
  x: Float32Array,
  weight: Float32Array,
  outputs: number,
  dY: Float32Array,
): DenseGradients {
  const inputs = weight.length / outputs;
  const dX = new Float32Array(x.length);
  const dWeight = new Float32Array(weight.length);
  const dBias = new Float32Array(outputs);
  for (let index = 0; index < dY.length; index++) {
    const output = index % outputs;
    const picture = Math.floor(index / outputs);
    dBias[output] += dY[index];
    for (let input = 0; input < inputs; input++) {
      dX[picture * inputs + input] += dY[index] * weight[output * inputs + input];
      dWeight[output * inputs + input] += dY[index] * x[picture * inputs + input];
    }
  }
  return { dX, dWeight, dBias };
}

// --- Softmax ---------------------------------------------------------------------------------------------------------

/** Turns each row of `classes` numbers into probabilities. The largest is taken off first so that exp cannot overflow. */
export function softmax(x: Float32Array, classes: number): Float32Array {
  const y = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += classes) {
    const row = x.subarray(start, start + classes);
    const largest = Math.max(...row);
    const powers = Array.from(row, (value) => Math.exp(value - largest));
    const sum = powers.reduce((total, power) => total + power, 0);
    y.set(
      powers.map((power) => power / sum),
      start,
    );
  }
  return y;
}
