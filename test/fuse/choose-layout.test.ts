import assert from 'node:assert/strict';
import { int, variable } from '../../ir/expr-make.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import { chooseLayouts } from '../../src/fuse/choose-layout.ts';
import { createBuilder, tensor } from '../../src/ops/builder.ts';
import { findOperator } from '../../src/ops/index.ts';

const g = createBuilder();
const conv = (x: Value, w: Value): Value => g.apply(findOperator('', 'Conv')!, [x, w]);
const relu = (x: Value): Value => g.apply(findOperator('', 'Relu')!, [x]);
const weights = (name: string, ...shape: readonly number[]): Value => g.input(name, tensor('float32', shape.map(int)));

/** The order of axes that the last value but one gets; undefined where it stays row-major. */
function layoutBetween(inputs: readonly Value[], value: Value, output: Value): readonly number[] | undefined {
  const graph: Graph = { name: 'g', inputs, outputs: [output], outputNames: ['y'], captures: [], dims: [] };
  return chooseLayouts(graph).layouts.get(value);
}

describe('layouts', () => {
  it('put the channels between convolutions innermost', () => {
    const [x, a, b] = [weights('x', 1, 8, 9, 9), weights('a', 16, 8, 3, 3), weights('b', 4, 16, 3, 3)];
    const between = relu(conv(x, a));
    assert.deepEqual(layoutBetween([x, a, b], between, conv(between, b)), [0, 2, 3, 1]);
  });

  it('do so before a convolution with a single output channel too', () => {
    const [x, a, b] = [weights('x', 1, 8, 9, 9), weights('a', 16, 8, 3, 3), weights('b', 1, 16, 3, 3)];
    const between = relu(conv(x, a));
    assert.deepEqual(layoutBetween([x, a, b], between, conv(between, b)), [0, 2, 3, 1]);
  });

  it('do not bet on a batch whose size is open', () => {
    const batch = variable('batch', 'index', { min: 0 });
    const x = g.input('x', tensor('float32', [batch, int(1), int(64)]));
    const [a, b] = [weights('a', 1, 1, 5), weights('b', 1, 1, 5)];
    const between = relu(conv(x, a));
    assert.equal(layoutBetween([x, a, b], between, conv(between, b)), undefined);
  });
});
