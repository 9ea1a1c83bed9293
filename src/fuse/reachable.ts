// The values that some values need.

import type { Graph, Value } from '../../ir/graph.ts';

const isGraph = (value: unknown): value is Graph => typeof value === 'object' && value !== null && 'captures' in value;

/** A subgraph's captures count as inputs of its node. */
function neededBy(value: Value): readonly (Value | undefined)[] {
  const node = value.producer;
  if (!node) return [];
  const captured = Object.values(node.attributes).flatMap((attribute) =>
    isGraph(attribute) ? attribute.captures : [],
  );
  return [...node.inputs, ...captured];
}

/** Every value that these need, producers first; they themselves included. The search ends at `borders`, left out. */
export function reachable(roots: readonly Value[], borders: readonly Value[] = []): readonly Value[] {
  const seen = new Set<Value>(borders);
  const order: Value[] = [];
  // An explicit stack: graphs are deeper than the JavaScript stack.
  const stack = [...roots].reverse().map((value) => ({ value, expanded: false }));
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    if (seen.has(top.value) || top.expanded) {
      stack.pop();
      if (!seen.has(top.value)) order.push(top.value);
      seen.add(top.value);
      continue;
    }
    top.expanded = true;
    for (const input of [...neededBy(top.value)].reverse()) {
      if (input && !seen.has(input)) stack.push({ value: input, expanded: false });
    }
  }
  return order;
}
