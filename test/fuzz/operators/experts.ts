// Cases of mixtures of experts.

import { type Attributes, float, int, text } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawTensor, tensorFrom } from '../tensors.ts';
import { type Generator, type Generators, oneNode, optional, put } from './generator.ts';

const domain = 'com.microsoft';
const fixed = { constant: 90, open: 0 };

interface Sizes {
  readonly experts: number;
  readonly hidden: number;
  readonly inner: number;
  /** How many rows the first matrices have for each element between the matrices. */
  readonly fused: number;
}

const mixtureAttributes = (draw: Draw, type: string, experts: number): Attributes => ({
  k: int(draw.integer(1, Math.min(3, experts))),
  activation_type: text(type),
  normalize_routing_weights: optional(draw, int(1)),
  ...(type === 'swiglu'
    ? {
        swiglu_fusion: int(1),
        activation_alpha: optional(draw, float(1.702)),
        activation_beta: optional(draw, float(1)),
        swiglu_limit: draw.chance(50) ? float(2) : undefined,
      }
    : {}),
});

/** Router logits of different sizes: equal ones would leave the choice open. */
function logits(draw: Draw, tokens: number, experts: number) {
  const start = draw.integer(0, 100);
  const values = Array.from({ length: tokens * experts }, (_, i) => ((i * 37 + start) % 101) / 20);
  return tensorFrom('float32', [tokens, experts], values);
}

const drawSizes = (draw: Draw, type: string, step: number): Sizes => ({
  experts: draw.integer(1, 5),
  hidden: step * draw.integer(1, 3),
  inner: step * draw.integer(1, 2),
  fused: type === 'swiglu' ? 2 : 1,
});

const moe: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const type = draw.pick(['relu', 'silu', 'gelu', 'identity', 'swiglu']);
    const { experts, hidden, inner, fused } = drawSizes(draw, type, draw.integer(1, 5));
    const tokens = draw.integer(1, 5);
    const bias = (rows: number): string | undefined =>
      draw.chance(50) ? builder.input(drawTensor(draw, 'float32', [experts, rows]), fixed) : undefined;
    const matrix = (rows: number, columns: number): string =>
      builder.input(drawTensor(draw, 'float32', [experts, rows, columns]), fixed);
    const X = put(builder, 'float32', draw.chance(50) ? [tokens, hidden] : [1, tokens, hidden]);
    const inputs = [
      X,
      builder.input(logits(draw, tokens, experts)),
      matrix(fused * inner, hidden),
      bias(fused * inner),
      matrix(hidden, inner),
      bias(hidden),
    ];
    const attributes = mixtureAttributes(draw, type, experts);
    return { op: 'MoE', inputs, attributes, domain, relative: 1e-3, absolute: 1e-4 };
  });

/** QMoE is left to a test of its own: ONNX Runtime now and then never comes back from it. */
export const mixtures: Generators = { MoE: moe };
