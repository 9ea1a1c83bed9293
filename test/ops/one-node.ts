// Builds graphs of a few nodes, prints shapes and element expressions of values, and runs graphs on given numbers.

import { toBytes } from '../../ir/bytes.ts';
import type { DType } from '../../ir/dtype.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { indexVar, int, variable } from '../../ir/expr-make.ts';
import { printExpr } from '../../ir/expr-print.ts';
import type { Attributes, Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import type { Target } from '../../ir/target.ts';
import { toProgram } from '../../src/compile.ts';
import { runProgram, type TensorValue } from '../../src/evaluate.ts';
import { definitionOf, tensorType } from '../../src/lower/definition.ts';
import { createBuilder } from '../../src/ops/builder.ts';
import type { ApplyOptions } from '../../src/ops/define.ts';
import { findOperator } from '../../src/ops/index.ts';

export const g = createBuilder();
export const size = (name: string): Var => variable(name, 'index', { min: 0 });

const extents = (shape: readonly (number | Expr)[]): readonly Expr[] =>
  shape.map((extent) => (typeof extent === 'number' ? int(extent) : extent));

export const input = (name: string, shape: readonly (number | Expr)[], dtype: DType = 'float32'): Value =>
  g.input(name, { kind: 'tensor', dtype, shape: extents(shape) });

export const floats = (values: readonly number[]): Value =>
  g.constant({ kind: 'tensor', dtype: 'float32', shape: [int(values.length)] }, toBytes('float32', values));

export function apply(
  name: string,
  inputs: readonly (Value | undefined)[],
  attributes: Attributes = {},
  options: ApplyOptions = {},
): Value {
  const operator = findOperator('', name);
  if (!operator) throw new RangeError(`no operator ${name}`);
  return g.apply(operator, inputs, attributes, { name: 'node', ...options });
}

/** [N, 4, H * 2] */
export const shapeOf = (value: Value): string =>
  `[${tensorType(value)
    .shape.map((extent) => printExpr(extent))
    .join(', ')}]`;

/** The element at [i0, i1, …] in terms of the inputs' elements. */
export function elementOf(value: Value): string {
  const indices = tensorType(value).shape.map((extent, axis) => indexVar(`i${axis}`, extent));
  return printExpr(simplify(definitionOf(value, indices)));
}

export interface Numbers {
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

/** Runs a graph; inputs of any type. With a target, the kernels are those that it would get. */
export function run(
  inputs: readonly Value[],
  output: Value,
  given: readonly Numbers[],
  dims: readonly Var[] = [],
  target?: Target,
): Numbers {
  const graph = { name: 'test', inputs, outputs: [output], outputNames: ['y'], captures: [], dims };
  const program = toProgram(graph, target);
  const tensors = given.map((numbers, i): TensorValue => {
    const { dtype } = tensorType(inputs[i]!);
    return { dtype, dims: numbers.dims, bytes: toBytes(dtype, numbers.values) };
  });
  const [result] = runProgram(program, tensors);
  const { bytes } = result!;
  return { dims: result!.dims, values: [...new Float32Array(bytes.slice().buffer)] };
}
