// Cases of reductions, softmax and its like, running sums and normalizations.

import type { DType } from '../../../ir/dtype.ts';
import { float, int, ints, text } from '../case.ts';
import type { Draw } from '../draw.ts';
import { type Contents, drawDims, drawShape, drawTensor, scalar } from '../tensors.ts';
import {
  drawOpset,
  float32s,
  floats,
  type Generator,
  type Generators,
  oneNode,
  optional,
  put,
  sumContents,
} from './generator.ts';
import { drawAxis, shapeInput, someAxes } from './movement.ts';

interface ReduceOptions {
  readonly dtypes?: readonly DType[];
  readonly contents?: (draw: Draw) => Contents;
  readonly relative?: number;
}

const reduce =
  (
    op: string,
    {
      dtypes = ['float32', 'float32', 'int32', 'float64', 'int64'],
      contents = sumContents,
      ...rest
    }: ReduceOptions = {},
  ): Generator =>
  (draw) => {
    const opset = drawOpset(draw);
    const asInput = op === 'ReduceSum' || opset >= 18;
    return oneNode(draw, opset, (builder) => {
      // ONNX Runtime keeps a size of zero, against NumPy and the cases of ONNX.
      const dims = drawShape(draw, 0, 5, { zero: 0 });
      const X = put(builder, draw.pick(dtypes), dims, contents(draw));
      const axes = draw.chance(80) ? someAxes(draw, dims.length) : undefined;
      const keepdims = optional(draw, int(draw.integer(0, 1)));
      if (!asInput)
        return {
          op,
          inputs: [X],
          attributes: { keepdims, axes: axes && axes.length > 0 ? ints(axes) : undefined },
          ...rest,
        };
      const noop = draw.chance(30) ? int(draw.integer(0, 1)) : undefined;
      return {
        op,
        inputs: [X, axes && shapeInput(builder, axes)],
        attributes: { keepdims, noop_with_empty_axes: noop },
        ...rest,
      };
    });
  };

const argExtreme =
  (op: string): Generator =>
  (draw) =>
    oneNode(draw, drawOpset(draw), (builder) => {
      const dims = drawShape(draw, 1, 4, { zero: 0 });
      const X = put(
        builder,
        draw.pick(['float32', 'int32', 'float64', 'int8', 'uint8']),
        dims,
        draw.pick(['real', 'small']),
      );
      return {
        op,
        inputs: [X],
        attributes: {
          axis: optional(draw, int(drawAxis(draw, dims.length))),
          keepdims: optional(draw, int(draw.integer(0, 1))),
          select_last_index: optional(draw, int(draw.integer(0, 1))),
        },
      };
    });

const along =
  (op: string, oldest: number): Generator =>
  (draw) => {
    const opset = draw.chance(20) ? oldest : drawOpset(draw);
    return oneNode(draw, opset, (builder) => {
      const dims = drawShape(draw, 1, 5, { zero: 2 });
      const X = put(builder, draw.pick(floats), dims, draw.pick(['real', 'grid']));
      return {
        op,
        inputs: [X],
        attributes: { axis: optional(draw, int(drawAxis(draw, dims.length))) },
        absolute: 1e-6,
      };
    });
  };

const cumulate =
  (op: string, opset: number): Generator =>
  (draw) =>
    oneNode(draw, opset, (builder) => {
      const dims = drawShape(draw, 1, 4);
      const X = put(builder, draw.pick(['float32', 'int32', 'int64', 'float64']), dims, 'grid');
      const axis = builder.input(scalar(draw.pick(['int32', 'int64']), drawAxis(draw, dims.length)), { constant: 90 });
      return {
        op,
        inputs: [X, axis],
        attributes: {
          exclusive: optional(draw, int(draw.integer(0, 1))),
          reverse: optional(draw, int(draw.integer(0, 1))),
        },
      };
    });

const channels = (draw: Draw, least = 2, most = 5): readonly number[] =>
  drawDims(draw, draw.integer(least, most), { zero: 1 });
const epsilon = (draw: Draw) => optional(draw, float(draw.pick([1e-5, 1e-2, 1e-3])));

const batchNormalization: Generator = (draw) =>
  oneNode(draw, drawOpset(draw, 15), (builder) => {
    const dtype = draw.pick(float32s);
    const dims = channels(draw);
    const parameter = (contents: Contents): string =>
      builder.input(drawTensor(draw, dtype, [dims[1]!], contents), { constant: 70 });
    const inputs = [
      put(builder, dtype, dims),
      parameter('real'),
      parameter('real'),
      parameter('real'),
      parameter('positive'),
    ];
    return { op: 'BatchNormalization', inputs, attributes: { epsilon: epsilon(draw) }, relative: 3e-5 };
  });

const instanceNormalization: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    // ONNX Runtime loses digits where a channel has no spread.
    const dims = [...drawDims(draw, draw.integer(2, 4), { zero: 0, most: 600 }), draw.integer(3, 9)];
    const inputs = [
      put(builder, 'float32', dims),
      put(builder, 'float32', [dims[1]!]),
      put(builder, 'float32', [dims[1]!]),
    ];
    return {
      op: 'InstanceNormalization',
      inputs,
      attributes: { epsilon: epsilon(draw) },
      relative: 1e-4,
      absolute: 1e-5,
    };
  });

