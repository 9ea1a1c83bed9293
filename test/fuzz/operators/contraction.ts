// Cases of matrix products and convolutions.

import type { DType } from '../../../ir/dtype.ts';
import { type Attributes, float, int, ints, text } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawDims, drawNarrower, drawTensor } from '../tensors.ts';
import { drawOpset, type Generator, type Generators, oneNode, optional, put, sumContents } from './generator.ts';

const productTypes: readonly DType[] = ['float32', 'float32', 'float32', 'float64', 'int32', 'int64'];
const size = (draw: Draw): number =>
  draw.pick([() => draw.integer(1, 5), () => draw.integer(1, 20), () => draw.integer(15, 70)])();

const matMulShapes = (draw: Draw): readonly [readonly number[], readonly number[]] => {
  // ONNX Runtime leaves the result unset where a row vector meets no rows at all.
  const [m, k, n] = [size(draw), size(draw), size(draw)];
  const batch = drawDims(draw, draw.pick([0, 0, 1, 2, 3]), { zero: 1, most: 12 });
  const left = draw.chance(10) ? [k] : [...(draw.chance(60) ? batch : drawNarrower(draw, batch)), m, k];
  const right = draw.chance(10) ? [k] : [...(draw.chance(60) ? batch : drawNarrower(draw, batch)), k, n];
  return [left, right];
};

const matMul: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dtype = draw.pick(productTypes);
    const [left, right] = matMulShapes(draw);
    const contents = sumContents(draw);
    const B = builder.input(drawTensor(draw, dtype, right, contents), { constant: 50 });
    return { op: 'MatMul', inputs: [put(builder, dtype, left, contents), B] };
  });

const gemm: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dtype = draw.pick<DType>(['float32', 'float32', 'float64']);
    const [m, k, n] = [size(draw), size(draw), size(draw)];
    const [transA, transB] = [draw.chance(30), draw.chance(40)];
    const contents = sumContents(draw);
    const A = put(builder, dtype, transA ? [k, m] : [m, k], contents);
    const B = builder.input(drawTensor(draw, dtype, transB ? [n, k] : [k, n], contents), { constant: 50 });
    const C = draw.chance(70)
      ? builder.input(drawTensor(draw, dtype, drawNarrower(draw, [m, n]), contents), { constant: 50 })
      : undefined;
    const attributes: Attributes = {
      transA: transA ? int(1) : undefined,
      transB: transB ? int(1) : undefined,
      alpha: draw.chance(30) ? float(draw.pick([0.5, 2, 0])) : undefined,
      beta: draw.chance(30) ? float(draw.pick([0.5, 2, 0])) : undefined,
    };
    return { op: 'Gemm', inputs: [A, B, C], attributes };
  });

/** Letters for axes; each operand takes some of them, and the output some of those. */
const einsum: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dtype = draw.pick<DType>(['float32', 'float32', 'float64', 'int32', 'int64']);
    const letters = ['i', 'j', 'k', 'l', 'm'].slice(0, draw.integer(1, 5));
    const sizes = new Map(letters.map((letter) => [letter, draw.integer(1, 7)]));
    const ellipsis = draw.chance(20);
    const batch = drawDims(draw, draw.integer(0, 2), { zero: 0, most: 6 });
    const operands = Array.from({ length: draw.integer(1, 3) }, () => {
      const own = letters.filter(() => draw.chance(60));
      const picked = own.length > 0 ? own : [letters[0]!];
      return picked
        .map((letter) => ({ letter, at: draw.integer(0, 99) }))
        .sort((a, b) => a.at - b.at)
        .map(({ letter }) => letter);
    });
    const used = letters.filter((letter) => operands.some((operand) => operand.includes(letter)));
    const output = used.filter(() => draw.chance(60));
    const dots = operands.map((_, i) => ellipsis && (i === 0 || draw.chance(60)));
    const equation = operands.map((operand, i) => `${dots[i] ? '...' : ''}${operand.join('')}`).join(',');
    const right = `->${ellipsis ? '...' : ''}${output.join('')}`;
    const inputs = operands.map((operand, i) =>
      put(builder, dtype, [...(dots[i] ? batch : []), ...operand.map((letter) => sizes.get(letter)!)], 'grid'),
    );
    return {
      op: 'Einsum',
      inputs,
      attributes: { equation: text(`${equation}${!ellipsis && draw.chance(15) ? '' : right}`) },
    };
  });

export interface WindowShape {
  readonly kernel: readonly number[];
  readonly spatial: readonly number[];
  readonly attributes: Attributes;
}

interface WindowLimits {
  readonly dilations?: boolean;
  readonly ceil?: boolean;
  readonly largest?: number;
}

/** Kernel, strides, dilations and padding for 1 to 3 axes such that at least one window fits. */
export function drawWindow(
  draw: Draw,
  axes: number,
  { dilations = true, ceil = false, largest = 5 }: WindowLimits = {},
): WindowShape {
  const each = (make: (axis: number) => number): readonly number[] =>
    Array.from({ length: axes }, (_, axis) => make(axis));
  const kernel = each(() => draw.integer(1, largest));
  const strides = each(() => draw.integer(1, 3));
  const dilation = dilations && draw.chance(25) ? each(() => draw.integer(1, 3)) : each(() => 1);
  const reach = each((axis) => (kernel[axis]! - 1) * dilation[axis]! + 1);
  const most = axes === 1 ? 60 : axes === 2 ? 16 : 6;
  const spatial = each((axis) => reach[axis]! + draw.integer(0, most));
  // Where a stride skips elements, ONNX Runtime crops the input of a SAME pool.
  const skips = strides.some((stride, axis) => stride > reach[axis]!);
  const auto =
    !(ceil && skips) && draw.chance(30) ? draw.pick(['SAME_UPPER', 'SAME_LOWER', 'VALID', 'NOTSET']) : undefined;
  const explicit = auto === undefined || auto === 'NOTSET';
  const pads = [...kernel, ...kernel].map((width) => draw.integer(0, width - 1));
  const same = auto?.startsWith('SAME');
  return {
    kernel,
    spatial: draw.chance(10) ? spatial.map((width) => width + 20) : spatial,
    attributes: {
      strides: optional(draw, ints(strides)),
      // ONNX Runtime refuses SAME padding together with dilations in pools.
      dilations: dilation.every((width) => width === 1) || (same && ceil) ? undefined : ints(dilation),
      auto_pad: auto === undefined ? undefined : text(auto),
      pads: explicit && draw.chance(70) ? ints(pads) : undefined,
      ceil_mode: ceil ? optional(draw, int(draw.integer(0, 1))) : undefined,
    },
  };
}

