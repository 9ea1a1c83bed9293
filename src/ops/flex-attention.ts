// FlexAttention: attention with subgraphs that may change the scores before, and the weights after the softmax.

import type { DType } from '../../ir/dtype.ts';
import type { Graph, Type, Value } from '../../ir/graph.ts';
import { attend } from './attention-core.ts';
import { checkHeads } from './attention-heads.ts';
import { optionalDtype, optionalFloat, optionalGraph } from './attributes.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import { type Builder, op } from './define.ts';
import { replaceInputs } from './subgraph.ts';
import { anyFloat, differ, tensorOf } from './types.ts';

/** The type in which scores are changed: that of the softmax. */
const precisionOf = (given: unknown, dtype: DType): DType =>
  typeof given === 'string' ? (given as DType) : dtype === 'float64' ? 'float64' : 'float32';

function scoresType(Q: Value | undefined, K: Value | undefined, precision: unknown): Type | undefined {
  if (Q?.type.kind !== 'tensor' || K?.type.kind !== 'tensor') return undefined;
  const { shape, dtype } = Q.type;
  return tensorOf(precisionOf(precision, dtype), [...shape.slice(0, 3), ...K.type.shape.slice(2, 3)]);
}

export const FlexAttention = op('FlexAttention', {
  domain: 'ai.onnx.preview',
  inputs: ['Q', 'K', 'V'],
  attributes: {
    prob_mod: optionalGraph,
    scale: optionalFloat,
    score_mod: optionalGraph,
    softmax_precision: optionalDtype,
  },
  types: { Q: anyFloat, K: anyFloat, V: anyFloat },
  bodyInputs: ([Q, K], { softmax_precision }) => {
    const type = scoresType(Q, K, softmax_precision);
    return type ? { score_mod: [type], prob_mod: [type] } : {};
  },
  type: ({ Q, K, V }, { score_mod, prob_mod }, context) => {
    for (const [name, { rank }] of Object.entries({ Q, K, V })) {
      if (rank !== 4) context.fail(`${name} has rank ${rank}; expected 4 (batch, heads, rows, size).`);
    }
    checkHeads(Q.shape[1]!, K.shape[1]!, context);
    if (differ(Q.shape[3]!, K.shape[3]!)) context.fail('heads of Q and K must have the same size.');
    for (const [name, graph] of Object.entries({ score_mod, prob_mod })) {
      if (graph && (graph.inputs.length !== 1 || graph.outputs.length !== 1)) {
        context.fail(`${name} must have one input and one output.`);
      }
    }
    return tensorOf(Q.dtype, [...Q.shape.slice(0, 3), V.shape[3]!]);
  },
  expand: ({ Q, K, V }, { scale, score_mod, prob_mod, softmax_precision }, g) => {
    const precision = precisionOf(softmax_precision, tensorTypeOf(Q).dtype);
    return attend(g, {
      Q,
      K,
      V,
      scale,
      softcap: 0,
      precision,
      changeScores: score_mod && through(score_mod, precision, g),
      changeWeights: prob_mod && through(prob_mod, precision, g),
    }).Y;
  },
});

/** What a subgraph makes of a value. */
const through =
  (graph: Graph, precision: DType, g: Builder) =>
  (value: Value): Value =>
    castTo(g, replaceInputs(graph, [castTo(g, value, precision)], g)[0]!, tensorTypeOf(value).dtype);
