import type { Numbers } from './one-node.ts';
import { filled, type Given, near, numbers, reader, runMicrosoft, sum, whole } from './reference.ts';

type At = (...index: number[]) => number;

/** Row `row` of attention: the columns' values by the softmax of scores, of which -Infinity hides a column. */
function attended(scores: readonly number[], value: (column: number) => number): number {
  const top = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - top));
  return sum(scores.length, (c) => powers[c]! * value(c)) / sum(scores.length, (c) => powers[c]!);
}

const dot = (size: number, a: (d: number) => number, b: (d: number) => number): number =>
  sum(size, (d) => a(d) * b(d)) / Math.sqrt(size);

/** X W + b, of the last axis. */
const projected =
  (x: Numbers, w: Numbers, b: Numbers): At =>
  (...index) => {
    const column = index.at(-1)!;
    return b.values[column]! + sum(w.dims[0]!, (k) => reader(x)(...index.slice(0, -1), k) * reader(w)(k, column));
  };

describe('attention of com.microsoft without a kernel to compare with', () => {
  const [heads, size] = [2, 4];
  const hidden = heads * size;

  describe('over tokens without padding', () => {
    const lengths = [2, 3];
    const starts = [0, 2];
    const offsets = whole([2, 3], [0, 1, 3, 4, 5, 2]);
    const cumulated = whole([3], [0, 2, 5]);
    const expectedOf = (q: At, k: At, v: At): readonly number[] =>
      filled([5, hidden], (token, at) => {
        const [sequence, first] = token < 2 ? [0, 0] : [1, 2];
        const head = Math.floor(at / size);
        const score = (column: number): number =>
          dot(
            size,
            (d) => q(token, head * size + d),
            (d) => k(first + column, head * size + d),
          );
        return attended(
          Array.from({ length: lengths[sequence]! }, (_, c) => score(c)),
          (c) => v(starts[sequence]! + c, at),
        );
      });

    it('projects an input', () => {
      const [X, W, b] = [numbers([5, 3], 1), numbers([3, 3 * hidden], 2, 0.5), numbers([3 * hidden], 3)];
      const all = projected(X, W, b);
      const part =
        (i: number): At =>
        (token, at) =>
          all(token!, i * hidden + at!);
      const result = runMicrosoft('PackedAttention', [X, W, b, offsets, cumulated], { num_heads: heads });
      near(result, [5, hidden], expectedOf(part(0), part(1), part(2)));
    });

    it('takes queries, keys and values, apart or together', () => {
      const parts = [4, 5, 6].map((seed) => numbers([5, hidden], seed)) as [Numbers, Numbers, Numbers];
      const b = numbers([3 * hidden], 7);
      const part =
        (i: number): At =>
        (token, at) =>
          reader(parts[i]!)(token!, at!) + b.values[i * hidden + at!]!;
      const expected = expectedOf(part(0), part(1), part(2));
      const rest = [b, offsets, cumulated];
      near(runMicrosoft('PackedMultiHeadAttention', [...parts, ...rest], { num_heads: heads }), [5, hidden], expected);
      const together = filled([5, heads, 3, size], (t, h, i, d) => reader(parts[i]!)(t, h * size + d));
      const packed = { dims: [5, heads, 3, size], values: together };
      const result = runMicrosoft('PackedMultiHeadAttention', [packed, undefined, undefined, ...rest], {
        num_heads: heads,
      });
      near(result, [5, hidden], expected);
    });
  });

  it('sees a window, and global tokens, which see all', () => {
    const [batch, length, window] = [1, 8, 1];
    const X = numbers([batch, length, hidden], 8);
    const [W, b, globalW, globalB] = [
      numbers([hidden, 3 * hidden], 9, 0.5),
      numbers([3 * hidden], 10),
      numbers([hidden, 3 * hidden], 11, 0.5),
      numbers([3 * hidden], 12),
    ];
    const isGlobal = [0, 0, 1, 0, 0, 0, 0, 0];
    const mask = { dims: [batch, length], values: [0, 0, 0, 0, 0, 0, 0, -10000] };
    const [near_, far] = [projected(X, W, b), projected(X, globalW, globalB)];
    const expected = filled([batch, length, hidden], (n, row, at) => {
      const head = Math.floor(at / size);
      const all = isGlobal[row] ? far : near_;
      const scores = Array.from({ length }, (_, column) => {
        const seen = isGlobal[row] || isGlobal[column] || Math.abs(row - column) <= window;
        const score = dot(
          size,
          (d) => all(n, row, head * size + d),
          (d) => all(n, column, hidden + head * size + d),
        );
        return seen ? score + mask.values[column]! : Number.NEGATIVE_INFINITY;
      });
      return attended(scores, (column) => all(n, column, 2 * hidden + at));
    });
    const inputs = [X, W, b, mask, globalW, globalB, whole([batch, length], isGlobal)];
    near(
      runMicrosoft('LongformerAttention', inputs, { num_heads: heads, window }),
      [batch, length, hidden],
      expected,
      1e-4,
    );
  });

  it('follows beams through a cache of full length', () => {
    const [beams, rows, past] = [2, 5, 3];
    const X = numbers([beams, 1, 3], 13);
    const [W, b] = [numbers([3, 3 * hidden], 14, 0.5), numbers([3 * hidden], 15)];
    const cache = numbers([2, beams, heads, rows, size], 16);
    const table = whole([1, beams, rows], [1, 0, 1, 0, 0, 0, 1, 1, 0, 0]);
    const mask = whole([beams, past + 1], [1, 1, 1, 1, 0, 1, 1, 1]);
    const all = projected(X, W, b);
    const cached = (which: number, beam: number, head: number, t: number, d: number): number =>
      t < past
        ? reader(cache)(which, reader(table)(0, beam, t), head, t, d)
        : all(beam, 0, (1 + which) * hidden + head * size + d);
    const expected = filled([beams, 1, hidden], (beam, row, at) => {
      const head = Math.floor(at / size);
      const scores = Array.from({ length: past + 1 }, (_, t) => {
        const score = dot(
          size,
          (d) => all(beam, row, head * size + d),
          (d) => cached(0, beam, head, t, d),
        );
        return score + (reader(mask)(beam, t) ? 0 : -10000);
      });
      return attended(scores, (t) => cached(1, beam, head, t, at % size));
    });
    const inputs = [X, W, b, mask, cache, undefined, whole([1], [past]), whole([1], [beams]), table];
    const attributes = { num_heads: heads, past_present_share_buffer: 1 };
    near(runMicrosoft('DecoderMaskedSelfAttention', inputs, attributes), [beams, 1, hidden], expected);
  });

  for (const across of [false, true]) {
    it(`attends ${across ? 'across' : 'to itself'} with the length first and a cache`, () => {
      const [length, other, batch, before] = [2, 3, 2, 2];
      const [query, key] = [numbers([length, batch, hidden], 17), numbers([other, batch, hidden], 18)];
      const [qW, kvW, b] = [
        numbers([hidden, hidden], 19, 0.5),
        numbers([hidden, 2 * hidden], 20, 0.5),
        numbers([3 * hidden], 21),
      ];
      const caches = [22, 23].map((seed) => numbers([batch, heads, before, size], seed)) as [Numbers, Numbers];
      const flagged = (value: boolean): Given => ({ ...whole([1], [value ? 1 : 0], 'bool'), fixed: true });
      const source = across ? key : query;
      const zero = { dims: [2 * hidden], values: b.values.slice(hidden) };
      const [q, kv] = [
        projected(query, qW, { dims: [hidden], values: b.values.slice(0, hidden) }),
        projected(source, kvW, zero),
      ];
      const columns = across ? other : before + length;
      const read = (which: number, n: number, head: number, c: number, d: number): number =>
        !across && c < before
          ? reader(caches[which]!)(n, head, c, d)
          : kv(across ? c : c - before, n, which * hidden + head * size + d);
      const expected = filled([length, batch, hidden], (row, n, at) => {
        const head = Math.floor(at / size);
        const scores = Array.from({ length: columns }, (_, c) =>
          dot(
            size,
            (d) => q(row, n, head * size + d),
            (d) => read(0, n, head, c, d),
          ),
        );
        return attended(scores, (c) => read(1, n, head, c, at % size));
      });
      const given = across ? [undefined, undefined] : caches;
      const flags = [across, !across, !across, false].map(flagged);
      const inputs = [query, key, qW, kvW, b, undefined, ...given, ...flags];
      near(runMicrosoft('DecoderAttention', inputs, { num_heads: heads }), [length, batch, hidden], expected, 1e-4);
    });
  }

  it('sees the blocks that the layout of a head names', () => {
    const [length, total, capacity, block] = [2, 5, 6, 2];
    const query = numbers([1, length, hidden], 24);
    const [key, value] = [numbers([1, length, size], 25), numbers([1, length, size], 26)];
    const caches = [27, 28].map((seed) => numbers([1, 1, capacity, size], seed)) as [Numbers, Numbers];
    const seen = [
      [[0], [0, 1], [1, 2]],
      [[0], [1], [0, 2]],
    ];
    const start = total - length;
    const read = (which: number, now: Numbers, t: number, d: number): number =>
      t < start ? reader(caches[which]!)(0, 0, t, d) : reader(now)(0, t - start, d);
    const expected = filled([1, length, hidden], (_, row, at) => {
      const head = Math.floor(at / size);
      const position = start + row;
      const scores = Array.from({ length: total }, (__, t) => {
        const allowed = t <= position && seen[head]![Math.floor(position / block)]!.includes(Math.floor(t / block));
        const score = dot(
          size,
          (d) => reader(query)(0, row, head * size + d),
          (d) => read(0, key, t, d),
        );
        return allowed ? score : Number.NEGATIVE_INFINITY;
      });
      return attended(scores, (t) => read(1, value, t, at % size));
    });
    const tables = [whole([2, 4], [0, 1, 3, 5, 0, 1, 2, 4]), whole([2, 5], [0, 0, 1, 1, 2, 0, 1, 0, 2, -1])];
    const inputs = [query, key, value, ...caches, ...tables, whole([1], [total]), whole([1], [total])];
    const attributes = { num_heads: heads, kv_num_heads: 1, sparse_block_size: block };
    near(runMicrosoft('SparseAttention', inputs, attributes), [1, length, hidden], expected);
  });
});
