// Cases of com.microsoft's normalizations, gates and rotary embeddings.

import type { DType } from '../../../ir/dtype.ts';
import { float, int, ints } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawIntegers, drawShape, int64s, tensorFrom } from '../tensors.ts';
import { type Generator, type Generators, oneNode, optional, put } from './generator.ts';

const domain = 'com.microsoft';
const near = { relative: 1e-4, absolute: 1e-5 };
const halfOrFloat: readonly DType[] = ['float32', 'float32', 'float16'];

/** Tolerances of results that are rounded to a type. */
const rounded = (dtype: DType) => (dtype === 'float16' ? { relative: 4e-3, absolute: 2e-3 } : near);

const groupNorm =
  (op: string, skips: boolean): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const groups = draw.integer(1, 4);
      const channels = groups * draw.integer(1, 4);
      const last = draw.chance(70);
      const batch = draw.integer(1, 3);
      const spatial = [draw.integer(1, 4), draw.integer(1, 4)];
      const dims = last ? [batch, ...spatial, channels] : [batch, channels, ...spatial];
      const skip = draw.pick([dims, [batch, channels], last ? [batch, 1, 1, channels] : [batch, channels, 1, 1]]);
      const vector = (): string => put(builder, 'float32', [channels]);
      const inputs = [put(builder, 'float32', dims), vector(), vector()];
      const more = skips ? [put(builder, 'float32', skip), draw.chance(50) ? vector() : undefined] : [];
      return {
        op,
        inputs: [...inputs, ...more],
        outputs: skips ? 2 : 1,
        attributes: {
          activation: int(draw.integer(0, 1)),
          groups: int(groups),
          channels_last: last ? optional(draw, int(1)) : int(0),
          epsilon: optional(draw, float(0.01)),
        },
        domain,
        ...near,
      };
    });

const biasSoftmax: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dims = drawShape(draw, 2, 4, { zero: 0 });
    const axis = draw.integer(1, dims.length - 1);
    const inner = draw.chance(50);
    const missing = draw.integer(0, axis);
    const bias = inner
      ? [...dims.slice(0, axis - missing), ...Array.from({ length: missing }, () => 1), ...dims.slice(axis)]
      : dims.slice(missing);
    return {
      op: 'BiasSoftmax',
      inputs: [put(builder, 'float32', dims), put(builder, 'float32', bias)],
      attributes: { axis: int(axis), is_inner_broadcast: int(inner ? 1 : 0) },
      domain,
      ...near,
    };
  });

const gatedAdd: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dtype = draw.pick(halfOrFloat);
    const dims = drawShape(draw, 1, 4);
    const inputs = [dims, dims, [...dims.slice(0, -1), 1]].map((shape) => put(builder, dtype, shape));
    return { op: 'GatedAdd', inputs, domain };
  });

const gatedRms: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dtype = draw.pick(halfOrFloat);
    const size = draw.integer(1, 12);
    const dims = [...drawShape(draw, 0, 2, { zero: 0, most: 40 }), size * draw.integer(1, 4)];
    const inputs = [put(builder, dtype, dims), put(builder, dtype, [size]), put(builder, dtype, dims)];
    const attributes = { epsilon: optional(draw, float(0.01)) };
    return { op: 'GatedRMSNorm', inputs, attributes, domain, ...rounded(dtype) };
  });

const linearAttentionGate: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dtype = draw.pick(halfOrFloat);
    const dims = [draw.integer(1, 3), draw.integer(1, 5), draw.integer(1, 9)];
    const heads = (): string => put(builder, 'float32', [dims[2]!]);
    const both = draw.chance(60);
    const a = put(builder, dtype, dims);
    const inputs = [a, heads(), heads(), both ? put(builder, dtype, dims) : undefined];
    return { op: 'LinearAttentionGate', inputs, outputs: both ? 2 : 1, domain, ...rounded(dtype) };
  });

const engramGate: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dims = [draw.integer(1, 2), draw.integer(1, 4), draw.integer(1, 3), draw.integer(1, 12)];
    const normed = draw.chance(60);
    const shapes = [
      dims,
      dims,
      [dims[0]!, dims[1]!, dims[3]!],
      ...Array.from({ length: normed ? 3 : 2 }, () => dims.slice(2)),
    ];
    const inputs = shapes.map((shape) => put(builder, 'float32', shape));
    return {
      op: 'EngramGate',
      inputs,
      outputs: normed ? 2 : 1,
      attributes: { epsilon: optional(draw, float(0.01)) },
      domain,
      ...near,
    };
  });

