// Makes the padding of windows a node of its own, so that their inner loops are free of bounds checks.
//   Y = Conv(X, W, pads = 1)   →   Y = Conv(Pad(X), W)
// The padded copy costs little: what computes X writes it to the inside of the padded buffer (see lower/host.ts).

import type { Expr } from '../../ir/expr.ts';
import { add, constantOf, div, int, mul, sub } from '../../ir/expr-make.ts';
import type { Graph, Node, Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { tensorType } from '../lower/definition.ts';
import { ConvTranspose, type SpreadAttributes, type SpreadAxis, spreadAxes } from '../ops/conv-transpose.ts';
import { Conv } from '../ops/convolution.ts';
import type { Builder } from '../ops/define.ts';
import { Pad } from '../ops/pad.ts';
import { MaxPool } from '../ops/pooling.ts';
import { type WindowAttributes, type WindowAxis, windowAxes } from '../ops/window.ts';
import { rewriteGraph } from './rewrite.ts';

export const padExplicitly = {
  name: 'pad-explicitly',
  run: (graph: Graph): Graph =>
    rewriteGraph(graph, (node, inputs, g) => {
      if (node.op === ConvTranspose) return padSpread(node, inputs, g);
      if (node.op !== Conv && node.op !== MaxPool) return undefined;
      const X = inputs[0]!;
      const windows = windowsOf(node, inputs);
      const padded = windows.some(({ padBegin, padEnd }) => constantOf(padBegin) !== 0 || constantOf(padEnd) !== 0);
      if (!padded || node.attributes.ceil_mode === 1) return undefined;
      const filling = fillingOf(node, X, g);
      if (filling === undefined) return undefined;
      const none = [int(0), int(0)];
      const begins = [...none, ...windows.map(({ padBegin }) => padBegin)];
      const ends = [...none, ...windows.map(({ padEnd }) => padEnd)];
      const inside = surround(X, begins, ends, filling, g);
      const attributes = { ...node.attributes, auto_pad: 'NOTSET', pads: windows.flatMap(() => [0, 0]) };
      const name = node.outputs[0]!.name;
      // Positions of maxima (output 1) count in the unpadded input: they stay with the old node.
      return [g.apply(node.op === Conv ? Conv : MaxPool, [inside, ...inputs.slice(1)], attributes, { name })];
    }),
};

const surround = (X: Value, begins: readonly Expr[], ends: readonly Expr[], filling: Value, g: Builder): Value =>
  g.apply(Pad, [X, g.sizes([...begins, ...ends]), filling]);

/**
 * Gives the taps of a transposed convolution that reach over the input's borders zeros to read:
 * position y reads inputs from (y + padBegin) / stride downwards, one for each of its taps.
 */
function padSpread(node: Node, inputs: readonly (Value | undefined)[], g: Builder): readonly Value[] | undefined {
  const [X, W] = inputs as readonly [Value, Value];
  const filling = fillingOf(node, X, g);
  const kernels = tensorType(W).shape.slice(2).map(constantOf);
  const spatial = tensorType(X).shape.slice(2);
  const axes = spreadAxes(spatial, tensorType(W).shape.slice(2), node.attributes as unknown as SpreadAttributes);
  const sides = axes.map((axis, i) => sidesOf(axis, kernels[i]));
  if (filling === undefined || sides.includes(undefined)) return undefined;
  const known = sides.map((side) => side!);
  if (known.every(({ before, behind }) => before === 0 && behind === 0)) return undefined;
  const begins = [0, 0, ...known.map(({ before }) => before)].map(int);
  const ends = [0, 0, ...known.map(({ behind }) => behind)].map(int);
  const attributes = {
    ...node.attributes,
    auto_pad: 'NOTSET',
    output_shape: undefined,
    output_padding: undefined,
    pads: [...known.map(({ cropBegin }) => cropBegin), ...known.map(({ cropEnd }) => cropEnd)],
  };
  const padded = surround(X, begins, ends, filling, g);
  return [g.apply(ConvTranspose, [padded, ...inputs.slice(1)], attributes, { name: node.outputs[0]!.name })];
}

interface Sides {
  readonly before: number;
  readonly behind: number;
  /** What the result of the padded input has more than the wanted one. */
  readonly cropBegin: number;
  readonly cropEnd: number;
}

function sidesOf(axis: SpreadAxis, kernel: number | undefined): Sides | undefined {
  const { input, stride, dilation, output } = axis;
  const padBegin = constantOf(axis.padBegin);
  if (kernel === undefined || padBegin === undefined || dilation !== 1) return undefined;
  const last = simplify(sub(div(add(output, int(padBegin - 1)), int(stride)), sub(input, int(1))));
  const over = constantOf(last);
  if (over === undefined) return undefined;
  const before = Math.max(0, Math.ceil(kernel / stride) - 1 - Math.floor(padBegin / stride));
  const behind = Math.max(0, over);
  const cropBegin = padBegin + before * stride;
  const span = add(mul(add(input, int(before + behind - 1)), int(stride)), int(kernel));
  const cropEnd = constantOf(simplify(sub(sub(span, output), int(cropBegin))));
  return cropEnd === undefined ? undefined : { before, behind, cropBegin, cropEnd };
}

function windowsOf(node: Node, inputs: readonly (Value | undefined)[]): readonly WindowAxis[] {
  const spatial = tensorType(inputs[0]!).shape.slice(2);
  const kernels =
    node.op === Conv
      ? tensorType(inputs[1]!).shape.slice(2)
      : ((node.attributes.kernel_shape as readonly number[] | undefined) ?? []).map(int);
  return windowAxes(spatial, kernels, node.attributes as unknown as WindowAttributes);
}

/** What neither a sum nor a maximum notices. */
function fillingOf(node: Node, X: Value, g: Builder): Value | undefined {
  const { dtype } = tensorType(X);
  if (dtype !== 'float32' && dtype !== 'float64') return undefined;
  return g.scalar(node.op === MaxPool ? Number.NEGATIVE_INFINITY : 0, dtype);
}
