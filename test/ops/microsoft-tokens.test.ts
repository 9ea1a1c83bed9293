import * as assert from 'node:assert/strict';
import type { Attributes, Value } from '../../ir/graph.ts';
import { findOperator } from '../../src/ops/index.ts';
import { apply, g, input, type Numbers, run } from './one-node.ts';

const all = (name: string, inputs: readonly (Value | undefined)[], attributes: Attributes, count: number) =>
  g.applyAll(findOperator('com.microsoft', name)!, inputs, attributes, {
    outputs: Array.from({ length: count }, () => true),
  });
const asFloat = (value: Value): Value => apply('Cast', [value], { to: 'float32' });
const list = (...values: number[]): Numbers => ({ dims: [values.length], values });

/** The definition, token by token; a token before the first one is `missing`, also behind where a history is cut. */
function hashes(
  tokens: readonly number[],
  multipliers: readonly number[],
  sizes: readonly number[],
  missing: number,
  isCut: (t: number, back: number) => boolean = () => false,
): readonly number[] {
  const heads = sizes.length / (multipliers.length - 1);
  return tokens.flatMap((_, t) =>
    sizes.map((size, head) => {
      const length = 2 + Math.floor(head / heads);
      let mix = 0n;
      for (let back = 0; back < length; back++) {
        const token = t - back < 0 || isCut(t, back) ? missing : tokens[t - back]!;
        mix ^= BigInt(token) * BigInt(multipliers[back]!);
      }
      return Number(((mix % BigInt(size)) + BigInt(size)) % BigInt(size));
    }),
  );
}

describe('hashes of n-grams', () => {
  const tokens = [5, 3, 9, 3, 7];
  const multipliers = [31, 17, 101];
  const sizes = [97, 89, 83, 79];
  const attributes = { max_ngram_size: 3, n_head_per_ngram: 2, pad_id: 4 };
  const tables = [g.ints(multipliers), g.ints(sizes)];
  const ids = input('ids', [1, 5], 'int64');
  const given = [{ dims: [1, 5], values: tokens }];

  it('mix each token with those before it', () => {
    const [hash] = all('NGramHashMapping', [ids, ...tables], attributes, 1);
    const result = run([ids], asFloat(hash!), given);
    assert.deepEqual(result, { dims: [1, 5, 4], values: hashes(tokens, multipliers, sizes, 4) });
  });

  it('are the same where a call goes on with what another one handed on', () => {
    const [first, second] = [input('first', [1, 1], 'int64'), input('second', [1, 4], 'int64')];
    const [, state] = all('NGramHashMapping', [first, ...tables], attributes, 2);
    const [hash] = all('NGramHashMapping', [second, ...tables, state], attributes, 1);
    const parts = [
      { dims: [1, 1], values: tokens.slice(0, 1) },
      { dims: [1, 4], values: tokens.slice(1) },
    ];
    const result = run([first, second], asFloat(hash!), parts);
    assert.deepEqual(result.values, hashes(tokens, multipliers, sizes, 4).slice(4));
  });

  it('forget what was before the end of a text or of a segment', () => {
    const eos = g.scalar(3, 'int64');
    const resetting = { ...attributes, reset_on_eos: 1 };
    const inputs = [ids, ...tables, undefined, undefined, eos];
    const [hash] = all('NGramHashMapping', inputs, resetting, 1);
    const ended = (t: number, back: number): boolean => tokens.slice(t - back, t).includes(3);
    assert.deepEqual(run([ids], asFloat(hash!), given).values, hashes(tokens, multipliers, sizes, 3, ended));
    const segment = apply('Cast', [apply('Unsqueeze', [g.ints([0, 0, 1, 1, 1]), g.ints([0])])], { to: 'int32' });
    const [cut] = all('NGramHashMapping', [ids, ...tables, undefined, undefined, undefined, segment], attributes, 1);
    const crosses = (t: number, back: number): boolean => t >= 2 && t - back < 2;
    assert.deepEqual(run([ids], asFloat(cut!), given).values, hashes(tokens, multipliers, sizes, 4, crosses));
  });

  it('never look into another list of a packed one', () => {
    const packed = input('packed', [5], 'int64');
    const ends = apply('Cast', [g.ints([0, 2, 5])], { to: 'int32' });
    const [hash, state] = all('VarlenNGramHashMapping', [packed, ...tables, ends], attributes, 2);
    const expected = [tokens.slice(0, 2), tokens.slice(2)].flatMap((part) => hashes(part, multipliers, sizes, 4));
    assert.deepEqual(run([packed], asFloat(hash!), [list(...tokens)]).values, expected);
    assert.deepEqual(run([packed], asFloat(state!), [list(...tokens)]).values, [5, 3, 3, 7]);
  });
});

describe('lists of tokens', () => {
  it('accept predicted tokens as far as the source has them', () => {
    const [src, cur, pred] = [input('src', [4], 'int64'), input('cur', [1], 'int64'), input('pred', [5], 'int64')];
    const attributes = { min_ngram_size: 1, max_ngram_size: 2 };
    const [tokens, match] = all('BifurcationDetector', [src, cur, g.ints([0]), pred], attributes, 2);
    const given = [list(1, 2, 3, 4), list(9), list(1, 2, 4, 0, 0)];
    assert.deepEqual(run([src, cur, pred], asFloat(tokens!), given), list(9, 1, 2, 4));
    assert.deepEqual(run([src, cur, pred], asFloat(match!), given), list(4));
  });

  it('give no vector to a word without characters', () => {
    const words = input('words', [2, 2], 'int32');
    const W = apply('Reshape', [g.scalar(1, 'float32'), g.ints([1, 1, 1, 1])]);
    const table = apply('Reshape', [asFloat(g.ints([0, 1, -1])), g.ints([3, 1])]);
    const [vectors] = all('WordConvEmbedding', [words, W, asFloat(g.ints([0])), table], {}, 1);
    const result = run([words], vectors!, [{ dims: [2, 2], values: [0, 0, 2, 1] }]);
    assert.deepEqual(
      result.values.map((value) => Math.round(value * 1e4) / 1e4),
      [0, 0.7616],
    );
  });
});
