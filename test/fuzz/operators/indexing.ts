// Cases of operators that take indices from data.

import type { DType } from '../../../ir/dtype.ts';
import { int, text } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawIntegers, drawShape, drawTensor, scalar, tensorFrom } from '../tensors.ts';
import { anything, drawOpset, type Generator, type Generators, oneNode, optional, put } from './generator.ts';
import { drawAxis, shuffled } from './movement.ts';

const indexTypes: readonly DType[] = ['int64', 'int64', 'int32'];
/** Sizes above zero, where an index has to be found. */
const indexable = { zero: 0, most: 1000 };
const at = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

const gather: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 1, 4, indexable);
    const axis = drawAxis(draw, dims.length);
    const size = dims[at(axis, dims.length)]!;
    const indices = drawIntegers(draw, draw.pick(indexTypes), drawShape(draw, 0, 3, { most: 60 }), -size, size - 1);
    return {
      op: 'Gather',
      inputs: [put(builder, draw.pick(anything), dims), builder.input(indices, { constant: 40 })],
      attributes: { axis: axis === 0 ? optional(draw, int(0)) : int(axis) },
    };
  });

const gatherElements: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 1, 4, indexable);
    const axis = drawAxis(draw, dims.length);
    const own = dims.map((size, i) => (i === at(axis, dims.length) ? draw.integer(0, 6) : draw.integer(1, size)));
    const size = dims[at(axis, dims.length)]!;
    const indices = drawIntegers(draw, draw.pick(indexTypes), own, -size, size - 1);
    return {
      op: 'GatherElements',
      inputs: [put(builder, draw.pick(anything), dims), builder.input(indices)],
      attributes: { axis: int(axis) },
    };
  });

/** Index tuples along the last axis: each element within its own axis. */
function tuples(
  draw: Draw,
  dims: readonly number[],
  outer: readonly number[],
  length: number,
  distinct = false,
): readonly bigint[] {
  const count = outer.reduce((a, b) => a * b, 1);
  const sizes = dims.slice(0, length);
  const places = sizes.reduce((a, b) => a * b, 1);
  const all = distinct
    ? shuffled(
        draw,
        Array.from({ length: places }, (_, i) => i),
      )
    : [];
  return Array.from({ length: count }, (_, i) => (distinct ? all[i]! : draw.integer(0, places - 1))).flatMap(
    (place) => {
      const tuple: bigint[] = [];
      let rest = place;
      for (const size of [...sizes].reverse()) {
        tuple.unshift(BigInt(draw.chance(20) ? (rest % size) - size : rest % size));
        rest = Math.floor(rest / size);
      }
      return tuple;
    },
  );
}

const gatherND: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 1, 4, { zero: 0, most: 200 });
    const batch = draw.integer(0, dims.length - 1);
    const length = draw.integer(1, dims.length - batch);
    const own = drawShape(draw, 0, 2, { most: 12, zero: 0 });
    const outer = [...dims.slice(0, batch), ...own];
    const values = tuples(draw, dims.slice(batch), outer, length);
    const indices = builder.input(tensorFrom('int64', [...outer, length], values), { open: 0 });
    return {
      op: 'GatherND',
      inputs: [put(builder, draw.pick(anything), dims), indices],
      attributes: { batch_dims: batch === 0 ? optional(draw, int(0)) : int(batch) },
    };
  });

const reductions = ['none', 'add', 'mul', 'max', 'min'] as const;
const scattered: readonly DType[] = ['float32', 'int64', 'int32', 'float64', 'uint8', 'int8'];

const scatterElements: Generator = (draw) => {
  const opset = drawOpset(draw, 16);
  return oneNode(draw, opset, (builder) => {
    const dims = drawShape(draw, 1, 4, { zero: 0, most: 200 });
    const axis = drawAxis(draw, dims.length);
    const where = at(axis, dims.length);
    const reduction = draw.pick(opset >= 18 ? reductions : reductions.slice(0, 3));
    // Without a reduction the order of writes is not fixed: one row only.
    const rows = reduction === 'none' ? 1 : draw.integer(1, 5);
    const own = dims.map((size, i) => (i === where ? rows : draw.integer(1, size)));
    const indices = drawIntegers(draw, draw.pick(indexTypes), own, -dims[where]!, dims[where]! - 1);
    const dtype = draw.pick(scattered);
    const inputs = [put(builder, dtype, dims, 'grid'), builder.input(indices), put(builder, dtype, own, 'grid')];
    return {
      op: 'ScatterElements',
      inputs,
      attributes: {
        axis: int(axis),
        reduction: reduction === 'none' ? optional(draw, text(reduction)) : text(reduction),
      },
    };
  });
};

