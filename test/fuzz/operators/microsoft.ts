// Cases of com.microsoft operators, as ONNX Runtime defines them.

import type { DType } from '../../../ir/dtype.ts';
import { type Attributes, float, int } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawBroadcast, drawDims, drawShape, drawTensor, tensorFrom } from '../tensors.ts';
import { type Generator, type Generators, oneNode, optional, put } from './generator.ts';

const domain = 'com.microsoft';
const scale = (draw: Draw) => tensorFrom('float32', [], [draw.pick([0.5, 0.25, 0.1, 0.037])]);

const gelus =
  (op: string, bias: 'none' | 'maybe' | 'always', attributes: (draw: Draw) => Attributes = () => ({})): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const dims = drawShape(draw, 1, 4, { zero: 1 });
      const B =
        bias === 'always' || (bias === 'maybe' && draw.chance(50))
          ? put(builder, 'float32', [dims.at(-1)!])
          : undefined;
      return {
        op,
        inputs: [put(builder, 'float32', dims), B],
        attributes: attributes(draw),
        domain,
        relative: 1e-4,
        absolute: 1e-6,
      };
    });

const quantizedBinary =
  (op: string): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const dtype = draw.pick<DType>(['uint8', 'int8']);
      const [left, right] = drawBroadcast(draw, 4);
      const constant = { constant: 90 };
      const operand = (dims: readonly number[]): readonly string[] => [
        put(builder, dtype, dims, 'full'),
        builder.input(scale(draw), constant),
        builder.input(drawTensor(draw, dtype, [], 'small'), constant),
      ];
      const result = [
        builder.input(scale(draw), constant),
        builder.input(drawTensor(draw, dtype, [], 'small'), constant),
      ];
      return { op, inputs: [...operand(left), ...operand(right), ...result], domain, integer: 1 };
    });

const quantizedUnary =
  (op: string, attributes: (draw: Draw) => Attributes = () => ({})): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const dtype = draw.pick<DType>(['uint8', 'int8']);
      const constant = { constant: 100 };
      const zero = (): string => builder.input(drawTensor(draw, dtype, [], 'small'), constant);
      const inputs = [
        put(builder, dtype, drawShape(draw, 1, 3), 'full'),
        builder.input(scale(draw), constant),
        zero(),
        builder.input(scale(draw), constant),
        zero(),
      ];
      return { op, inputs, attributes: attributes(draw), domain, integer: 1 };
    });

const fusedMatMul: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [m, k, n] = [draw.integer(1, 9), draw.integer(1, 9), draw.integer(1, 20)];
    const batch = drawDims(draw, draw.integer(0, 2), { zero: 0, most: 6 });
    const [transA, transB] = [draw.chance(40), draw.chance(40)];
    const inputs = [
      put(builder, 'float32', [...batch, ...(transA ? [k, m] : [m, k])], 'grid'),
      put(builder, 'float32', [...batch, ...(transB ? [n, k] : [k, n])], 'grid'),
    ];
    return {
      op: 'FusedMatMul',
      inputs,
      attributes: { transA: int(transA ? 1 : 0), transB: int(transB ? 1 : 0), alpha: optional(draw, float(0.5)) },
      domain,
    };
  });

const skipNormalization =
  (op: string, beta: boolean): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const dims = [draw.integer(1, 3), draw.integer(1, 5), draw.integer(3, 20)];
      const row = [dims[2]!];
      const inputs = [
        put(builder, 'float32', dims),
        put(builder, 'float32', dims),
        put(builder, 'float32', row),
        ...(beta ? [draw.chance(70) ? put(builder, 'float32', row) : undefined] : []),
        draw.chance(50) ? put(builder, 'float32', row) : undefined,
      ];
      return {
        op,
        inputs,
        attributes: { epsilon: optional(draw, float(0.01)) },
        domain,
        relative: 1e-4,
        absolute: 1e-5,
      };
    });

export const microsoft: Generators = {
  'com.microsoft Gelu': gelus('Gelu', 'none'),
  BiasGelu: gelus('BiasGelu', 'always'),
  FastGelu: gelus('FastGelu', 'maybe'),
  QuickGelu: gelus('QuickGelu', 'none', (draw) => ({ alpha: optional(draw, float(1.5)) })),
  QLinearAdd: quantizedBinary('QLinearAdd'),
  QLinearMul: quantizedBinary('QLinearMul'),
  QLinearSigmoid: quantizedUnary('QLinearSigmoid'),
  QLinearLeakyRelu: quantizedUnary('QLinearLeakyRelu', (draw) => ({ alpha: optional(draw, float(0.25)) })),
  FusedMatMul: fusedMatMul,
  SkipLayerNormalization: skipNormalization('SkipLayerNormalization', true),
  SkipSimplifiedLayerNormalization: skipNormalization('SkipSimplifiedLayerNormalization', false),
};
