// Replaces 3×3 convolutions by Winograd kernels where that is faster; their weights are transformed now.

import { arrayOverBytes } from '../ir/eval-arrays.ts';
import { constantOf } from '../ir/expr-make.ts';
import type { Buffer, Kernel } from '../ir/kernel.ts';
import type { Target } from '../ir/target.ts';
import { compileLegal } from './legalize.ts';
import type { Lowered } from './lower/lowered.ts';
import { mapCalls } from './map-kernels.ts';
import { winograd } from './schedule/winograd.ts';

export function applyWinograd(lowered: Lowered, target: Target): Lowered {
  const constants = new Map(lowered.constants);
  const transformed = new Map<string, Buffer>();
  const finished = new Set<Kernel>();
  const body = mapCalls(lowered.body, (call) => {
    const found = winograd(call.kernel, (buffer) => constants.has(buffer), target);
    const weights = found && constants.get(found.weights);
    if (!found || !weights) return call;
    const bytes = transformWeights(found.transform, found.transformed, weights);
    // Layers that share weights share what is made of them.
    const key = `${found.transformed.shape.map(constantOf).join()} ${[...lowered.constants.keys()].indexOf(found.weights)}`;
    const buffer = transformed.get(key) ?? found.transformed;
    transformed.set(key, buffer);
    constants.set(buffer, bytes);
    finished.add(found.kernel);
    return {
      ...call,
      kernel: found.kernel,
      arguments: call.arguments.map((item) => (item === found.weights ? buffer : item)),
    };
  });
  return { ...lowered, body, constants, finished };
}

/** Runs the kernel that writes the transformed weights. */
function transformWeights(kernel: Kernel, transformed: Buffer, weights: Uint8Array): Uint8Array {
  const count = transformed.shape.reduce((product, extent) => product * constantOf(extent)!, 1);
  const result = new Uint8Array(4 * count);
  const aligned = weights.byteOffset % 8 === 0 ? weights : weights.slice();
  const arrays = kernel.params.map((param) => arrayOverBytes('float32', param === transformed ? result : aligned));
  compileLegal(kernel)(arrays, []);
  return result;
}
