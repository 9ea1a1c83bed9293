// Cases of com.microsoft operators on tokens, words and speech.

import type { DType } from '../../../ir/dtype.ts';
import { int } from '../case.ts';
import { drawIntegers, drawTensor, scalar, tensorFrom } from '../tensors.ts';
import { type Generator, type Generators, oneNode, optional, put } from './generator.ts';

const domain = 'com.microsoft';

const ngramRepeatBlock: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [batch, length, words] = [draw.integer(1, 3), draw.integer(1, 12), draw.integer(2, 5)];
    return {
      op: 'NGramRepeatBlock',
      inputs: [
        builder.input(drawIntegers(draw, 'int64', [batch, length], 0, words - 1)),
        put(builder, 'float32', [batch, words]),
      ],
      attributes: { ngram_size: int(draw.integer(1, 4)) },
      domain,
    };
  });

/** Few different tokens, so that n-grams are found once, often, and never. */
const bifurcationDetector: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [length, most] = [draw.integer(1, 12), draw.pick([1, 2, 5])];
    const from = draw.integer(0, length);
    const tokens = (count: number): readonly bigint[] =>
      Array.from({ length: count }, () => BigInt(draw.integer(0, most)));
    const src = tokens(length);
    const agreed = draw.integer(0, length - from);
    const pred = [...src.slice(from, from + agreed), ...tokens(length + 1 - from - agreed)];
    const list = (values: readonly bigint[]): string =>
      builder.input(tensorFrom('int64', [values.length], values), { constant: 20 });
    const shortest = draw.integer(1, 3);
    return {
      op: 'BifurcationDetector',
      inputs: [
        list(src),
        list(tokens(draw.integer(0, 5))),
        list([BigInt(from)]),
        draw.chance(80) ? list(pred) : undefined,
      ],
      attributes: { min_ngram_size: int(shortest), max_ngram_size: int(shortest + draw.integer(0, 3)) },
      outputs: 2,
      domain,
    };
  });

const dynamicTimeWarping: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dims = [draw.integer(1, 12), draw.integer(1, 12)];
    return {
      op: 'DynamicTimeWarping',
      inputs: [put(builder, 'float32', draw.chance(50) ? [1, ...dims] : dims, 'grid')],
      domain,
    };
  });

const wordConvEmbedding: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [words, window, depth] = [draw.integer(1, 4), draw.integer(1, 3), draw.integer(1, 5)];
    const [length, filters, codes] = [window + draw.integer(0, 4), draw.integer(1, 5), draw.integer(2, 9)];
    // What ONNX Runtime gives for a word without a character is whatever the memory held.
    const letters = Array.from({ length: words }, () => {
      const own = draw.integer(1, length);
      return Array.from({ length }, (_, i) => BigInt(i < own ? draw.integer(1, codes - 1) : 0));
    }).flat();
    return {
      op: 'WordConvEmbedding',
      inputs: [
        builder.input(tensorFrom('int32', [words, length], letters)),
        builder.input(drawTensor(draw, 'float32', [filters, 1, window, depth], 'unit'), { open: 0 }),
        put(builder, 'float32', [filters], 'unit'),
        put(builder, 'float32', [codes, depth], 'unit'),
      ],
      attributes: { embedding_size: optional(draw, int(filters)), conv_window_size: optional(draw, int(window)) },
      domain,
      relative: 1e-4,
      absolute: 1e-5,
    };
  });

const hashMapping =
  (packed: boolean): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const dtype = draw.pick<DType>(['int64', 'int32']);
      const [longest, each, batch] = [draw.integer(2, 4), draw.integer(1, 3), draw.integer(1, 3)];
      const heads = (longest - 1) * each;
      const lengths = Array.from({ length: batch }, () => draw.integer(1, 6));
      const ends = lengths.map((_, i) => lengths.slice(0, i + 1).reduce((a, b) => a + b, 0));
      const dims = packed ? [ends.at(-1)!] : [batch, lengths[0]!];
      const token = (of: readonly number[]): string => builder.input(drawIntegers(draw, dtype, of, 0, 6), { open: 0 });
      const maybe = (percent: number, make: () => string): string | undefined =>
        draw.chance(percent) ? make() : undefined;
      const segment = (of: readonly number[]): string =>
        builder.input(drawIntegers(draw, 'int32', of, 0, 1), { open: 0 });
      const state = [batch, longest - 1];
      // ONNX Runtime knows the later operands from its next version on.
      const isPlain = !packed && draw.chance(60);
      const withSegments = !isPlain && draw.chance(40);
      const inputs = [
        token(dims),
        put(builder, dtype, [longest], 'full'),
        builder.input(drawIntegers(draw, dtype, [heads], 1, 1000)),
        ...(packed ? [builder.input(tensorFrom('int32', [batch + 1], [0n, ...ends.map(BigInt)]), { open: 0 })] : []),
        maybe(50, () => token(state)),
        maybe(isPlain ? 0 : 50, () => builder.input(drawIntegers(draw, dtype, [heads], 0, 5000))),
        maybe(isPlain ? 0 : 60, () => builder.input(scalar(dtype, 3))),
        withSegments ? segment(dims) : undefined,
        packed && withSegments && draw.chance(50) ? segment(state) : undefined,
      ];
      return {
        op: packed ? 'VarlenNGramHashMapping' : 'NGramHashMapping',
        inputs,
        attributes: {
          max_ngram_size: int(longest),
          n_head_per_ngram: int(each),
          pad_id: int(2),
          reset_on_eos: isPlain ? undefined : optional(draw, int(draw.integer(0, 1))),
        },
        outputs: 2,
        domain,
      };
    });

export const microsoftTokens: Generators = {
  NGramRepeatBlock: ngramRepeatBlock,
  BifurcationDetector: bifurcationDetector,
  DynamicTimeWarping: dynamicTimeWarping,
  WordConvEmbedding: wordConvEmbedding,
  NGramHashMapping: hashMapping(false),
  VarlenNGramHashMapping: hashMapping(true),
};
