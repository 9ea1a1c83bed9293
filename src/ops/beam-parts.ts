// What a search along several beams is made of. C candidates go on from K beams of each of B prompts; the place of one
// is beam * vocabulary + word. Beams that met their end are kept in lists of the K best, whose empty places score -∞.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  call,
  cast,
  constant,
  div,
  eq,
  indexVar,
  int,
  le,
  lt,
  max,
  min,
  mod,
  mul,
  ne,
  or,
  reduce,
  select,
  sub,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, requiredInt } from './attributes.ts';
import { type Operand, op } from './define.ts';
import { sizeAt } from './run-time-operands.ts';
import { scalarOf, sizeType, tensorOf, typeSet } from './types.ts';

const domain = 'lapidary';
const token = typeSet('Token', ['int32']);
const float = typeSet('F', ['float32']);
const truth = typeSet('B', ['bool']);
const penaltyType = typeSet('P', ['float32', 'float16']);

const real = (value: number): Expr => constant(value, 'float32');
const lowest = real(-3.4028234663852886e38);

/** The sums of logarithms [B, K * V]: those of the beams so far [B, K], and of their next words [B * K, V]. */
export const CandidateScores = op('CandidateScores', {
  domain,
  inputs: ['scores', 'beams'],
  types: { scores: float, beams: float },
  type: ({ scores, beams }) => tensorOf('float32', [beams.shape[0]!, simplify(mul(beams.shape[1]!, scores.shape[1]!))]),
  compute: ({ scores, beams }, _, [b, place]) => {
    const vocabulary = scores.shape[1]!;
    const beam = div(place!, vocabulary);
    const row = add(mul(b!, beams.shape[1]!), beam);
    return add(scores.at(row, mod(place!, vocabulary)), beams.at(b!, beam));
  },
});

/** Beam (as a row of B * K) and word of each candidate [B, C], from its place. */
export const Candidates = op('Candidates', {
  domain,
  inputs: ['places', 'vocabulary'],
  outputs: ['rows', 'words'],
  attributes: { beams: requiredInt },
  types: { places: sizeType, vocabulary: sizeType },
  type: ({ places }) => [tensorOf('int64', places.shape), tensorOf('int32', places.shape)],
  compute: ({ places, vocabulary }, { beams }, [b, j], { output }) => {
    const size = vocabulary.at(int(0));
    const place = places.at(b!, j!);
    if (output === 1) return cast(mod(place, size), 'int32');
    return add(mul(cast(b!, 'int64'), constant(BigInt(beams), 'int64')), div(place, size));
  },
});

/** Which candidate each beam [B, K] goes on with: the best that are not the end, in their order. */
export const GoingOn = op('GoingOn', {
  domain,
  inputs: ['ranks'],
  attributes: { beams: requiredInt },
  types: { ranks: sizeType },
  type: ({ ranks }, { beams }) => tensorOf('int64', [ranks.shape[0]!, int(beams)]),
  compute: ({ ranks }, _, [b, k]) => {
    const j = indexVar('j', ranks.shape[1]!);
    const isIt = eq(ranks.at(b!, j), cast(k!, 'int64'));
    return reduce('sum', [j], select(isIt, cast(j, 'int64'), constant(0n, 'int64')));
  },
});

/** How many candidates that are not the end come before each [B, C] that is not; -1 for one that is. */
export const Ranks = op('Ranks', {
  domain,
  inputs: ['words'],
  attributes: { eos: requiredInt },
  types: { words: token },
  type: ({ words }) => tensorOf('int64', words.shape),
  compute: ({ words }, { eos }, [b, j]) => {
    const before = indexVar('before', words.shape[1]!);
    const goes = (at: Expr): Expr => ne(words.at(b!, at), constant(eos, 'int32'));
    const one = select(and(lt(before, j!), goes(before)), constant(1n, 'int64'), constant(0n, 'int64'));
    return select(goes(j!), reduce('sum', [before], one), constant(-1n, 'int64'));
  },
});

