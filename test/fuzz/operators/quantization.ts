// Cases of quantized operators. Scales are such that products of them are rounded as everywhere.

import type { DType } from '../../../ir/dtype.ts';
import { int, ints } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawDims, drawShape, drawTensor, tensorFrom } from '../tensors.ts';
import { drawWindow } from './contraction.ts';
import { drawOpset, type Generator, type Generators, oneNode, optional, put } from './generator.ts';
import { drawAxis } from './movement.ts';

const bytes: readonly DType[] = ['uint8', 'int8'];
const scales = (draw: Draw, dims: readonly number[], dtype: DType = 'float32') =>
  tensorFrom(
    dtype,
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => draw.pick([0.5, 0.25, 0.125, 0.1, 0.037])),
  );

const linear =
  (op: 'QuantizeLinear' | 'DequantizeLinear'): Generator =>
  (draw) => {
    const opset = drawOpset(draw);
    return oneNode(draw, opset, (builder) => {
      const dims = drawShape(draw, 1, 4);
      const axis = drawAxis(draw, dims.length);
      const perAxis = draw.chance(40);
      const blocked = opset >= 21 && !perAxis && draw.chance(30) && dims.every((size) => size > 0);
      const at = axis < 0 ? axis + dims.length : axis;
      const block = blocked ? draw.integer(1, dims[at]!) : 0;
      const own = perAxis
        ? [dims[at]!]
        : blocked
          ? dims.map((size, i) => (i === at ? Math.ceil(size / block) : size))
          : [];
      const types: readonly DType[] = [
        ...bytes,
        ...(opset >= 21 ? (['int16', 'uint16'] as const) : []),
        ...(op === 'DequantizeLinear' ? (['int32'] as const) : []),
      ];
      const zeroed = draw.chance(70);
      const dtype = op === 'QuantizeLinear' && !zeroed ? 'uint8' : draw.pick(types);
      const real = draw.pick<DType>(opset < 19 ? ['float32'] : ['float32', 'float32', 'float16']);
      const X = op === 'QuantizeLinear' ? put(builder, real, dims) : put(builder, dtype, dims, 'full');
      const scale = builder.input(scales(draw, own, real), { constant: 70, open: perAxis || blocked ? 0 : 40 });
      const zero = zeroed
        ? builder.input(
            dtype === 'int32'
              ? tensorFrom(
                  'int32',
                  own,
                  own.length === 0 ? [0n] : Array.from({ length: own.reduce((a, b) => a * b, 1) }, () => 0n),
                )
              : drawTensor(draw, dtype, own, 'small'),
            { constant: 70, open: 0 },
          )
        : undefined;
      return {
        op,
        inputs: [X, scale, zero],
        attributes: { axis: perAxis || blocked ? int(axis) : undefined, block_size: blocked ? int(block) : undefined },
        integer: real === 'float16' ? 1 : 0,
      };
    });
  };

const dynamic: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => ({
    op: 'DynamicQuantizeLinear',
    inputs: [put(builder, 'float32', drawShape(draw, 1, 4, { zero: 0 }))],
    outputs: 3,
  }));

const qLinearMatMul: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const [m, k, n] = [draw.integer(1, 20), draw.integer(1, 40), draw.integer(1, 40)];
    const batch = drawDims(draw, draw.integer(0, 2), { zero: 0, most: 4 });
    const [a, b] = draw.pick([
      ['uint8', 'uint8'],
      ['uint8', 'int8'],
      ['int8', 'int8'],
    ] as const);
    const scale = (): string => builder.input(scales(draw, []));
    const zero = (dtype: DType): string => put(builder, dtype, [], 'small');
    const A = put(builder, a, [...batch, m, k], 'full');
    const [aScale, aZero] = [scale(), zero(a)];
    const B = builder.input(drawTensor(draw, b, draw.chance(50) ? [k, n] : [...batch, k, n], 'full'), { constant: 60 });
    return {
      op: 'QLinearMatMul',
      inputs: [
        A,
        aScale,
        aZero,
        B,
        scale(),
        zero(b),
        builder.input(tensorFrom('float32', [], [draw.pick([8, 1, 50])])),
        zero(a),
      ],
    };
  });

const qLinearConv: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const { kernel, spatial, attributes } = drawWindow(draw, 2, { largest: 4 });
    const group = draw.pick([1, 1, 2, 4]);
    const [each, outs] = [draw.integer(1, 5), draw.integer(1, 9)];
    const [x, w] = draw.pick([
      ['uint8', 'uint8'],
      ['uint8', 'int8'],
      ['int8', 'int8'],
    ] as const);
    const perChannel = draw.chance(50) ? [group * outs] : [];
    const X = put(builder, x, [draw.integer(1, 2), group * each, ...spatial], 'full');
    const fixed = { constant: 90, open: 0 };
    const W = builder.input(drawTensor(draw, w, [group * outs, each, ...kernel], 'full'), fixed);
    const zero = (dtype: DType): string => builder.input(drawTensor(draw, dtype, [], 'small'), fixed);
    const weightZero =
      w === 'int8'
        ? tensorFrom(
            'int8',
            perChannel,
            Array.from({ length: perChannel[0] ?? 1 }, () => 0n),
          )
        : drawTensor(draw, w, [], 'small');
    const B = draw.chance(60) ? builder.input(drawTensor(draw, 'int32', [group * outs], 'small'), fixed) : undefined;
    const inputs = [
      X,
      builder.input(scales(draw, []), fixed),
      zero(x),
      W,
      builder.input(scales(draw, perChannel), fixed),
      builder.input(weightZero, fixed),
      builder.input(tensorFrom('float32', [], [draw.pick([8, 1, 50])]), fixed),
      zero(x),
      B,
    ];
    return {
      op: 'QLinearConv',
      inputs,
      attributes: { ...attributes, group: int(group), kernel_shape: optional(draw, ints(kernel)) },
    };
  });

export const quantization: Generators = {
  QuantizeLinear: linear('QuantizeLinear'),
  DequantizeLinear: linear('DequantizeLinear'),
  DynamicQuantizeLinear: dynamic,
  QLinearMatMul: qLinearMatMul,
  QLinearConv: qLinearConv,
};