const scatterND: Generator = (draw) => {
  const opset = drawOpset(draw, 16);
  return oneNode(draw, opset, (builder) => {
    const dims = drawShape(draw, 1, 4, { zero: 0, most: 120 });
    const length = draw.integer(1, dims.length);
    const reduction = draw.pick(opset >= 18 ? reductions : reductions.slice(0, 3));
    const places = dims.slice(0, length).reduce((a, b) => a * b, 1);
    const outer = draw.chance(20) ? [] : [draw.integer(0, reduction === 'none' ? Math.min(places, 5) : 6)];
    const indices = tensorFrom('int64', [...outer, length], tuples(draw, dims, outer, length, reduction === 'none'));
    const dtype = draw.pick(scattered);
    const inputs = [
      put(builder, dtype, dims, 'grid'),
      builder.input(indices, { open: 0 }),
      put(builder, dtype, [...outer, ...dims.slice(length)], 'grid'),
    ];
    return {
      op: 'ScatterND',
      inputs,
      attributes: { reduction: reduction === 'none' ? optional(draw, text(reduction)) : text(reduction) },
    };
  });
};

const oneHot: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 1, 3, { most: 60 });
    const depth = draw.integer(1, 8);
    const axis = draw.integer(-dims.length - 1, dims.length);
    const [indexType, depthType, valueType] = draw.pick([
      ['int64', 'int64', 'float32'],
      ['int64', 'int64', 'int64'],
      ['int32', 'int32', 'float32'],
      ['float32', 'float32', 'float32'],
    ] as const);
    const indices = builder.input(drawIntegers(draw, indexType, dims, -depth - 2, depth + 2));
    const rank = draw.chance(50) ? [] : [1];
    const size = builder.input({ ...scalar(depthType, depth), dims: rank }, { constant: 97, open: 0 });
    const values = builder.input(drawTensor(draw, valueType, [2], 'small'));
    return { op: 'OneHot', inputs: [indices, size, values], attributes: { axis: optional(draw, int(axis)) } };
  });

const compress: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 1, 4, indexable);
    const axis = draw.chance(70) ? drawAxis(draw, dims.length) : undefined;
    const length = axis === undefined ? dims.reduce((a, b) => a * b, 1) : dims[at(axis, dims.length)]!;
    const condition = put(builder, 'bool', [draw.integer(1, Math.min(length, 40))]);
    return {
      op: 'Compress',
      inputs: [put(builder, draw.pick(anything), dims), condition],
      attributes: { axis: axis === undefined ? undefined : int(axis) },
    };
  });

/** ONNX gives [0, N] for a scalar, ONNX Runtime [1, N]. */
const nonZero: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => ({
    op: 'NonZero',
    inputs: [put(builder, draw.pick(['bool', 'float32', 'int64', 'int32', 'uint8']), drawShape(draw, 1, 4), 'small')],
  }));

const unique: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 1, 3, { most: 60, zero: 0 });
    const X = builder.input(drawIntegers(draw, draw.pick(['float32', 'int64', 'int8', 'float64']), dims, -2, 2));
    return {
      op: 'Unique',
      inputs: [X],
      attributes: {
        axis: draw.chance(50) ? int(drawAxis(draw, dims.length)) : undefined,
        sorted: optional(draw, int(draw.integer(0, 1))),
      },
      outputs: draw.integer(1, 4),
    };
  });

const topK: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = drawShape(draw, 1, 4, indexable);
    const axis = drawAxis(draw, dims.length);
    const X = put(builder, draw.pick(['float32', 'int64', 'int32', 'float64']), dims, draw.pick(['real', 'small']));
    const K = builder.input(tensorFrom('int64', [1], [BigInt(draw.integer(0, dims[at(axis, dims.length)]!))]), {
      constant: 97,
      open: 0,
    });
    return {
      op: 'TopK',
      inputs: [X, K],
      attributes: {
        axis: optional(draw, int(axis)) ?? (at(axis, dims.length) === dims.length - 1 ? undefined : int(axis)),
        largest: optional(draw, int(draw.integer(0, 1))),
      },
      outputs: 2,
    };
  });

export const indexing: Generators = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  OneHot: oneHot,
  Compress: compress,
  NonZero: nonZero,
  Unique: unique,
  TopK: topK,
};
