// Cases of com.microsoft's layers that hand a state on: causal convolution and linear attention.

import { type Attributes, float, int, text } from '../case.ts';
import { drawTensor } from '../tensors.ts';
import { type Generator, type Generators, oneNode, optional, put } from './generator.ts';

const domain = 'com.microsoft';
const near = { relative: 1e-3, absolute: 1e-4 };

const causalConvolution: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [batch, channels, time] = [draw.integer(1, 3), draw.integer(1, 6), draw.integer(1, 6)];
    const kernel = draw.integer(2, 4);
    const past = [batch, channels, kernel - 1];
    const bias = draw.chance(50) ? put(builder, 'float32', [channels]) : undefined;
    const inputs = [
      put(builder, 'float32', [batch, channels, time]),
      put(builder, 'float32', [channels, 1, kernel]),
      bias,
      draw.chance(60) ? put(builder, 'float32', past) : undefined,
    ];
    const attributes = { activation: draw.chance(60) ? text(draw.pick(['silu', 'swish', 'none'])) : undefined };
    return { op: 'CausalConvWithState', inputs, outputs: 2, attributes, domain, ...near };
  });

const linearAttention: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const rule = draw.pick(['linear', 'gated', 'delta', 'gated_delta']);
    const [batch, time, shared] = [draw.integer(1, 2), draw.integer(1, 4), draw.integer(1, 2)];
    const [keys, values] = [draw.integer(1, 5), draw.integer(1, 5)];
    const queries = shared * draw.integer(1, 2);
    const part = (width: number, contents: 'unit' | 'positive' = 'unit'): string =>
      // Of which size a head is, and whether heads share beta, has to be known.
      builder.input(drawTensor(draw, 'float32', [batch, time, width], contents), { openAxes: [0, 1] });
    const [q, k, v] = [part(queries * keys), part(shared * keys), part(shared * values)];
    const past = draw.chance(50) ? put(builder, 'float32', [batch, shared, keys, values], 'unit') : undefined;
    const decay = rule.includes('gated') ? part(draw.pick([shared, shared * keys])) : undefined;
    const beta = rule.includes('delta') ? part(draw.pick([shared, 1])) : undefined;
    const attributes: Attributes = {
      q_num_heads: int(queries),
      kv_num_heads: int(shared),
      update_rule: text(rule),
      scale: optional(draw, float(0.5)),
    };
    return { op: 'LinearAttention', inputs: [q, k, v, past, decay, beta], outputs: 2, attributes, domain, ...near };
  });

export const microsoftStates: Generators = {
  'com.microsoft CausalConvWithState': causalConvolution,
  'com.microsoft LinearAttention': linearAttention,
};
