// The values that some values need.

import type { Var } from '../../ir/expr.ts';
import { freeVars } from '../../ir/expr-walk.ts';
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
export const reachable = (roots: readonly Value[], borders: readonly Value[] = []): readonly Value[] =>
  search(roots, borders, neededBy);

/** The same values in an order in which a size that a run finds out is found before anything names it. */
export function computable(roots: readonly Value[], borders: readonly Value[]): readonly Value[] {
  const order = reachable(roots, borders);
  const finders = new Map<Var, Value>();
  for (const value of order) for (const size of value.producer?.sizes ?? []) finders.set(size, value);
  if (finders.size === 0) return order;
  const known = new Map<Graph, ReadonlySet<Var>>();
  return search(roots, borders, (value) => [
    ...neededBy(value),
    ...[...sizesNamed(value, known)].map((size) => finders.get(size)),
  ]);
}

/** Sizes that a value names without an input that leads to what finds them: in a list of sizes, or inside of a subgraph. */
function sizesNamed({ producer, elements }: Value, known: Map<Graph, ReadonlySet<Var>>): ReadonlySet<Var> {
  if (!producer) return new Set((elements ?? []).flatMap((element) => [...freeVars(element)]));
  const inside = Object.values(producer.attributes).filter(isGraph);
  return new Set(inside.flatMap((graph) => [...sizesInside(graph, known)]));
}

function sizesInside(graph: Graph, known: Map<Graph, ReadonlySet<Var>>): ReadonlySet<Var> {
  const before = known.get(graph);
  if (before) return before;
  const values = reachable(graph.outputs, [...graph.inputs, ...graph.captures]);
  const found = new Set(values.flatMap((value) => [...sizesNamed(value, known)]));
  known.set(graph, found);
  return found;
}

function search(
  roots: readonly Value[],
  borders: readonly Value[],
  needs: (value: Value) => readonly (Value | undefined)[],
): readonly Value[] {
  const seen = new Set<Value>(borders);
  const open = new Set<Value>();
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
    open.add(top.value);
    for (const input of [...needs(top.value)].reverse()) {
      // A loop's body may name the sizes that the loop itself finds.
      if (input && !seen.has(input) && !open.has(input)) stack.push({ value: input, expanded: false });
    }
  }
  return order;
}
