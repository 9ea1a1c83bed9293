// Replaces operators that are compositions by what they are made of, until only element expressions, hand-written
// kernels and control flow remain.
//   Y = Softmax(X)   →   E = Exp(X - ReduceMax(X));  Y = E / ReduceSum(E)

import type { Graph, Value } from '../../ir/graph.ts';
import { nodeError } from '../errors.ts';
import { operatorOf } from '../lower/definition.ts';
import { byName } from '../ops/define.ts';
import { rewriteGraph } from './rewrite.ts';

function explained<Result>(where: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    throw nodeError(where, error);
  }
}

export const expandComposites = {
  name: 'expand-composites',
  run: (graph: Graph): Graph =>
    rewriteGraph(graph, (node, inputs, g) => {
      const operator = operatorOf(node);
      if (!operator.expand) return undefined;
      const types = node.outputs.map(({ type }) => type);
      const outputs = node.outputs.map(() => true);
      const result = explained(`${operator.name} ${JSON.stringify(node.name)}`, () =>
        operator.expand!(byName(operator, inputs) as never, node.attributes, g, { types, outputs }),
      );
      return Array.isArray(result) ? (result as readonly (Value | undefined)[]) : [result as Value];
    }),
};
