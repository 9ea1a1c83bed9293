// What nodes of old opsets carried and today's do not: shared pieces of `upgrade`.

import type { Attributes, Value } from '../../ir/graph.ts';
import type { OldNode } from './define.ts';

/** The node without these attributes. */
export const without = (node: OldNode, ...names: readonly string[]): OldNode => ({
  ...node,
  attributes: Object.fromEntries(Object.entries(node.attributes).filter(([name]) => !names.includes(name))),
});

/** Before opset 6 a node said which inputs it may overwrite; that is our business now. */
export const withoutConsumed = (node: OldNode): OldNode => without(node, 'consumed_inputs');

export const withAttributes = (node: OldNode, attributes: Attributes): OldNode => ({
  ...node,
  attributes: { ...node.attributes, ...attributes },
});

/** Puts `value` at an input position, with absent inputs before it where needed. */
export function withInput(node: OldNode, position: number, value: Value | undefined): OldNode {
  if (!value) return node;
  const inputs = Array.from({ length: Math.max(node.inputs.length, position + 1) }, (_, i) => node.inputs[i]);
  inputs[position] = value;
  return { ...node, inputs };
}

export const isNumbers = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'number');

/** Axes that were an attribute become an input. */
export function axesToInput(node: OldNode, position = 1): OldNode {
  const { axes } = node.attributes;
  return isNumbers(axes) ? withInput(without(node, 'axes'), position, node.constant(axes, 'int64')) : node;
}
