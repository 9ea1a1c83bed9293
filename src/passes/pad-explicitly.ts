// Makes the padding of windows a node of its own, so that their inner loops are free of bounds checks.
//   Y = Conv(X, W, pads = 1)   →   Y = Conv(Pad(X), W)
// The padded copy costs little: what computes X writes it to the inside of the padded buffer (see lower/host.ts).

import { constantOf, int } from '../../ir/expr-make.ts';
import type { Graph, Node, Value } from '../../ir/graph.ts';
import { tensorType } from '../lower/definition.ts';
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
      const inside = g.apply(Pad, [X, g.sizes([...begins, ...ends]), filling]);
      const attributes = { ...node.attributes, auto_pad: 'NOTSET', pads: windows.flatMap(() => [0, 0]) };
      const name = node.outputs[0]!.name;
      // Positions of maxima (output 1) count in the unpadded input: they stay with the old node.
      return [g.apply(node.op === Conv ? Conv : MaxPool, [inside, ...inputs.slice(1)], attributes, { name })];
    }),
};

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
  return g.scalar(node.op === Conv ? 0 : Number.NEGATIVE_INFINITY, dtype);
}
