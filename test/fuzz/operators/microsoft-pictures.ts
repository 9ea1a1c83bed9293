// Cases of com.microsoft operators on pictures and windows.

import { float, int, ints, text } from '../case.ts';
import { drawDims, drawIntegers, drawTensor, int64s, tensorFrom } from '../tensors.ts';
import { drawWindow } from './contraction.ts';
import { type Generator, type Generators, oneNode, optional, put, sumContents } from './generator.ts';

const domain = 'com.microsoft';

const cropAndResize: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dims = [draw.integer(1, 3), draw.integer(1, 4), draw.integer(1, 12), draw.integer(1, 12)];
    const count = draw.integer(1, 5);
    // Corners on eighths: a position is then the same in every order of computing it, and rounds alike.
    const rois = Array.from({ length: 4 * count }, () => draw.integer(-1, 9) / 8);
    const sizes = [draw.pick([1, 2, 3, 5, 9]), draw.pick([1, 2, 3, 5, 9])];
    return {
      op: 'CropAndResize',
      inputs: [
        put(builder, 'float32', dims),
        builder.input(tensorFrom('float32', [count, 4], rois)),
        builder.input(drawIntegers(draw, 'int32', [count], 0, dims[0]! - 1)),
        builder.input(tensorFrom('int32', [2], sizes.map(BigInt)), { constant: 70 }),
      ],
      attributes: {
        mode: optional(draw, text(draw.pick(['bilinear', 'nearest']))),
        extrapolation_value: optional(draw, float(-1.5)),
      },
      domain,
      relative: 1e-4,
      absolute: 1e-4,
    };
  });

const maxpoolWithMask: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const axes = draw.pick([2, 2, 1, 3]);
    const { kernel, spatial, attributes } = drawWindow(draw, axes, { dilations: false });
    const X = put(builder, 'float32', [draw.integer(1, 2), draw.integer(1, 4), ...spatial]);
    // ONNX Runtime finds the plane of a mask by a wrong stride where the mask has several.
    const M = builder.input(drawIntegers(draw, 'int32', [1, 1, ...spatial], 0, 2));
    return { op: 'MaxpoolWithMask', inputs: [X, M], attributes: { ...attributes, kernel_shape: ints(kernel) }, domain };
  });

const convTransposeWithDynamicPads: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const axes = draw.pick([2, 2, 1, 3]);
    const { kernel, attributes } = drawWindow(draw, axes, { largest: 4 });
    const { pads, strides, dilations } = attributes;
    const spatial = drawDims(draw, axes, { zero: 0, most: 40 }).map((size) => size + 2);
    const group = draw.pick([1, 1, 2, 3]);
    const [each, outs] = [draw.integer(1, 4), draw.integer(1, 5)];
    const contents = sumContents(draw);
    const list = pads?.kind === 'ints' ? pads.value : [...kernel, ...kernel].map(() => 0);
    const X = put(builder, 'float32', [draw.integer(1, 2), group * each, ...spatial], contents);
    const W = builder.input(drawTensor(draw, 'float32', [group * each, outs, ...kernel], contents), { constant: 75 });
    const Pads = builder.input(int64s(list), { constant: 50, open: 0 });
    const B = draw.chance(60) ? put(builder, 'float32', [group * outs], contents) : undefined;
    return {
      op: 'ConvTransposeWithDynamicPads',
      inputs: [X, W, Pads, B],
      attributes: { strides, dilations, group: int(group), kernel_shape: optional(draw, ints(kernel)) },
      domain,
    };
  });

/** ONNX Runtime has these on other devices only: here they must compile and run. */
const nhwcConv =
  (op: string): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const axes = draw.pick([2, 1, 3]);
      const { kernel, spatial, attributes } = drawWindow(draw, axes);
      const group = draw.pick([1, 1, 2]);
      const [each, outs] = [draw.integer(1, 4), draw.integer(1, 4)];
      const X = put(builder, 'float32', [draw.integer(1, 2), ...spatial, group * each]);
      const depthFirst = op === 'NhwcFusedConv' ? [each, ...kernel] : [...kernel, each];
      const W = put(builder, 'float32', [group * outs, ...depthFirst]);
      return {
        op,
        inputs: [X, W],
        attributes: { ...attributes, group: int(group), kernel_shape: ints(kernel) },
        domain,
      };
    });

const nhwcMaxPool: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const { kernel, spatial, attributes } = drawWindow(draw, draw.pick([2, 1, 3]), { ceil: true });
    const X = put(builder, draw.pick(['uint8', 'int8']), [draw.integer(1, 2), ...spatial, draw.integer(1, 5)], 'full');
    return { op: 'NhwcMaxPool', inputs: [X], attributes: { ...attributes, kernel_shape: ints(kernel) }, domain };
  });

const gridSample: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [n, h, w] = [draw.integer(1, 2), draw.integer(1, 5), draw.integer(1, 5)];
    const X = put(builder, 'float32', [n, draw.integer(1, 3), draw.integer(2, 6), draw.integer(2, 6)]);
    return {
      op: 'GridSample',
      inputs: [X, builder.input(drawTensor(draw, 'float32', [n, h, w, 2], 'unit'))],
      attributes: {
        mode: optional(draw, text(draw.pick(['bilinear', 'nearest', 'bicubic']))),
        padding_mode: optional(draw, text(draw.pick(['zeros', 'border', 'reflection']))),
        align_corners: optional(draw, int(draw.integer(0, 1))),
      },
      domain,
      relative: 1e-4,
      absolute: 1e-4,
    };
  });

export const microsoftPictures: Generators = {
  CropAndResize: cropAndResize,
  MaxpoolWithMask: maxpoolWithMask,
  ConvTransposeWithDynamicPads: convTransposeWithDynamicPads,
  NhwcConv: nhwcConv('NhwcConv'),
  NhwcFusedConv: nhwcConv('NhwcFusedConv'),
  NhwcMaxPool: nhwcMaxPool,
  'com.microsoft GridSample': gridSample,
};
