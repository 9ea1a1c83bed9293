// The rules of graphs that construction alone does not give, checked between passes. Gives all problems that it finds.

import type { Graph, Value } from './graph.ts';

export function verifyGraph(graph: Graph): string[] {
  const problems: string[] = [];
  const { outputs, outputNames } = graph;
  if (outputs.length !== outputNames.length) {
    problems.push(`${outputs.length} outputs have ${outputNames.length} names`);
  }
  const sources = new Set<Value>([...graph.inputs, ...graph.captures]);
  const seen = new Set<Value>();
  // A list instead of a recursion: chains are as long as models are deep.
  const open: Value[] = [...outputs];
  for (let value = open.pop(); value; value = open.pop()) {
    if (seen.has(value)) continue;
    seen.add(value);
    const { producer, constant } = value;
    if (!producer) {
      const known = constant !== undefined || value.elements !== undefined;
      if (!known && !sources.has(value))
        problems.push(`"${value.name}" is no input of the graph, and nothing makes it`);
      continue;
    }
    if (producer.outputs[value.output ?? 0] !== value) {
      problems.push(`"${value.name}" is not among the outputs of its ${producer.op.name} "${producer.name}"`);
    }
    for (const input of producer.inputs) if (input) open.push(input);
  }
  return problems;
}
