// What LSTM, GRU and RNN share: the products of all inputs with W come first, as one matrix product; then the states
// run through the sequence, once in each direction. A sequence of one element needs no loop.

import type { Expr } from '../../ir/expr.ts';
import { and, cast, constant, constantOf, failure, int, le, select } from '../../ir/expr-make.ts';
import type { TensorType, Value } from '../../ir/graph.ts';
import { accumulatorType } from './accumulate.ts';
import { Add, Sub } from './arithmetic.ts';
import {
  intAttribute,
  optionalFloat,
  optionalFloats,
  optionalInt,
  optionalStrings,
  stringAttribute,
} from './attributes.ts';
import { castTo, scalarLike, tensorTypeOf } from './compose.ts';
import { type Builder, type OldNode, type Operand, op, type TypeContext } from './define.ts';
import { numbersOf } from './elements.ts';
import { Concat } from './join.ts';
import { without } from './legacy.ts';
import { Less, Where } from './logic.ts';
import { repeat, shaped } from './loop-body.ts';
import { MatMul } from './matmul.ts';
import { type ActivationAttributes, checkActivations } from './recurrent-activations.ts';
import { Expand } from './repeat.ts';
import { Unsqueeze } from './reshape.ts';
import { PlaceScan, TakeSlice } from './scan.ts';
import { Slice } from './slice.ts';
import { Transpose } from './transpose.ts';
import { anyFloat, differ, sizeType, tensorOf, typeSet } from './types.ts';

export const recurrentAttributes = {
  activation_alpha: optionalFloats,
  activation_beta: optionalFloats,
  activations: optionalStrings,
  clip: optionalFloat,
  direction: stringAttribute('forward', ['forward', 'reverse', 'bidirectional']),
  hidden_size: optionalInt,
  layout: intAttribute(0, [0, 1]),
};

export interface RecurrentAttributes extends ActivationAttributes {
  readonly direction: string;
  readonly hidden_size: number | undefined;
  readonly layout: number;
}

export const recurrentTypes = {
  X: anyFloat,
  W: anyFloat,
  R: anyFloat,
  B: anyFloat,
  sequence_lens: typeSet('T1', ['int32']),
  initial_h: anyFloat,
};

/** Opset 1 said whether Y is wanted; now an absent output says so. */
export const upgradeRecurrent = (node: OldNode): OldNode => without(node, 'output_sequence');

const directionsOf = (direction: string): readonly ('forward' | 'reverse')[] =>
  direction === 'bidirectional' ? ['forward', 'reverse'] : [direction === 'reverse' ? 'reverse' : 'forward'];

interface RecurrentOperands {
  readonly X: Operand;
  readonly W: Operand;
  readonly R: Operand;
  readonly B: Operand | undefined;
  readonly sequence_lens: Operand | undefined;
  readonly initial_h: Operand | undefined;
  readonly initial_c?: Operand | undefined;
  readonly P?: Operand | undefined;
}

/** Checks what the three layers have in common; gives the types of Y and of each of `states` final states. */
export function recurrentTypesOf(
  operands: RecurrentOperands,
  attributes: RecurrentAttributes,
  counts: { readonly gates: number; readonly functions: number; readonly states: number },
  context: TypeContext,
): readonly TensorType[] {
  const { X, W, R } = operands;
  for (const [name, { rank }] of Object.entries({ X, W, R })) {
    if (rank !== 3) context.fail(`${name} has rank ${rank}; expected 3.`);
  }
  const batchFirst = attributes.layout === 1;
  const count = int(directionsOf(attributes.direction).length);
  const [length, batch] = batchFirst ? [X.shape[1]!, X.shape[0]!] : [X.shape[0]!, X.shape[1]!];
  const hidden = constantOf(R.shape[2]!) === undefined ? int(attributes.hidden_size ?? 0) : R.shape[2]!;
  if (constantOf(hidden) === 0) context.fail('hidden_size must be given where R does not tell it.');
  const rows = (factor: number): Expr => int(factor * constantOf(hidden)!);
  const state = batchFirst ? [batch, count, hidden] : [count, batch, hidden];
  const expected: Readonly<Record<keyof RecurrentOperands, readonly Expr[]>> = {
    X: X.shape,
    W: [count, rows(counts.gates), X.shape[2]!],
    R: [count, rows(counts.gates), hidden],
    B: [count, rows(2 * counts.gates)],
    sequence_lens: [batch],
    initial_h: state,
    initial_c: state,
    P: [count, rows(3)],
  };
  for (const [name, operand] of Object.entries(operands)) {
    const shape = expected[name as keyof RecurrentOperands];
    if (operand) checkShape(name, operand.shape, shape, context);
  }
  const most = constantOf(length);
  for (const end of numbersOf(operands.sequence_lens) ?? []) {
    if (end < 0 || (most !== undefined && end > most))
      context.fail(
        `sequence_lens has an entry of ${end}; the sequence has ${most ?? 'an unknown number of'} elements.`,
      );
  }
  checkActivations(attributes, counts.functions * constantOf(count)!, context);
  const { dtype } = X;
  const Y = batchFirst ? [batch, length, count, hidden] : [length, count, batch, hidden];
  return [tensorOf(dtype, Y), ...Array.from({ length: counts.states }, () => tensorOf(dtype, state))];
}

