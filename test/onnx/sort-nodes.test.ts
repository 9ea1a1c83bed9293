import assert from 'node:assert/strict';
import { printGraph } from '../../ir/graph-print.ts';
import { importBytes } from '../../src/compile.ts';
import { ModelError } from '../../src/errors.ts';
import { graph, makeModel, type NodeParts, node, port } from './make-model.ts';

const imported = (nodes: readonly NodeParts[]): string =>
  printGraph(importBytes(makeModel({ input: [port('x', [2])], output: [port('y', [2])], node: [...nodes] })));

const problemsOf = (nodes: readonly NodeParts[]): string => {
  try {
    imported(nodes);
  } catch (error) {
    if (error instanceof ModelError) return error.message;
    throw error;
  }
  return '';
};

const bool = { type: 4, t: { dataType: 9, dims: [], rawData: Uint8Array.of(1) } };

describe('the order of nodes', () => {
  it('may be any: each value is computed before it is used', () => {
    const sorted = [node('Abs', ['x'], ['a']), node('Neg', ['a'], ['b']), node('Add', ['a', 'b'], ['y'])];
    assert.equal(imported([...sorted].reverse()), imported(sorted));
  });

  it('counts what a subgraph captures as used by its node', () => {
    const branch = (op: string) => graph({ node: [node(op, ['a'], ['inner'])], output: [port('inner', [2])] });
    const choose = node('If', ['test'], ['y'], { then_branch: branch('Abs'), else_branch: branch('Neg') });
    const sorted = [node('Constant', [], ['test'], { value: bool }), node('Exp', ['x'], ['a']), choose];
    assert.equal(imported([...sorted].reverse()), imported(sorted));
  });

  it('does not take the names that a subgraph defines itself for those around it', () => {
    const branch = graph({ node: [node('Abs', ['x'], ['a'])], output: [port('a', [2])] });
    const choose = node('If', ['test'], ['c'], { then_branch: branch, else_branch: branch });
    const nodes = [node('Constant', [], ['test'], { value: bool }), choose, node('Neg', ['c'], ['a'])];
    assert.equal(problemsOf([...nodes, node('Neg', ['a'], ['y'])]), '');
  });

  it('is refused where there is none, with the nodes of the cycle', () => {
    const cycle = [
      node('Add', ['x', 'c'], ['a'], {}, { name: 'first' }),
      node('Neg', ['a'], ['b'], {}, { name: 'second' }),
      node('Abs', ['b'], ['c'], {}, { name: 'third' }),
    ];
    assert.equal(
      problemsOf([...cycle, node('Exp', ['b'], ['y'])]),
      'Add "first": needs its own result, through Abs "third", Neg "second": the graph has a cycle.',
    );
  });

  it('is refused where a node reads itself', () => {
    assert.equal(problemsOf([node('Add', ['x', 'y'], ['y'])]), 'Add "y": needs its own result: the graph has a cycle.');
  });

  it('may turn round a chain of 20,000 nodes', function () {
    this.timeout(20_000);
    const chain = Array.from({ length: 20_000 }, (_, i) => node('Neg', [i === 0 ? 'x' : `v${i}`], [`v${i + 1}`]));
    const nodes = [node('Abs', ['v20000'], ['y']), ...chain.reverse()];
    assert.ok(problemsOf(nodes) === '');
  });
});
