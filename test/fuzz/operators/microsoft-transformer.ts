// Cases of com.microsoft's operators of transformers that a CPU runs: Attention, MultiHeadAttention,
// EmbedLayerNormalization; and its QuantizeLinear and DequantizeLinear.

import type { DType } from '../../../ir/dtype.ts';
import { float, int } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawIntegers, drawShape, drawTensor, tensorFrom } from '../tensors.ts';
import { type Generator, type Generators, oneNode, optional, put } from './generator.ts';

const domain = 'com.microsoft';
const near = { relative: 1e-3, absolute: 1e-4 };

/** A mask of any form, for rows that see so many columns; at least one column of each row stays. */
function drawMask(draw: Draw, batch: number, rows: number, columns: number, ends: boolean) {
  const forms = [[batch, columns], [batch, rows, columns], ...(ends ? [[batch], [2 * batch]] : [])];
  const dims = draw.pick(forms);
  if (dims.length > 1) {
    const ones = drawIntegers(draw, 'int32', dims, 0, 1);
    const values = new Int32Array(ones.bytes.slice().buffer);
    for (let i = 0; i < values.length; i += columns) values[i] = 1;
    return tensorFrom('int32', dims, [...values].map(BigInt));
  }
  const values = Array.from({ length: dims[0]! }, (_, i) => (i < batch ? draw.integer(1, columns) : 0));
  return tensorFrom('int32', dims, values.map(BigInt));
}

const attention: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [batch, rows, heads, size] = [draw.integer(1, 2), draw.integer(1, 5), draw.integer(1, 3), draw.integer(1, 5)];
    const [input, hidden] = [draw.integer(1, 6), heads * size];
    const past = draw.chance(40) ? draw.integer(1, 3) : 0;
    const columns = past + rows;
    const kept = { open: 0 };
    const X = builder.input(drawTensor(draw, 'float32', [batch, rows, input], 'unit'), { openAxes: [0] });
    const inputs = [
      X,
      builder.input(drawTensor(draw, 'float32', [input, 3 * hidden], 'unit'), { constant: 80, open: 0 }),
      put(builder, 'float32', [3 * hidden]),
      draw.chance(60) ? builder.input(drawMask(draw, batch, rows, columns, past === 0), kept) : undefined,
      past > 0 ? builder.input(drawTensor(draw, 'float32', [2, batch, heads, past, size], 'unit'), kept) : undefined,
      draw.chance(40) ? builder.input(drawTensor(draw, 'float32', [1, heads, rows, columns], 'unit'), kept) : undefined,
    ];
    const attributes = {
      num_heads: int(heads),
      unidirectional: optional(draw, int(1)),
      scale: draw.chance(40) ? float(0.5) : undefined,
      mask_filter_value: draw.chance(30) ? float(-1000) : undefined,
    };
    return { op: 'Attention', inputs, outputs: past > 0 ? 2 : 1, attributes, domain, ...near };
  });

const multiHead: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [batch, rows, heads, size] = [draw.integer(1, 2), draw.integer(1, 5), draw.integer(1, 3), draw.integer(1, 5)];
    const hidden = heads * size;
    const columns = draw.integer(1, 6);
    const form = draw.pick(['apart', 'apart', 'packed keys', 'packed']);
    const unit = (dims: readonly number[]): string =>
      builder.input(drawTensor(draw, 'float32', dims, 'unit'), { openAxes: [0] });
    const own = form === 'packed' ? rows : columns;
    const given =
      form === 'packed'
        ? [unit([batch, rows, heads, 3, size]), undefined, undefined]
        : form === 'packed keys'
          ? [unit([batch, rows, hidden]), unit([batch, columns, heads, 2, size]), undefined]
          : [unit([batch, rows, hidden]), unit([batch, columns, hidden]), unit([batch, columns, hidden])];
    const inputs = [
      ...given,
      form === 'apart' && draw.chance(50) ? put(builder, 'float32', [3 * hidden]) : undefined,
      draw.chance(50) ? builder.input(drawMask(draw, batch, rows, own, false), { open: 0 }) : undefined,
      draw.chance(40)
        ? builder.input(drawTensor(draw, 'float32', [1, heads, rows, own], 'unit'), { open: 0 })
        : undefined,
    ];
    const attributes = { num_heads: int(heads), scale: draw.chance(40) ? float(0.5) : undefined };
    return { op: 'MultiHeadAttention', inputs, attributes, domain, ...near };
  });

const embedding: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [batch, length, size] = [draw.integer(1, 2), draw.integer(1, 4), draw.integer(2, 9)];
    const [words, positions] = [draw.integer(1, 9), draw.integer(length, 9)];
    const segmented = draw.chance(50);
    const ids = (count: number): string =>
      builder.input(drawIntegers(draw, 'int32', [batch, length], 0, count - 1), { open: 0 });
    const table = (dims: readonly number[]): string => put(builder, 'float32', dims);
    const inputs = [
      ids(words),
      segmented ? ids(2) : undefined,
      table([words, size]),
      table([positions, size]),
      segmented ? table([2, size]) : undefined,
      table([size]),
      table([size]),
      draw.chance(50) ? ids(2) : undefined,
      draw.chance(40) ? ids(positions) : undefined,
    ];
    const attributes = { epsilon: optional(draw, float(0.01)) };
    return { op: 'EmbedLayerNormalization', inputs, outputs: 2, attributes, domain, ...near };
  });

const quantization =
  (op: 'QuantizeLinear' | 'DequantizeLinear'): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const dims = drawShape(draw, 1, 4, { zero: 0 });
      const axis = draw.integer(0, dims.length - 1);
      const own = draw.chance(40) ? [dims[axis]!] : [];
      const dtype = draw.pick<DType>(['uint8', 'int8', 'int16', 'uint16']);
      const count = own[0] ?? 1;
      const scales = Array.from({ length: count }, () => draw.pick([0.5, 0.25, 0.1, 0.037]));
      const X = op === 'QuantizeLinear' ? put(builder, 'float32', dims) : put(builder, dtype, dims, 'full');
      const inputs = [
        X,
        builder.input(tensorFrom('float32', own, scales), { constant: 70, open: 0 }),
        builder.input(drawTensor(draw, dtype, own, 'small'), { constant: 70, open: 0 }),
      ];
      return { op, inputs, attributes: { axis: own.length > 0 ? int(axis) : undefined }, domain };
    });

export const microsoftTransformer: Generators = {
  'com.microsoft Attention': attention,
  MultiHeadAttention: multiHead,
  EmbedLayerNormalization: embedding,
  'com.microsoft QuantizeLinear': quantization('QuantizeLinear'),
  'com.microsoft DequantizeLinear': quantization('DequantizeLinear'),
};
