// Cases of pools and of operators that resample pictures.

import { type Attributes, float, int, ints, text } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawDims, drawTensor, int64s, tensorFrom } from '../tensors.ts';
import { drawWindow } from './contraction.ts';
import { drawOpset, type Generator, type Generators, oneNode, optional, put } from './generator.ts';

const picture = (draw: Draw, axes: number, most = 300): readonly number[] => [
  draw.integer(1, 2),
  draw.pick([1, 2, 3, 5, 17]),
  ...drawDims(draw, axes, { zero: 0, most }),
];

const pool =
  (op: string, special: (draw: Draw) => Attributes, oldest = 11, outputs = 1): Generator =>
  (draw) =>
    oneNode(draw, drawOpset(draw, oldest), (builder) => {
      const axes = draw.pick([2, 2, 1, 3]);
      // Only these take dilations in all of the versions that are drawn.
      const { kernel, spatial, attributes } = drawWindow(draw, axes, { ceil: true, dilations: op === 'MaxPool' });
      const dims = [draw.integer(1, 2), draw.pick([1, 2, 3, 17]), ...spatial];
      const X = put(
        builder,
        draw.pick(op === 'MaxPool' ? ['float32', 'float32', 'float64', 'int8', 'uint8'] : ['float32']),
        dims,
        'real',
      );
      const count = outputs > 1 && draw.chance(30) ? outputs : 1;
      return {
        op,
        inputs: [X],
        attributes: { ...attributes, kernel_shape: ints(kernel), ...special(draw) },
        outputs: count,
      };
    });

const global =
  (op: string, attributes: (draw: Draw) => Attributes = () => ({})): Generator =>
  (draw) =>
    oneNode(draw, drawOpset(draw), (builder) => ({
      op,
      inputs: [put(builder, 'float32', picture(draw, draw.integer(1, 3)))],
      attributes: attributes(draw),
    }));

const transforms = [
  'half_pixel',
  'asymmetric',
  'align_corners',
  'pytorch_half_pixel',
  'half_pixel_symmetric',
  'tf_crop_and_resize',
];

const resize: Generator = (draw) => {
  const opset = drawOpset(draw, 11);
  return oneNode(draw, opset, (builder) => {
    const mode = draw.pick(['nearest', 'linear', 'cubic']);
    const axes = mode === 'cubic' ? 2 : draw.integer(1, 2);
    const dims = [draw.integer(1, 2), draw.integer(1, 4), ...drawDims(draw, axes, { zero: 0, most: 200 })];
    const transform = draw.pick(transforms.filter((name) => opset >= 19 || name !== 'half_pixel_symmetric'));
    const crop = transform === 'tf_crop_and_resize';
    const roi = crop
      ? [...dims.map(() => 0), ...dims.map((_, axis) => (axis < 2 ? 1 : draw.pick([1, 0.75, 1.25])))]
      : [];
    // With scales that give no whole size, ONNX Runtime and ONNX disagree about the corners.
    const bySizes = transform === 'align_corners' || crop || draw.chance(40);
    const scales = dims.map((_, axis) => (axis < 2 ? 1 : draw.pick([2, 1.5, 0.5, 3, 1, 0.75])));
    // ONNX Runtime ignores the region along an axis that keeps its size.
    const sizes = dims.map((width, axis) => {
      if (axis < 2) return width;
      return crop ? width + draw.integer(1, width + 1) : draw.integer(1, 2 * width + 1);
    });
    const constant = { constant: 100 };
    const X = builder.input(
      drawTensor(draw, draw.pick(mode === 'nearest' ? ['float32', 'uint8', 'int32'] : ['float32']), dims),
      bySizes ? { open: 0 } : {},
    );
    const inputs = [
      X,
      crop
        ? builder.input(tensorFrom('float32', [roi.length], roi), constant)
        : opset < 13
          ? builder.input(tensorFrom('float32', [0], []), constant)
          : undefined,
      bySizes
        ? opset < 13
          ? builder.input(tensorFrom('float32', [0], []), constant)
          : undefined
        : builder.input(tensorFrom('float32', [dims.length], scales), constant),
      bySizes ? builder.input(int64s(sizes), constant) : undefined,
    ];
    const attributes: Attributes = {
      mode: mode === 'nearest' ? optional(draw, text(mode)) : text(mode),
      coordinate_transformation_mode: transform === 'half_pixel' ? optional(draw, text(transform)) : text(transform),
      nearest_mode:
        mode === 'nearest'
          ? optional(draw, text(draw.pick(['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'])))
          : undefined,
      cubic_coeff_a: mode === 'cubic' ? optional(draw, float(draw.pick([-0.75, -0.5]))) : undefined,
      exclude_outside: mode === 'cubic' ? optional(draw, int(draw.integer(0, 1))) : undefined,
      extrapolation_value: crop ? optional(draw, float(1.5)) : undefined,
      antialias: opset >= 18 && mode !== 'nearest' && !crop && draw.chance(30) ? int(1) : undefined,
    };
    return { op: 'Resize', inputs, attributes, relative: 1e-4, absolute: 2e-5 };
  });
};

