// Cases of AttnLSTM (com.microsoft).

import { float, int, text } from '../case.ts';
import { drawIntegers, drawTensor } from '../tensors.ts';
import { type Generator, type Generators, oneNode, optional } from './generator.ts';

const attentionLstm: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const direction = draw.pick(['forward', 'reverse', 'bidirectional']);
    const directions = direction === 'bidirectional' ? 2 : 1;
    const [length, batch, width, hidden] = [
      draw.integer(1, 4),
      draw.integer(1, 3),
      draw.integer(1, 4),
      draw.integer(1, 4),
    ];
    const [steps, depth, inner] = [draw.integer(1, 4), draw.integer(1, 4), draw.integer(1, 4)];
    const layer = draw.chance(60) ? draw.integer(1, 3) : undefined;
    const attention = layer ?? depth;
    const unit = (dims: readonly number[], openAxes: readonly number[] = []): string =>
      builder.input(drawTensor(draw, 'float32', dims, 'unit'), { openAxes });
    const maybe = (percent: number, make: () => string): string | undefined =>
      draw.chance(percent) ? make() : undefined;
    const lengths = (most: number) => () => builder.input(drawIntegers(draw, 'int32', [batch], 1, most), { open: 0 });
    const inputs = [
      unit([length, batch, width], [0, 1]),
      unit([directions, 4 * hidden, width + attention]),
      unit([directions, 4 * hidden, hidden]),
      maybe(70, () => unit([directions, 8 * hidden])),
      maybe(50, lengths(length)),
      maybe(40, () => unit([directions, batch, hidden])),
      maybe(40, () => unit([directions, batch, hidden])),
      maybe(40, () => unit([directions, 3 * hidden])),
      unit([directions, hidden, inner]),
      unit([directions, depth, inner]),
      unit([directions, inner]),
      unit([batch, steps, depth], [0, 1]),
      maybe(50, lengths(steps)),
      layer === undefined ? undefined : unit([directions, depth + hidden, layer]),
    ];
    return {
      op: 'AttnLSTM',
      inputs,
      attributes: {
        direction: optional(draw, text(direction)) ?? (direction === 'forward' ? undefined : text(direction)),
        hidden_size: int(hidden),
        clip: draw.chance(20) ? float(1.5) : undefined,
        input_forget: draw.chance(20) ? int(1) : undefined,
      },
      outputs: 3,
      domain: 'com.microsoft',
      relative: 1e-4,
      absolute: 1e-5,
    };
  });

export const microsoftRecurrent: Generators = { AttnLSTM: attentionLstm };
