// Cases of com.microsoft's products with matrices in few bits.

import { toBytes } from '../../../ir/bytes.ts';
import type { DType } from '../../../ir/dtype.ts';
import { float, int, text } from '../case.ts';
import { type Draw, randomNumbers } from '../draw.ts';
import { drawDims, drawTensor, int64s, tensorFrom } from '../tensors.ts';
import { type Generator, type Generators, oneNode, optional, put } from './generator.ts';

const domain = 'com.microsoft';
const near = { relative: 1e-4, absolute: 1e-5 };
const fixed = { constant: 80, open: 0 };

const matMulBnb4: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [K, N] = [draw.integer(1, 40), draw.integer(1, 12)];
    const block = draw.pick([16, 32, 64]);
    const A = put(builder, 'float32', [
      ...drawDims(draw, draw.integer(0, 2), { zero: 0, most: 6 }),
      draw.integer(1, 5),
      K,
    ]);
    const B = builder.input(drawTensor(draw, 'uint8', [Math.ceil((N * K) / 2)], 'full'), fixed);
    const absmax = builder.input(drawTensor(draw, 'float32', [Math.ceil((N * K) / block)], 'positive'), fixed);
    const attributes = { K: int(K), N: int(N), block_size: int(block), quant_type: int(draw.integer(0, 1)) };
    return { op: 'MatMulBnb4', inputs: [A, B, absmax], attributes, domain, ...near };
  });

/** Blocks of a scale, perhaps a zero point, and any codes. */
function blob(draw: Draw, blocks: number, size: number, offset: boolean) {
  const random = randomNumbers(draw.seed());
  const any = (): number => Math.floor(random() * 256);
  const bytes = Array.from({ length: blocks }, () => [
    ...toBytes('float32', [random() + 0.1]),
    ...(offset ? [Math.floor(random() * 16)] : []),
    ...Array.from({ length: size / 2 }, any),
  ]).flat();
  return tensorFrom('uint8', [bytes.length], bytes.map(BigInt));
}

const matMulFpQ4: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const form = draw.pick([1, 0]);
    const [K, N] = [draw.integer(1, 100), draw.integer(1, 9)];
    const A = put(builder, 'float32', [draw.integer(1, 4), K]);
    const B = builder.input(blob(draw, N * Math.ceil(K / 32), 32, form === 1), { constant: 100 });
    const shape = builder.input(int64s([K, N]), { constant: 100 });
    return { op: 'MatMulFpQ4', inputs: [A, B, shape], attributes: { blk_quant_type: int(form) }, domain, ...near };
  });

const matMulInteger16: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [m, k, n] = [draw.integer(1, 9), draw.integer(1, 9), draw.integer(1, 9)];
    const batch = drawDims(draw, draw.integer(0, 2), { zero: 0, most: 4 });
    const type = (): DType => draw.pick(['int16', 'uint16']);
    const inputs = [put(builder, type(), [...batch, m, k], 'small'), put(builder, type(), [...batch, k, n], 'small')];
    return { op: 'MatMulInteger16', inputs, domain };
  });

interface Fused {
  readonly op: string;
  /** How many columns each matrix gives, by the attribute that says it. */
  readonly columns: readonly string[];
  readonly outputs: number;
}

const fusedNBits =
  ({ op, columns, outputs }: Fused): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const K = 32 * draw.integer(1, 2);
      const sizes = new Map([...new Set(columns)].map((name) => [name, draw.integer(1, 6)] as const));
      const dims = [draw.integer(1, 3), K];
      const projection = (name: string): readonly (string | undefined)[] => {
        const N = sizes.get(name)!;
        return [
          builder.input(drawTensor(draw, 'uint8', [N, K / 32, 16], 'full'), fixed),
          put(builder, 'float32', [N, K / 32]),
          draw.chance(50) ? put(builder, 'float32', [N]) : undefined,
        ];
      };
      const A = put(builder, 'float32', dims);
      const skips = draw.chance(50);
      const inputs = [A, skips ? put(builder, 'float32', dims) : undefined, put(builder, 'float32', [K])];
      const own = Object.fromEntries([...sizes].map(([name, size]) => [name, int(size)]));
      return {
        op,
        inputs: [...inputs, ...columns.flatMap(projection)],
        outputs: outputs + (skips ? 1 : 0),
        attributes: {
          K: int(K),
          block_size: int(32),
          ...own,
          epsilon: optional(draw, float(0.01)),
          activation: op === 'MatMulNBitsMlp' ? text('silu') : undefined,
        },
        domain,
        ...near,
      };
    });

export const microsoftQuantized: Generators = {
  MatMulBnb4: matMulBnb4,
  MatMulFpQ4: matMulFpQ4,
  MatMulInteger16: matMulInteger16,
  MatMulNBitsMlp: fusedNBits({ op: 'MatMulNBitsMlp', columns: ['N', 'N'], outputs: 1 }),
  MatMulNBitsQkv: fusedNBits({ op: 'MatMulNBitsQkv', columns: ['Nq', 'Nkv', 'Nkv'], outputs: 3 }),
};
