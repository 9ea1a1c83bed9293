// The order of strings: what Unique sorts instead of them.

import { add, cast, indexVar, int, load, lt, product, select } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { block, loop, store } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { type Builder, op } from './define.ts';
import { unflatten } from './flat-index.ts';
import { Gather } from './gather.ts';
import { read, register, set, withRegisters } from './sequence-layout.ts';
import { bytesType } from './string-parts.ts';
import { stringsOf, textOf } from './structure.ts';
import { compareTexts, forEachText, withText } from './text-kernels.ts';
import { sizeType, tensorOf } from './types.ts';

/** For each string how many come before it (equal ones share a rank), and a string for each rank that there is. */
const TextRanks = op('TextRanks', {
  domain: 'lapidary',
  inputs: ['spans', 'bytes'],
  outputs: ['ranks', 'by_rank'],
  types: { spans: sizeType, bytes: bytesType },
  type: ({ spans }) => [tensorOf('int64', spans.shape), tensorOf('int64', [simplify(product(spans.shape))])],
  kernel: ({ spans, bytes }, [ranks, byRank]) => {
    const [rank, order, at] = [register('rank'), register('order'), register('at')];
    const other = indexVar('other', product(spans.shape));
    const all = indexVar('all', product(spans.shape));
    const clear = loop(all, store(byRank!, [all], cast(int(0), 'int64')));
    const body = forEachText(spans, bytes, (text, index) => {
      const compare = withText(bytes, load(spans, unflatten(other, spans.shape)), 'against', (against) =>
        block([
          compareTexts(against, text, order, at),
          set(rank, add(read(rank), select(lt(read(order), int(0)), int(1), int(0)))),
        ]),
      );
      return block([
        set(rank, int(0)),
        loop(other, compare),
        store(ranks!, index, cast(read(rank), 'int64')),
        store(byRank!, [read(rank)], load(spans, index)),
      ]);
    });
    return withRegisters([rank, order, at], block([clear, body]));
  },
});

export interface Ranked {
  readonly ranks: Value;
  /** The strings of some ranks. */
  texts(ranks: Value): Value;
}

/** Integers in place of strings: equal where these are, in the same order. */
export function rankTexts(g: Builder, value: Value): Ranked {
  const { spans, bytes, longest } = textOf(value);
  const [ranks, byRank] = g.applyAll(TextRanks, [spans, bytes], {}, { outputs: [true, true] });
  return { ranks: ranks!, texts: (own) => stringsOf(g.apply(Gather, [byRank!, own]), bytes, longest) };
}
