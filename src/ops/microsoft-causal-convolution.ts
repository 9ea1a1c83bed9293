// Causal convolutions over time in ONNX Runtime's own domain, each channel by its own kernel, with the last inputs handed
// on as a state: CausalConvWithState, and VarlenCausalConvWithState over sequences that lie one after the other.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  cast,
  constant,
  constantOf,
  indexVar,
  int,
  le,
  lt,
  max,
  min,
  mul,
  product,
  reduce,
  select,
  sub,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { accumulatorType } from './accumulate.ts';
import { swish } from './activations.ts';
import { intAttribute, stringAttribute } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { flatten } from './flat-index.ts';
import { agreeing, checked, pairsOf, sizeAt, within } from './run-time-operands.ts';
import { anyFloat, differ, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';

interface Kernel {
  readonly weight: Operand;
  readonly bias: Operand | undefined;
  readonly activation: string;
  readonly dilation: number;
}

/** What the convolution gives for a channel at time t; `at` reads the input at a time, which may lie before it. */
function convolved(
  { weight, bias, activation, dilation }: Kernel,
  channel: Expr,
  t: Expr,
  at: (time: Expr) => Expr,
): Expr {
  const j = indexVar('j', weight.shape[2]!);
  const wide = accumulatorType(weight.dtype);
  const back = mul(sub(sub(weight.shape[2]!, int(1)), j), int(dilation));
  const term = mul(cast(at(simplify(sub(t, back))), wide), cast(weight.at(channel, int(0), j), wide));
  const sum = reduce('sum', [j], term);
  const moved = bias ? add(sum, cast(bias.at(channel), wide)) : sum;
  return cast(activation === 'none' ? moved : swish(moved, 1), weight.dtype);
}

const stateLength = (weight: Operand, dilation: number): Expr =>
  simplify(mul(sub(weight.shape[2]!, int(1)), int(dilation)));

function checkKernel({ weight, bias, dilation }: Kernel, channels: Expr, context: TypeContext): void {
  if (dilation < 1) context.fail(`dilation must be positive, got ${dilation}.`);
  if (weight.rank !== 3 || differ(weight.shape[0]!, channels) || differ(weight.shape[1]!, int(1)))
    context.fail('weight must have the shape [channels, 1, kernel].');
  if (constantOf(weight.shape[2]!) === 0) context.fail('weight must have a kernel of at least one element.');
  if (bias && (bias.rank !== 1 || differ(bias.shape[0]!, channels)))
    context.fail('bias must have one element a channel.');
}

function checkShape(name: string, operand: Operand | undefined, expected: readonly Expr[], context: TypeContext): void {
  if (operand && (operand.rank !== expected.length || operand.shape.some((own, i) => differ(own, expected[i]!))))
    context.fail(`${name} must have the shape [${expected.map((extent) => constantOf(extent) ?? '?').join(', ')}].`);
}

const kernelAttributes = {
  activation: stringAttribute('none', ['none', 'silu', 'swish']),
  dilation: intAttribute(1),
};

interface Layout {
  readonly channels_last: number;
  readonly state_window: number;
}

/** The shape of a state, without and with the axis of a window. */
function stateShape(input: Operand, length: Expr, { channels_last, state_window }: Layout): readonly Expr[] {
  const own = channels_last
    ? [input.shape[0]!, length, ...input.shape.slice(2)]
    : [input.shape[0]!, input.shape[1]!, length];
  return state_window > 0 ? [int(state_window), ...own] : own;
}

/** [batch, channels, time], or with the channels in any number of axes behind the time. */
export const MicrosoftCausalConvWithState = op('CausalConvWithState', {
  domain,
  inputs: ['input', 'weight', 'bias?', 'past_state?'],
  outputs: ['output', 'present_state'],
  attributes: {
    ...kernelAttributes,
    channels_last: intAttribute(0, [0, 1]),
    ndim: intAttribute(1, [1]),
    state_window: intAttribute(0, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
  },
  types: { input: anyFloat, weight: anyFloat, bias: anyFloat, past_state: anyFloat },
  type: ({ input, weight, bias, past_state }, attributes, context) => {
    const { channels_last, dilation, activation } = attributes;
    if (input.rank < 3 || (!channels_last && input.rank !== 3))
      context.fail(`input has rank ${input.rank}; expected 3 (batch, channels, time).`);
    const channels = channels_last ? simplify(product(input.shape.slice(2))) : input.shape[1]!;
    checkKernel({ weight, bias, activation, dilation }, channels, context);
    const state = stateShape(input, stateLength(weight, dilation), attributes);
    checkShape('past_state', past_state, state, context);
    return [tensorOf(input.dtype, input.shape), tensorOf(input.dtype, state)];
  },
  compute: ({ input, weight, bias, past_state }, attributes, index, { output, types }) => {
    const { channels_last, dilation, activation, state_window } = attributes;
    const length = stateLength(weight, dilation);
    const time = channels_last ? input.shape[1]! : input.shape[2]!;
    const windowed = output === 1 && state_window > 0;
    const own = windowed ? index.slice(1) : index;
    const batch = own[0]!;
    const [t, rest] = channels_last ? [own[1]!, own.slice(2)] : [own[2]!, [own[1]!]];
    const place = (at: Expr): readonly Expr[] => (channels_last ? [batch, at, ...rest] : [batch, ...rest, at]);
    const nothing = constant(0, input.dtype);
    const before = (at: Expr): Expr => {
      if (!past_state) return nothing;
      const slot = state_window > 0 ? [int(state_window - 1)] : [];
      return past_state.at(...slot, ...place(simplify(add(at, length))));
    };
    const at = (position: Expr): Expr => select(le(int(0), position), input.at(...place(position)), before(position));
    const sizes = past_state ? pairsOf(past_state.shape, types[1]!.shape) : [];
    const channels = channels_last ? simplify(product(input.shape.slice(2))) : input.shape[1]!;
    const widths = [[weight.shape[0]!, channels] as const, ...(bias ? [[bias.shape[0]!, channels] as const] : [])];
    if (output === 0) {
      const channel = channels_last ? flatten(rest, input.shape.slice(2)) : rest[0]!;
      return agreeing([...sizes, ...widths], convolved({ weight, bias, activation, dilation }, channel, t, at));
    }
    const end = windowed ? add(sub(time, int(state_window - 1)), index[0]!) : time;
    const kept = at(simplify(add(sub(end, length), t)));
    return agreeing(sizes, windowed ? select(lt(int(0), simplify(end)), kept, nothing) : kept);
  },
});

const counts = typeSet('M', ['int32']);

/** The input of sequence `b` at a time of its own, or what its state holds where that lies before its beginning. */
function inSequence(
  input: Operand,
  ends: Operand,
  state: Operand,
  [b, channel, time]: readonly [Expr, Expr, Expr],
): Expr {
  const token = add(sizeAt(ends, b), time);
  const own = checked(within(token, input.shape[0]!), input.at(token, channel));
  return select(le(int(0), time), own, state.at(b, channel, simplify(add(time, state.shape[2]!))));
}

/** Sequences [tokens, channels] one after the other; `cumulative_sequence_length` says where each begins and ends. */
export const VarlenCausalConvWithState = op('VarlenCausalConvWithState', {
  domain,
  inputs: ['input', 'weight', 'cumulative_sequence_length', 'bias?', 'initial_state', 'capture_count?'],
  outputs: ['output', 'final_state', 'state_update?'],
  attributes: { ...kernelAttributes, state_update_capacity: intAttribute(0, [0, 1, 2, 3, 4, 5, 6, 7, 8]) },
  types: {
    input: anyFloat,
    weight: anyFloat,
    cumulative_sequence_length: counts,
    bias: anyFloat,
    initial_state: anyFloat,
    capture_count: counts,
  },
  type: (inputs, { activation, dilation, state_update_capacity: capacity }, context) => {
    const { input, weight, cumulative_sequence_length: ends, bias, initial_state, capture_count } = inputs;
    if (input.rank !== 2) context.fail(`input has rank ${input.rank}; expected 2 (tokens, channels).`);
    if (ends.rank !== 1) context.fail(`cumulative_sequence_length has rank ${ends.rank}; expected 1.`);
    checkKernel({ weight, bias, activation, dilation }, input.shape[1]!, context);
    const batch = simplify(sub(ends.shape[0]!, int(1)));
    const state = [batch, input.shape[1]!, stateLength(weight, dilation)];
    checkShape('initial_state', initial_state, state, context);
    checkShape('capture_count', capture_count, [batch], context);
    if (capacity > 0 !== (capture_count !== undefined))
      context.fail('capture_count must be given exactly where state_update_capacity is positive.');
    const update = [batch, int(capacity), input.shape[1]!];
    return [input.shape, state, update].map((shape) => tensorOf(input.dtype, shape));
  },
  compute: (inputs, { activation, dilation }, index, { output, types }) => {
    const { input, weight, cumulative_sequence_length: ends, bias, initial_state, capture_count } = inputs;
    const state = types[1]!.shape;
    const sizes = [...pairsOf(initial_state.shape, state), [weight.shape[0]!, input.shape[1]!] as const];
    const lengthOf = (b: Expr): Expr => sub(sizeAt(ends, add(b, int(1))), sizeAt(ends, b));
    if (output === 0) {
      const [token, channel] = index as readonly [Expr, Expr];
      const i = indexVar('i', simplify(sub(ends.shape[0]!, int(2))));
      const passed = reduce('sum', [i], select(le(sizeAt(ends, add(i, int(1))), token), int(1), int(0)));
      const at = (time: Expr): Expr => inSequence(input, ends, initial_state, [passed, channel, time]);
      const result = convolved({ weight, bias, activation, dilation }, channel, sub(token, sizeAt(ends, passed)), at);
      const legal = and(le(int(0), sub(token, sizeAt(ends, passed))), lt(token, sizeAt(ends, add(passed, int(1)))));
      return agreeing(sizes, checked(legal, result));
    }
    if (output === 1) {
      const [b, channel, l] = index as readonly [Expr, Expr, Expr];
      const time = add(sub(lengthOf(b), state[2]!), l);
      return agreeing(sizes, inSequence(input, ends, initial_state, [b, channel, time]));
    }
    const [b, slot, channel] = index as readonly [Expr, Expr, Expr];
    const captured = capture_count ? min(max(sizeAt(capture_count, b), int(0)), lengthOf(b)) : int(0);
    const value = inSequence(input, ends, initial_state, [b, channel, slot]);
    return select(lt(slot, captured), value, constant(0, input.dtype));
  },
});
