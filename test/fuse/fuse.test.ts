// Which values get a buffer: read off the kernels that a small graph becomes.

import assert from 'node:assert/strict';
import { int, variable } from '../../ir/expr-make.ts';
import type { Attributes, Graph, Value } from '../../ir/graph.ts';
import { fuse } from '../../src/fuse/fuse.ts';
import { createBuilder, tensor } from '../../src/ops/builder.ts';
import { findOperator } from '../../src/ops/index.ts';

const g = createBuilder();
const input = (name: string, ...shape: readonly number[]): Value => g.input(name, tensor('float32', shape.map(int)));
const apply = (operator: string, inputs: readonly Value[], attributes: Attributes = {}, name = operator): Value =>
  g.apply(findOperator('', operator)!, inputs, attributes, { name });

/** The names of the values that get a buffer, in their order: mostly those of their operators. */
function materialized(inputs: readonly Value[], output: Value): readonly string[] {
  const graph: Graph = { name: 'test', inputs, outputs: [output], outputNames: ['y'], captures: [], dims: [] };
  return fuse(graph)
    .materialized.filter(({ producer }) => producer)
    .map(({ name }) => name);
}

describe('the loops of a result', () => {
  it('follow what a convolution reads where the result itself must be row-major', () => {
    const [x, a, b] = [input('x', 1, 8, 16, 16), input('a', 32, 8, 1, 1), input('b', 48, 32, 1, 1)];
    const y = apply('Relu', [apply('Conv', [apply('Conv', [x, a]), b])]);
    const graph: Graph = { name: 'test', inputs: [x, a, b], outputs: [y], outputNames: ['y'], captures: [], dims: [] };
    const { layouts, loopOrders } = fuse(graph);
    assert.equal(layouts.get(y), undefined);
    assert.deepEqual(loopOrders.get(y), [0, 2, 3, 1]);
  });

  it('follow its memory where nothing is summed', () => {
    const [x, a] = [input('x', 1, 8, 16, 16), input('a', 32, 8, 1, 1)];
    const conv = apply('Conv', [x, a]);
    const outputs = [apply('Relu', [conv]), apply('Tanh', [conv])];
    const graph: Graph = { name: 'test', inputs: [x, a], outputs, outputNames: ['y', 'z'], captures: [], dims: [] };
    assert.equal(fuse(graph).loopOrders.size, 0);
  });
});

describe('fusion', () => {
  it('computes what a product reads again and again once, also behind a Reshape', () => {
    const [x, w] = [input('x', 1, 1, 64), input('w', 64, 32)];
    const h = apply('Reshape', [apply('Tanh', [x]), g.sizes([int(1), int(64)])]);
    assert.deepEqual(materialized([x, w], apply('MatMul', [h, w])), ['Tanh', 'MatMul']);
  });

  it('does not repeat the mean of a channel for each pixel where channels lie innermost', () => {
    const [x, w] = [input('x', 1, 8, 16, 16), input('w', 8, 8, 1, 1)];
    const conv = apply('Conv', [x, w]);
    const y = apply('Sub', [conv, apply('ReduceMean', [conv, g.sizes([int(2), int(3)])])]);
    const out = apply('Conv', [y, w]);
    assert.deepEqual(materialized([x, w], out), ['Conv', 'ReduceMean', 'Sub', 'Conv']);
  });

  it('computes what a Pad reads in some places only before the Pad, also behind a Transpose', () => {
    const x = input('x', 1, 6, 6, 4);
    const mean = apply('ReduceMean', [x, g.sizes([int(1), int(2), int(3)])]);
    const turned = apply('Transpose', [apply('Sub', [x, mean])], { perm: [0, 3, 1, 2] });
    const sides = g.sizes([0, 0, 1, 1, 0, 0, 1, 1].map(int));
    const padded = apply('Pad', [turned, sides, g.scalar(0, 'float32')]);
    assert.deepEqual(materialized([x], padded), ['Sub', 'Pad']);
  });

  it('keeps another sum out of the kernel of a convolution', () => {
    const [x, image, w, skip] = [
      input('x', 1, 8, 9, 9),
      input('image', 1, 1, 16, 16),
      input('w', 4, 8, 2, 2),
      input('s', 4, 1, 1, 1),
    ];
    const pooled = apply('AveragePool', [image], { kernel_shape: [2, 2], strides: [2, 2] });
    const y = apply('Add', [apply('Relu', [apply('Conv', [x, w])]), apply('Conv', [pooled, skip], {}, 'skip')]);
    assert.deepEqual(materialized([x, image, w, skip], y), ['skip', 'Add']);
  });

  it('looks an embedding up once, not for each column of a product', () => {
    const [table, w] = [input('table', 50, 16), input('w', 16, 32)];
    const at = g.input('at', tensor('int64', [variable('length', 'index', { min: 0 })]));
    assert.deepEqual(materialized([table, at, w], apply('MatMul', [apply('Gather', [table, at]), w])), [
      'Gather',
      'MatMul',
    ]);
  });

  it('gives a pooled shortcut a buffer, so that the convolution beside it has the loops to itself', () => {
    const [x, z, w] = [input('x', 1, 8, 16, 16), input('z', 1, 4, 8, 8), input('w', 8, 4, 1, 1)];
    const pooled = apply('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
    const sum = apply('Add', [pooled, apply('Conv', [z, w])]);
    assert.deepEqual(materialized([x, z, w], apply('Relu', [sum])), ['MaxPool', 'Relu']);
  });

  it('joins channels before they are added to a convolution, which has its columns in panels', () => {
    const [x, e, z, w] = [
      input('x', 1, 6, 8, 8),
      input('e', 1, 2, 8, 8),
      input('z', 1, 4, 8, 8),
      input('w', 8, 4, 1, 1),
    ];
    const joined = apply('Concat', [x, e], { axis: 1 });
    const sum = apply('Add', [joined, apply('Conv', [z, w])]);
    assert.deepEqual(materialized([x, e, z, w], apply('Relu', [sum])), ['Concat', 'Relu']);
  });
});
