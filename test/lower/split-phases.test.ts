import assert from 'node:assert/strict';
import { int } from '../../ir/expr-make.ts';
import type { Attributes, Graph, Value } from '../../ir/graph.ts';
import { printKernel } from '../../ir/kernel-print.ts';
import { runProgram } from '../../src/evaluate.ts';
import { fuse } from '../../src/fuse/fuse.ts';
import { lower } from '../../src/lower/lower.ts';
import { createBuilder, tensor } from '../../src/ops/builder.ts';
import { findOperator } from '../../src/ops/index.ts';
import { planMemory } from '../../src/plan-memory.ts';

interface Shape {
  readonly size: number;
  readonly kernel: number;
  readonly attributes: Attributes;
}

/** A transposed convolution along one axis: its kernels as text, and its results for x = 1, 2, … and w = 1, 10, 100, …. */
function transposed({ size, kernel, attributes }: Shape) {
  const g = createBuilder();
  const x = g.input('x', tensor('float32', [1, 1, size].map(int)));
  const w = g.input('w', tensor('float32', [1, 1, kernel].map(int)));
  const y: Value = g.apply(findOperator('', 'ConvTranspose')!, [x, w], attributes);
  const graph: Graph = { name: 't', inputs: [x, w], outputs: [y], outputNames: ['y'], captures: [], dims: [] };
  const lowered = lower(graph, fuse(graph));
  const floats = (values: readonly number[]) => ({
    dtype: 'float32' as const,
    dims: [1, 1, values.length],
    bytes: new Uint8Array(Float32Array.from(values).buffer),
  });
  const range = (count: number) => Array.from({ length: count }, (_, i) => i);
  const inputs = [floats(range(size).map((i) => i + 1)), floats(range(kernel).map((i) => 10 ** i))];
  const { bytes } = runProgram(planMemory(lowered), inputs)[0]!;
  const kernels = lowered.body.flatMap((step) => (step.kind === 'call' ? printKernel(step.kernel) : []));
  return { kernels, values: [...new Float32Array(bytes.slice().buffer)] };
}

describe('phases of a loop', () => {
  it('sums only the taps that reach a position', () => {
    const { kernels, values } = transposed({ size: 3, kernel: 3, attributes: { strides: [2] } });
    assert.deepEqual(values, [1, 10, 102, 20, 203, 30, 300]);
    assert.equal(kernels.length, 2);
    assert.doesNotMatch(kernels.join(), /%/);
  });

  it('needs one nest where stride and kernel fit each other', () => {
    const { kernels, values } = transposed({ size: 3, kernel: 2, attributes: { strides: [2] } });
    assert.deepEqual(values, [1, 10, 2, 20, 3, 30]);
    assert.equal(kernels.length, 1);
    assert.doesNotMatch(kernels[0]!, /%|\?/);
  });

  it('starts with another tap where the result is cropped', () => {
    const attributes = { strides: [2], pads: [1, 1], output_padding: [1] };
    assert.deepEqual(transposed({ size: 3, kernel: 3, attributes }).values, [10, 102, 20, 203, 30, 300]);
  });

  it('leaves a stride alone that would give too many nests', () => {
    const { kernels, values } = transposed({ size: 2, kernel: 9, attributes: { strides: [8] } });
    assert.equal(kernels.length, 1);
    assert.deepEqual(values.slice(6, 10), [1e6, 1e7, Math.fround(1e8 + 2), 20]);
  });
});
