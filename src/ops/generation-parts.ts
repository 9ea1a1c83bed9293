// What the generation of tokens is made of: states that grow live in buffers as long as the longest sequence, and a turn
// reads their beginning.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  all,
  and,
  cast,
  constant,
  div,
  eq,
  indexVar,
  int,
  le,
  lt,
  max,
  mul,
  ne,
  or,
  reduce,
  select,
  sub,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, requiredInt, requiredInts } from './attributes.ts';
import { type Operand, op } from './define.ts';
import { sizesOf } from './elements.ts';
import { checked, sizeAt, within } from './run-time-operands.ts';
import { anyFloat, anyType, scalarOf, sizeType, tensorOf, typeSet } from './types.ts';

const domain = 'lapidary';
const token = typeSet('Token', ['int32']);

/** The first `length` elements (or `more` of them) of each input along its axis. All share one size. */
export const Prefixes = op('Prefixes', {
  domain,
  inputs: ['length', 'X...'],
  outputs: ['Y...'],
  attributes: { axes: requiredInts, more: requiredInts },
  types: { length: sizeType },
  type: ({ length, X }, { axes, more }, context) => {
    const longest = X.map(({ shape }, i) => sub(shape[axes[i]!]!, int(more[i]!))).reduce(max);
    const size = context.fresh('past', longest, sizeAt(length));
    return X.map(({ dtype, shape }, i) =>
      tensorOf(
        dtype,
        shape.map((extent, axis) => (axis === axes[i] ? add(size, int(more[i]!)) : extent)),
      ),
    );
  },
  compute: ({ X }, _, index, { output }) => X[output]!.at(...index),
});

/** X in a buffer that is longer along an axis, zero behind it. */
export const Widened = op('Widened', {
  domain,
  inputs: ['X', 'extent'],
  attributes: { axis: requiredInt },
  types: { X: anyType, extent: sizeType },
  type: ({ X, extent }, { axis }, context) => {
    const size = sizesOf(extent)?.[0] ?? context.fail('extent must be known.');
    return tensorOf(
      X.dtype,
      X.shape.map((own, at) => (at === axis ? size : own)),
    );
  },
  compute: ({ X }, { axis }, index) =>
    select(lt(index[axis]!, X.shape[axis]!), X.at(...index), constant(X.dtype === 'int64' ? 0n : 0, X.dtype)),
});

/** Each row along an axis so many times, one after another. */
export const RepeatedRows = op('RepeatedRows', {
  domain,
  inputs: ['X'],
  attributes: { axis: intAttribute(0), times: requiredInt },
  types: { X: anyType },
  type: ({ X }, { axis, times }) =>
    tensorOf(
      X.dtype,
      X.shape.map((extent, at) => (at === axis ? simplify(mul(extent, int(times))) : extent)),
    ),
  compute: ({ X }, { axis, times }, index) =>
    X.at(...index.map((own, at) => (at === axis ? div(own, int(times)) : own))),
});

/** The tokens at one place of all sequences, [B, 1]. */
export const TokensAt = op('TokensAt', {
  domain,
  inputs: ['sequences', 'place'],
  types: { sequences: token, place: sizeType },
  type: ({ sequences }) => tensorOf('int32', [sequences.shape[0]!, int(1)]),
  compute: ({ sequences, place }, _, [b]) => {
    const at = sizeAt(place);
    return checked(within(at, sequences.shape[1]!), sequences.at(b!, at));
  },
});

/** The sequences with one token more, at `place`. */
export const AppendTokens = op('AppendTokens', {
  domain,
  inputs: ['sequences', 'tokens', 'place'],
  types: { sequences: token, tokens: token, place: sizeType },
  type: ({ sequences }) => tensorOf('int32', sequences.shape),
  compute: ({ sequences, tokens, place }, _, [b, i]) =>
    select(eq(i!, sizeAt(place)), tokens.at(b!), sequences.at(b!, i!)),
});

