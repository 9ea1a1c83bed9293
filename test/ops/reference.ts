// For operators that ONNX Runtime has no CPU kernel for: numbers to run them on, and the comparison with a plain
// computation that a test writes down beside them.

import * as assert from 'node:assert/strict';
import { toBytes } from '../../ir/bytes.ts';
import { type DType, isInteger } from '../../ir/dtype.ts';
import { int } from '../../ir/expr-make.ts';
import type { Attributes, Value } from '../../ir/graph.ts';
import { findOperator } from '../../src/ops/index.ts';
import { g, input, type Numbers, run } from './one-node.ts';

/** Multiples of 1/8 between -2 and 2, always the same for the same seed. */
export function numbers(dims: readonly number[], seed: number, most = 2): Numbers {
  let state = seed * 7919 + 17;
  const next = (): number => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.round((state / 2147483648 - 0.5) * 16 * most) / 8;
  };
  return { dims, values: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, next) };
}

export const whole = (dims: readonly number[], values: readonly number[], dtype: DType = 'int32'): Given => ({
  dims,
  values,
  dtype,
});

export interface Given extends Numbers {
  readonly dtype?: DType;
  /** Known when the model is compiled. */
  readonly fixed?: boolean;
}

function constantOf({ dims, values, dtype = 'float32' }: Given): Value {
  const shape = dims.map((extent) => int(extent));
  return g.constant({ kind: 'tensor', dtype, shape }, toBytes(dtype, isInteger(dtype) ? values.map(BigInt) : values));
}

/** Output `position` of a com.microsoft operator for these inputs, as float32. */
export function runMicrosoft(
  name: string,
  given: readonly (Given | undefined)[],
  attributes: Attributes = {},
  position = 0,
): Numbers {
  const operator = findOperator('com.microsoft', name)!;
  const real = findOperator('', 'Cast')!;
  // Elements of float8 are not written one by one: such an input is converted.
  const converts = (own: Given): boolean => own.dtype?.startsWith('float8') ?? false;
  const inputs = given.map((own, i) => own && input(`x${i}`, own.dims, converts(own) ? 'float32' : own.dtype));
  const made = given.map((own, i): Value | undefined => {
    if (!own || !converts(own)) return own?.fixed ? constantOf(own) : inputs[i];
    return g.apply(real, [inputs[i]], { to: own.dtype! });
  });
  const outputs = operator.outputs.map((output, i) => !output.endsWith('?') || i <= position);
  const result = g.applyAll(operator, made, attributes, { outputs })[position]!;
  const shown = g.apply(real, [result], { to: 'float32' });
  const open = given.flatMap((own, i) => (own && !own.fixed ? [{ own, value: inputs[i]! }] : []));
  return run(
    open.map(({ value }) => value),
    shown,
    open.map(({ own }) => own),
  );
}

export function near(actual: Numbers, dims: readonly number[], expected: readonly number[], tolerance = 1e-5): void {
  assert.deepEqual([...actual.dims], [...dims]);
  for (const [i, wanted] of expected.entries()) {
    const got = actual.values[i]!;
    assert.ok(Math.abs(got - wanted) <= tolerance * (1 + Math.abs(wanted)), `element ${i}: ${got}, expected ${wanted}`);
  }
}

/** All index tuples of a shape, row-major. */
export function* places(dims: readonly number[]): Generator<readonly number[]> {
  const count = dims.reduce((a, b) => a * b, 1);
  for (let flat = 0; flat < count; flat++) {
    let rest = flat;
    yield [...dims]
      .reverse()
      .map((extent) => {
        const at = rest % extent;
        rest = Math.floor(rest / extent);
        return at;
      })
      .reverse();
  }
}

/** Reads a tensor by its index. */
export const reader =
  ({ dims, values }: Numbers) =>
  (...index: readonly number[]): number =>
    values[index.reduce((flat, at, axis) => flat * dims[axis]! + at, 0)]!;

/** The elements of a shape as a function of the index. */
export const filled = (dims: readonly number[], of: (...index: number[]) => number): readonly number[] =>
  [...places(dims)].map((index) => of(...index));

export const sum = (count: number, of: (i: number) => number): number =>
  Array.from({ length: count }, (_, i) => of(i)).reduce((a, b) => a + b, 0);

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
