// Decides which values get a buffer. Everything else is inlined into its readers.

import type { Graph, Value } from '../ir/graph.ts';
import type { FusionPlan } from './lower/lower.ts';

/** Every value that the outputs need, producers first. */
export function reachable(graph: Graph): readonly Value[] {
  const seen = new Set<Value>();
  const order: Value[] = [];
  const visit = (root: Value): void => {
    const stack: { readonly value: Value; expanded: boolean }[] = [{ value: root, expanded: false }];
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      if (top.expanded) {
        stack.pop();
        if (!seen.has(top.value)) {
          seen.add(top.value);
          order.push(top.value);
        }
        continue;
      }
      top.expanded = true;
      if (seen.has(top.value)) continue;
      const inputs = top.value.producer?.inputs ?? [];
      for (const input of [...inputs].reverse())
        if (input && !seen.has(input)) stack.push({ value: input, expanded: false });
    }
  };
  for (const output of graph.outputs) visit(output);
  return order;
}

export function fuse(graph: Graph): FusionPlan {
  const inputs = new Set(graph.inputs);
  return { materialized: reachable(graph).filter((value) => !inputs.has(value)) };
}