const conv: Generator = (draw) =>
  oneNode(draw, drawOpset(draw, 11), (builder) => {
    const axes = draw.pick([2, 2, 1, 3]);
    const { kernel, spatial, attributes } = drawWindow(draw, axes);
    const group = draw.pick([1, 1, 1, 2, 3, 5]);
    const [each, outs] = draw.chance(30)
      ? [1, draw.integer(1, 2)]
      : [draw.integer(1, 9), draw.pick([() => draw.integer(1, 6), () => draw.integer(7, 40)])()];
    const contents = sumContents(draw);
    const dims = [draw.integer(1, 2), group * each, ...spatial];
    const weights = drawTensor(draw, 'float32', [group * outs, each, ...kernel], contents);
    const W = builder.input(weights, { constant: 75 });
    const B = draw.chance(60)
      ? builder.input(drawTensor(draw, 'float32', [group * outs], contents), { constant: 75 })
      : undefined;
    const own = {
      group: group === 1 ? optional(draw, int(1)) : int(group),
      kernel_shape: optional(draw, ints(kernel)),
    };
    return {
      op: 'Conv',
      inputs: [put(builder, 'float32', dims, contents), W, B],
      attributes: { ...attributes, ...own },
    };
  });

const convTranspose: Generator = (draw) =>
  oneNode(draw, drawOpset(draw, 11), (builder) => {
    const axes = draw.pick([2, 2, 1, 3]);
    const { kernel, attributes: all } = drawWindow(draw, axes, { largest: 4 });
    const strides = all.strides?.kind === 'ints' ? all.strides.value : kernel.map(() => 1);
    // ONNX Runtime gives fewer elements than input size * stride where a stride is wider than the kernel.
    const same = all.auto_pad?.kind === 'string' && all.auto_pad.value.startsWith('SAME');
    const attributes =
      same && strides.some((stride, axis) => stride > kernel[axis]!) ? { ...all, auto_pad: undefined } : all;
    const spatial = drawDims(draw, axes, { zero: 0, most: 60 });
    const group = draw.pick([1, 1, 2, 3]);
    const [each, outs] = [draw.integer(1, 6), draw.integer(1, 9)];
    const contents = sumContents(draw);
    const W = builder.input(drawTensor(draw, 'float32', [group * each, outs, ...kernel], contents), { constant: 75 });
    const B = draw.chance(60)
      ? builder.input(drawTensor(draw, 'float32', [group * outs], contents), { constant: 75 })
      : undefined;
    const extra = draw.chance(30) ? ints(strides.map((stride) => draw.integer(0, stride - 1))) : undefined;
    const padding = { output_padding: extra };
    const own = { group: group === 1 ? undefined : int(group), kernel_shape: optional(draw, ints(kernel)) };
    return {
      op: 'ConvTranspose',
      inputs: [put(builder, 'float32', [draw.integer(1, 2), group * each, ...spatial], contents), W, B],
      attributes: { ...attributes, ...padding, ...own },
    };
  });

const bytes = (draw: Draw): DType => draw.pick(['uint8', 'int8']);

const matMulInteger: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const [a, b] = [bytes(draw), bytes(draw)];
    const [left, right] = matMulShapes(draw).map((dims) => (dims.length === 1 ? [dims[0]!, dims[0]!] : dims)) as [
      number[],
      number[],
    ];
    const zero = (dtype: DType): string | undefined => (draw.chance(60) ? put(builder, dtype, [], 'small') : undefined);
    return {
      op: 'MatMulInteger',
      inputs: [put(builder, a, left, 'full'), put(builder, b, right, 'full'), zero(a), zero(b)],
    };
  });

const convInteger: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const { kernel, spatial, attributes } = drawWindow(draw, 2, { largest: 4 });
    const group = draw.pick([1, 1, 2]);
    const [each, outs] = [draw.integer(1, 5), draw.integer(1, 9)];
    const X = put(builder, 'uint8', [draw.integer(1, 2), group * each, ...spatial], 'full');
    const w = draw.pick<DType>(['uint8', 'uint8', 'int8']);
    const W = builder.input(drawTensor(draw, w, [group * outs, each, ...kernel], 'full'), { constant: 75 });
    const zero = (dtype: DType): string | undefined => (draw.chance(60) ? put(builder, dtype, [], 'small') : undefined);
    return {
      op: 'ConvInteger',
      inputs: [X, W, zero('uint8'), zero(w)],
      attributes: { ...attributes, group: int(group) },
    };
  });

export const contraction: Generators = {
  MatMul: matMul,
  Gemm: gemm,
  Einsum: einsum,
  Conv: conv,
  ConvTranspose: convTranspose,
  MatMulInteger: matMulInteger,
  ConvInteger: convInteger,
};
