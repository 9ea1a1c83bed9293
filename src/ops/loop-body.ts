// Loops that operators expand into: a body made by the same Builder as what is around it.

import type { Expr } from '../../ir/expr.ts';
import type { Graph, Type, Value } from '../../ir/graph.ts';
import { sameSize } from '../../ir/simplify.ts';
import { tensorTypeOf } from './compose.ts';
import { Loop, scalarType } from './control.ts';
import { type Builder, op } from './define.ts';
import { sizesOf } from './elements.ts';
import { agreeing, pairsOf } from './run-time-operands.ts';
import { ScalarOf } from './scan.ts';
import { sizeType, tensorOf } from './types.ts';

/** X, whose shape the run compares with `shape`: a loop's states keep one shape through all turns. */
const WithShape = op('WithShape', {
  domain: 'lapidary',
  inputs: ['X', 'shape'],
  types: { shape: sizeType },
  type: ({ X, shape }, _, context) => tensorOf(X.dtype, sizesOf(shape) ?? context.fail('shape must be known.')),
  compute: ({ X }, _, index, { types }) => agreeing(pairsOf(X.shape, types[0]!.shape), X.at(...index)),
});

const isGraph = (value: unknown): value is Graph => typeof value === 'object' && value !== null && 'captures' in value;

/** The values nearest to the outputs that do not depend on the inputs: a turn reads them and does not compute them. */
export function capturesOf(outputs: readonly Value[], inputs: readonly Value[]): readonly Value[] {
  const inside = new Map<Value, boolean>(inputs.map((input) => [input, true]));
  const needs = (value: Value): readonly Value[] => {
    const node = value.producer;
    const captured = node ? Object.values(node.attributes).flatMap((item) => (isGraph(item) ? item.captures : [])) : [];
    return [...(node?.inputs ?? []), ...captured].filter((input) => input !== undefined);
  };
  const dependsOn = (value: Value): boolean => {
    const known = inside.get(value);
    if (known !== undefined) return known;
    inside.set(value, false);
    const found = needs(value).some(dependsOn);
    inside.set(value, found);
    return found;
  };
  const captures = new Set<Value>();
  const seen = new Set<Value>(inputs);
  const visit = (value: Value): void => {
    if (seen.has(value)) return;
    seen.add(value);
    if (dependsOn(value)) needs(value).forEach(visit);
    else if (!value.constant && (value.producer || !value.elements)) captures.add(value);
  };
  outputs.forEach(visit);
  return [...captures];
}

/** The value with this shape, compared at run time where that is not plain. */
export function shaped(g: Builder, value: Value, shape: readonly Expr[]): Value {
  const { shape: own } = tensorTypeOf(value);
  const same = own.length === shape.length && own.every((extent, axis) => sameSize(extent, shape[axis]!));
  return same ? value : g.apply(WithShape, [value, g.sizes(shape)]);
}

export interface Turn {
  /** The next turn's states. */
  readonly states: readonly Value[];
  /** What is stacked over the turns. */
  readonly scans: readonly Value[];
}

/** Repeats `turn` a known number of times; gives the last states and then the stacked values. */
export function repeat(
  g: Builder,
  count: Value,
  initial: readonly Value[],
  turn: (iteration: Value, states: readonly Value[]) => Turn,
): readonly Value[] {
  const iteration = g.input('iteration', scalarType('int64'));
  const going = g.input('condition', scalarType('bool'));
  const states = initial.map((state, i) => g.input(`state_${i}`, state.type satisfies Type));
  const made = turn(iteration, states);
  const inputs = [iteration, going, ...states];
  const outputs = [going, ...made.states, ...made.scans];
  const body: Graph = {
    name: 'turn',
    inputs,
    outputs,
    outputNames: outputs.map((_, i) => `output_${i}`),
    captures: capturesOf(outputs, inputs),
    dims: [],
  };
  return g.applyAll(Loop, [g.apply(ScalarOf, [count]), undefined, ...initial], { body });
}
