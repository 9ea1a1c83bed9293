// Random graphs of 2 to about 20 nodes: a walk that goes on from the latest value most of the time.

import { type FuzzCase, startCase } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawTensor } from '../tensors.ts';
import { contractionRules } from './contraction-rules.ts';
import { movementRules } from './movement-rules.ts';
import { pointwiseRules } from './pointwise-rules.ts';
import { type GraphValue, graphState } from './state.ts';

const families = [pointwiseRules, contractionRules, movementRules, pointwiseRules];

function drawInputDims(draw: Draw): readonly number[] {
  const batch = draw.integer(1, 3);
  return draw.pick([
    () => [batch, draw.pick([1, 3, 4, 8, 16]), draw.integer(3, 12), draw.integer(3, 12)],
    () => [batch, draw.integer(1, 9), draw.pick([4, 8, 12, 16, 33])],
    () => [draw.integer(1, 9), draw.pick([4, 8, 10, 16, 31])],
    () => [batch, draw.pick([2, 4, 6]), draw.integer(4, 20)],
    () => [1, draw.pick([2, 4]), 4, draw.integer(3, 6), draw.integer(3, 6)],
  ])();
}

export function randomGraph(draw: Draw): FuzzCase {
  const builder = startCase(draw, draw.pick([21, 20, 18, 17, 15]));
  const state = graphState(builder);
  const dims = drawInputDims(draw);
  for (let count = draw.integer(1, 2); count > 0; count--) {
    const name = builder.input(drawTensor(draw, 'float32', dims, 'unit'), { constant: 0, openAxes: [0] });
    state.values.push({ name, dtype: 'float32', dims });
  }
  const inputs = new Set(state.values.map(({ name }) => name));
  for (let step = draw.integer(1, 10); step > 0; step--) {
    const usable = state.values.filter(({ dtype }) => dtype === 'float32');
    const latest = usable.at(-1)!;
    const value = draw.chance(25) ? draw.pick(usable) : latest;
    const rule = draw.pick(draw.pick(families));
    if (value.dims.every((size) => size > 0)) rule(value, state);
  }
  const made = state.values.filter(({ name }) => !inputs.has(name));
  const last: GraphValue = made.at(-1) ?? state.add('Relu', [state.values[0]!.name], {}, dims);
  const others = made.filter(({ name }) => name !== last.name && draw.chance(8)).map(({ name }) => name);
  return builder.finish([...others, last.name], { relative: 1e-4, absolute: 1e-5 });
}
