// Computes what depends on constants only, by running it: the same lowering, evaluated in JavaScript.
//   Y = Conv(X, Transpose(W))   →   Y = Conv(X, W')
// A result that is much larger than what it is made of (a filled or repeated tensor) is left to the run.

import { byteSize, dtypes } from '../../ir/dtype.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import { RunError } from '../evaluate.ts';
import { evaluateGraph } from '../evaluate-graph.ts';
import { accessOf } from '../fuse/access.ts';
import { reachable } from '../fuse/reachable.ts';
import { operatorOf } from '../lower/definition.ts';
import { countOf } from '../ops/elements.ts';
import { rewriteGraph } from './rewrite.ts';

/** All folded constants of a model together. */
const mostBytes = 256 * 2 ** 20;
/** A result up to this size is folded whatever it is made of; one that only repeats elements is read where they are. */
const smallBytes = 64 * 1024;
const smallCopy = 256;
const mostGrowth = 4;

const bytesOf = (value: Value): number | undefined => {
  if (value.type.kind !== 'tensor' || ['string', 'complex'].includes(dtypes[value.type.dtype].class)) return undefined;
  const count = countOf(value.type);
  return count === undefined ? undefined : byteSize(value.type.dtype, count);
};

/** Values that can be computed now, producers first, within the limits. */
function foldableValues(graph: Graph): ReadonlySet<Value> {
  const foldable = new Set<Value>();
  let total = 0;
  for (const value of reachable(graph.outputs)) {
    const node = value.producer;
    const bytes = bytesOf(value);
    if (!node || bytes === undefined || node.sizes.length > 0) continue;
    const operator = operatorOf(node);
    if (!operator.pure || operator.control || operator.expand) continue;
    const inputs = node.inputs.filter((input) => input !== undefined);
    if (!inputs.every((input) => input.constant !== undefined || foldable.has(input))) continue;
    const made = inputs.reduce((sum, input) => sum + (bytesOf(input) ?? 0), 0);
    const small = accessOf(value)?.movement ? smallCopy : smallBytes;
    if (bytes > small && bytes > mostGrowth * made) continue;
    total += bytes;
    if (total > mostBytes) break;
    foldable.add(value);
  }
  return foldable;
}

export const foldConstants = {
  name: 'fold-constants',
  run: (graph: Graph): Graph => {
    const foldable = foldableValues(graph);
    if (foldable.size === 0) return graph;
    const folded = evaluateAll(neededRoots(graph, foldable));
    return rewriteGraph(graph, (node, _, g) => {
      if (!node.outputs.some((output) => folded.has(output))) return undefined;
      return node.outputs.map((output) => {
        const bytes = folded.get(output);
        return bytes && output.type.kind === 'tensor' ? g.constant(output.type, bytes, output.name) : undefined;
      });
    });
  },
};

/** Foldable values that something not foldable reads. */
function neededRoots(graph: Graph, foldable: ReadonlySet<Value>): readonly Value[] {
  const roots = new Set<Value>(graph.outputs.filter((output) => foldable.has(output)));
  for (const value of reachable(graph.outputs)) {
    if (foldable.has(value) || !value.producer) continue;
    for (const needed of value.producer.inputs) if (needed && foldable.has(needed)) roots.add(needed);
    for (const attribute of Object.values(value.producer.attributes)) {
      if (typeof attribute !== 'object' || !('captures' in attribute)) continue;
      for (const captured of attribute.captures) if (foldable.has(captured)) roots.add(captured);
    }
  }
  return [...roots];
}

/** A value whose computation reports an error stays: the run will report it. */
function evaluateAll(roots: readonly Value[]): ReadonlyMap<Value, Uint8Array> {
  try {
    const results = evaluateGraph(roots);
    return new Map(roots.map((root, i) => [root, results[i]!.bytes] as const));
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    if (roots.length === 1) return new Map();
    return new Map(roots.flatMap((root) => [...evaluateAll([root])]));
  }
}
