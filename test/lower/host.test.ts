// Values that are computed right inside of the value that is made of them.

import assert from 'node:assert/strict';
import { int } from '../../ir/expr-make.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import { runProgram } from '../../src/evaluate.ts';
import { fuse } from '../../src/fuse/fuse.ts';
import { lower } from '../../src/lower/lower.ts';
import { createBuilder, tensor } from '../../src/ops/builder.ts';
import { findOperator } from '../../src/ops/index.ts';
import { planMemory } from '../../src/plan-memory.ts';
import { reuseBuffers } from '../../src/reuse-buffers.ts';

const operator = (name: string) => findOperator('', name)!;

function run(inputs: readonly Value[], output: Value, data: readonly (readonly number[])[]): readonly number[] {
  const graph: Graph = { name: 'test', inputs, outputs: [output], outputNames: ['y'], captures: [], dims: [] };
  const program = planMemory(reuseBuffers(lower(graph, fuse(graph))));
  const values = data.map((numbers) => ({
    dtype: 'float32' as const,
    dims: [1, numbers.length],
    bytes: new Uint8Array(Float32Array.from(numbers).buffer),
  }));
  const { bytes } = runProgram(program, values)[0]!;
  return [...new Float32Array(bytes.slice().buffer)];
}

describe('parts inside of their host', () => {
  it('writes the parts of a Concat inside of a Concat to their final place', () => {
    const g = createBuilder();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => g.input(name, tensor('float32', [int(1), int(2)])));
    const relu = (value: Value): Value => g.apply(operator('Relu'), [value]);
    const inner = g.apply(operator('Concat'), [relu(b!), relu(c!)], { axis: 1 });
    const outer = g.apply(operator('Concat'), [relu(a!), inner], { axis: 1 });
    const y = g.apply(operator('Sqrt'), [outer]);
    const padded = g.apply(operator('Concat'), [outer, y], { axis: 1 });
    const result = run([a!, b!, c!], padded, [
      [1, -1],
      [4, -4],
      [9, 16],
    ]);
    assert.deepEqual(result, [1, 0, 4, 0, 9, 16, 1, 0, 2, 0, 3, 4]);
  });

  it('cuts a part that is wider than its host (CenterCropPad)', () => {
    const g = createBuilder();
    const x = g.input('x', tensor('float32', [int(1), int(5)]));
    const y = g.apply(operator('CenterCropPad'), [x, g.ints([3, 3])]);
    assert.deepEqual(run([x], y, [[1, 2, 3, 4, 5]]), [0, 0, 0, 2, 3, 4, 0, 0, 0]);
  });

  it('copies a part that stands in a Concat twice', () => {
    const g = createBuilder();
    const x = g.input('x', tensor('float32', [int(1), int(2)]));
    const r = g.apply(operator('Relu'), [x]);
    const y = g.apply(operator('Concat'), [r, r, x], { axis: 1 });
    assert.deepEqual(run([x], y, [[-1, 2]]), [0, 2, 0, 2, -1, 2]);
  });
});
