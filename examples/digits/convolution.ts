// The 3 × 3 convolution with a border of zeros, and its backward pass. All the time of the training goes here.
// Weights are in ONNX's order: output channel, input channel, row, column.

import { emptyMaps, type Maps, plane } from './maps.ts';

const taps = 9;

export function convolve(x: Maps, weight: Float32Array, bias?: Float32Array): Maps {
  const outputs = weight.length / (x.channels * taps);
  const y = emptyMaps(x.batch, outputs, x.height, x.width);
  for (let picture = 0; picture < x.batch; picture++) {
    for (let output = 0; output < outputs; output++) {
      const to = plane(y, picture, output);
      if (bias) to.fill(bias[output]);
      for (let input = 0; input < x.channels; input++) {
        addFiltered(to, plane(x, picture, input), filterOf(weight, x.channels, output, input), x.width);
      }
    }
  }
  return y;
}

export interface ConvolveGradients {
  readonly dWeight: Float32Array;
  readonly dBias: Float32Array;
}

export function convolveBackward(x: Maps, dY: Maps): ConvolveGradients {
  const dWeight = new Float32Array(dY.channels * x.channels * taps);
  const dBias = new Float32Array(dY.channels);
  for (let picture = 0; picture < x.batch; picture++) {
    for (let output = 0; output < dY.channels; output++) {
      const gradient = plane(dY, picture, output);
      dBias[output] += gradient.reduce((sum, value) => sum + value, 0);
      for (let input = 0; input < x.channels; input++) {
        addCorrelation(filterOf(dWeight, x.channels, output, input), plane(x, picture, input), gradient, x.width);
      }
    }
  }
  return { dWeight, dBias };
}

/** The gradient flows back through the same filters, turned by 180 degrees. */
export function convolveBackwardToInput(x: Maps, weight: Float32Array, dY: Maps): Maps {
  const dX = emptyMaps(x.batch, x.channels, x.height, x.width);
  const turned = new Float32Array(weight.length);
  for (let start = 0; start < weight.length; start += taps) {
    turned.set(weight.slice(start, start + taps).reverse(), start);
  }
  for (let picture = 0; picture < x.batch; picture++) {
    for (let input = 0; input < x.channels; input++) {
      const to = plane(dX, picture, input);
      for (let output = 0; output < dY.channels; output++) {
        addFiltered(to, plane(dY, picture, output), filterOf(turned, x.channels, output, input), x.width);
      }
    }
  }
  return dX;
}

function filterOf(weight: Float32Array, inputs: number, output: number, input: number): Float32Array {
  const start = (output * inputs + input) * taps;
  return weight.subarray(start, start + taps);
}

/** to += from filtered. Left and right edges stand outside the inner loop: there, one tap falls on the zero border. */
function addFiltered(to: Float32Array, from: Float32Array, filter: Float32Array, width: number): void {
  const height = to.length / width;
  for (let row = 0; row < height; row++) {
    const start = row * width;
    const end = start + width - 1;
    for (let tapRow = 0; tapRow < 3; tapRow++) {
      if (row + tapRow < 1 || row + tapRow > height) continue;
      const left = filter[3 * tapRow];
      const middle = filter[3 * tapRow + 1];
      const right = filter[3 * tapRow + 2];
      const shift = (tapRow - 1) * width;
      to[start] += middle * from[start + shift] + right * from[start + shift + 1];
      for (let pixel = start + 1; pixel < end; pixel++) {
        const near = pixel + shift;
        to[pixel] += left * from[near - 1] + middle * from[near] + right * from[near + 1];
      }
      to[end] += left * from[end + shift - 1] + middle * from[end + shift];
    }
  }
}

/** filter += for each tap, the sum over all pixels of the gradient times the pixel of `from` that the tap saw. */
function addCorrelation(filter: Float32Array, from: Float32Array, gradient: Float32Array, width: number): void {
  const height = from.length / width;
  for (let tapRow = 0; tapRow < 3; tapRow++) {
    let left = 0;
    let middle = 0;
    let right = 0;
    const shift = (tapRow - 1) * width;
    for (let row = Math.max(0, 1 - tapRow); row < Math.min(height, height + 1 - tapRow); row++) {
      const start = row * width;
      const end = start + width - 1;
      middle += gradient[start] * from[start + shift] + gradient[end] * from[end + shift];
      right += gradient[start] * from[start + shift + 1];
      left += gradient[end] * from[end + shift - 1];
      for (let pixel = start + 1; pixel < end; pixel++) {
        const value = gradient[pixel];
        const near = pixel + shift;
        left += value * from[near - 1];
        middle += value * from[near];
        right += value * from[near + 1];
      }
    }
    filter[3 * tapRow] += left;
    filter[3 * tapRow + 1] += middle;
    filter[3 * tapRow + 2] += right;
  }
}
