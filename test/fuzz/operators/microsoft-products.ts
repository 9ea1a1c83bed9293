// Cases of com.microsoft operators that multiply, transform or drop. Where ONNX Runtime has no kernel on the CPU they must
// compile and run; what they compute is tested in test/ops.

import type { DType } from '../../../ir/dtype.ts';
import { type Attributes, float, int, text } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawDims, drawNarrower, drawShape, drawTensor, scalar, tensorFrom } from '../tensors.ts';
import { type Generator, type Generators, oneNode, optional, put, sumContents } from './generator.ts';

const domain = 'com.microsoft';
const size = (draw: Draw): number => draw.pick([() => draw.integer(1, 5), () => draw.integer(1, 20)])();

const transposedBatch =
  (op: string, special: (draw: Draw) => Attributes = () => ({})): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const [m, k, n] = [size(draw), size(draw), size(draw)];
      const batch = drawDims(draw, draw.integer(1, 2), { zero: 0, most: 6 });
      const [transA, transB] = [draw.chance(40), draw.chance(40)];
      // The older name has no such attributes.
      const percent = op === 'TransposeMatMul' ? 0 : 40;
      const [transBatchA, transBatchB] = [draw.chance(percent), draw.chance(percent)];
      // The axes of a matrix are the first and the last one where its batch is transposed.
      const dims = (rows: number, columns: number, turn: boolean, turnBatch: boolean): readonly number[] => {
        const [first, last] = turn ? [columns, rows] : [rows, columns];
        return turnBatch ? [first, ...batch, last] : [...batch, first, last];
      };
      const flag = (value: boolean) => (value ? int(1) : undefined);
      return {
        op,
        inputs: [
          put(builder, 'float32', dims(m, k, transA, transBatchA), 'grid'),
          put(builder, 'float32', dims(k, n, transB, transBatchB), 'grid'),
        ],
        attributes: {
          transA: flag(transA),
          transB: flag(transB),
          transBatchA: flag(transBatchA),
          transBatchB: flag(transBatchB),
          alpha: optional(draw, float(0.5)),
          ...special(draw),
        },
        domain,
        relative: 1e-4,
        absolute: 1e-5,
      };
    });

const fusedGemm: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [m, k, n] = [size(draw), size(draw), size(draw)];
    const [transA, transB] = [draw.chance(30), draw.chance(40)];
    const contents = sumContents(draw);
    const activation = draw.pick(['Relu', 'LeakyRelu', 'Tanh', 'Sigmoid', 'HardSigmoid', 'Elu', 'Softplus']);
    const parameters = {
      LeakyRelu: { activation_alpha: float(0.1) },
      Elu: { activation_alpha: float(0.7) },
      HardSigmoid: { activation_alpha: float(0.3), activation_beta: float(0.4) },
    }[activation];
    return {
      op: 'FusedGemm',
      inputs: [
        put(builder, 'float32', transA ? [k, m] : [m, k], contents),
        put(builder, 'float32', transB ? [n, k] : [k, n], contents),
        draw.chance(70) ? put(builder, 'float32', drawNarrower(draw, [m, n]), contents) : undefined,
      ],
      attributes: {
        activation: text(activation),
        ...parameters,
        transA: transA ? int(1) : undefined,
        transB: transB ? int(1) : undefined,
        alpha: optional(draw, float(0.5)),
        beta: optional(draw, float(2)),
      },
      domain,
      relative: 1e-4,
      absolute: 1e-5,
    };
  });

const gemmFastGelu: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [m, k, n] = [size(draw), size(draw), size(draw)];
    const batch = drawDims(draw, draw.integer(0, 2), { zero: 0, most: 6 });
    const bias = draw.chance(50) ? put(builder, 'float32', [n]) : undefined;
    return {
      op: 'GemmFastGelu',
      inputs: [put(builder, 'float32', [...batch, m, k]), put(builder, 'float32', [k, n]), bias],
      domain,
    };
  });

/** Far from singular: a tall diagonal. */
const inverse: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const n = draw.integer(1, 9);
    const dims = [...drawDims(draw, draw.integer(0, 2), { zero: 0, most: 6 }), n, n];
    const count = dims.reduce((a, b) => a * b, 1);
    const values = Array.from(
      { length: count },
      (_, i) => draw.integer(-8, 8) / 8 + ((i % (n * n)) % (n + 1) ? 0 : n + 2),
    );
    const dtype = draw.pick<DType>(['float32', 'float32', 'float64']);
    return {
      op: 'Inverse',
      inputs: [builder.input(tensorFrom(dtype, dims, values))],
      domain,
      relative: 1e-3,
      absolute: 1e-5,
    };
  });

const murmurHash: Generator = (draw) =>
  oneNode(draw, 17, (builder) => ({
    op: 'MurmurHash3',
    inputs: [
      put(
        builder,
        draw.pick(['int32', 'uint32', 'int64', 'uint64', 'float32', 'float64']),
        drawShape(draw, 0, 3),
        'full',
      ),
    ],
    attributes: { positive: optional(draw, int(draw.integer(0, 1))), seed: optional(draw, int(draw.integer(0, 1000))) },
    domain,
  }));

