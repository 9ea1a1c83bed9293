// Cases of recurrent networks.

import { type Attributes, float, int, strings, text } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawTensor, tensorFrom } from '../tensors.ts';
import { drawOpset, type Generator, type Generators, oneNode, optional } from './generator.ts';

const gates = { RNN: 1, GRU: 3, LSTM: 4 } as const;
const own = { RNN: 1, GRU: 2, LSTM: 3 } as const;

function activations(draw: Draw, op: keyof typeof gates, directions: number): Attributes {
  if (!draw.chance(30)) return {};
  const names = Array.from({ length: own[op] * directions }, () =>
    draw.pick([
      'Tanh',
      'Sigmoid',
      'Relu',
      'Softsign',
      'HardSigmoid',
      'LeakyRelu',
      'Elu',
      'ThresholdedRelu',
      'ScaledTanh',
      'Affine',
    ]),
  );
  if (names.some((name) => ['ScaledTanh', 'Affine'].includes(name))) {
    const count = names.length;
    return {
      activations: strings(names),
      activation_alpha: { kind: 'floats', value: Array.from({ length: count }, () => 0.5) },
      activation_beta: { kind: 'floats', value: Array.from({ length: count }, () => 0.25) },
    };
  }
  return {
    activations: strings(
      names.map((name) =>
        name.includes('Elu') || name.includes('Leaky') || name.includes('Thresh') || name.includes('Hard')
          ? 'Tanh'
          : name,
      ),
    ),
  };
}

const recurrent =
  (op: keyof typeof gates): Generator =>
  (draw) =>
    oneNode(draw, drawOpset(draw, 14), (builder) => {
      const direction = draw.pick(['forward', 'reverse', 'bidirectional']);
      const directions = direction === 'bidirectional' ? 2 : 1;
      const [steps, batch, width, hidden] = [
        draw.integer(1, 6),
        draw.integer(1, 4),
        draw.integer(1, 9),
        draw.pick([1, 2, 3, 5, 8, 17]),
      ];
      const fixed = { constant: 80, open: 0 };
      const put = (dims: readonly number[], options = fixed): string =>
        builder.input(drawTensor(draw, 'float32', dims, 'unit'), options);
      const maybe = (percent: number, dims: readonly number[], options = fixed): string | undefined =>
        draw.chance(percent) ? put(dims, options) : undefined;
      const wide = gates[op] * hidden;
      const lengths = draw.chance(35)
        ? builder.input(
            tensorFrom(
              'int32',
              [batch],
              Array.from({ length: batch }, () => BigInt(draw.integer(1, steps))),
            ),
          )
        : undefined;
      const given = { constant: 10, open: 40 };
      const inputs = [
        put([steps, batch, width], given),
        put([directions, wide, width]),
        put([directions, wide, hidden]),
        maybe(60, [directions, 2 * wide]),
        lengths,
        maybe(40, [directions, batch, hidden], given),
        ...(op === 'LSTM' ? [maybe(40, [directions, batch, hidden], given), maybe(30, [directions, 3 * hidden])] : []),
      ];
      const attributes: Attributes = {
        hidden_size: int(hidden),
        direction: direction === 'forward' ? optional(draw, text(direction)) : text(direction),
        linear_before_reset: op === 'GRU' ? optional(draw, int(draw.integer(0, 1))) : undefined,
        input_forget: op === 'LSTM' && draw.chance(10) ? int(0) : undefined,
        clip: draw.chance(15) ? float(0.75) : undefined,
        ...activations(draw, op, directions),
      };
      return {
        op,
        inputs,
        attributes,
        outputs: draw.integer(1, op === 'LSTM' ? 3 : 2),
        relative: 5e-5,
        absolute: 1e-6,
      };
    });

export const recurrents: Generators = { RNN: recurrent('RNN'), GRU: recurrent('GRU'), LSTM: recurrent('LSTM') };
