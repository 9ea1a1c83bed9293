// Cases of operators that stand alone: spectra, boxes, patches, attention.

import type { DType } from '../../../ir/dtype.ts';
import { type Attributes, float, int, ints } from '../case.ts';
import { drawDims, drawIntegers, drawShape, drawTensor, int64s, scalar } from '../tensors.ts';
import { float32s, type Generator, type Generators, oneNode, optional, put } from './generator.ts';

const fixed = { constant: 100 };

const det: Generator = (draw) =>
  oneNode(draw, 21, (builder) => {
    const n = draw.integer(1, 5);
    const dims = [...drawDims(draw, draw.integer(0, 2), { most: 20, zero: 1 }), n, n];
    return { op: 'Det', inputs: [put(builder, 'float32', dims, 'unit')], relative: 1e-4, absolute: 1e-5 };
  });

const dft: Generator = (draw) =>
  oneNode(draw, 20, (builder) => {
    const inverse = draw.chance(30);
    const onesided = !inverse && draw.chance(40);
    const dims = [
      draw.integer(1, 3),
      draw.integer(1, 12),
      ...(draw.chance(30) ? [draw.integer(1, 4)] : []),
      onesided ? 1 : draw.integer(1, 2),
    ];
    const axis = draw.integer(1, dims.length - 2);
    const length = draw.chance(30) ? builder.input(scalar('int64', draw.integer(1, 14)), fixed) : undefined;
    const inputs = [put(builder, draw.pick(float32s), dims), length, builder.input(scalar('int64', axis), fixed)];
    return {
      op: 'DFT',
      inputs,
      attributes: {
        inverse: optional(draw, int(inverse ? 1 : 0)) ?? (inverse ? int(1) : undefined),
        onesided: onesided ? int(1) : undefined,
      },
      relative: 1e-4,
      absolute: 1e-4,
    };
  });

const stft: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const length = draw.integer(2, 10);
    const signal = put(builder, 'float32', [draw.integer(1, 2), length + draw.integer(0, 20), 1]);
    const step = builder.input(scalar('int64', draw.integer(1, 4)), fixed);
    const window = draw.chance(60) ? put(builder, 'float32', [length], 'positive') : undefined;
    const inputs = [signal, step, window, builder.input(scalar('int64', length), fixed)];
    return {
      op: 'STFT',
      inputs,
      attributes: { onesided: optional(draw, int(draw.integer(0, 1))) },
      relative: 1e-4,
      absolute: 1e-4,
    };
  });

const window =
  (op: string): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const size = builder.input(scalar(draw.pick(['int64', 'int32']), draw.integer(2, 20)), fixed);
      return { op, inputs: [size], attributes: { periodic: optional(draw, int(draw.integer(0, 1))) }, absolute: 1e-6 };
    });

const mel: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const one = (dtype: DType, value: number): string => builder.input(scalar(dtype, value), fixed);
    const inputs = [
      one('int64', draw.integer(2, 8)),
      one('int64', draw.pick([16, 32, 64])),
      one('int64', 8192),
      one('float32', 0),
      one('float32', 4096),
    ];
    return { op: 'MelWeightMatrix', inputs, absolute: 1e-6 };
  });

const suppression: Generator = (draw) =>
  oneNode(draw, 11, (builder) => {
    const [batch, boxes, classes] = [draw.integer(1, 2), draw.integer(1, 8), draw.integer(1, 3)];
    const limit = draw.chance(80) ? builder.input(int64s([draw.integer(0, 5)]), { constant: 80 }) : undefined;
    const threshold = (): string | undefined =>
      draw.chance(60)
        ? builder.input({ ...scalar('float32', draw.pick([0.5, 0.25, 0])), dims: [1] }, { constant: 80 })
        : undefined;
    const inputs = [
      put(builder, 'float32', [batch, boxes, 4], 'positive'),
      put(builder, 'float32', [batch, classes, boxes], 'positive'),
      limit,
      threshold(),
      threshold(),
    ];
    return {
      op: 'NonMaxSuppression',
      inputs,
      attributes: { center_point_box: optional(draw, int(draw.integer(0, 1))) },
    };
  });

const col2im: Generator = (draw) =>
  oneNode(draw, 18, (builder) => {
    const [kernel, stride, dilation] = [
      [draw.integer(1, 3), draw.integer(1, 3)],
      draw.integer(1, 2),
      draw.integer(1, 2),
    ];
    const image = kernel.map((size) => (size - 1) * dilation + 1 + draw.integer(0, 4));
    const pad = draw.integer(0, 1);
    const blocks = image.map((size, i) => Math.floor((size + 2 * pad - dilation * (kernel[i]! - 1) - 1) / stride) + 1);
    const dims = [draw.integer(1, 2), draw.integer(1, 3) * kernel[0]! * kernel[1]!, blocks[0]! * blocks[1]!];
    const attributes = {
      strides: ints([stride, stride]),
      pads: ints([pad, pad, pad, pad]),
      dilations: ints([dilation, dilation]),
    };
    return {
      op: 'Col2Im',
      inputs: [
        put(builder, 'float32', dims, 'grid'),
        builder.input(int64s(image), { constant: 60, open: 0 }),
        builder.input(int64s(kernel), { constant: 60, open: 0 }),
      ],
      attributes,
    };
  });