const fourier =
  (op: 'Rfft' | 'Irfft'): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const axes = draw.integer(1, 3);
      const signal = Array.from({ length: axes }, () => draw.integer(2, 6));
      const dims = [...drawDims(draw, draw.integer(0, 1), { zero: 0, most: 4 }), ...signal];
      const X = put(builder, 'float32', op === 'Rfft' ? dims : [...dims, 2]);
      return {
        op,
        inputs: [X],
        attributes: { signal_ndim: int(axes), onesided: int(1), normalized: int(0) },
        domain,
      };
    });

const isAllFinite: Generator = (draw) =>
  oneNode(draw, 17, (builder) => ({
    op: 'IsAllFinite',
    inputs: Array.from({ length: draw.integer(1, 3) }, () =>
      put(builder, 'float32', drawShape(draw, 0, 3), draw.pick(['real', 'special'])),
    ),
    attributes: draw.pick([{}, { isinf_only: int(1) }, { isnan_only: int(1) }]),
    domain,
  }));

const dropout =
  (op: string, bias: boolean): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const dims = drawShape(draw, 1, 4, { zero: 0 });
      const own = draw.chance(50) ? [dims.at(-1)!] : dims;
      const addends = bias
        ? [put(builder, 'float32', own), draw.chance(50) ? put(builder, 'float32', dims) : undefined]
        : [];
      const ratio = draw.chance(50) ? builder.input(scalar('float32', 0.25)) : undefined;
      const training = draw.chance(50) ? builder.input(tensorFrom('bool', [], [0]), { constant: 100 }) : undefined;
      return {
        op,
        inputs: [put(builder, 'float32', dims), ...addends, ratio, training],
        outputs: draw.integer(1, 2),
        domain,
      };
    });

const cdist: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [m, k, n] = [size(draw), size(draw), size(draw)];
    const dtype = draw.pick<DType>(['float32', 'float32', 'float64']);
    return {
      op: 'CDist',
      inputs: [put(builder, dtype, [m, k], 'grid'), put(builder, dtype, [n, k], 'grid')],
      attributes: { metric: optional(draw, text(draw.pick(['sqeuclidean', 'euclidean']))) },
      domain,
      relative: 1e-3,
      absolute: 1e-3,
    };
  });

const complexProduct =
  (op: string): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const dims = [...drawShape(draw, 0, 3, { most: 200 }), 2];
      return { op, inputs: [put(builder, 'float32', dims), put(builder, 'float32', dims)], domain };
    });

const bytes = (draw: Draw): DType => draw.pick(['uint8', 'int8']);

const mulInteger: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dtype = bytes(draw);
    const dims = drawShape(draw, 0, 4, { most: 300 });
    const zero = (): string | undefined => (draw.chance(60) ? put(builder, dtype, [], 'small') : undefined);
    const inputs = [
      put(builder, dtype, dims, 'full'),
      zero(),
      put(builder, dtype, drawNarrower(draw, dims), 'full'),
      zero(),
    ];
    return { op: 'MulInteger', inputs, domain };
  });

const reduceSumInteger: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dims = drawShape(draw, 1, 4, { most: 300 });
    const axes = dims.map((_, axis) => axis).filter((axis) => axis === 0 || draw.chance(40));
    return {
      op: 'ReduceSumInteger',
      inputs: [put(builder, bytes(draw), dims, 'full')],
      attributes: { axes: { kind: 'ints', value: axes }, keepdims: optional(draw, int(draw.integer(0, 1))) },
      domain,
    };
  });

const sparseProduct: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [m, k, n] = [size(draw), size(draw), size(draw)];
    const A = builder.input(drawTensor(draw, 'float32', [m, k], 'grid'), { constant: 70 });
    return { op: 'SparseToDenseMatMul', inputs: [A, put(builder, 'float32', [k, n], 'grid')], domain };
  });

const sample: Generator = (draw) =>
  oneNode(draw, 17, (builder) => ({ op: 'SampleOp', inputs: [put(builder, 'float32', drawShape(draw))], domain }));

export const microsoftProducts: Generators = {
  'FusedMatMul batch': transposedBatch('FusedMatMul'),
  TransposeMatMul: transposedBatch('TransposeMatMul'),
  FusedMatMulActivation: transposedBatch('FusedMatMulActivation', (draw) => ({
    activation: text(draw.pick(['Relu', 'Tanh', 'Softmax', 'Elu', 'Affine'])),
  })),
  FusedGemm: fusedGemm,
  GemmFastGelu: gemmFastGelu,
  SparseToDenseMatMul: sparseProduct,
  Inverse: inverse,
  MurmurHash3: murmurHash,
  Rfft: fourier('Rfft'),
  Irfft: fourier('Irfft'),
  IsAllFinite: isAllFinite,
  BiasDropout: dropout('BiasDropout', true),
  BitmaskDropout: dropout('BitmaskDropout', false),
  BitmaskBiasDropout: dropout('BitmaskBiasDropout', true),
  CDist: cdist,
  ComplexMul: complexProduct('ComplexMul'),
  ComplexMulConj: complexProduct('ComplexMulConj'),
  MulInteger: mulInteger,
  ReduceSumInteger: reduceSumInteger,
  SampleOp: sample,
};
