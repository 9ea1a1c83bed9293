// Cases of com.microsoft's quantized layers.

import type { DType } from '../../../ir/dtype.ts';
import { float, int, ints, text } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawIntegers, drawShape, drawTensor, tensorFrom } from '../tensors.ts';
import { drawWindow } from './contraction.ts';
import { type Generator, type Generators, oneNode, optional, put } from './generator.ts';

const domain = 'com.microsoft';
const fixed = { constant: 90, open: 0 };
const scales = (draw: Draw, dims: readonly number[]) =>
  tensorFrom(
    'float32',
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => draw.pick([0.05, 0.1, 0.037, 0.02])),
  );

const reduceMean: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dtype = draw.pick<DType>(['uint8', 'int8']);
    const dims = drawShape(draw, 1, 4, { zero: 0 });
    const axes = [...dims.keys()].filter((axis) => axis === 0 || draw.chance(40));
    const zero = (): string => builder.input(drawTensor(draw, dtype, [], 'small'), fixed);
    const scale = (): string => builder.input(scales(draw, []), fixed);
    const inputs = [put(builder, dtype, dims, 'full'), scale(), zero(), scale(), zero()];
    const attributes = { axes: ints(axes), keepdims: int(draw.integer(0, 1)) };
    return { op: 'QLinearReduceMean', inputs, attributes, domain, integer: 1 };
  });

const convolution: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const { kernel, spatial, attributes } = drawWindow(draw, 2, { largest: 4 });
    const group = draw.pick([1, 1, 2]);
    const [each, outs] = [draw.integer(1, 5), draw.integer(1, 9)];
    const last = draw.chance(70);
    const [batch, channels] = [draw.integer(1, 2), group * each];
    const zero = (): string => builder.input(drawTensor(draw, 'uint8', [], 'small'), fixed);
    const X = put(builder, 'uint8', last ? [batch, ...spatial, channels] : [batch, channels, ...spatial], 'full');
    const xScale = [builder.input(scales(draw, []), fixed), zero()];
    const W = builder.input(drawTensor(draw, 'uint8', [group * outs, each, ...kernel], 'full'), fixed);
    const wScale = [builder.input(scales(draw, []), fixed), zero()];
    const B = draw.chance(60) ? builder.input(drawTensor(draw, 'int32', [group * outs], 'small'), fixed) : undefined;
    const y = [builder.input(tensorFrom('float32', [], [draw.pick([8, 1])]), fixed), zero()];
    return {
      op: 'QLinearConv',
      inputs: [X, ...xScale, W, ...wScale, ...y, B],
      attributes: {
        ...attributes,
        group: int(group),
        kernel_shape: optional(draw, ints(kernel)),
        channels_last: int(last ? 1 : 0),
      },
      domain,
    };
  });

const lstm: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [length, batch, input, hidden] = [
      draw.integer(1, 4),
      draw.integer(1, 3),
      draw.integer(1, 8),
      draw.integer(1, 6),
    ];
    const direction = draw.pick(['forward', 'reverse', 'bidirectional']);
    const count = direction === 'bidirectional' ? 2 : 1;
    const type = draw.pick<DType>(['int8', 'uint8']);
    const perColumn = draw.chance(40) ? [count, 4 * hidden] : [count];
    const matrix = (rows: number): string =>
      builder.input(drawTensor(draw, type, [count, rows, 4 * hidden], 'full'), { constant: 100 });
    const maybe = (dims: readonly number[]): string | undefined =>
      draw.chance(50) ? builder.input(drawTensor(draw, 'float32', dims, 'unit'), { open: 0 }) : undefined;
    const state = [count, batch, hidden];
    const zeros = Array.from({ length: perColumn.reduce((a, b) => a * b, 1) }, () => (type === 'int8' ? 0n : 128n));
    const scale = (): string => builder.input(scales(draw, perColumn), { constant: 100 });
    const zero = (): string => builder.input(tensorFrom(type, perColumn, zeros), { constant: 100 });
    const X = builder.input(drawTensor(draw, 'float32', [length, batch, input], 'unit'), { open: 0 });
    const [W, R] = [matrix(input), matrix(hidden)];
    const inputs = [
      ...[X, W, R, maybe([count, 8 * hidden]), undefined],
      ...[maybe(state), maybe(state), maybe([count, 3 * hidden])],
      ...[scale(), zero(), scale(), zero()],
    ];
    const attributes = { direction: text(direction), hidden_size: int(hidden), input_forget: optional(draw, int(1)) };
    // A state that is rounded the other way moves what follows by a step of its 8 bits.
    return { op: 'DynamicQuantizeLSTM', inputs, outputs: 3, attributes, domain, relative: 0.05, absolute: 0.03 };
  });

const embedding: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [batch, length, size] = [draw.integer(1, 2), draw.integer(1, 4), draw.integer(2, 9)];
    const [words, positions] = [draw.integer(1, 9), draw.integer(length, 9)];
    const type = draw.pick<DType>(['uint8', 'int8']);
    const segmented = draw.chance(50);
    const ids = (count: number): string =>
      builder.input(drawIntegers(draw, 'int32', [batch, length], 0, count - 1), { open: 0 });
    const codes = (dims: readonly number[]): string => builder.input(drawTensor(draw, type, dims, 'full'), fixed);
    const scale = (): string => builder.input(scales(draw, []), fixed);
    const zero = (): string => builder.input(drawTensor(draw, type, [], 'small'), fixed);
    const ifSegmented = (make: () => string): string | undefined => (segmented ? make() : undefined);
    const inputs = [
      ids(words),
      ifSegmented(() => ids(2)),
      codes([words, size]),
      codes([positions, size]),
      ifSegmented(() => codes([2, size])),
      codes([size]),
      codes([size]),
      draw.chance(50) ? ids(2) : undefined,
      ...[scale(), scale(), ifSegmented(scale), scale(), scale()],
      ...[zero(), zero(), ifSegmented(zero), zero(), zero()],
    ];
    const attributes = { epsilon: optional(draw, float(0.01)) };
    return { op: 'QEmbedLayerNormalization', inputs, outputs: 2, attributes, domain, relative: 1e-3, absolute: 1e-4 };
  });

export const microsoftLayers: Generators = {
  QLinearReduceMean: reduceMean,
  'com.microsoft QLinearConv': convolution,
  DynamicQuantizeLSTM: lstm,
  QEmbedLayerNormalization: embedding,
};
