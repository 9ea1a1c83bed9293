// Sampling (com.microsoft): like GreedySearch, but the next token is drawn from the most likely ones, whose probabilities
// add up to top_p. The numbers are those of the other random operators here, not those of ONNX Runtime.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  cast,
  constant,
  indexVar,
  int,
  le,
  lt,
  max,
  min,
  mul,
  or,
  reduce,
  select,
  sub,
} from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { Div, Mul, Sub } from './arithmetic.ts';
import { floatAttribute, intAttribute } from './attributes.ts';
import { castTo, scalarLike, tensorTypeOf } from './compose.ts';
import { CumSum } from './cumulate.ts';
import { type Builder, op } from './define.ts';
import { GatherElements } from './gather.ts';
import { generate, generationAttributes, generationInputs, generationTypes } from './generation.ts';
import { tokenByToken } from './greedy-search.ts';
import { uniform } from './random-bits.ts';
import { Squeeze } from './reshape.ts';
import { Softmax } from './softmax.ts';
import { TopK } from './top-k.ts';
import { scalarOf, sizeType, tensorOf, typeSet } from './types.ts';

const float = typeSet('F', ['float32']);
const token = typeSet('Token', ['int32']);

/**
 * The rank [B, 1] that is drawn among `probabilities` [B, V], the most likely first; `before` is the sum of those before
 * each. Ranks stay where less than `share` is before them (or no more, where `closed`), and the first `least`.
 */
const DrawRank = op('DrawRank', {
  domain: 'lapidary',
  inputs: ['probabilities', 'before', 'length', 'seed?'],
  attributes: { closed: intAttribute(0, [0, 1]), least: intAttribute(1), share: floatAttribute(1) },
  types: { probabilities: float, before: float, length: sizeType, seed: token },
  type: ({ probabilities }) => tensorOf('int64', [probabilities.shape[0]!, int(1)]),
  compute: ({ probabilities, before, length, seed }, { closed, least, share }, [b]) => {
    const word = (value: Expr): Expr => cast(value, 'uint32');
    const isKept = (rank: Expr): Expr => {
      const limit = constant(share, 'float32');
      const early = closed ? le(before.at(b!, rank), limit) : lt(before.at(b!, rank), limit);
      return or(lt(rank, int(Math.max(1, least))), early);
    };
    const over = (name: string, term: (rank: Expr) => Expr): Expr => {
      const rank = indexVar(name, probabilities.shape[1]!);
      return reduce('sum', [rank], term(rank));
    };
    const zero = constant(0, 'float32');
    const total = over('r', (rank) => select(isKept(rank), probabilities.at(b!, rank), zero));
    const start = seed ? word(scalarOf(seed)) : constant(0, 'uint32');
    const turn = add(mul(start, constant(1_000_003, 'uint32')), word(scalarOf(length)));
    const position = add(mul(turn, word(probabilities.shape[0]!)), word(b!));
    const target = mul(uniform(0, position), total);
    const isPassed = (rank: Expr): Expr => le(add(before.at(b!, rank), probabilities.at(b!, rank)), target);
    const passed = over('s', (rank) => select(and(isKept(rank), isPassed(rank)), int(1), int(0)));
    const kept = over('t', (rank) => select(isKept(rank), int(1), int(0)));
    return cast(max(min(passed, sub(kept, int(1))), int(0)), 'int64');
  },
});

interface Draw {
  readonly custom: number;
  readonly min_tokens_to_keep: number;
  readonly top_p: number;
}

/** The word [B] drawn by scores [B, V]. */
function drawn(g: Builder, scores: Value, length: Value, seed: Value | undefined, draw: Draw): Value {
  const [values, words] = g.applyAll(TopK, [scores, g.sizes([tensorTypeOf(scores).shape[1]!])], { axis: 1 });
  const probabilities = g.apply(Softmax, [values], { axis: 1 });
  const before = g.apply(CumSum, [probabilities, g.scalar(1, 'int64')], { exclusive: 1 });
  const { custom, min_tokens_to_keep, top_p } = draw;
  const least = custom ? 1 : min_tokens_to_keep;
  const rank = g.apply(DrawRank, [probabilities, before, length, seed], { closed: custom, least, share: top_p });
  return g.apply(Squeeze, [g.apply(GatherElements, [words, rank], { axis: 1 }), g.ints([1])]);
}

export const Sampling = op('Sampling', {
  domain: 'com.microsoft',
  inputs: [...generationInputs, 'presence_mask?', 'seed?'],
  outputs: ['sequences', 'filtered_logits?'],
  attributes: {
    ...generationAttributes,
    custom: intAttribute(0, [0, 1]),
    filter_value: floatAttribute(-1e20),
    min_tokens_to_keep: intAttribute(0),
    presence_penalty: floatAttribute(0),
    temperature: floatAttribute(1),
    top_p: floatAttribute(0),
  },
  types: { ...generationTypes, presence_mask: token, seed: token },
  build: ({ presence_mask, seed, ...given }, attributes, g, context) => {
    const { custom, min_tokens_to_keep, top_p, temperature, presence_penalty } = attributes;
    if (context.outputs[1]) context.fail('the output filtered_logits, which is for finding faults, is not supported.');
    if (!(temperature > 0)) context.fail(`temperature is ${temperature}; expected more than 0.`);
    const strategy = tokenByToken(attributes, (_, scores, length) => {
      const cooled = temperature === 1 ? scores : g.apply(Div, [scores, scalarLike(g, scores, temperature)]);
      const weight = scalarLike(g, scores, presence_penalty);
      const present = presence_mask && g.apply(Mul, [castTo(g, presence_mask, 'float32'), weight]);
      const final = present ? g.apply(Sub, [cooled, present]) : cooled;
      return drawn(g, final, length, seed, { custom, min_tokens_to_keep, top_p });
    });
    return generate({ given, attributes, strategy }, g, context).sequences;
  },
});
