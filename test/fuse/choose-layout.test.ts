// In which order the axes of a value lie in memory.

import assert from 'node:assert/strict';
import { int, variable } from '../../ir/expr-make.ts';
import type { Attributes, Graph, Value } from '../../ir/graph.ts';
import { chooseLayouts } from '../../src/fuse/choose-layout.ts';
import { createBuilder, tensor } from '../../src/ops/builder.ts';
import { findOperator } from '../../src/ops/index.ts';

const g = createBuilder();
const weights = (...shape: readonly number[]): Value =>
  g.constant(tensor('float32', shape.map(int)), new Uint8Array(4 * shape.reduce((a, b) => a * b)), 'w');
const apply = (operator: string, inputs: readonly Value[], attributes: Attributes = {}): Value =>
  g.apply(findOperator('', operator)!, inputs, attributes);

/** The layout of the value in the middle: `make` of an input of an unknown number of pictures, read by a Relu. */
function layoutOf(channels: number, make: (x: Value) => Value): readonly number[] | undefined {
  const batch = variable('batch', 'index', { min: 0 });
  const x = g.input('x', tensor('float32', [batch, int(channels), int(16), int(16)]));
  const middle = make(apply('Tanh', [x]));
  const y = apply('Relu', [middle]);
  const graph: Graph = { name: 'test', inputs: [x], outputs: [y], outputNames: ['y'], captures: [], dims: [batch] };
  return chooseLayouts(graph).get(middle);
}

describe('layouts', () => {
  it('put the output channels of a convolution innermost', () => {
    assert.deepEqual(
      layoutOf(4, (x) => apply('Conv', [x, weights(8, 4, 3, 3)])),
      [0, 2, 3, 1],
    );
  });

  it('put the channels of a depthwise convolution and of a pool innermost', () => {
    assert.deepEqual(
      layoutOf(8, (x) => apply('Conv', [x, weights(8, 1, 3, 3)], { group: 8 })),
      [0, 2, 3, 1],
    );
    assert.deepEqual(
      layoutOf(8, (x) => apply('MaxPool', [x], { kernel_shape: [3, 3] })),
      [0, 2, 3, 1],
    );
  });

  it('never put the batch innermost, not even where there is one channel', () => {
    assert.equal(
      layoutOf(1, (x) => apply('Conv', [x, weights(1, 1, 3, 3)])),
      undefined,
    );
    assert.equal(
      layoutOf(1, (x) => apply('MaxPool', [x], { kernel_shape: [3, 3] })),
      undefined,
    );
  });
});
