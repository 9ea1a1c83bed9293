// How many nodes a model has when its functions are written out. A few functions that call each other twice ask for
// 2^n nodes, so this is found without writing them out.

import type { FunctionProto, NodeProto } from './proto-types.ts';

export function countInlined(
  nodes: readonly NodeProto[],
  functionOf: (node: NodeProto) => FunctionProto | undefined,
): number {
  // A function that calls itself counts as nothing here; the import refuses it.
  const known = new Map<FunctionProto, number>();
  const countFunction = (called: FunctionProto): number => {
    const before = known.get(called);
    if (before !== undefined) return before;
    known.set(called, 0);
    const count = countNodes(called.node);
    known.set(called, count);
    return count;
  };
  const countNodes = (list: readonly NodeProto[]): number => {
    let count = 0;
    for (const node of list) {
      const called = functionOf(node);
      count += called ? countFunction(called) : 1;
      for (const { g, graphs } of node.attribute) {
        for (const graph of g ? [g, ...graphs] : graphs) count += countNodes(graph.node);
      }
    }
    return count;
  };
  return countNodes(nodes);
}
