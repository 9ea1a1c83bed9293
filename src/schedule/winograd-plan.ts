// Whether a convolution is worth a Winograd kernel, and with which blocks and panels.

import type { Target } from '../../ir/target.ts';
import { extentOf } from './nest.ts';
import { widthsFor } from './widths.ts';
import type { Convolution3 } from './winograd-match.ts';
import type { WinogradTransform } from './winograd-transforms.ts';

/** Operations on each number that is transformed, loads and stores included, where a product counts as one. */
const [inputCost, outputCost] = [7, 6];
/** A gain that is less is not worth four times the weights. */
const leastGain = 1.5;

/** Bytes of local arrays that a thread's stack surely has room for. */
const mostStack = 400 << 10;

export interface WinogradPlan {
  readonly convolution: Convolution3;
  readonly transform: WinogradTransform;
  /** Of vectors along the input channels, widest first, and along the output channels. */
  readonly widths: readonly number[];
  readonly lanes: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outputs: number;
  /** Output channels of a panel, tiles along x, tiles in all, tiles of a block. */
  readonly panel: number;
  readonly across: number;
  readonly tiles: number;
  readonly block: number;
}

export function planWinograd(
  convolution: Convolution3,
  target: Target,
  transform: WinogradTransform,
): WinogradPlan | undefined {
  const [height, width, channels, outputs] = [convolution.y, convolution.x, convolution.c, convolution.n].map(extentOf);
  if (!height || !width || !channels || !outputs) return undefined;
  const widths = widthsFor(target, ['float32']);
  const lanes = widths.find((count) => outputs % count === 0) ?? 1;
  if (lanes < 4) return undefined;
  const { rows, vectors } = target.tiles;
  const wide = outputs % (vectors * lanes) === 0 ? vectors : 1;
  const products = transform.inputs ** 2;
  const across = Math.ceil(width / transform.outputs);
  const tiles = across * Math.ceil(height / transform.outputs);
  const bytesOfTile = products * (channels + wide * lanes) * 4;
  const most = Math.min(Math.floor((rows * vectors) / wide), Math.floor(mostStack / bytesOfTile));
  const block = Math.ceil(tiles / Math.ceil(tiles / Math.max(1, most)));
  const direct = 9 * height * width * channels * outputs;
  const transforms = vectorsFor(channels, widths) * lanes * inputCost + outputs * outputCost;
  const own = tiles * products * (channels * outputs + transforms);
  const weightBytes = products * channels * outputs * 4;
  // Transformed weights must stay near.
  if (block < 4 || direct < leastGain * own || weightBytes > 6 * target.cacheBytes.l2) return undefined;
  const panel = wide * lanes;
  return { convolution, transform, widths, lanes, height, width, channels, outputs, panel, across, tiles, block };
}

/** Vectors, and then single elements, that an extent is cut into. */
function vectorsFor(extent: number, widths: readonly number[]): number {
  let [count, left] = [0, extent];
  for (const width of [...widths, 1]) {
    count += Math.floor(left / width);
    left %= width;
  }
  return count;
}
