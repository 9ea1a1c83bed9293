// Rotary embeddings of ONNX Runtime's own domain beside RotaryEmbedding: MRotaryEmbedding, GemmaRotaryEmbedding.

import type { Expr } from '../../ir/expr.ts';
import { and, constantOf, eq, int, lt, mod, select } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { Add, Mul } from './arithmetic.ts';
import { floatAttribute, intAttribute, requiredInts } from './attributes.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import { op } from './define.ts';
import { Unsqueeze } from './reshape.ts';
import { checkRotary, rotate } from './rotary-embedding.ts';
import { agreeing, checked, sizeAt, within } from './run-time-operands.ts';
import { anyFloat, differ, sizeType, tensorOf, typeSet } from './types.ts';
import { Cos, Sin } from './unary.ts';

const domain = 'com.microsoft';

/** Which of the three streams of positions (time, height, width) a pair of a head turns by. */
function streamOf(pair: Expr, [time, height, width]: readonly number[], interleaved: boolean): Expr {
  if (!interleaved) return select(lt(pair, int(time!)), int(0), select(lt(pair, int(time! + height!)), int(1), int(2)));
  const third = (which: number, count: number): Expr =>
    and(eq(mod(pair, int(3)), int(which)), lt(pair, int(3 * count)));
  return select(third(1, height!), int(1), select(third(2, width!), int(2), int(0)));
}

/** The row of a table for each pair of each element: [batch, length, pairs]. */
const MultimodalAngles = op('MultimodalAngles', {
  domain: 'lapidary',
  inputs: ['table', 'positions'],
  attributes: { sections: requiredInts, interleaved: intAttribute(0) },
  types: { table: anyFloat, positions: sizeType },
  type: ({ table, positions }) => tensorOf(table.dtype, [...positions.shape.slice(1), table.shape[1]!]),
  compute: ({ table, positions }, { sections, interleaved }, index) => {
    const [batch, row, pair] = index as readonly [Expr, Expr, Expr];
    const stream = simplify(streamOf(pair, sections, interleaved !== 0));
    const position = sizeAt(positions, stream, batch, row);
    const found = checked(within(position, table.shape[0]!), table.at(position, pair));
    return agreeing([[positions.shape[0]!, int(3)]], found);
  },
});

/** Rotary embedding by three streams of positions, each of which turns its own sections of the pairs. */
export const MRotaryEmbedding = op('MRotaryEmbedding', {
  domain,
  inputs: ['input', 'position_ids', 'cos_cache', 'sin_cache'],
  outputs: ['output'],
  attributes: {
    interleaved: intAttribute(0, [0, 1]),
    is_packed_batching: intAttribute(0, [0, 1]),
    mrope_layout: intAttribute(0, [0, 1]),
    mrope_section: requiredInts,
    num_heads: intAttribute(0),
    rotary_embedding_dim: intAttribute(0),
    scale: floatAttribute(1),
  },
  types: { input: anyFloat, position_ids: sizeType, cos_cache: anyFloat, sin_cache: anyFloat },
  type: ({ input, position_ids, cos_cache, sin_cache }, attributes, context) => {
    const { mrope_section: sections, num_heads, rotary_embedding_dim } = attributes;
    if (attributes.scale !== 1) context.fail(`scale is ${attributes.scale}; only 1 is supported.`);
    const own = { X: input, cos: cos_cache, sin: sin_cache };
    if (cos_cache.rank !== 2) context.fail(`cos_cache has rank ${cos_cache.rank}; expected 2.`);
    checkRotary({ ...own, positions: position_ids }, num_heads, rotary_embedding_dim, context);
    const rows = [int(3), input.shape[0]!, input.shape.at(-2)!];
    if (position_ids.rank !== 3 || position_ids.shape.some((extent, i) => differ(extent, rows[i]!)))
      context.fail('position_ids must have the shape [3, batch, length].');
    if (sections.length !== 3 || sections.some((size) => size < 0))
      context.fail(`mrope_section is [${sections}]; expected three sizes.`);
    const [pairs, sum] = [constantOf(cos_cache.shape[1]!), sections.reduce((a, b) => a + b, 0)];
    if (pairs !== undefined && sum !== pairs)
      context.fail(`mrope_section adds up to ${sum}; cos_cache has ${pairs} columns.`);
    return tensorOf(input.dtype, input.shape);
  },
  expand: ({ input, position_ids, cos_cache, sin_cache }, attributes, g) => {
    const { mrope_section: sections, mrope_layout, interleaved } = attributes;
    const angles = (table: Value): Value =>
      g.apply(MultimodalAngles, [table, position_ids], { sections, interleaved: mrope_layout });
    const tables = { cos: angles(cos_cache), sin: angles(sin_cache), positions: undefined };
    return rotate(g, input, tables, attributes.num_heads, { interleaved, turned: attributes.rotary_embedding_dim });
  },
});

/** q * cos(emb) + q_rot * sin(emb), and the same of k. Cosine and sine are rounded to the type of q first. */
export const GemmaRotaryEmbedding = op('GemmaRotaryEmbedding', {
  domain,
  inputs: ['emb', 'q', 'q_rot', 'k', 'k_rot'],
  outputs: ['output1', 'output2'],
  types: { emb: typeSet('U', ['float32']), q: anyFloat, q_rot: anyFloat, k: anyFloat, k_rot: anyFloat },
  type: ({ emb, q, q_rot, k, k_rot }, _, context) => {
    if (emb.rank !== 3) context.fail(`emb has rank ${emb.rank}; expected 3 (batch, length, size).`);
    for (const [name, operand] of Object.entries({ q, q_rot, k, k_rot })) {
      const like = [emb.shape[0]!, operand.shape[1] ?? int(1), emb.shape[1]!, emb.shape[2]!];
      if (operand.rank !== 4 || operand.shape.some((extent, i) => differ(extent, like[i]!)))
        context.fail(`${name} must have the shape [batch, heads, length, size] of emb's sizes.`);
    }
    for (const [one, other] of [
      [q, q_rot],
      [k, k_rot],
    ] as const) {
      if (differ(one.shape[1]!, other.shape[1]!)) context.fail('a state and its rotated half must have as many heads.');
    }
    return [tensorOf(q.dtype, q.shape), tensorOf(k.dtype, k.shape)];
  },
  expand: ({ emb, q, q_rot, k, k_rot }, _, g) => {
    const { dtype } = tensorTypeOf(q);
    const of = (wave: typeof Sin): Value => g.apply(Unsqueeze, [castTo(g, g.apply(wave, [emb]), dtype), g.ints([1])]);
    const [sin, cos] = [of(Sin), of(Cos)];
    const turned = (x: Value, rotated: Value): Value =>
      g.apply(Add, [g.apply(Mul, [x, cos]), g.apply(Mul, [rotated, sin])]);
    return [turned(q, q_rot), turned(k, k_rot)];
  },
});
