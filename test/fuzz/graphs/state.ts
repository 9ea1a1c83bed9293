// What a random graph is grown from: the values so far, and how a rule adds more.

import type { DType } from '../../../ir/dtype.ts';
import type { Attributes, CaseBuilder } from '../case.ts';
import { type Contents, drawTensor, int64s, tensorFrom } from '../tensors.ts';

export interface GraphValue {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
}

export interface GraphState {
  readonly builder: CaseBuilder;
  readonly values: readonly GraphValue[];
  /** A constant of random numbers. */
  constant(dims: readonly number[], contents?: Contents): string;
  numbers(values: readonly number[]): string;
  integers(values: readonly number[]): string;
  /** Adds a node of one output. */
  add(
    op: string,
    inputs: readonly (string | undefined)[],
    attributes: Attributes,
    dims: readonly number[],
    dtype?: DType,
  ): GraphValue;
}

/** A way to go on from a value; undefined where it does not fit. */
export type Rule = (value: GraphValue, state: GraphState) => GraphValue | undefined;

export function graphState(builder: CaseBuilder): GraphState & { readonly values: GraphValue[] } {
  const fixed = { constant: 100 };
  const values: GraphValue[] = [];
  return {
    builder,
    values,
    constant: (dims, contents = 'unit') => builder.input(drawTensor(builder.draw, 'float32', dims, contents), fixed),
    numbers: (given) => builder.input(tensorFrom('float32', [given.length], given), fixed),
    integers: (given) => builder.input(int64s(given), fixed),
    add(op, inputs, attributes, dims, dtype = 'float32') {
      const [name] = builder.node(op, inputs, attributes);
      const value = { name: name!, dtype, dims };
      values.push(value);
      return value;
    },
  };
}

/** Another value of the same type and shape, now and then. */
export function partner({ dims, dtype, name }: GraphValue, { values, builder }: GraphState): GraphValue | undefined {
  const fitting = values.filter(
    (other) => other.name !== name && other.dtype === dtype && other.dims.join() === dims.join(),
  );
  return fitting.length === 0 ? undefined : builder.draw.pick(fitting);
}

export const sizeOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
