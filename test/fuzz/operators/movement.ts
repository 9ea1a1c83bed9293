// Cases of operators that move elements: shapes, slices, joins, repeats.

import type { DType } from '../../../ir/dtype.ts';
import { type Attributes, type CaseBuilder, type FuzzCase, int, ints, text } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawDims, drawNarrower, drawShape, drawTensor, int64s, scalar, tensorFrom } from '../tensors.ts';
import { anything, drawOpset, type Generator, type Generators, oneNode, optional, put } from './generator.ts';

/** Operands that decide about shapes are nearly always constants in real models. */
export const shapeInput = ({ input }: CaseBuilder, values: readonly number[]): string =>
  input(int64s(values), { constant: 96, open: 0 });

export const drawAxis = (draw: Draw, rank: number): number => {
  const axis = draw.integer(0, Math.max(rank - 1, 0));
  return draw.chance(30) && rank > 0 ? axis - rank : axis;
};

const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

export function shuffled<T>(draw: Draw, items: readonly T[]): readonly T[] {
  const rest = [...items];
  return items.map(() => rest.splice(draw.integer(0, rest.length - 1), 1)[0]!);
}

/** Some axes in any order, without repeats. */
export const someAxes = (draw: Draw, rank: number, least = 0): readonly number[] => {
  const axes = shuffled(
    draw,
    Array.from({ length: rank }, (_, axis) => axis),
  );
  return axes.slice(0, draw.integer(Math.min(least, rank), rank)).map((axis) => (draw.chance(25) ? axis - rank : axis));
};

const transpose: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 0, 6);
    const perm = shuffled(
      draw,
      dims.map((_, axis) => axis),
    );
    return {
      op: 'Transpose',
      inputs: [put(builder, draw.pick(anything), dims)],
      attributes: { perm: draw.chance(15) ? undefined : ints(perm) },
    };
  });

/** A factorization of a number of elements into sizes. */
function refactored(draw: Draw, count: number): readonly number[] {
  if (count === 0) return shuffled(draw, [0, ...drawDims(draw, draw.integer(0, 3), { zero: 0 })]);
  const dims: number[] = [];
  let rest = count;
  for (let axis = draw.integer(0, 4); axis > 0; axis--) {
    const divisors = Array.from({ length: Math.min(rest, 60) }, (_, i) => i + 1).filter((size) => rest % size === 0);
    const size = draw.pick(divisors);
    dims.push(size);
    rest /= size;
  }
  return rest > 1 || (dims.length === 0 && draw.chance(50)) ? shuffled(draw, [...dims, rest]) : dims;
}

const reshape: Generator = (draw) =>
  oneNode(draw, drawOpset(draw, 14), (builder) => {
    const dims = drawShape(draw, 0, 5);
    const count = dims.reduce((a, b) => a * b, 1);
    const target = [...refactored(draw, count)];
    const allowzero = count === 0 ? 1 : draw.integer(0, 1);
    const data = put(builder, draw.pick(anything), dims);
    if (count > 0) {
      for (const [axis, size] of target.entries())
        if (allowzero === 0 && dims[axis] === size && draw.chance(30)) target[axis] = 0;
      const at = draw.integer(0, Math.max(target.length - 1, 0));
      if (target.length > 0 && target[at] !== 0 && draw.chance(40)) target[at] = -1;
    }
    return {
      op: 'Reshape',
      inputs: [data, shapeInput(builder, target)],
      attributes: { allowzero: allowzero ? int(1) : undefined },
    };
  });

const flatten: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 0, 5);
    const axis = draw.integer(-dims.length, dims.length);
    return {
      op: 'Flatten',
      inputs: [put(builder, draw.pick(anything), dims)],
      attributes: { axis: dims.length === 0 ? int(0) : draw.chance(80) ? int(axis) : undefined },
    };
  });

