// Strings looked up among constants: sorted at compile time, searched by halves.

import type { Expr } from '../../ir/expr.ts';
import { eq, int, load, lt, select, sub } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import type { Stmt } from '../../ir/kernel.ts';
import { block, ifThen, store } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { type Builder, op } from './define.ts';
import { vector } from './ml-forest-tables.ts';
import { read, register, withRegisters } from './sequence-layout.ts';
import { bytesType, textVector } from './string-parts.ts';
import type { Strings } from './structure.ts';
import { compareTexts, forEachText, searchSorted, withText } from './text-kernels.ts';
import { sizeType, tensorOf } from './types.ts';

/** What stands in `values` for each string at its place in the sorted keys, or the last of `values` for any other. */
const ValueOfText = op('ValueOfText', {
  domain: 'lapidary',
  inputs: ['spans', 'bytes', 'key_spans', 'key_bytes', 'values'],
  types: { spans: sizeType, bytes: bytesType, key_spans: sizeType, key_bytes: bytesType, values: sizeType },
  type: ({ spans }) => tensorOf('int64', spans.shape),
  kernel: ({ spans, bytes, key_spans: keySpans, key_bytes: keyBytes, values }, [Y]) => {
    const [low, high, order, at] = [register('low'), register('high'), register('order'), register('at')];
    const keys = simplify(sub(values.shape[0]!, int(1)));
    const body = forEachText(spans, bytes, (text, index) => {
      const compareAt = (place: Expr): Stmt =>
        withText(keyBytes, load(keySpans, [place]), 'key', (key) => compareTexts(key, text, order, at));
      const found = select(eq(read(order), int(0)), read(low), keys);
      return block([
        searchSorted(keys, low, high, 'middle', compareAt, order),
        store(order, [], int(1)),
        ifThen(lt(read(low), keys), compareAt(read(low))),
        store(Y!, index, load(values, [found])),
      ]);
    });
    return withRegisters([low, high, order, at], body);
  },
});

/** For each string the position of the first key that is the same, or the number of keys. */
export function positionOfText(g: Builder, { spans, bytes }: Strings, keys: readonly string[]): Value {
  const encode = (text: string): Buffer => Buffer.from(text, 'utf8');
  const first = new Map<string, number>();
  for (const [position, key] of keys.entries()) if (!first.has(key)) first.set(key, position);
  const sorted = [...first].sort(([a], [b]) => Buffer.compare(encode(a), encode(b)));
  const table = textVector(
    g,
    sorted.map(([key]) => key),
  );
  if (table.structure?.kind !== 'strings') throw new RangeError('keys are strings');
  const values = vector(g, [...sorted.map(([, position]) => position), keys.length], 'int64');
  return g.apply(ValueOfText, [spans, bytes, table.structure.spans, table.structure.bytes, values]);
}
