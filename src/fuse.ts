// Decides which values get a buffer. Everything else is inlined into its readers.

import type { Graph, Value } from '../ir/graph.ts';
import type { FusionPlan } from './lower/lower.ts';

/** Every value that these need, producers first. Values that only subgraphs need count as inputs of their node. */
export function reachable(roots: readonly Value[]): readonly Value[] {
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
      const inputs = neededBy(top.value);
      for (const input of [...inputs].reverse())
        if (input && !seen.has(input)) stack.push({ value: input, expanded: false });
    }
  };
  for (const root of roots) visit(root);
  return order;
}

const isGraph = (value: unknown): value is Graph => typeof value === 'object' && value !== null && 'captures' in value;

function neededBy(value: Value): readonly (Value | undefined)[] {
  const node = value.producer;
  if (!node) return [];
  const captured = Object.values(node.attributes).flatMap((attribute) =>
    isGraph(attribute) ? attribute.captures : [],
  );
  return [...node.inputs, ...captured];
}

export function fuse(graph: Graph): FusionPlan {
  const inputs = new Set(graph.inputs);
  return { materialized: reachable(graph.outputs).filter((value) => !inputs.has(value)) };
}