const relativePositionBias: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const table = [2 * draw.integer(2, 10), draw.integer(1, 4)];
    const fixed = { constant: 100 };
    const length = (): string => builder.input(int64s([draw.integer(1, 24)]), fixed);
    const both = draw.chance(50);
    const first = length();
    return {
      op: 'RelativePositionBias',
      inputs: [put(builder, 'float32', table), first, both ? length() : first],
      attributes: { max_distance: int(draw.pick([128, 20, 50])), is_bidirectional: optional(draw, int(1)) },
      domain,
    };
  });

const gatedRelativePositionBias: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [batch, length, heads, size] = [
      draw.integer(1, 2),
      draw.integer(1, 5),
      draw.integer(1, 3),
      draw.integer(1, 6),
    ];
    const columns = 2 * draw.integer(1, 4);
    const shapes = [
      [batch, length, heads * size],
      [heads * size],
      [1, heads, length, length],
      [size, columns],
      [columns],
      [1, heads, 1, 1],
    ];
    const inputs = shapes.map((shape) => put(builder, 'float32', shape));
    return { op: 'GatedRelativePositionBias', inputs, attributes: { num_heads: int(heads) }, domain, ...near };
  });

const angles = (draw: Draw, rows: number, columns: number) =>
  [0, 1].map(() =>
    tensorFrom(
      'float32',
      [rows, columns],
      Array.from({ length: rows * columns }, () => draw.integer(-64, 64) / 64),
    ),
  );

const multimodalRotary: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [batch, length, heads] = [draw.integer(1, 2), draw.integer(1, 5), draw.integer(1, 3)];
    const sections = [draw.integer(1, 4), draw.integer(0, 3), draw.integer(0, 3)];
    const half = sections.reduce((a, b) => a + b, 0);
    const partly = draw.chance(40);
    const size = 2 * half + (partly ? draw.integer(0, 5) : 0);
    const packed = draw.chance(50);
    const X = put(builder, 'float32', packed ? [batch, length, heads * size] : [batch, heads, length, size]);
    const rows = draw.integer(1, 9);
    const positions = builder.input(drawIntegers(draw, 'int64', [3, batch, length], 0, rows - 1));
    const tables = angles(draw, rows, half).map((table) => builder.input(table));
    return {
      op: 'MRotaryEmbedding',
      inputs: [X, positions, ...tables],
      attributes: {
        mrope_section: ints(sections),
        mrope_layout: optional(draw, int(1)),
        interleaved: optional(draw, int(1)),
        num_heads: packed || partly ? int(heads) : undefined,
        rotary_embedding_dim: partly ? int(2 * half) : undefined,
      },
      domain,
      ...near,
    };
  });

const gemmaRotary: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [batch, length, size] = [draw.integer(1, 2), draw.integer(1, 4), draw.integer(1, 8)];
    const state = (heads: number): string => put(builder, 'float16', [batch, heads, length, size]);
    const [q, k] = [draw.integer(1, 3), draw.integer(1, 3)];
    const emb = put(builder, 'float32', [batch, length, size]);
    return { op: 'GemmaRotaryEmbedding', inputs: [emb, state(q), state(q), state(k), state(k)], outputs: 2, domain };
  });

const removePadding: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [batch, length] = [draw.integer(1, 4), draw.integer(1, 5)];
    const input = put(builder, 'float32', [batch, length, draw.integer(1, 6)]);
    const counts = builder.input(drawIntegers(draw, 'int32', [batch], 0, length));
    return { op: 'RemovePadding', inputs: [input, counts], outputs: 4, domain };
  });

export const microsoftGates: Generators = {
  GroupNorm: groupNorm('GroupNorm', false),
  SkipGroupNorm: groupNorm('SkipGroupNorm', true),
  BiasSoftmax: biasSoftmax,
  GatedAdd: gatedAdd,
  GatedRMSNorm: gatedRms,
  LinearAttentionGate: linearAttentionGate,
  EngramGate: engramGate,
  RelativePositionBias: relativePositionBias,
  GatedRelativePositionBias: gatedRelativePositionBias,
  MRotaryEmbedding: multimodalRotary,
  GemmaRotaryEmbedding: gemmaRotary,
  RemovePadding: removePadding,
};
