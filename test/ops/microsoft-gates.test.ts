import * as assert from 'node:assert/strict';
import { filled, near, numbers, places, reader, runMicrosoft, sigmoid, sum, whole } from './reference.ts';

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Channels last, groups of neighbouring channels. */
function groupNormalized(dims: readonly number[], x: (...index: number[]) => number, groups: number, epsilon: number) {
  const [, height, width, channels] = dims as [number, number, number, number];
  const size = channels / groups;
  return (n: number, h: number, w: number, c: number): number => {
    const first = Math.floor(c / size) * size;
    const all = filled([height, width, size], (y, z, k) => x(n, y, z, first + k));
    const average = mean(all);
    const variance = mean(all.map((value) => (value - average) ** 2));
    return (x(n, h, w, c) - average) / Math.sqrt(variance + epsilon);
  };
}

describe('normalizations and gates of com.microsoft', () => {
  const dims = [2, 2, 3, 4];
  const [X, gamma, beta] = [numbers(dims, 1), numbers([4], 2), numbers([4], 3)] as const;
  const attributes = { groups: 2, activation: 1, epsilon: 0.01 };

  it('normalize groups of channels, with the channels last', () => {
    const own = groupNormalized(dims, reader(X), 2, 0.01);
    const expected = filled(dims, (n, h, w, c) => {
      const value = own(n, h, w, c) * gamma.values[c]! + beta.values[c]!;
      return value * sigmoid(value);
    });
    near(runMicrosoft('GroupNorm', [X, gamma, beta], attributes), dims, expected);
  });

  it('normalize groups of channels, with the channels second', () => {
    const turned = { dims: [2, 4, 2, 3], values: filled([2, 4, 2, 3], (n, c, h, w) => reader(X)(n, h, w, c)) };
    const own = groupNormalized(dims, reader(X), 2, 0.01);
    const expected = filled(turned.dims, (n, c, h, w) => own(n, h, w, c) * gamma.values[c]! + beta.values[c]!);
    const plain = { ...attributes, activation: 0, channels_last: 0 };
    near(runMicrosoft('GroupNorm', [turned, gamma, beta], plain), turned.dims, expected);
  });

  it('normalize the sum of an input, a skip for each channel, and a bias', () => {
    const [skip, bias] = [numbers([2, 4], 4), numbers([4], 5)];
    const added = (n: number, h: number, w: number, c: number): number =>
      reader(X)(n, h, w, c) + reader(skip)(n, c) + bias.values[c]!;
    const own = groupNormalized(dims, added, 2, 1e-5);
    const expected = filled(dims, (n, h, w, c) => own(n, h, w, c) * gamma.values[c]! + beta.values[c]!);
    const plain = { groups: 2, activation: 0 };
    near(runMicrosoft('SkipGroupNorm', [X, gamma, beta, skip, bias], plain), dims, expected);
    near(runMicrosoft('SkipGroupNorm', [X, gamma, beta, skip, bias], plain, 1), dims, filled(dims, added));
  });

  for (const [inner, biasDims] of [
    [1, [2, 1, 3]],
    [1, [2, 3]],
    [0, [2, 3]],
  ] as const) {
    it(`add a bias of [${biasDims}] before a softmax (inner: ${inner})`, () => {
      const data = numbers([2, 2, 3], 6);
      const bias = numbers(biasDims, 7);
      const biasAt = (a: number, b: number, c: number): number =>
        reader(bias)(...(biasDims.length === 3 ? [a, 0, c] : inner ? [a, c] : [b, c]));
      const power = (a: number, b: number, c: number): number => Math.exp(reader(data)(a, b, c) + biasAt(a, b, c));
      const expected = filled([2, 2, 3], (a, b, c) => power(a, b, c) / sum(3, (k) => power(a, b, k)));
      near(runMicrosoft('BiasSoftmax', [data, bias], { axis: 2, is_inner_broadcast: inner }), [2, 2, 3], expected);
    });
  }

  it('look a bias up by the distance of a key from a query', () => {
    // 4 buckets a direction: distances 0 and 1 have their own, then 2 to 3, then all from 4 to 8 and beyond.
    const table = numbers([8, 2], 8);
    const bucket = (distance: number): number => (distance < 2 ? distance : distance < 4 ? 2 : 3);
    const element = (head: number, at: number): number => table.values[head * 8 + at]!;
    const length = { ...whole([1], [7], 'int64'), fixed: true };
    const attributes = { is_bidirectional: 1, max_distance: 8 };
    const expected = filled([1, 2, 7, 7], (_, head, row, column) =>
      element(head, bucket(Math.abs(column - row)) + (column > row ? 4 : 0)),
    );
    near(runMicrosoft('RelativePositionBias', [table, length, length], attributes), [1, 2, 7, 7], expected);
  });

  it('gate relative position biases by the query', () => {
    const [batch, length, heads, size, columns] = [2, 3, 2, 4, 6];
    const query = numbers([batch, length, heads * size], 9);
    const queryBias = numbers([heads * size], 10);
    const positions = numbers([1, heads, length, length], 11);
    const weight = numbers([size, columns], 12);
    const bias = numbers([columns], 13);
    const eco = numbers([1, heads, 1, 1], 14);
    const product = (b: number, h: number, s: number, column: number): number =>
      bias.values[column]! +
      sum(size, (k) => {
        const at = h * size + k;
        return (reader(query)(b, s, at) + queryBias.values[at]!) * reader(weight)(k, column);
      });
    const half = columns / 2;
    const expected = filled([batch, heads, length, length], (b, h, row, column) => {
      const [u, r] = [0, 1].map((part) => sigmoid(sum(half, (k) => product(b, h, row, part * half + k)))) as [
        number,
        number,
      ];
      return (u * (r * eco.values[h]! - 1) + 2) * reader(positions)(0, h, row, column);
    });
    const inputs = [query, queryBias, positions, weight, bias, eco];
    const result = runMicrosoft('GatedRelativePositionBias', inputs, { num_heads: heads });
    near(result, [batch, heads, length, length], expected);
  });

  it('turn queries and keys that come with their rotated halves', () => {
    const emb = numbers([1, 2, 4], 15);
    const [q, qRotated, k, kRotated] = [16, 17, 18, 19].map((seed) => numbers([1, 2, 2, 4], seed));
    const turned = (x: typeof emb, rotated: typeof emb) =>
      filled([1, 2, 2, 4], (_, h, s, d) => {
        const angle = reader(emb)(0, s, d);
        return reader(x)(0, h, s, d) * Math.cos(angle) + reader(rotated)(0, h, s, d) * Math.sin(angle);
      });
    const inputs = [emb, q, qRotated, k, kRotated];
    near(runMicrosoft('GemmaRotaryEmbedding', inputs), [1, 2, 2, 4], turned(q!, qRotated!));
    near(runMicrosoft('GemmaRotaryEmbedding', inputs, {}, 1), [1, 2, 2, 4], turned(k!, kRotated!));
  });

  it('take padding out of a batch and put it back', () => {
    const X = numbers([3, 3, 2], 20);
    const counts = whole([3], [1, 0, 3]);
    const order = [0, 6, 7, 8, 1, 2, 3, 4, 5];
    const rows = order.slice(0, 4).flatMap((row) => X.values.slice(2 * row, 2 * row + 2));
    near(runMicrosoft('RemovePadding', [X, counts]), [4, 2], rows);
    assert.deepEqual(runMicrosoft('RemovePadding', [X, counts], {}, 1).values, order);
    assert.deepEqual(runMicrosoft('RemovePadding', [X, counts], {}, 2).values, [0, 1, 1, 4]);
    assert.deepEqual(runMicrosoft('RemovePadding', [X, counts], {}, 3).values, [3]);
    const kept = [...places([3, 3, 2])].map(([b, s], i) => (s! < counts.values[b!]! ? X.values[i]! : 0));
    near(runMicrosoft('RestorePadding', [{ dims: [4, 2], values: rows }, whole([3, 3], order)]), [3, 3, 2], kept);
  });
});
