import assert from 'node:assert/strict';
import { int } from '../../ir/expr-make.ts';
import type { Attributes, Graph } from '../../ir/graph.ts';
import { printGraph } from '../../ir/graph-print.ts';
import { printKernel } from '../../ir/kernel-print.ts';
import { fuse } from '../../src/fuse/fuse.ts';
import { lower } from '../../src/lower/lower.ts';
import { createBuilder, tensor } from '../../src/ops/builder.ts';
import { findOperator } from '../../src/ops/index.ts';
import { padExplicitly } from '../../src/passes/pad-explicitly.ts';

function padded(operator: string, kernel: number, attributes: Attributes): Graph {
  const g = createBuilder();
  const x = g.input('x', tensor('float32', [1, 2, 8].map(int)));
  const w = g.input('w', tensor('float32', [2, 2, kernel].map(int)));
  const y = g.apply(findOperator('', operator)!, [x, w], attributes, { name: 'y' });
  return padExplicitly.run({ name: 'g', inputs: [x, w], outputs: [y], outputNames: ['y'], captures: [], dims: [] });
}

describe('pad-explicitly', () => {
  it('pads the input of a Conv', () => {
    assert.match(
      printGraph(padded('Conv', 3, { pads: [1, 1] })),
      /Pad "Pad_2" \(%0, int64\[6\]{0, 0, 1, 0, 0, 1}.*\n.*Conv "y" \(%2, %1\) pads=\[0, 0\]/,
    );
  });

  it('leaves no condition in a transposed convolution whose taps overlap', () => {
    const graph = padded('ConvTranspose', 4, { strides: [2], pads: [1, 1] });
    assert.match(printGraph(graph), /Pad "Pad_2" \(%0, .*\n.*ConvTranspose "y" \(%2, %1\) strides=\[2\] pads=\[3, 3\]/);
    const kernels = lower(graph, fuse(graph)).body.flatMap((step) => (step.kind === 'call' ? step.kernel : []));
    const sums = kernels.filter(({ name }) => name === 'ConvTranspose').map(printKernel);
    assert.equal(sums.length, 2);
    assert.doesNotMatch(sums.join(), /\?|%/);
  });

  it('needs no padding where each output has one tap', () => {
    assert.doesNotMatch(printGraph(padded('ConvTranspose', 2, { strides: [2] })), / Pad /);
  });
});