const gridSample: Generator = (draw) =>
  oneNode(draw, draw.pick([20, 16]), (builder) => {
    const dims = [draw.integer(1, 2), draw.integer(1, 3), draw.integer(1, 7), draw.integer(1, 7)];
    const grid = [dims[0]!, draw.integer(1, 6), draw.integer(1, 6), 2];
    const old = builder.opset < 20;
    const attributes = {
      mode: optional(draw, text(draw.pick(old ? ['bilinear', 'nearest', 'bicubic'] : ['linear', 'nearest', 'cubic']))),
      padding_mode: optional(draw, text(draw.pick(['zeros', 'border', 'reflection']))),
      align_corners: optional(draw, int(draw.integer(0, 1))),
    };
    return {
      op: 'GridSample',
      inputs: [put(builder, 'float32', dims), put(builder, 'float32', grid, 'unit')],
      attributes,
      relative: 1e-4,
      absolute: 1e-5,
    };
  });

const roiAlign: Generator = (draw) =>
  oneNode(draw, 16, (builder) => {
    const dims = [2, draw.integer(1, 3), draw.integer(2, 9), draw.integer(2, 9)];
    const count = draw.integer(1, 4);
    const rois = Array.from({ length: count }, () => {
      const [x, y] = [draw.integer(0, 5), draw.integer(0, 5)];
      return [x, y, x + draw.integer(1, 6), y + draw.integer(1, 6)];
    }).flat();
    const batch = Array.from({ length: count }, () => BigInt(draw.integer(0, 1)));
    const attributes = {
      output_height: optional(draw, int(draw.integer(1, 4))),
      output_width: optional(draw, int(draw.integer(1, 4))),
      sampling_ratio: optional(draw, int(draw.integer(0, 3))),
      spatial_scale: optional(draw, float(draw.pick([1, 0.5]))),
      mode: optional(draw, text(draw.pick(['avg', 'max']))),
      coordinate_transformation_mode: optional(draw, text(draw.pick(['half_pixel', 'output_half_pixel']))),
    };
    return {
      op: 'RoiAlign',
      inputs: [
        put(builder, 'float32', dims, 'positive'),
        builder.input(tensorFrom('float32', [count, 4], rois)),
        builder.input(tensorFrom('int64', [count], batch)),
      ],
      attributes,
      relative: 1e-4,
      absolute: 1e-5,
    };
  });

const p = (draw: Draw): Attributes => ({ p: optional(draw, int(draw.integer(1, 3))) });

export const windows: Generators = {
  MaxPool: pool('MaxPool', (draw) => ({ storage_order: optional(draw, int(0)) }), 11, 2),
  AveragePool: pool('AveragePool', (draw) => ({ count_include_pad: optional(draw, int(draw.integer(0, 1))) })),
  LpPool: pool('LpPool', p, 18),
  GlobalAveragePool: global('GlobalAveragePool'),
  GlobalMaxPool: global('GlobalMaxPool'),
  GlobalLpPool: global('GlobalLpPool', p),
  Resize: resize,
  GridSample: gridSample,
  RoiAlign: roiAlign,
};