/** Positions count what a mask keeps; what it drops stands at 0. */
export const MaskedPositions = op('MaskedPositions', {
  domain,
  inputs: ['mask'],
  types: { mask: token },
  type: ({ mask }) => tensorOf('int32', mask.shape),
  compute: ({ mask }, _, [b, i]) => {
    const before = indexVar('before', mask.shape[1]!);
    const kept = (at: Expr): Expr => ne(mask.at(b!, at), constant(0, 'int32'));
    const counts = and(lt(before, i!), kept(before));
    const count = reduce('sum', [before], select(counts, constant(1, 'int32'), constant(0, 'int32')));
    return select(kept(i!), count, constant(0, 'int32'));
  },
});

/** Whether the tokens before `length` hold what the last n - 1 of them are the beginning of, ending in `word`. */
function repeats(sequences: Operand, b: Expr, length: Expr, word: Expr, n: number): Expr {
  const start = indexVar('start', sequences.shape[1]!);
  const extent = sequences.shape[1]!;
  const tokenAt = (at: Expr): Expr => select(within(at, extent), sequences.at(b, at), constant(-1, 'int32'));
  const same = Array.from({ length: n - 1 }, (_, j) =>
    eq(tokenAt(add(start, int(j))), tokenAt(add(sub(length, int(n - 1)), int(j)))),
  );
  const inside = le(add(start, int(n)), length);
  const ends = eq(tokenAt(add(start, int(n - 1))), word);
  const found = select(inside, all([ends, ...same]), constant(0, 'bool'));
  return ne(reduce('max', [start], cast(found, 'int32')), constant(0, 'int32'));
}

/** Whether a word is among the tokens before `length`. */
function occurs(sequences: Operand, b: Expr, length: Expr, word: Expr): Expr {
  const at = indexVar('at', sequences.shape[1]!);
  const found = and(lt(at, length), eq(sequences.at(b, at), word));
  return ne(reduce('max', [at], cast(found, 'int32')), constant(0, 'int32'));
}

/** The scores of the next words [B, V]: those that must not come next are as low as can be. */
export const NextScores = op('NextScores', {
  domain,
  inputs: ['scores', 'sequences', 'length', 'penalty?', 'min_length?', 'vocab_mask?', 'prefix_mask?'],
  attributes: { eos: requiredInt, ngram: intAttribute(0) },
  types: {
    scores: anyFloat,
    sequences: token,
    length: sizeType,
    penalty: typeSet('P', ['float32', 'float16']),
    min_length: token,
    vocab_mask: token,
    prefix_mask: token,
  },
  type: ({ scores }) => tensorOf('float32', scores.shape),
  compute: ({ scores, sequences, length, penalty, min_length, vocab_mask, prefix_mask }, { eos, ngram }, [b, v]) => {
    const real = (value: number): Expr => constant(value, 'float32');
    const lowest = real(-3.4028234663852886e38);
    const word = cast(v!, 'int32');
    const now = sizeAt(length);
    let score = cast(scores.at(b!, v!), 'float32');
    if (penalty) {
      const by = cast(scalarOf(penalty), 'float32');
      const penalized = select(lt(score, real(0)), mul(score, by), div(score, by));
      score = select(occurs(sequences, b!, now, word), penalized, score);
    }
    if (ngram > 0) score = select(repeats(sequences, b!, now, word, ngram), lowest, score);
    const masked = (mask: Expr): void => {
      score = select(eq(mask, constant(0, 'int32')), lowest, score);
    };
    if (vocab_mask) masked(vocab_mask.at(v!));
    if (prefix_mask) masked(prefix_mask.at(b!, v!));
    if (!min_length) return score;
    const early = lt(now, sizeAt(min_length, ...min_length.shape.map(() => int(0))));
    return select(and(early, eq(v!, int(eos))), lowest, score);
  },
});

/** The next tokens [B]: those of sequences that have met their end are padding. */
export const NextTokens = op('NextTokens', {
  domain,
  inputs: ['best', 'met'],
  outputs: ['tokens', 'met'],
  attributes: { eos: requiredInt, pad: requiredInt },
  types: { best: sizeType, met: typeSet('B', ['bool']) },
  type: ({ best }) => [tensorOf('int32', best.shape), tensorOf('bool', best.shape)],
  compute: ({ best, met }, { eos, pad }, [b], { output }) => {
    const chosen = cast(best.at(b!), 'int32');
    const ended = or(met.at(b!), eq(chosen, constant(eos, 'int32')));
    return output === 1 ? ended : select(ended, constant(pad, 'int32'), chosen);
  },
});