const squeeze: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 0, 5).map((size) => (draw.chance(50) ? 1 : size));
    const ones = dims.flatMap((size, axis) =>
      size === 1 && draw.chance(60) ? [draw.chance(30) ? axis - dims.length : axis] : [],
    );
    const all = ones.length === 0 || draw.chance(20);
    // Which axes are dropped has to be known.
    const data = builder.input(drawTensor(draw, draw.pick(anything), dims), { open: all ? 0 : 40 });
    return { op: 'Squeeze', inputs: all ? [data] : [data, shapeInput(builder, ones)] };
  });

const unsqueeze: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 0, 4);
    const rank = dims.length + draw.integer(0, 3);
    const axes = shuffled(
      draw,
      Array.from({ length: rank }, (_, axis) => axis),
    ).slice(0, rank - dims.length);
    const signed = axes.map((axis) => (draw.chance(25) ? axis - rank : axis));
    return { op: 'Unsqueeze', inputs: [put(builder, draw.pick(anything), dims), shapeInput(builder, signed)] };
  });

const concat: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 1, 5, { most: 600 });
    const axis = drawAxis(draw, dims.length);
    const dtype = draw.pick(anything);
    const inputs = Array.from({ length: draw.integer(1, 5) }, () => {
      const own = [...dims];
      own[positive(axis, dims.length)] = draw.chance(8) ? 0 : draw.integer(1, 6);
      return put(builder, dtype, own);
    });
    if (draw.chance(10)) inputs.push(inputs[0]!);
    return { op: 'Concat', inputs, attributes: { axis: int(axis) } };
  });

const split: Generator = (draw) => {
  const opset = drawOpset(draw);
  return oneNode(draw, opset, (builder) => {
    const dims = [...drawShape(draw, 1, 5)];
    const axis = drawAxis(draw, dims.length);
    const count = draw.integer(1, 4);
    const at = positive(axis, dims.length);
    const attributes: Attributes = { axis: axis === 0 && draw.chance(50) ? undefined : int(axis) };
    if (draw.chance(60)) {
      const parts = Array.from({ length: count }, () => draw.integer(0, 5));
      dims[at] = parts.reduce((a, b) => a + b, 0);
      const data = put(builder, draw.pick(anything), dims);
      return { op: 'Split', inputs: [data, shapeInput(builder, parts)], attributes, outputs: count };
    }
    dims[at] = opset >= 18 ? draw.integer(count, 3 * count) : count * draw.integer(1, 4);
    // ONNX Runtime wants ceil(size / count) to leave something for the last part.
    if (opset >= 18 && Math.ceil(dims[at]! / count) * (count - 1) >= dims[at]!) dims[at] = count;
    const data = put(builder, draw.pick(anything), dims);
    return {
      op: 'Split',
      inputs: [data],
      attributes: { ...attributes, num_outputs: opset >= 18 ? int(count) : undefined },
      outputs: count,
    };
  });
};

const slice: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 1, 5);
    const axes = someAxes(draw, dims.length, 1);
    const steps = axes.map(() => draw.pick([1, 1, 2, 3, -1, -2, -3, 7]));
    // 2 ** 31 - 1 means the far end to ONNX Runtime, whatever the sign of the step.
    const bound = (axis: number): number => {
      const size = dims[positive(axis, dims.length)]!;
      return draw.pick([
        () => draw.integer(-size - 2, size + 2),
        () => draw.integer(0, size),
        () => 2 ** 31 - 2,
        () => -(2 ** 31),
      ])();
    };
    const plain = axes.every((axis, i) => axis === i) && draw.chance(60);
    const withSteps = draw.chance(60);
    const inputs = [
      put(builder, draw.pick(anything), dims),
      shapeInput(builder, axes.map(bound)),
      shapeInput(builder, axes.map(bound)),
      plain ? undefined : shapeInput(builder, axes),
      withSteps ? shapeInput(builder, steps) : undefined,
    ];
    return { op: 'Slice', inputs };
  });

