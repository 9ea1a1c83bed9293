// Cases with sequences and strings inside: what goes in and comes out are numbers, so that any engine can run them.

import { type CaseBuilder, type FuzzCase, floats, int, ints, startCase, strings, text } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawDims, drawIntegers, int64s, scalar } from '../tensors.ts';
import { type Generator, type Generators, oneNode, put } from './generator.ts';

/** Lengths that add up to `whole`. */
function drawLengths(draw: Draw, whole: number): readonly number[] {
  const lengths: number[] = [];
  let left = whole;
  while (left > 0) {
    lengths.push(draw.integer(1, left));
    left -= lengths.at(-1)!;
  }
  return lengths;
}

/** A sequence cut from a tensor, changed here and there, and what can be said of it in tensors. */
const sequence: Generator = (draw) => {
  const builder = startCase(draw, draw.pick([18, 21]));
  const dims = drawDims(draw, draw.integer(1, 3), { zero: 0, most: 300 });
  const axis = draw.integer(0, dims.length - 1);
  const lengths = drawLengths(draw, dims[axis]!);
  const data = put(builder, draw.pick(['float32', 'int64', 'bool']), dims);
  const split = builder.input(int64s(lengths), { constant: 60 });
  let [current] = builder.node('SplitToSequence', [data, split], { axis: int(axis) });
  let count = lengths.length;
  const place = (limit: number): string =>
    builder.input(scalar('int64', draw.integer(-count, Math.max(-count, limit - 1))), { constant: 50 });
  for (let turn = draw.integer(0, 3); turn > 0; turn--) {
    if (count > 1 && draw.chance(40)) {
      [current] = builder.node('SequenceErase', [current, draw.chance(70) ? place(count) : undefined]);
      count--;
    } else {
      const [element] = builder.node('SequenceAt', [current, place(count)]);
      [current] = builder.node('SequenceInsert', [current, element, draw.chance(70) ? place(count + 1) : undefined]);
      count++;
    }
  }
  const [joined] = builder.node('ConcatFromSequence', [current], {
    axis: int(axis - (draw.chance(30) ? dims.length : 0)),
  });
  const [length] = builder.node('SequenceLength', [current]);
  const [element] = builder.node('SequenceAt', [current, place(count)]);
  return builder.finish([joined!, length!, element!]);
};

const int64 = { to: int(7) };
const asText = (builder: CaseBuilder, name: string): string => builder.node('Cast', [name], { to: int(8) })[0]!;

/** Integers written as strings, joined to others. */
function drawTexts(builder: CaseBuilder, dims: readonly number[]): string {
  const { draw } = builder;
  const number = (): string => asText(builder, builder.input(drawIntegers(draw, 'int64', dims, 0, 1300)));
  return draw.chance(50) ? builder.node('StringConcat', [number(), number()])[0]! : number();
}

const withTexts = (draw: Draw, finish: (builder: CaseBuilder, texts: string) => readonly string[]): FuzzCase => {
  const builder = startCase(draw, 20);
  const texts = drawTexts(builder, drawDims(draw, draw.integer(1, 3), { zero: 3, most: 40 }));
  return builder.finish(finish(builder, texts));
};

const concat: Generator = (draw) => withTexts(draw, ({ node }, texts) => node('Cast', [texts], int64));

const equal: Generator = (draw) => {
  const builder = startCase(draw, 20);
  const few = (dims: readonly number[]): string =>
    asText(builder, builder.input(drawIntegers(draw, 'int64', dims, 8, 12)));
  const dims = drawDims(draw, draw.integer(0, 3), { most: 60 });
  return builder.finish(builder.node('Equal', [few(dims), few(dims.map((size) => (draw.chance(30) ? 1 : size)))]));
};

const splitting: Generator = (draw) =>
  withTexts(draw, ({ node }, texts) => {
    const delimiter = text(draw.pick(['1', '12', '0', '9']));
    const maxsplit = draw.chance(30) ? int(draw.integer(1, 3)) : undefined;
    const [pieces, counts] = node('StringSplit', [texts], { delimiter, maxsplit }, { outputs: 2 });
    return [counts!, node('Shape', [pieces])[0]!, node('Equal', [pieces, pieces])[0]!];
  });

const regex: Generator = (draw) =>
  withTexts(draw, ({ node }, texts) => {
    const patterns = ['\\d{1,3}', '1.*', '(1|2)+[0-5]*', '[^0]+', '.*(12|34).*', '(?:\\d\\d)*', '1?2?3?\\d', '^\\d+5$'];
    return node('RegexFullMatch', [texts], { pattern: text(draw.pick(patterns)) });
  });

const moved: Generator = (draw) =>
  withTexts(draw, ({ node }, texts) => {
    const [flat] = node('Flatten', [texts], { axis: int(1) });
    const [turned] = node('Transpose', [flat], { perm: ints([1, 0]) });
    const [both] = node('Concat', [flat, flat], { axis: int(1) });
    return [node('Cast', [turned], int64)[0]!, node('Cast', [both], int64)[0]!];
  });

const unique: Generator = (draw) =>
  withTexts(draw, ({ node }, texts) => {
    const found = node('Unique', [texts], { sorted: int(1) }, { outputs: 4 });
    return [...node('Cast', [found[0]], int64), ...found.slice(1)];
  });

const tfIdf: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const longest = draw.integer(1, 3);
    const counts: number[] = [];
    const pool: number[] = [];
    let grams = 0;
    for (let length = 1; length <= longest; length++) {
      counts.push(pool.length);
      const seen = new Set<string>();
      for (let gram = draw.integer(1, 4); gram > 0; gram--) {
        const items = Array.from({ length }, () => draw.integer(0, 4));
        if (seen.has(items.join())) continue;
        seen.add(items.join());
        pool.push(...items);
        grams++;
      }
    }
    const dims = draw.chance(50) ? [draw.integer(1, 12)] : [draw.integer(1, 3), draw.integer(1, 12)];
    return {
      op: 'TfIdfVectorizer',
      inputs: [builder.input(drawIntegers(draw, draw.pick(['int32', 'int64']), dims, 0, 4))],
      attributes: {
        mode: text(draw.pick(['TF', 'IDF', 'TFIDF'])),
        min_gram_length: int(draw.integer(1, longest)),
        max_gram_length: int(longest),
        max_skip_count: int(draw.integer(0, 3)),
        ngram_counts: ints(counts),
        ngram_indexes: ints(Array.from({ length: grams }, (_, i) => i)),
        pool_int64s: ints(pool),
        weights: draw.chance(50) ? floats(Array.from({ length: grams }, () => draw.integer(1, 9) / 4)) : undefined,
      },
    };
  });

const label: Generator = (draw) =>
  withTexts(draw, ({ node }, texts) => {
    const keys = Array.from({ length: draw.integer(1, 12) }, () => `${draw.integer(0, 1300)}`);
    const distinct = [...new Set(keys)];
    const attributes = { classes_strings: strings(distinct), default_int64: int(draw.integer(-3, 3)) };
    return node('LabelEncoder', [texts], attributes, { domain: 'ai.onnx.ml' });
  });

export const valueGenerators: Generators = {
  SequenceAt: sequence,
  StringConcat: concat,
  Equal_strings: equal,
  StringSplit: splitting,
  RegexFullMatch: regex,
  Transpose_strings: moved,
  Unique_strings: unique,
  TfIdfVectorizer: tfIdf,
  LabelEncoder_strings: label,
};
