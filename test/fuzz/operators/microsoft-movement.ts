// Cases of com.microsoft operators that move, pick and make elements.

import type { DType } from '../../../ir/dtype.ts';
import { int, text } from '../case.ts';
import { drawDims, drawIntegers, drawShape, drawTensor, int64s, scalar, tensorFrom } from '../tensors.ts';
import { type Generator, type Generators, oneNode, optional, put } from './generator.ts';

const domain = 'com.microsoft';

const unique: Generator = (draw) =>
  oneNode(draw, 17, (builder) => ({
    op: 'Unique',
    inputs: [put(builder, 'float32', drawShape(draw, 1, 1), 'grid')],
    outputs: 3,
    domain,
  }));

const range: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dtype = draw.pick<DType>(['int64', 'float32', 'int32', 'float64', 'int16']);
    const delta = draw.pick([1, 2, 3]);
    const [start, length] = [draw.integer(-5, 5), draw.integer(0, 20)];
    const known = { constant: 70 };
    return {
      op: 'Range',
      inputs: [
        builder.input(scalar(dtype, start), known),
        builder.input(scalar(dtype, start + length), known),
        draw.chance(60) ? builder.input(scalar(dtype, delta), known) : undefined,
      ],
      domain,
    };
  });

const pad: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dims = drawShape(draw, 1, 4, { zero: 0, most: 200 });
    const mode = draw.pick(['constant', 'edge', 'reflect']);
    const pads = [...dims, ...dims].map((size) => draw.integer(0, Math.min(3, size - 1)));
    const X = put(builder, 'float32', dims);
    return {
      op: 'Pad',
      inputs: [
        X,
        builder.input(int64s(pads), { constant: 80, open: 0 }),
        mode === 'constant' && draw.chance(50) ? builder.input(scalar('float32', -2)) : undefined,
      ],
      attributes: { mode: optional(draw, text(mode)) },
      domain,
    };
  });

const gatherND: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dims = drawShape(draw, 1, 4, { zero: 0, most: 200 });
    const depth = draw.integer(1, dims.length);
    const outer = drawDims(draw, draw.integer(0, 2), { zero: 0, most: 10 });
    const count = outer.reduce((a, b) => a * b, 1);
    const values = Array.from({ length: count }, () =>
      dims.slice(0, depth).map((size) => draw.integer(-size, size - 1)),
    );
    return {
      op: 'GatherND',
      inputs: [
        put(builder, draw.pick(['float32', 'int64', 'uint8']), dims),
        builder.input(tensorFrom('int64', [...outer, depth], values.flat().map(BigInt)), {
          openAxes: [0, 1].slice(0, outer.length),
        }),
      ],
      domain,
    };
  });

const trilu: Generator = (draw) =>
  oneNode(draw, 17, (builder) => ({
    op: 'Trilu',
    inputs: [
      put(builder, draw.pick(['float32', 'int64', 'bool']), drawShape(draw, 2, 4, { most: 200 })),
      draw.chance(60) ? builder.input(scalar('int64', draw.integer(-4, 4))) : undefined,
    ],
    attributes: { upper: optional(draw, int(draw.integer(0, 1))) },
    domain,
  }));

const expandDims: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dims = drawShape(draw, 0, 4, { most: 200 });
    const axis = draw.integer(-dims.length - 1, dims.length);
    return {
      op: 'ExpandDims',
      inputs: [put(builder, 'float32', dims), builder.input(scalar('int32', axis), { constant: 100 })],
      domain,
    };
  });

const unfoldTensor: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dims = drawShape(draw, 1, 4, { zero: 0, most: 300 });
    const dim = draw.integer(-dims.length, dims.length - 1);
    const extent = dims.at(dim)!;
    return {
      op: 'UnfoldTensor',
      inputs: [put(builder, draw.pick(['float32', 'int64', 'uint8']), dims)],
      attributes: {
        dim: int(dim),
        size: int(draw.integer(1, extent)),
        step: optional(draw, int(draw.integer(1, 3))),
      },
      domain,
    };
  });

/** ONNX Runtime has no kernel for it on the CPU: here it must compile and run. */
const torchEmbedding: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const rows = draw.integer(1, 20);
    return {
      op: 'TorchEmbedding',
      inputs: [
        builder.input(drawTensor(draw, 'float32', [rows, draw.integer(1, 9)])),
        builder.input(drawIntegers(draw, 'int64', drawShape(draw, 0, 3, { most: 50 }), 0, rows - 1)),
        draw.chance(50) ? builder.input(scalar('int64', 0)) : undefined,
      ],
      domain,
    };
  });

export const microsoftMovement: Generators = {
  'com.microsoft Unique': unique,
  'com.microsoft Range': range,
  'com.microsoft Pad': pad,
  'com.microsoft GatherND': gatherND,
  'com.microsoft Trilu': trilu,
  ExpandDims: expandDims,
  UnfoldTensor: unfoldTensor,
  TorchEmbedding: torchEmbedding,
};