const layerNormalization =
  (op: string, opset: number): Generator =>
  (draw) =>
    oneNode(draw, opset, (builder) => {
      const dtype = draw.pick(float32s);
      const dims = drawDims(draw, draw.integer(1, 4), { zero: 1 });
      const axis = drawAxis(draw, dims.length);
      const own = dims.slice(axis < 0 ? axis + dims.length : axis);
      const bias = op === 'LayerNormalization' && draw.chance(60) ? put(builder, dtype, own) : undefined;
      const inputs = [put(builder, dtype, dims), put(builder, dtype, own), bias];
      return {
        op,
        inputs,
        attributes: { axis: axis === -1 ? optional(draw, int(axis)) : int(axis), epsilon: epsilon(draw) },
        relative: 1e-4,
        absolute: 1e-5,
      };
    });

const groupNormalization: Generator = (draw) =>
  oneNode(draw, 21, (builder) => {
    const groups = draw.integer(1, 3);
    const dims = [
      draw.integer(1, 3),
      groups * draw.integer(1, 3),
      ...drawDims(draw, draw.integer(1, 2), { zero: 0, most: 100 }),
    ];
    const inputs = [
      put(builder, 'float32', dims),
      put(builder, 'float32', [dims[1]!]),
      put(builder, 'float32', [dims[1]!]),
    ];
    return {
      op: 'GroupNormalization',
      inputs,
      attributes: { num_groups: int(groups), epsilon: epsilon(draw) },
      relative: 1e-4,
      absolute: 1e-5,
    };
  });

const meanVariance: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    // ONNX Runtime divides by zero where all elements are equal.
    const dims = drawDims(draw, 4, { zero: 0, most: 200 }).map((size) => size + 2);
    return {
      op: 'MeanVarianceNormalization',
      inputs: [put(builder, 'float32', dims)],
      attributes: {
        axes: draw.chance(50)
          ? ints(
              someAxes(draw, 4, 1)
                .map((axis) => (axis < 0 ? axis + 4 : axis))
                .sort(),
            )
          : undefined,
      },
      relative: 1e-3,
      absolute: 1e-4,
    };
  });

const lpNormalization: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 1, 4, { zero: 1 });
    return {
      op: 'LpNormalization',
      inputs: [put(builder, draw.pick(float32s), dims)],
      attributes: {
        axis: optional(draw, int(drawAxis(draw, dims.length))),
        p: optional(draw, int(draw.integer(1, 2))),
      },
    };
  });

const lrn: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawDims(draw, 4, { zero: 0 });
    return {
      op: 'LRN',
      inputs: [put(builder, 'float32', dims)],
      attributes: {
        size: int(draw.pick([1, 3, 5, 7])),
        alpha: optional(draw, float(0.02)),
        beta: optional(draw, float(0.5)),
        bias: optional(draw, float(2)),
      },
    };
  });

const loss =
  (op: string): Generator =>
  (draw) =>
    oneNode(draw, drawOpset(draw), (builder) => {
      const [N, C] = [draw.integer(1, 4), draw.integer(1, 6)];
      const rest = drawDims(draw, draw.integer(0, 2), { zero: 0, most: 30 });
      const random = drawTensor(draw, 'int64', [N, ...rest], 'positive');
      const view = new BigInt64Array(random.bytes.slice().buffer).map((value) => value % BigInt(C));
      const target = builder.input({ ...random, bytes: new Uint8Array(view.buffer) });
      const weight = draw.chance(50) ? put(builder, 'float32', [C], 'positive') : undefined;
      const attributes = {
        reduction: optional(draw, text(draw.pick(['mean', 'sum', 'none']))),
        ignore_index: draw.chance(40) ? int(draw.integer(0, C - 1)) : undefined,
      };
      return {
        op,
        inputs: [put(builder, 'float32', [N, C, ...rest]), target, weight],
        attributes,
        absolute: 1e-6,
        outputs: op === 'SoftmaxCrossEntropyLoss' ? draw.integer(1, 2) : 1,
      };
    });

const logs: ReduceOptions = { dtypes: ['float32', 'float64'], contents: () => 'positive' };

export const reductions: Generators = {
  ReduceSum: reduce('ReduceSum'),
  ReduceMean: reduce('ReduceMean', { dtypes: float32s }),
  ReduceMax: reduce('ReduceMax', {
    contents: () => 'real',
    dtypes: ['float32', 'int32', 'float64', 'int64', 'int8', 'uint8'],
  }),
  ReduceMin: reduce('ReduceMin', {
    contents: () => 'real',
    dtypes: ['float32', 'int32', 'float64', 'int64', 'int8', 'uint8'],
  }),
  ReduceProd: reduce('ReduceProd', { contents: () => 'positive', dtypes: ['float32', 'float64'], relative: 1e-4 }),
  ReduceL1: reduce('ReduceL1'),
  ReduceL2: reduce('ReduceL2', { dtypes: ['float32', 'float64'] }),
  ReduceSumSquare: reduce('ReduceSumSquare'),
  ReduceLogSum: reduce('ReduceLogSum', logs),
  ReduceLogSumExp: reduce('ReduceLogSumExp', logs),
  ArgMax: argExtreme('ArgMax'),
  ArgMin: argExtreme('ArgMin'),
  Softmax: along('Softmax', 11),
  LogSoftmax: along('LogSoftmax', 11),
  Hardmax: along('Hardmax', 11),
  CumSum: cumulate('CumSum', 14),
  BatchNormalization: batchNormalization,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization('LayerNormalization', 17),
  RMSNormalization: layerNormalization('RMSNormalization', 23),
  GroupNormalization: groupNormalization,
  MeanVarianceNormalization: meanVariance,
  LpNormalization: lpNormalization,
  LRN: lrn,
  NegativeLogLikelihoodLoss: loss('NegativeLogLikelihoodLoss'),
  SoftmaxCrossEntropyLoss: loss('SoftmaxCrossEntropyLoss'),
};
