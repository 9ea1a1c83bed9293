// LSTM, GRU and RNN.

import { int } from '../../ir/expr-make.ts';
import type { Type, Value } from '../../ir/graph.ts';
import { Add, Mul, Sub } from './arithmetic.ts';
import { intAttribute } from './attributes.ts';
import { scalarLike } from './compose.ts';
import { type Builder, op } from './define.ts';
import { Concat } from './join.ts';
import { MatMul } from './matmul.ts';
import {
  blocks,
  type Cell,
  type Direction,
  expandRecurrent,
  recurrentAttributes,
  recurrentTypes,
  recurrentTypesOf,
  upgradeRecurrent,
} from './recurrent.ts';
import { type Activation, activationsOf } from './recurrent-activations.ts';
import { anyFloat } from './types.ts';

const inputs = ['X', 'W', 'R', 'B?', 'sequence_lens?', 'initial_h?'] as const;

/** a + b, where an absent operand is zero. */
const plus = (g: Builder, a: Value, b: Value | undefined): Value => (b ? g.apply(Add, [a, b]) : a);
const times = (g: Builder, a: Value, b: Value): Value => g.apply(Mul, [a, b]);
const oneMinus = (g: Builder, x: Value): Value => g.apply(Sub, [scalarLike(g, x, 1), x]);
const recur = (g: Builder, H: Value | undefined, R: Value): Value | undefined => H && g.apply(MatMul, [H, R]);

/** The biases of W and R together. */
const wholeBias = (g: Builder, { B, hidden }: Direction, gates: number): Value | undefined =>
  B && g.apply(Add, [blocks(g, B, hidden, 0, gates), blocks(g, B, hidden, gates, 2 * gates)]);

export const functionsOf = (all: readonly Activation[], position: number, count: number): readonly Activation[] =>
  all.slice(position * count, (position + 1) * count);

export const sizeOf = (types: readonly Type[], gates: number) => {
  const hidden = types[0]?.kind === 'tensor' ? types[0].shape.at(-1) : undefined;
  return { gates, hidden: hidden ?? int(0) };
};

/** H' = f(X W + H R + bias) */
export const RNN = op('RNN', {
  inputs,
  outputs: ['Y?', 'Y_h?'],
  attributes: recurrentAttributes,
  types: recurrentTypes,
  since: 14,
  until: { output_sequence: 7 },
  upgrade: upgradeRecurrent,
  type: (operands, attributes, context) =>
    recurrentTypesOf(operands, attributes, { gates: 1, functions: 1, states: 1 }, context),
  expand: ({ initial_h, ...given }, attributes, g, { types }) => {
    const functions = activationsOf(attributes, ['Tanh', 'Tanh']);
    return expandRecurrent(
      { ...given, P: undefined, initial: [initial_h] },
      attributes,
      sizeOf(types, 1),
      g,
      (_, direction, d) => ({
        bias: wholeBias(g, direction, 1),
        step: (projected, [H]) => [functions[d]!.clipped(g, plus(g, projected, recur(g, H, direction.R)))],
      }),
    );
  },
});

interface GatedAttributes {
  readonly linear_before_reset: number;
}

/** Gates z (update), r (reset), h. H' = (1 - z) h + z H */
function gru(g: Builder, direction: Direction, [f, h]: readonly Activation[], attributes: GatedAttributes): Cell {
  const { R, B, hidden } = direction;
  const late = attributes.linear_before_reset !== 0;
  const gate = (value: Value, position: number): Value => blocks(g, value, hidden, position);
  const hiddenBias = B && late ? gate(B, 5) : undefined;
  const bias =
    B && late
      ? g.apply(Concat, [g.apply(Add, [blocks(g, B, hidden, 0, 2), blocks(g, B, hidden, 3, 5)]), gate(B, 2)], {
          axis: 0,
        })
      : wholeBias(g, direction, 3);
  const step = (projected: Value, [H]: readonly (Value | undefined)[]): readonly Value[] => {
    // Where the reset gate comes after the product, all three products are one.
    const product = recur(g, H, late ? R : blocks(g, R, hidden, 0, 2));
    const sum = (position: number): Value => plus(g, gate(projected, position), product && gate(product, position));
    const z = f!.clipped(g, sum(0));
    const r = f!.clipped(g, sum(1));
    const candidate = (): Value | undefined => {
      if (!late) return H && recur(g, times(g, r, H), gate(R, 2));
      const linear = product ? plus(g, gate(product, 2), hiddenBias) : hiddenBias;
      return linear && times(g, r, linear);
    };
    const next = h!.clipped(g, plus(g, gate(projected, 2), candidate()));
    return [plus(g, times(g, oneMinus(g, z), next), H && times(g, z, H))];
  };
  return { bias, step };
}