const pad: Generator = (draw) => {
  const opset = drawOpset(draw);
  return oneNode(draw, opset, (builder) => {
    const mode = draw.pick(['constant', 'reflect', 'edge', ...(opset >= 19 ? ['wrap'] : [])]);
    const dims = drawShape(draw, 1, 5, { zero: mode === 'constant' ? 3 : 0, most: 800 });
    const dtype = draw.pick<DType>(['float32', 'float64', 'int32', 'int64', 'uint8', 'int8', 'bool']);
    const axes = opset >= 18 && draw.chance(40) ? someAxes(draw, dims.length, 1) : undefined;
    const padded = axes ?? dims.map((_, axis) => axis);
    const most = (axis: number): number => {
      const size = dims[positive(axis, dims.length)]!;
      return mode === 'constant' || mode === 'edge' ? 4 : Math.max(0, size - 1);
    };
    // ONNX Runtime keeps the meaning of negative pads for constants only.
    const least = (axis: number): number =>
      mode === 'constant' && draw.chance(25) ? -Math.floor(dims[positive(axis, dims.length)]! / 2) : 0;
    const pads = [...padded, ...padded].map((axis) => draw.integer(least(axis), Math.min(4, most(axis))));
    const value =
      mode === 'constant' && draw.chance(60) ? builder.input(scalar(dtype, 1), { constant: 70 }) : undefined;
    const inputs = [put(builder, dtype, dims), shapeInput(builder, pads), value, axes && shapeInput(builder, axes)];
    return { op: 'Pad', inputs, attributes: { mode: mode === 'constant' ? optional(draw, text(mode)) : text(mode) } };
  });
};

const tile: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 0, 4, { most: 300 });
    const repeats = dims.map(() => draw.pick([1, 2, 3, 1, 0]));
    return { op: 'Tile', inputs: [put(builder, draw.pick(anything), dims), shapeInput(builder, repeats)] };
  });

const expand: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 0, 5);
    const own = drawNarrower(draw, dims);
    const target = draw.chance(30)
      ? dims.map((size, axis) => (own[axis - dims.length + own.length] === size && draw.chance(50) ? 1 : size))
      : dims;
    return { op: 'Expand', inputs: [put(builder, draw.pick(anything), own), shapeInput(builder, target)] };
  });

const blocks =
  (op: 'DepthToSpace' | 'SpaceToDepth'): Generator =>
  (draw) =>
    oneNode(draw, drawOpset(draw), (builder) => {
      const size = draw.integer(1, 3);
      const [N, C, H, W] = [draw.integer(1, 2), draw.integer(1, 3), draw.integer(1, 5), draw.integer(1, 5)];
      const dims = op === 'DepthToSpace' ? [N, C * size * size, H, W] : [N, C, H * size, W * size];
      const mode = op === 'DepthToSpace' ? { mode: optional(draw, text(draw.pick(['DCR', 'CRD']))) } : {};
      return { op, inputs: [put(builder, 'float32', dims)], attributes: { blocksize: int(size), ...mode } };
    });

const trilu: Generator = (draw) =>
  oneNode(draw, drawOpset(draw, 14), (builder) => {
    const dims = drawShape(draw, 2, 4);
    const k = draw.chance(60) ? builder.input(scalar('int64', draw.integer(-6, 6)), { constant: 60 }) : undefined;
    return {
      op: 'Trilu',
      inputs: [put(builder, draw.pick(['float32', 'int64', 'float64', 'bool']), dims), k],
      attributes: { upper: optional(draw, int(draw.integer(0, 1))) },
    };
  });

const reverseSequence: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 2, 4, { zero: 0 });
    const batch = draw.integer(0, 1);
    const lengths = Array.from({ length: dims[batch]! }, () => BigInt(draw.integer(1, dims[1 - batch]!)));
    const data = put(builder, draw.pick(['float32', 'int64', 'bool', 'int8']), dims);
    const attributes = { batch_axis: int(batch), time_axis: int(1 - batch) };
    return {
      op: 'ReverseSequence',
      inputs: [data, builder.input(tensorFrom('int64', [dims[batch]!], lengths))],
      attributes,
    };
  });