const deformConv: Generator = (draw) =>
  oneNode(draw, 19, (builder) => {
    const [C, O, kernel, groups] = [draw.integer(1, 3), draw.integer(1, 4), draw.integer(1, 3), 1];
    const size = kernel + draw.integer(0, 5);
    const out = size - kernel + 1;
    const inputs = [
      put(builder, 'float32', [1, C, size, size]),
      put(builder, 'float32', [O, C, kernel, kernel]),
      put(builder, 'float32', [1, groups * 2 * kernel * kernel, out, out], 'unit'),
      draw.chance(50) ? put(builder, 'float32', [O]) : undefined,
      draw.chance(50) ? put(builder, 'float32', [1, groups * kernel * kernel, out, out], 'positive') : undefined,
    ];
    return {
      op: 'DeformConv',
      inputs,
      attributes: { kernel_shape: ints([kernel, kernel]), pads: ints([0, 0, 0, 0]) },
      relative: 1e-4,
      absolute: 1e-5,
    };
  });

const affineGrid: Generator = (draw) =>
  oneNode(draw, 20, (builder) => {
    const spatial = Array.from({ length: draw.integer(2, 3) }, () => draw.integer(1, 5));
    const [N, rank] = [draw.integer(1, 2), spatial.length];
    const size = builder.input(int64s([N, draw.integer(1, 3), ...spatial]), fixed);
    return {
      op: 'AffineGrid',
      inputs: [put(builder, 'float32', [N, rank, rank + 1], 'unit'), size],
      attributes: { align_corners: optional(draw, int(draw.integer(0, 1))) },
      absolute: 1e-5,
    };
  });

const dropout: Generator = (draw) =>
  oneNode(draw, 13, (builder) => ({
    op: 'Dropout',
    inputs: [put(builder, draw.pick(float32s), drawShape(draw))],
    outputs: draw.integer(1, 2),
  }));

const rotary: Generator = (draw) =>
  oneNode(draw, 23, (builder) => {
    const [batch, heads, length, half] = [
      draw.integer(1, 2),
      draw.integer(1, 3),
      draw.integer(1, 4),
      draw.integer(1, 4),
    ];
    const positions = draw.integer(length, 8);
    const inputs = [
      put(builder, 'float32', [batch, heads, length, 2 * half]),
      put(builder, 'float32', [positions, half], 'unit'),
      put(builder, 'float32', [positions, half], 'unit'),
      builder.input(drawIntegers(draw, 'int64', [batch, length], 0, positions - 1)),
    ];
    return {
      op: 'RotaryEmbedding',
      inputs,
      attributes: { interleaved: optional(draw, int(draw.integer(0, 1))) },
      absolute: 1e-6,
    };
  });

const attention: Generator = (draw) =>
  oneNode(draw, 23, (builder) => {
    const [batch, heads, group, length, total, width, deep] = [
      draw.integer(1, 2),
      draw.integer(1, 2),
      draw.integer(1, 2),
      draw.integer(1, 5),
      draw.integer(1, 6),
      draw.pick([2, 4, 8]),
      draw.pick([2, 4, 8]),
    ];
    const flat = draw.chance(40);
    const shape = (count: number, rows: number, size: number): readonly number[] =>
      flat ? [batch, rows, count * size] : [batch, count, rows, size];
    const mask = draw.chance(40)
      ? builder.input(
          drawTensor(
            draw,
            draw.pick<DType>(['float32', 'bool']),
            draw.pick([
              [length, total],
              [batch, 1, length, total],
            ]),
            'unit',
          ),
        )
      : undefined;
    const causal = mask === undefined && draw.chance(40);
    const inputs = [
      put(builder, 'float32', shape(heads * group, length, width)),
      put(builder, 'float32', shape(heads, total, width)),
      put(builder, 'float32', shape(heads, total, deep)),
      mask,
    ];
    const attributes: Attributes = {
      q_num_heads: flat ? int(heads * group) : undefined,
      kv_num_heads: flat ? int(heads) : undefined,
      is_causal: causal ? int(1) : undefined,
      scale: draw.chance(30) ? float(0.3) : undefined,
      softcap: draw.chance(20) ? float(2) : undefined,
    };
    return { op: 'Attention', inputs, attributes, relative: 1e-4, absolute: 1e-5 };
  });

export const others: Generators = {
  Det: det,
  DFT: dft,
  STFT: stft,
  HannWindow: window('HannWindow'),
  HammingWindow: window('HammingWindow'),
  BlackmanWindow: window('BlackmanWindow'),
  MelWeightMatrix: mel,
  NonMaxSuppression: suppression,
  Col2Im: col2im,
  DeformConv: deformConv,
  AffineGrid: affineGrid,
  Dropout: dropout,
  RotaryEmbedding: rotary,
  Attention: attention,
};
