import * as assert from 'node:assert/strict';
import { filled, near, numbers, reader, runMicrosoft, sum, whole } from './reference.ts';

describe('attention over pages of a cache', () => {
  const [heads, shared, size, block] = [2, 1, 4, 2];
  // Two sequences: one of 3 tokens before and 2 new ones, one of 1 before and 1 new one.
  const [starts, past, lengths] = [
    [0, 2],
    [3, 1],
    [5, 2],
  ];
  const table = [
    [4, 1, 2],
    [0, -1, -1],
  ];
  const query = numbers([3, heads * size], 1);
  const [key, value] = [numbers([3, shared * size], 2), numbers([3, shared * size], 3)];
  const caches = [4, 5].map((seed) => numbers([5, block, shared, size], seed)) as [typeof query, typeof query];
  const sequenceOf = (token: number): number => (token < 2 ? 0 : 1);
  const read = (which: number, now: typeof query, s: number, at: number, d: number): number =>
    at < past[s]!
      ? reader(caches[which]!)(table[s]![Math.floor(at / block)]!, at % block, 0, d)
      : reader(now)(starts[s]! + at - past[s]!, d);
  const inputs = [
    ...[query, key, value, ...caches],
    ...[whole([3], [0, 2, 3]), whole([2], past), whole([2, 3], table.flat())],
  ];

  for (const window of [-1, 2]) {
    it(`joins new tokens and sees what came before (window ${window})`, () => {
      const expected = filled([3, heads * size], (token, at) => {
        const s = sequenceOf(token);
        const position = past[s]! + token - starts[s]!;
        const head = Math.floor(at / size);
        const seen = (column: number): boolean =>
          column <= position && (window < 0 || column > position - window) && column < lengths[s]!;
        const powers = Array.from({ length: lengths[s]! }, (_, c) => {
          const score = sum(size, (d) => reader(query)(token, head * size + d) * read(0, key, s, c, d)) / 2;
          return seen(c) ? Math.exp(score) : 0;
        });
        const total = powers.reduce((a, b) => a + b, 0);
        return powers.reduce((a, power, c) => a + power * read(1, value, s, c, at % size), 0) / total;
      });
      const attributes = { num_heads: heads, kv_num_heads: shared, local_window_size: window };
      near(runMicrosoft('PagedAttention', inputs, attributes), [3, heads * size], expected);
    });
  }

  it('writes new keys into their slots, and none where the slot is -1', () => {
    const attributes = { num_heads: heads, kv_num_heads: shared };
    const written = runMicrosoft('PagedAttention', inputs, attributes, 1);
    const slots = [3, 4, 1];
    // Position 3 lies in page 1 at row 1, position 4 in page 2 at row 0; position 1 of the other in page 0 at row 1.
    const places = [2 * 1 + 1, 2 * 2, 1];
    const expected = caches[0].values.map((old, i) => {
      const token = places.indexOf(Math.floor(i / size));
      return token < 0 ? old : reader(key)(token, i % size);
    });
    near(written, [5, block, shared, size], expected);
    const none = [...inputs, undefined, undefined, whole([3], [slots[0]!, -1, -1])];
    const one = runMicrosoft('PagedAttention', none, attributes, 1);
    const changed = one.values.filter((own, i) => own !== caches[0].values[i]).length;
    assert.ok(changed > 0 && changed <= size);
  });
});