function checkShape(name: string, got: readonly Expr[], expected: readonly Expr[], context: TypeContext): void {
  const text = (shape: readonly Expr[]): string => shape.map((extent) => constantOf(extent) ?? '?').join(', ');
  if (got.length !== expected.length || got.some((extent, axis) => differ(extent, expected[axis]!))) {
    context.fail(`${name} has the shape [${text(got)}]; expected [${text(expected)}].`);
  }
}

/** The part of the last axis from block `from` up to block `to`, blocks being `size` long. */
export function blocks(g: Builder, value: Value, size: Expr, from: number, to = from + 1): Value {
  const rank = tensorTypeOf(value).shape.length;
  const known = constantOf(size)!;
  return g.apply(Slice, [value, g.ints([from * known]), g.ints([to * known]), g.ints([rank - 1])]);
}

/** One direction's parameters: matrices with a column for each gate's element. */
export interface Direction {
  readonly W: Value;
  readonly R: Value;
  readonly B: Value | undefined;
  readonly P: Value | undefined;
  readonly hidden: Expr;
}

/** What a layer does with one element of the sequence. A state that is absent is zero. */
export interface Cell {
  /** What is added to the products of the inputs with W. */
  readonly bias: Value | undefined;
  /** Widths of further states that start at zero and are not handed out. */
  readonly inner?: readonly Expr[];
  step(projected: Value, states: readonly (Value | undefined)[]): readonly Value[];
}

export interface RecurrentInputs {
  readonly X: Value;
  readonly W: Value;
  readonly R: Value;
  readonly B: Value | undefined;
  readonly P: Value | undefined;
  readonly sequence_lens: Value | undefined;
  /** As given, with an axis of directions; absent ones are zero. */
  readonly initial: readonly (Value | undefined)[];
}

type MakeCell = (g: Builder, direction: Direction, position: number) => Cell;

/** Y, then the final states. */
export function expandRecurrent(
  inputs: RecurrentInputs,
  attributes: RecurrentAttributes,
  { gates, hidden }: { readonly gates: number; readonly hidden: Expr },
  g: Builder,
  makeCell: MakeCell,
): readonly Value[] {
  const { dtype } = tensorTypeOf(inputs.X);
  const wide = accumulatorType(dtype);
  const timeFirst = (value: Value): Value =>
    attributes.layout === 1 ? g.apply(Transpose, [value], { perm: [1, 0, 2] }) : value;
  const X = castTo(g, timeFirst(inputs.X), wide);
  const [, batch, width] = tensorTypeOf(X).shape;
  const directions = directionsOf(attributes.direction);
  const count = int(directions.length);
  const results = directions.map((direction, d) => {
    const own = (value: Value, ...shape: readonly Expr[]): Value =>
      castTo(g, take(g, shaped(g, value, [count, ...shape]), d), wide);
    const transposed = (value: Value): Value => g.apply(Transpose, [value], { perm: [1, 0] });
    const rows = (factor: number): Expr => int(factor * constantOf(hidden)!);
    const parameters: Direction = {
      W: transposed(own(inputs.W, rows(gates), width!)),
      R: transposed(own(inputs.R, rows(gates), hidden)),
      B: inputs.B && own(inputs.B, rows(2 * gates)),
      P: inputs.P && own(inputs.P, rows(3)),
      hidden,
    };
    const initial = inputs.initial.map((state) => state && own(timeFirst(state), batch!, hidden));
    const cell = makeCell(g, parameters, d);
    return runDirection(g, X, parameters, cell, initial, inputs.sequence_lens, direction === 'reverse');
  });
  const joined = (position: number, axis: number): Value => {
    const parts = results.map((result) => g.apply(Unsqueeze, [result[position]!, g.ints([axis])]));
    return castTo(g, g.apply(Concat, parts, { axis }), dtype);
  };
  const Y = joined(0, 1);
  const finals = inputs.initial.map((_, i) => timeFirst(joined(i + 1, 0)));
  return [attributes.layout === 1 ? g.apply(Transpose, [Y], { perm: [2, 0, 1, 3] }) : Y, ...finals];
}