export const GRU = op('GRU', {
  inputs,
  outputs: ['Y?', 'Y_h?'],
  attributes: { ...recurrentAttributes, linear_before_reset: intAttribute(0) },
  types: recurrentTypes,
  since: 14,
  until: { output_sequence: 7 },
  upgrade: upgradeRecurrent,
  type: (operands, attributes, context) =>
    recurrentTypesOf(operands, attributes, { gates: 3, functions: 2, states: 1 }, context),
  expand: ({ initial_h, ...given }, attributes, g, { types }) => {
    const functions = activationsOf(attributes, ['Sigmoid', 'Tanh', 'Sigmoid', 'Tanh']);
    return expandRecurrent(
      { ...given, P: undefined, initial: [initial_h] },
      attributes,
      sizeOf(types, 3),
      g,
      (_, direction, d) => gru(g, direction, functionsOf(functions, d, 2), attributes),
    );
  },
});

/** Gates i (input), o (output), f (forget), c (cell); peepholes P in the order i, o, f. `seen` is what R multiplies. */
export function lstmCell(
  g: Builder,
  direction: Direction,
  [f, c, h]: readonly Activation[],
  coupled: boolean,
  seen = (H: Value): Value => H,
): Cell {
  const { R, P, hidden } = direction;
  const step = (projected: Value, [H, C]: readonly (Value | undefined)[]): readonly Value[] => {
    const sums = plus(g, projected, recur(g, H && seen(H), R));
    const gate = (position: number): Value => blocks(g, sums, hidden, position);
    const peep = (position: number, state: Value | undefined): Value | undefined =>
      P && state && times(g, blocks(g, P, hidden, position), state);
    const input = f!.clipped(g, plus(g, gate(0), peep(0, C)));
    const forget = coupled ? oneMinus(g, input) : f!.clipped(g, plus(g, gate(2), peep(2, C)));
    const fresh = times(g, input, c!.clipped(g, gate(3)));
    const cell = plus(g, fresh, C && times(g, forget, C));
    const output = f!.clipped(g, plus(g, gate(1), peep(1, cell)));
    return [times(g, output, h!.plain(g, cell)), cell];
  };
  return { bias: wholeBias(g, direction, 4), step };
}

export const LSTM = op('LSTM', {
  inputs: [...inputs, 'initial_c?', 'P?'],
  outputs: ['Y?', 'Y_h?', 'Y_c?'],
  attributes: { ...recurrentAttributes, input_forget: intAttribute(0) },
  types: { ...recurrentTypes, initial_c: anyFloat, P: anyFloat },
  since: 14,
  until: { output_sequence: 7 },
  upgrade: upgradeRecurrent,
  type: (operands, attributes, context) =>
    recurrentTypesOf(operands, attributes, { gates: 4, functions: 3, states: 2 }, context),
  expand: ({ initial_h, initial_c, ...given }, attributes, g, { types }) => {
    const functions = activationsOf(attributes, ['Sigmoid', 'Tanh', 'Tanh', 'Sigmoid', 'Tanh', 'Tanh']);
    return expandRecurrent(
      { ...given, initial: [initial_h, initial_c] },
      attributes,
      sizeOf(types, 4),
      g,
      (_, direction, d) => lstmCell(g, direction, functionsOf(functions, d, 3), attributes.input_forget !== 0),
    );
  },
});
