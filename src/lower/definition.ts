// The meaning of a value: one element as an expression of other values' elements.

import type { Expr } from '../../ir/expr.ts';
import { constant, eq, int, select } from '../../ir/expr-make.ts';
import type { Node, TensorType, Value } from '../../ir/graph.ts';
import { CompilerBug, problem } from '../errors.ts';
import { byName, type Operator } from '../ops/define.ts';
import { operandOf } from '../ops/elements.ts';

export const operatorOf = (node: Node): Operator => node.op as Operator;

export function tensorType(value: Value): TensorType {
  const { kind } = value.type;
  if (value.type.kind !== 'tensor')
    throw problem(`value ${JSON.stringify(value.name)}`, `is a ${kind}; only tensors are supported here.`);
  return value.type;
}

/** Whether an element of the value is an expression: its producer computes, or its elements are known. */
export const isComputed = (value: Value): boolean =>
  value.producer ? operatorOf(value.producer).compute !== undefined : value.elements !== undefined && !value.constant;

/** One element of a computed value, with loads from the buffers of its operands (`bufferOf`). */
export function definitionOf(value: Value, index: readonly Expr[]): Expr {
  const node = value.producer;
  if (!node) return knownElement(value, index);
  const operator = operatorOf(node);
  if (!operator.compute) throw new CompilerBug(`${operator.name} has no element expression`);
  const operands = node.inputs.map((input) => input && operandOf(input));
  const types = node.outputs.map(tensorType);
  return operator.compute(byName(operator, operands) as never, node.attributes, index, {
    output: value.output ?? 0,
    types,
  });
}

/** Known elements that a run must write down (a shape that is an output, say): a chain of selects. */
function knownElement(value: Value, index: readonly Expr[]): Expr {
  const elements = value.elements;
  const { dtype } = tensorType(value);
  if (!elements) throw new CompilerBug(`${value.name} has neither producer nor elements`);
  const at = index[0];
  if (!at) return elements[0]!;
  return elements.reduceRight((rest, element, i) => select(eq(at, int(i)), element, rest), constant(0, dtype) as Expr);
}