/** The ends of sequences, none before its start or beyond the longest. */
const EndsWithin = op('EndsWithin', {
  domain: 'lapidary',
  inputs: ['ends', 'length'],
  types: { ends: typeSet('T1', ['int32']), length: sizeType },
  type: ({ ends }) => tensorOf('int64', ends.shape),
  compute: ({ ends, length }, _, index) => {
    const end = cast(ends.at(...index), 'int64');
    const legal = and(le(constant(0, 'int64'), end), le(end, length.at(int(0))));
    return select(legal, end, failure('index', 'int64'));
  },
});

const endsWithin = (g: Builder, ends: Value, length: Expr): Value => g.apply(EndsWithin, [ends, g.sizes([length])]);

const take = (g: Builder, value: Value, at: number): Value => g.apply(TakeSlice, [value, g.scalar(at, 'int64')]);

/** The hidden states [T, B, H], then the final states [B, H]. */
function runDirection(
  g: Builder,
  X: Value,
  { W, hidden }: Direction,
  cell: Cell,
  initial: readonly (Value | undefined)[],
  lengths: Value | undefined,
  reverse: boolean,
): readonly Value[] {
  const { shape, dtype } = tensorTypeOf(X);
  const [length, batch] = [shape[0]!, shape[1]!];
  const project = (input: Value): Value => {
    const product = g.apply(MatMul, [input, W]);
    return cell.bias ? g.apply(Add, [product, cell.bias]) : product;
  };
  const zero = g.scalar(0, dtype);
  const widths = [...initial.map(() => hidden), ...(cell.inner ?? [])];
  const given = widths.map((_, i) => initial[i]);
  const present = (): readonly Value[] =>
    given.map((state, i) => state ?? g.apply(Expand, [zero, g.sizes([batch, widths[i]!])]));
  const ends = lengths && g.apply(Unsqueeze, [endsWithin(g, shaped(g, lengths, [batch]), length), g.ints([1])]);
  /** Beyond the end of a sequence its states stay and its output is zero. */
  const masked = (time: Value, next: readonly Value[], old: () => readonly Value[]) => {
    const going = ends && g.apply(Less, [time, ends]);
    const output = next[0]!;
    if (!going) return { states: next, output };
    const kept = old();
    return {
      states: next.map((state, i) => g.apply(Where, [going, state, kept[i]!])),
      output: g.apply(Where, [going, output, scalarLike(g, output, 0)]),
    };
  };
  if (constantOf(length) === 1) {
    const next = cell.step(project(take(g, X, 0)), given);
    const { states, output } = masked(g.scalar(0, 'int64'), next, present);
    return [g.apply(Unsqueeze, [output, g.ints([0])]), ...states.slice(0, initial.length)];
  }
  const projected = project(X);
  const sizes = g.sizes([length]);
  const last = g.apply(Sub, [take(g, sizes, 0), g.scalar(1, 'int64')]);
  const results = repeat(g, sizes, present(), (iteration, states) => {
    const slice = g.apply(TakeSlice, [projected, iteration], { reverse: reverse ? 1 : 0 });
    const time = reverse ? g.apply(Sub, [last, iteration]) : iteration;
    const turn = masked(time, cell.step(slice, states), () => states);
    return { states: turn.states, scans: [turn.output] };
  });
  const finals = results.slice(0, initial.length);
  return [g.apply(PlaceScan, [results[widths.length]!], { reverse: reverse ? 1 : 0 }), ...finals];
}
