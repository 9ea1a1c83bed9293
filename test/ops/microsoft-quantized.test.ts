import { filled, near, numbers, reader, runMicrosoft, sigmoid, sum, whole } from './reference.ts';

/** The code of 4 bits that a row of packed bytes holds at a place, low half first. */
const nibble = (bytes: readonly number[], at: number): number => (bytes[Math.floor(at / 2)]! >> (4 * (at % 2))) & 15;
const someBytes = (count: number, seed: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => (i * 37 + seed * 101 + ((i * i) % 19)) % 256);

describe('products with matrices of few bits in com.microsoft', () => {
  it('take the mean of bytes and quantize it again', () => {
    const scale = (value: number) => ({ dims: [], values: [value] });
    const zero = (value: number) => whole([], [value], 'uint8');
    const data = whole([2, 3], [10, 20, 33, 0, 255, 90], 'uint8');
    const inputs = [data, scale(0.5), zero(10), scale(0.25), zero(3)];
    // (21 - 10) * 2 + 3 and (115 - 10) * 2 + 3
    near(runMicrosoft('QLinearReduceMean', inputs, { axes: [1], keepdims: 1 }), [2, 1], [25, 213]);
  });

  it('multiply by weights of 4-bit floats with two levels of scales', () => {
    const values = [0, 0.5, 1, 1.5, 2, 3, 4, 6];
    const [K, N] = [32, 3];
    const A = numbers([2, K], 1);
    const bytes = someBytes((N * K) / 2, 2);
    // float8e4m3fn: 1, 2, 0.5, 1.5, -1, 0.75
    const codes = [0x38, 0x40, 0x30, 0x3c, 0xb8, 0x34];
    const scales = [1, 2, 0.5, 1.5, -1, 0.75];
    const bias = numbers([N], 3);
    const weight = (n: number, k: number): number => {
      const code = nibble(bytes, n * K + k);
      return (code > 7 ? -1 : 1) * values[code % 8]! * scales[2 * n + Math.floor(k / 16)]! * 0.25;
    };
    const expected = filled([2, N], (m, n) => bias.values[n]! + sum(K, (k) => reader(A)(m, k) * weight(n, k)));
    const inputs = [A, whole([N, K / 2], bytes, 'uint8'), whole([N, 2], codes, 'uint8'), { dims: [], values: [0.25] }];
    near(runMicrosoft('MatMulBlockQuantizedFp4Weight', [...inputs, undefined, bias]), [2, N], expected);
  });

  for (const quantized of [false, true]) {
    it(`multiply by weights of float8 ${quantized ? 'an input rounded to float8' : 'an input as it is'}`, () => {
      const [K, N] = [6, 2];
      // Sums of few powers of two, which float8 holds.
      const A = { dims: [2, K], values: filled([2, K], (m, k) => [0.5, -1, 2, 1.25, -0.75, 3][(m + k) % 6]!) };
      const B = {
        dims: [N, K],
        values: filled([N, K], (n, k) => [1, -0.5, 1.5, 2, -3, 0.25][(2 * n + k) % 6]!),
        dtype: 'float8e4m3fn' as const,
      };
      const scales = numbers([N, 2], 4);
      const expected = filled([2, N], (m, n) =>
        sum(K, (k) => reader(A)(m, k) * reader(B)(n, k) * reader(scales)(n, Math.floor(k / 4))),
      );
      const inputs = [A, B, scales, quantized ? { dims: [], values: [0.5] } : undefined];
      near(runMicrosoft('MatMulBlockQuantizedFp8Weight', inputs, { block_size: 4 }), [2, N], expected);
    });
  }

  it('multiply, scale, move and activate matrices of floats', () => {
    const [A, B, C] = [numbers([2, 3], 5), numbers([4, 3], 6), numbers([2, 4], 7)];
    const scale = (value: number) => ({ dims: [1], values: [value] });
    const expected = filled([2, 4], (m, n) => {
      const product = sum(3, (k) => reader(A)(m, k) * 0.5 * reader(B)(n, k) * 4);
      return 3 * Math.max(0, 2 * product + 0.5 * reader(C)(m, n));
    });
    const attributes = { alpha: 2, beta: 0.5, transB: 1, activation: 'RELU' };
    near(runMicrosoft('GemmFloat8', [A, B, C, scale(0.5), scale(4), scale(3)], attributes), [2, 4], expected);
  });

  describe('after a normalization', () => {
    const [K, epsilon] = [32, 0.25];
    const [A, skip, scale] = [numbers([2, K], 8), numbers([2, K], 9), numbers([K], 10)];
    const total = (m: number, k: number): number => reader(A)(m, k) + reader(skip)(m, k);
    const normalized = (m: number, k: number): number =>
      (total(m, k) * scale.values[k]!) / Math.sqrt(sum(K, (i) => total(m, i) ** 2) / K + epsilon);
    const matrix = (N: number, seed: number) => {
      const bytes = someBytes(N * 16, seed);
      const [scales, bias] = [numbers([N, 1], seed), numbers([N], seed + 1)];
      const product = (m: number, n: number): number =>
        bias.values[n]! + sum(K, (k) => normalized(m, k) * (nibble(bytes, n * 32 + k) - 8) * scales.values[n]!);
      return { inputs: [whole([N, 1, 16], bytes, 'uint8'), scales, bias], product };
    };
    const attributes = { K, block_size: 32, epsilon };

    it('multiply by a gate and by what it lets through', () => {
      const [gate, up] = [matrix(3, 11), matrix(3, 13)];
      const expected = filled([2, 3], (m, n) => {
        const opened = gate.product(m, n);
        return opened * sigmoid(opened) * up.product(m, n);
      });
      const inputs = [A, skip, scale, ...gate.inputs, ...up.inputs];
      const own = { ...attributes, N: 3, activation: 'silu' };
      near(runMicrosoft('MatMulNBitsMlp', inputs, own), [2, 3], expected, 1e-4);
      near(runMicrosoft('MatMulNBitsMlp', inputs, own, 1), [2, K], filled([2, K], total));
    });

    it('make queries, keys and values', () => {
      const parts = [matrix(4, 15), matrix(2, 17), matrix(2, 19)];
      const inputs = [A, skip, scale, ...parts.flatMap((part) => part.inputs)];
      for (const [i, { product }] of parts.entries()) {
        const N = i === 0 ? 4 : 2;
        const result = runMicrosoft('MatMulNBitsQkv', inputs, { ...attributes, Nq: 4, Nkv: 2 }, i);
        near(result, [2, N], filled([2, N], product), 1e-4);
      }
    });
  });

  for (const form of ['int', 'fp4'] as const) {
    it(`mix experts with matrices of 4 bits in blocks (${form})`, () => {
      const [tokens, experts, size] = [2, 3, 32];
      const [X, router] = [numbers([tokens, size], 21), { dims: [tokens, experts], values: [0, 1, 3, 2, 0.5, -1] }];
      const fp4 = [0, 0.5, 1, 1.5, 2, 3, 4, 6];
      const value = (code: number): number => (form === 'int' ? code - 8 : (code > 7 ? -1 : 1) * fp4[code % 8]!);
      const blocks = form === 'int' ? 2 : 1;
      const matrix = (seed: number) => {
        const bytes = someBytes((experts * size * size) / 2, seed);
        const scales = {
          dims: [experts, size, blocks],
          values: filled([experts, size, blocks], (e, r, b) => 2 ** -((e + r + b) % 3)),
          ...(form === 'fp4' ? { dtype: 'float8e8m0' as const } : {}),
        };
        const product = (x: readonly number[], e: number): readonly number[] =>
          filled([size], (row) =>
            sum(
              size,
              (d) =>
                x[d]! *
                value(nibble(bytes, (e * size + row) * size + d)) *
                reader(scales)(e, row, Math.floor((d * blocks) / size)),
            ),
          );
        return { inputs: [whole([experts, size, size / 2], bytes, 'uint8'), scales, undefined], product };
      };
      const [first, second] = [matrix(22), matrix(23)];
      const global = form === 'int' ? 1 : 0.5;
      const expected = filled([tokens, size], (t, n) => {
        const powers = filled([experts], (e) => Math.exp(reader(router)(t, e)));
        const best = [...powers.keys()].sort((a, b) => powers[b]! - powers[a]!).slice(0, 2);
        const mixed = best.map((e) => {
          const inside = first.product(X.values.slice(t * size, (t + 1) * size), e).map((x) => Math.max(0, x * global));
          return (powers[e]! * second.product(inside, e)[n]! * global) / (powers[best[0]!]! + powers[best[1]!]!);
        });
        return mixed[0]! + mixed[1]!;
      });
      const rest = Array.from({ length: 7 }, () => undefined);
      const overall = { dims: [experts], values: [global, global, global] };
      const inputs = [
        X,
        router,
        ...first.inputs,
        ...second.inputs,
        ...rest,
        ...(form === 'fp4' ? [overall, overall] : []),
      ];
      const attributes = { k: 2, normalize_routing_weights: 1, quant_type: form, block_size: 16 };
      near(runMicrosoft('QMoE', inputs, attributes), [tokens, size], expected, 1e-4);
    });
  }
});
