// Subgraphs built into the graph around them.

import type { Graph, Value } from '../../ir/graph.ts';
import { declaredAgain } from './declared-again.ts';
import type { Builder } from './define.ts';

/** Rebuilds what a body computes with its inputs replaced. */
export const replaceInputs = (body: Graph, values: readonly Value[], g: Builder): readonly Value[] =>
  rebuildBody(body, new Map(body.inputs.map((input, i) => [input, values[i]!] as const)), g);

function rebuildBody(body: Graph, replaced: Map<Value, Value>, g: Builder): readonly Value[] {
  const rebuild = (value: Value): Value => {
    const known = replaced.get(value);
    if (known) return known;
    const node = value.producer;
    if (!node || !dependsOnAny(value, body.inputs, new Map())) return value;
    const inputs = node.inputs.map((input) => input && rebuild(input));
    const attributes = Object.fromEntries(
      Object.entries(node.attributes).map(([name, item]) => [name, isGraph(item) ? recapture(item) : item]),
    );
    const made = g.applyAll(node.op as never, inputs, attributes, {
      declared: declaredAgain(node),
      outputs: node.outputs.map(() => true),
    });
    node.outputs.forEach((output, i) => replaced.set(output, made[i]!));
    return replaced.get(value)!;
  };
  const recapture = (graph: Graph): Graph => {
    const captures = graph.captures.map(rebuild);
    const inner = new Map([...replaced]);
    return { ...graph, captures, outputs: rebuildBody({ ...graph, inputs: graph.captures }, inner, g) };
  };
  return body.outputs.map(rebuild);
}

const isGraph = (value: unknown): value is Graph => typeof value === 'object' && value !== null && 'captures' in value;

function dependsOnAny(value: Value, targets: readonly Value[], memo: Map<Value, boolean>): boolean {
  const known = memo.get(value);
  if (known !== undefined) return known;
  memo.set(value, false);
  const node = value.producer;
  const captured = node ? Object.values(node.attributes).flatMap((item) => (isGraph(item) ? item.captures : [])) : [];
  const found =
    targets.includes(value) ||
    [...(node?.inputs ?? []), ...captured].some((input) => input && dependsOnAny(input, targets, memo));
  memo.set(value, found);
  return found;
}
