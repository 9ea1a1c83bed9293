// Rebuilds a graph through the Builder, asking a rule for the replacement of each node. What a rule builds is rewritten
// in turn, until no rule applies.

import type { Graph, Node, Value } from '../../ir/graph.ts';
import { CompilerBug } from '../errors.ts';
import { reachable } from '../fuse/reachable.ts';
import { operatorOf } from '../lower/definition.ts';
import { createBuilder } from '../ops/builder.ts';
import { declaredAgain } from '../ops/declared-again.ts';
import type { Builder } from '../ops/define.ts';

/** Gives the replacements of the node's outputs, or undefined to keep it. `inputs` are already rewritten. */
export type Rule = (
  node: Node,
  inputs: readonly (Value | undefined)[],
  g: Builder,
) => readonly (Value | undefined)[] | undefined;

/** More replacements of one node than this mean that rules chase each other. */
const maximumRounds = 64;

export function rewriteGraph(graph: Graph, rule: Rule, g: Builder = createBuilder()): Graph {
  const replaced = new Map<Value, Value>();
  const kept = new Set<Node>();
  const inner = new Map<Graph, Graph>();
  const rewriteInner = (subgraph: Graph): Graph => {
    const known = inner.get(subgraph);
    if (known) return known;
    const captures = subgraph.captures.map((value) => replaced.get(value) ?? value);
    const outputs = run(subgraph.outputs, rewriteNode);
    const made: Graph = { ...subgraph, outputs, captures };
    inner.set(subgraph, made);
    return made;
  };
  const resolve = (value: Value): Value => replaced.get(value) ?? value;

  /** The node's outputs after rewriting; what the rule made is visited too. */
  const rewriteNode = (node: Node, round: number): void => {
    if (kept.has(node)) return;
    const inputs = node.inputs.map((input) => input && resolve(input));
    const replacement = rule(node, inputs, g);
    if (!replacement) {
      const rebuilt = rebuild(node, inputs, rewriteInner, g);
      for (const [position, output] of node.outputs.entries()) {
        const made = rebuilt[position]!;
        if (made !== output) replaced.set(output, made);
        if (made.producer) kept.add(made.producer);
      }
      return;
    }
    if (round > maximumRounds) throw new CompilerBug(`rewriting ${node.op.name} "${node.name}" does not end`);
    const made = replacement.map((value) => value && run([value], rewriteNode, round + 1)[0]);
    for (const [position, output] of node.outputs.entries()) {
      const value = made[position];
      if (value) replaced.set(output, value);
    }
  };

  const run = (values: readonly Value[], visit: (node: Node, round: number) => void, round = 0): readonly Value[] => {
    for (const value of reachable(values)) {
      if (value.producer && !replaced.has(value) && !kept.has(value.producer)) visit(value.producer, round);
    }
    return values.map(resolve);
  };
  return { ...graph, outputs: run(graph.outputs, rewriteNode) };
}

function rebuild(
  node: Node,
  inputs: readonly (Value | undefined)[],
  rewriteInner: (graph: Graph) => Graph,
  g: Builder,
): readonly Value[] {
  const attributes = Object.fromEntries(
    Object.entries(node.attributes).map(([name, value]) => [name, isGraph(value) ? rewriteInner(value) : value]),
  );
  const changed =
    inputs.some((input, i) => input !== node.inputs[i]) ||
    Object.entries(attributes).some(([name, value]) => value !== node.attributes[name]);
  if (!changed) return node.outputs;
  return g.applyAll(operatorOf(node), inputs, attributes, {
    name: node.name,
    declared: declaredAgain(node),
    outputs: node.outputs.map(() => true),
    outputNames: node.outputs.map(({ name }) => name),
    sizes: node.sizes,
  });
}

const isGraph = (value: unknown): value is Graph => typeof value === 'object' && value !== null && 'captures' in value;
