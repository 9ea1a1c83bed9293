import { filled, near, numbers, places, reader, runMicrosoft, sum, whole } from './reference.ts';

type Pair = readonly [number, number];
const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

/** The elements of a matrix, as [row, column], in the order in which they stand in memory. */
const sequences: Readonly<Record<number, (rows: number, columns: number) => readonly Pair[]>> = {
  0: (rows, columns) => range(columns).flatMap((c) => range(rows).map((r): Pair => [r, c])),
  1: (rows, columns) => range(rows).flatMap((r) => range(columns).map((c): Pair => [r, c])),
  2: (rows, columns) =>
    range(columns / 32).flatMap((tile) => range(rows).flatMap((r) => range(32).map((c): Pair => [r, tile * 32 + c]))),
  3: (rows, columns) =>
    range(columns / 32).flatMap((tile) =>
      range(rows / 8).flatMap((group) =>
        [0, 1].flatMap((odd) =>
          range(8).flatMap((four) =>
            range(4).flatMap((r) => range(4).map((c): Pair => [8 * group + 2 * r + odd, tile * 32 + four * 4 + c])),
          ),
        ),
      ),
    ),
  4: (rows, columns) =>
    range(columns / 32).flatMap((tile) =>
      range(rows / 32).flatMap((group) =>
        range(4).flatMap((pair) =>
          range(4).flatMap((eight) =>
            [0, 1].flatMap((odd) =>
              range(32).map((c): Pair => [32 * group + 8 * eight + 2 * pair + odd, tile * 32 + c]),
            ),
          ),
        ),
      ),
    ),
};

const byte = (value: number): number => {
  const floor = Math.floor(value);
  const nearest = value - floor === 0.5 ? floor + (Math.abs(floor) % 2) : Math.round(value);
  return Math.max(-128, Math.min(127, nearest));
};

describe('8-bit matrices in the orders of cuBLASLt', () => {
  const scale = (value: number) => ({ dims: [], values: [value] });

  for (const order of [0, 1, 2, 3, 4]) {
    it(`are quantized into order ${order} and read from it`, () => {
      const dims = [32, 64];
      const X = numbers(dims, order + 1);
      const expected = sequences[order]!(32, 64).map(([r, c]) => byte(reader(X)(r, c) / 0.5));
      near(runMicrosoft('QuantizeWithOrder', [X, scale(0.5)], { order_input: 1, order_output: order }), dims, expected);
      const back = filled(dims, (r, c) => byte(reader(X)(r, c) / 0.5) * 0.5);
      const memory = whole(dims, expected, 'int8');
      const attributes = { order_input: order, order_output: 1, to: 'float32' };
      near(runMicrosoft('DequantizeWithOrder', [memory, scale(0.5)], attributes), dims, back);
    });
  }

  for (const [orderA, orderB] of [
    [1, 0],
    [2, 3],
    [2, 4],
  ] as const) {
    it(`are multiplied, of orders ${orderA} and ${orderB}`, () => {
      const [rows, depth, columns] = [32, 32, 32];
      const codes = (seed: number) => filled([32, 32], (r, c) => ((r * 13 + c * 7 + seed * 5) % 31) - 15);
      const [A, B, C] = [codes(1), codes(2), codes(3)];
      const at = (values: readonly number[], r: number, c: number): number => values[r * 32 + c]!;
      const bias = numbers([columns], 9);
      const scaleB = numbers([columns], 10).values.map((value) => Math.abs(value) + 0.125);
      const laid = (values: readonly number[], order: number, turned = false): readonly number[] =>
        sequences[order]!(32, 32).map(([r, c]) => (turned ? at(values, c, r) : at(values, r, c)));
      const result = (r: number, c: number): number => {
        const product = sum(depth, (k) => at(A, r, k) * at(B, k, c));
        return byte((product * 0.5 * scaleB[c]! + bias.values[c]! + 0.25 * at(C, r, c)) / 16);
      };
      const logical = filled([rows, columns], result);
      const inputs = [
        whole([rows, depth], laid(A, orderA), 'int8'),
        scale(0.5),
        whole([depth, columns], laid(B, orderB, orderB > 2), 'int8'),
        { dims: [columns], values: scaleB },
        scale(16),
        bias,
        whole([rows, columns], laid(C, orderA), 'int8'),
        scale(0.25),
      ];
      const attributes = { order_A: orderA, order_B: orderB, order_Y: orderA };
      near(runMicrosoft('QOrderedMatMul', inputs, attributes), [rows, columns], laid(logical, orderA));
    });
  }

  it('are activated and normalized', () => {
    const dims = [2, 4];
    const X = whole(dims, [10, -20, 30, 5, -7, 0, 90, 127], 'int8');
    const [gamma, beta] = [numbers([4], 11), numbers([4], 12)];
    const x = X.values.map((code) => code * 0.25);
    const normalized = [...places(dims)].map(([r, c]) => {
      const row = x.slice(r! * 4, r! * 4 + 4);
      const mean = row.reduce((a, b) => a + b) / 4;
      const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / 4;
      return byte(
        (((x[r! * 4 + c!]! - mean) / Math.sqrt(variance + 1e-5)) * gamma.values[c!]! + beta.values[c!]!) / 0.5,
      );
    });
    near(runMicrosoft('QOrderedLayerNormalization', [X, scale(0.25), gamma, beta, scale(0.5)]), dims, normalized);
    // Gelu(2.5) = 2.4845, Gelu(-5) = 0, Gelu(7.5) = 7.5, Gelu(1.25) = 1.1179, Gelu(-1.75) = -0.0701, 0, 22.5, 31.75
    const gelu = [25, 0, 75, 11, -1, 0, 127, 127];
    near(runMicrosoft('QOrderedGelu', [X, scale(0.25), scale(0.1)]), dims, gelu);
  });
});
