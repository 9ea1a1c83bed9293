// What is computed at compile time, and what is left to the run.

import assert from 'node:assert/strict';
import { int } from '../../ir/expr-make.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import { createBuilder, tensor } from '../../src/ops/builder.ts';
import { findOperator } from '../../src/ops/index.ts';
import { foldConstants } from '../../src/passes/fold-constants.ts';

const operator = (name: string) => findOperator('', name)!;

/** Operators left between a constant of `count` channels, made into one of 8 × 8 pixels, and the output. */
function left(make: (slopes: Value, g: ReturnType<typeof createBuilder>) => Value): readonly string[] {
  const g = createBuilder();
  const slopes = g.constant(tensor('float32', [1, 64, 1, 1].map(int)), new Uint8Array(4 * 64), 'slopes');
  const x = g.input('x', tensor('float32', [1, 64, 8, 8].map(int)));
  const y = g.apply(operator('Mul'), [x, make(slopes, g)]);
  const graph: Graph = { name: 'test', inputs: [x], outputs: [y], outputNames: ['y'], captures: [], dims: [] };
  const names: string[] = [];
  const walk = (value: Value): void => {
    if (!value.producer) return;
    names.push(value.producer.op.name);
    for (const input of value.producer.inputs) if (input) walk(input);
  };
  walk(foldConstants.run(graph).outputs[0]!);
  return names;
}

describe('folding', () => {
  it('computes what depends on constants only', () => {
    assert.deepEqual(
      left((slopes, g) => g.apply(operator('Exp'), [slopes])),
      ['Mul'],
    );
  });

  it('does not store a constant that is only repeated once for each place where it is read', () => {
    const sizes = [1, 64, 8, 8].map(int);
    assert.deepEqual(
      left((slopes, g) => g.apply(operator('Expand'), [slopes, g.sizes(sizes)])),
      ['Mul', 'Expand'],
    );
  });
});