const shapeOf: Generator = (draw) =>
  oneNode(draw, drawOpset(draw, 15), (builder) => {
    const dims = drawShape(draw, 0, 5);
    const edge = (): number => draw.integer(-dims.length - 1, dims.length + 1);
    return {
      op: 'Shape',
      inputs: [put(builder, draw.pick(anything), dims)],
      attributes: { start: optional(draw, int(edge())), end: optional(draw, int(edge())) },
    };
  });

const sizeOf: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => ({
    op: 'Size',
    inputs: [put(builder, draw.pick(anything), drawShape(draw))],
  }));

const constantOfShape: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dtype = draw.pick<DType>(['float32', 'int64', 'uint8', 'bool', 'float16', 'float64', 'int32']);
    const value = draw.chance(70)
      ? { kind: 'tensor' as const, value: drawTensor(draw, dtype, [1], 'small') }
      : undefined;
    return { op: 'ConstantOfShape', inputs: [shapeInput(builder, drawShape(draw))], attributes: { value } };
  });

const range: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dtype = draw.pick<DType>(['int64', 'float32', 'int32', 'float64', 'int16']);
    const step = draw.pick([1, 2, -1, 3, -2]);
    const values = [draw.integer(-5, 5), draw.integer(-10, 20), step];
    const parts = dtype.startsWith('float') ? values.map((value) => value / 2) : values;
    const inputs = parts.map((value) =>
      builder.input(tensorFrom(dtype, [], [dtype.startsWith('float') ? value : BigInt(value)]), { constant: 97 }),
    );
    return { op: 'Range', inputs };
  });

const eyeLike: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const X = put(builder, draw.pick(['float32', 'int64', 'int32', 'float64']), drawDims(draw, 2));
    return {
      op: 'EyeLike',
      inputs: [X],
      attributes: { k: optional(draw, int(draw.integer(-4, 4))), dtype: optional(draw, int(draw.pick([1, 7, 6, 11]))) },
    };
  });

const centerCropPad: Generator = (draw): FuzzCase =>
  oneNode(draw, drawOpset(draw, 18), (builder) => {
    const dims = drawShape(draw, 1, 4, { zero: 0 });
    const axes = draw.chance(50) ? someAxes(draw, dims.length, 1) : undefined;
    const sizes = (axes ?? dims).map(() => draw.integer(1, 9));
    return {
      op: 'CenterCropPad',
      inputs: [put(builder, draw.pick(['float32', 'int64']), dims), shapeInput(builder, sizes)],
      attributes: { axes: axes && ints(axes) },
    };
  });

const upsample: Generator = (draw) =>
  oneNode(draw, 9, (builder) => {
    const dims = drawDims(draw, 4, { zero: 0, most: 200 });
    const scales = [1, 1, draw.pick([1, 2, 1.5, 3]), draw.pick([1, 2, 2.5])];
    const mode = draw.pick(['nearest', 'linear']);
    return {
      op: 'Upsample',
      inputs: [put(builder, 'float32', dims), builder.input(tensorFrom('float32', [4], scales), { constant: 100 })],
      attributes: { mode: text(mode) },
    };
  });

export const movement: Generators = {
  Transpose: transpose,
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Tile: tile,
  Expand: expand,
  DepthToSpace: blocks('DepthToSpace'),
  SpaceToDepth: blocks('SpaceToDepth'),
  Trilu: trilu,
  ReverseSequence: reverseSequence,
  Shape: shapeOf,
  Size: sizeOf,
  ConstantOfShape: constantOfShape,
  Range: range,
  EyeLike: eyeLike,
  CenterCropPad: centerCropPad,
  Upsample: upsample,
};
