import { filled, near, numbers, reader, runMicrosoft, sum, whole } from './reference.ts';

const byte = (value: number): number => {
  const floor = Math.floor(value);
  const nearest = value - floor === 0.5 ? floor + (Math.abs(floor) % 2) : Math.round(value);
  return Math.max(-128, Math.min(127, nearest));
};
const scale = (value: number) => ({ dims: [], values: [value] });
const codes = (count: number, seed: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => ((i * 13 + seed * 29) % 41) - 20);

describe('attention on 8-bit integers', () => {
  const [length, width, heads, size] = [3, 6, 2, 4];
  const hidden = heads * size;
  const X = whole([1, length, width], codes(length * width, 1), 'int8');
  /** [columns, width] in memory: the weights go by columns. */
  const product = (W: readonly number[], b: readonly number[], s: number) => (t: number, c: number) =>
    byte((sum(width, (k) => reader(X)(0, t, k) * W[c * width + k]!) * 0.1 * 0.05 + b[c]!) / s) * s;

  it('rounds each step by a scale of its own', () => {
    const weights = [2, 3, 4].map((seed) => codes(width * hidden, seed));
    const biases = [5, 6, 7].map((seed) => numbers([hidden], seed));
    const steps = [0.03, 0.04, 0.05];
    const [q, k, v] = [0, 1, 2].map((i) => product(weights[i]!, biases[i]!.values, steps[i]!)) as [
      ReturnType<typeof product>,
      ReturnType<typeof product>,
      ReturnType<typeof product>,
    ];
    const mask = [1, 1, 0];
    const expected = filled([1, length, hidden], (_, t, at) => {
      const first = Math.floor(at / size) * size;
      const scores = mask.map((isSet, column) => {
        const whole = sum(size, (d) => q(t, first + d) * k(column, first + d));
        return (byte(whole / 0.1) * 0.1) / Math.sqrt(size) + (isSet ? 0 : -10000);
      });
      const powers = scores.map((score) => Math.exp(score - Math.max(...scores)));
      const total = powers.reduce((a, b) => a + b, 0);
      return byte(sum(length, (c) => byte(powers[c]! / total / 0.01) * 0.01 * v(c, at)) / 0.02);
    });
    const inputs = [
      ...[X, scale(0.1), ...steps.map(scale)],
      ...weights.map((own) => whole([width, hidden], own, 'int8')),
      ...[scale(0.05), scale(0.05), scale(0.05), ...biases],
      ...[scale(0.1), scale(0.01), scale(0.02), whole([1, length], mask)],
    ];
    const attributes = { num_heads: heads, order_input: 1, order_weight: 0, order_output: 1 };
    near(runMicrosoft('QOrderedAttention', inputs, attributes), [1, length, hidden], expected, 1.01 / 20);
  });

  it('is LongformerAttention between roundings', () => {
    const local = [8, 9].map((seed) => codes(hidden * 3 * hidden, seed));
    const biases = [10, 11].map((seed) => numbers([3 * hidden], seed));
    const input = whole([1, length, hidden], codes(length * hidden, 12), 'int8');
    const mask = { dims: [1, length], values: [0, 0, -10000] };
    const isGlobal = whole([1, length], [0, 1, 0]);
    const turned = (W: readonly number[]) => ({
      dims: [hidden, 3 * hidden],
      values: filled([hidden, 3 * hidden], (k, c) => W[c * hidden + k]! * 0.05),
    });
    const real = { dims: input.dims, values: input.values.map((code) => code * 0.1) };
    const plain = [real, turned(local[0]!), biases[0], mask, turned(local[1]!), biases[1], isGlobal];
    const attributes = { num_heads: heads, window: 1 };
    const expected = runMicrosoft('LongformerAttention', plain, attributes).values.map((x) => x / 0.02);
    const inputs = [
      ...[input, scale(0.1), whole([hidden, 3 * hidden], local[0]!, 'int8'), scale(0.05), biases[0], scale(1)],
      ...[scale(0.04), mask, whole([hidden, 3 * hidden], local[1]!, 'int8'), scale(0.05), biases[1]],
      ...[scale(0.04), isGlobal, scale(0.02)],
    ];
    const ordered = { ...attributes, order_input: 1, order_weight: 0, order_global_weight: 0, order_output: 1 };
    const result = runMicrosoft('QOrderedLongformerAttention', inputs, ordered);
    const near8 = expected.map((x) => Math.max(-128, Math.min(127, x)));
    near(result, [1, length, hidden], near8, 0.2);
  });
});