/** Which candidates [B, C] end now: the end is among the first K, and the prompt's search goes on. */
export const Ending = op('Ending', {
  domain,
  inputs: ['words', 'met'],
  attributes: { beams: requiredInt, eos: requiredInt },
  types: { words: token, met: truth },
  type: ({ words }) => tensorOf('bool', words.shape),
  compute: ({ words, met }, { beams, eos }, [b, j]) => {
    const ends = and(lt(j!, int(beams)), eq(words.at(b!, j!), constant(eos, 'int32')));
    return select(met.at(b!), constant(0, 'bool'), ends);
  },
});

/** A sum of logarithms over length ^ penalty. */
function perLength(sum: Expr, length: Operand, penalty: Operand | undefined): Expr {
  const tokens = cast(scalarOf(length), 'float32');
  return div(sum, penalty ? call('pow', tokens, cast(scalarOf(penalty), 'float32')) : tokens);
}

/** The scores of the lists [B, K], and behind them those of the candidates that are added [B, K + C]. */
export const ListScores = op('ListScores', {
  domain,
  inputs: ['listed', 'sums', 'added', 'length', 'penalty?'],
  types: { listed: float, sums: float, added: truth, length: sizeType, penalty: penaltyType },
  type: ({ listed, sums }) => tensorOf('float32', [listed.shape[0]!, simplify(add(listed.shape[1]!, sums.shape[1]!))]),
  compute: ({ listed, sums, added, length, penalty }, _, [b, i]) => {
    const size = listed.shape[1]!;
    const j = max(sub(i!, size), int(0));
    const score = max(perLength(sums.at(b!, j), length, penalty), lowest);
    const own = listed.at(b!, min(i!, sub(size, int(1))));
    return select(lt(i!, size), own, select(added.at(b!, j), score, real(Number.NEGATIVE_INFINITY)));
  },
});

/** The sequences of the lists [B, K, L] in the order of ListScores; padding is behind those that are added. */
export const ListSequences = op('ListSequences', {
  domain,
  inputs: ['listed', 'order', 'sequences', 'rows', 'length'],
  attributes: { pad: requiredInt },
  types: { listed: token, order: sizeType, sequences: token, rows: sizeType, length: sizeType },
  type: ({ listed }) => tensorOf('int32', listed.shape),
  compute: ({ listed, order, sequences, rows, length }, { pad }, [b, k, i]) => {
    const clamp = (at: Expr, extent: Expr): Expr => max(min(at, sub(extent, int(1))), int(0));
    const place = cast(order.at(b!, k!), 'index');
    const size = listed.shape[1]!;
    const candidate = clamp(sub(place, size), rows.shape[1]!);
    const row = clamp(cast(rows.at(b!, candidate), 'index'), sequences.shape[0]!);
    const added = select(lt(i!, sizeAt(length)), sequences.at(row, i!), constant(pad, 'int32'));
    return select(lt(place, size), listed.at(b!, clamp(place, size), i!), added);
  },
});

/** Whether the search of each prompt [B] is over: its list is full, and (early, or) no candidate can become better. */
export const SearchOver = op('SearchOver', {
  domain,
  inputs: ['met', 'listed', 'sums', 'length', 'penalty?'],
  attributes: { early: intAttribute(0, [0, 1]) },
  types: { met: truth, listed: float, sums: float, length: sizeType, penalty: penaltyType },
  type: ({ met }) => tensorOf('bool', met.shape),
  compute: ({ met, listed, sums, length, penalty }, { early }, [b]) => {
    const worst = listed.at(b!, sub(listed.shape[1]!, int(1)));
    const best = perLength(sums.at(b!, int(0)), length, penalty);
    const isFull = le(lowest, worst);
    return or(met.at(b!), early ? isFull : and(isFull, le(best, worst)));
  },
});

/** The scores of all turns [T, B, K, V], with those of the turn behind `length` tokens, `prompt` of them given. */
export const TurnScores = op('TurnScores', {
  domain,
  inputs: ['turns', 'scores', 'length', 'prompt'],
  types: { turns: float, scores: float, length: sizeType, prompt: sizeType },
  type: ({ turns }) => tensorOf('float32', turns.shape),
  compute: ({ turns, scores, length, prompt }, _, [t, b, k, v]) => {
    const now = sub(sizeAt(length), cast(prompt.at(int(0)), 'index'));
    const place = add(mul(k!, turns.shape[3]!), v!);
    return select(eq(t!, now), scores.at(b!, place), turns.at(t!, b!, k!, v!));
  },
});
