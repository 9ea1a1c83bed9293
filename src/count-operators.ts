// The operators of a model with their numbers, those in subgraphs and in model-local functions too.

import { normalizeDomain } from './onnx/domains.ts';
import type { FunctionProto, ModelProto, NodeProto } from './onnx/proto-types.ts';
import { findOperator } from './ops/index.ts';

export interface OperatorCount {
  readonly name: string;
  /** `ai.onnx` for the standard domain. */
  readonly domain: string;
  readonly count: number;
  /** Whether there is a declaration of it, or a function of the model defines it. */
  readonly known: boolean;
}

/** The most frequent first. A function's nodes count once, however often it is called; those of other files do not. */
export function countOperators(model: ModelProto, others: readonly FunctionProto[] = []): readonly OperatorCount[] {
  const functions = new Set([...model.functions, ...others].map(({ domain, name }) => keyOf(domain, name)));
  const counts = new Map<string, { readonly domain: string; readonly name: string; count: number }>();
  const waiting: (readonly NodeProto[])[] = [model.graph?.node ?? [], ...model.functions.map(({ node }) => node)];
  for (let nodes = waiting.pop(); nodes; nodes = waiting.pop()) {
    for (const { domain, opType = '', attribute } of nodes) {
      const entry = counts.get(keyOf(domain, opType)) ?? { domain: normalizeDomain(domain), name: opType, count: 0 };
      entry.count++;
      counts.set(keyOf(domain, opType), entry);
      for (const { g, graphs } of attribute) waiting.push(...(g ? [g.node] : []), ...graphs.map(({ node }) => node));
    }
  }
  return [...counts.values()]
    .map(({ domain, name, count }) => ({
      name,
      domain: domain || 'ai.onnx',
      count,
      known: functions.has(keyOf(domain, name)) || findOperator(domain, name) !== undefined,
    }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}

const keyOf = (domain: string | undefined, name: string | undefined): string =>
  `${normalizeDomain(domain)}:${name ?? ''}`;
