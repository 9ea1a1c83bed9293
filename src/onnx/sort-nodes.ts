// Brings the nodes of a graph or function into an order in which each value is computed before it is used. ONNX asks
// for it, but runtimes accept any order, and exporters write any. Nodes that are in order stay where they are.

import type { GraphProto, NodeProto } from './proto-types.ts';

export interface SortedNodes {
  /** All nodes but those on a cycle. */
  readonly nodes: readonly NodeProto[];
  /** Nodes each of which needs the next one, and the last the first. */
  readonly cycles: readonly (readonly NodeProto[])[];
}

export function sortNodes(nodes: readonly NodeProto[]): SortedNodes {
  const needs = nodes.map(namesNeeded);
  if (isSorted(nodes, needs)) return { nodes, cycles: [] };
  const producers = new Map<string, number>();
  for (const [position, node] of nodes.entries()) {
    for (const output of node.output) if (output && !producers.has(output)) producers.set(output, position);
  }
  const before = needs.map((names) => [...names].flatMap((name) => producers.get(name) ?? []));
  const { order, cycles } = visitAll(before);
  const onCycle = new Set(cycles.flat());
  return {
    nodes: order.filter((position) => !onCycle.has(position)).map((position) => nodes[position]!),
    cycles: cycles.map((cycle) => cycle.map((position) => nodes[position]!)),
  };
}

function isSorted(nodes: readonly NodeProto[], needs: readonly ReadonlySet<string>[]): boolean {
  const later = new Set(nodes.flatMap(({ output }) => output));
  later.delete('');
  return nodes.every(({ output }, position) => {
    if ([...needs[position]!].some((name) => later.has(name))) return false;
    for (const name of output) later.delete(name);
    return true;
  });
}

/** What a node reads, also in its subgraphs. */
function namesNeeded(node: NodeProto): ReadonlySet<string> {
  const needed = new Set(node.input.filter((name) => name !== ''));
  for (const { g, graphs } of node.attribute) {
    for (const graph of g ? [g, ...graphs] : graphs) for (const name of captured(graph)) needed.add(name);
  }
  return needed;
}

/** Depth is bounded by the wire scan. */
function captured(graph: GraphProto): ReadonlySet<string> {
  const needed = new Set(graph.output.map(({ name }) => name ?? ''));
  for (const node of graph.node) for (const name of namesNeeded(node)) needed.add(name);
  for (const { name } of [...graph.input, ...graph.initializer]) needed.delete(name ?? '');
  for (const { values } of graph.sparseInitializer) needed.delete(values?.name ?? '');
  for (const { output } of graph.node) for (const name of output) needed.delete(name);
  return needed;
}

/** Depth first in the given order, with a stack of its own: chains may be as long as the graph. */
function visitAll(before: readonly (readonly number[])[]) {
  const state: ('new' | 'open' | 'done')[] = before.map(() => 'new');
  const order: number[] = [];
  const cycles: number[][] = [];
  for (const start of before.keys()) {
    const path = state[start] === 'new' ? [{ node: start, next: 0 }] : [];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      state[top.node] = 'open';
      const needed = before[top.node]![top.next++];
      if (needed === undefined) {
        state[top.node] = 'done';
        order.push(top.node);
        path.pop();
      } else if (state[needed] === 'open') {
        const from = path.findIndex(({ node }) => node === needed);
        cycles.push(path.slice(from).map(({ node }) => node));
      } else if (state[needed] === 'new') path.push({ node: needed, next: 0 });
    }
  }
  return { order, cycles };
}
