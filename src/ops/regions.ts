// Pooling over regions given by data: RoiAlign and MaxRoiPool. How many samples or elements a bin has depends on the
// region, so these are hand-written loops.

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  binary,
  cast,
  constant,
  constantOf,
  div,
  indexVar,
  int,
  le,
  load,
  lt,
  max,
  min,
  mul,
  select,
  sub,
  unary,
  variable,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, check, letIn, loops, store } from '../../ir/kernel-walk.ts';
import { accumulatorType } from './accumulate.ts';
import { floatAttribute, intAttribute, requiredInts, stringAttribute } from './attributes.ts';
import { op } from './define.ts';
import { checkAgreeing, clamp, within } from './run-time-operands.ts';
import { anyFloat, tensorOf, typeSet } from './types.ts';

/** More samples than this along one side of a bin are no picture: hostile regions must not run for years. */
const maximumSamples = 1 << 14;

/** Names each value before the next one is made. */
function bind(values: Readonly<Record<string, Expr>>, body: Stmt, names: Readonly<Record<string, Expr>>): Stmt {
  return Object.entries(values).reduceRight((inner, [name, value]) => {
    const named = names[name]!;
    return named.kind === 'var' ? letIn(named, value, inner) : inner;
  }, body);
}

interface Corner {
  readonly low: Expr;
  readonly high: Expr;
  readonly fraction: Expr;
}

/** The neighbours of a coordinate inside of an axis; beyond the last element it is the last element. */
function corners(place: Expr, extent: Expr): Corner {
  const { dtype } = place;
  const last = sub(extent, int(1));
  const inside = max(place, constant(0, dtype));
  const floor = unary('floor', inside);
  const low = min(cast(floor, 'index'), last);
  const isLast = le(last, low);
  return {
    low: max(low, int(0)),
    high: max(min(add(low, int(1)), last), int(0)),
    fraction: select(isLast, constant(0, dtype), sub(inside, floor)),
  };
}

/** A sample between four elements; zero (or nothing, for a maximum) outside of the input. */
function sample(X: Buffer, n: Expr, c: Expr, y: Expr, x: Expr, combine: 'sum' | 'max'): Expr {
  const [height, width] = [X.shape[2]!, X.shape[3]!];
  const vertical = corners(y, height);
  const horizontal = corners(x, width);
  const one = constant(1, y.dtype);
  const term = (atY: Expr, atX: Expr, weightY: Expr, weightX: Expr): Expr =>
    mul(mul(weightY, weightX), cast(load(X, [n, c, atY, atX]), y.dtype));
  const nearY = sub(one, vertical.fraction);
  const nearX = sub(one, horizontal.fraction);
  const terms = [
    term(vertical.low, horizontal.low, nearY, nearX),
    term(vertical.low, horizontal.high, nearY, horizontal.fraction),
    term(vertical.high, horizontal.low, vertical.fraction, nearX),
    term(vertical.high, horizontal.high, vertical.fraction, horizontal.fraction),
  ];
  const value = terms.reduce((a, b) => binary(combine === 'sum' ? 'add' : 'max', a, b));
  const onImage = (place: Expr, extent: Expr): Expr =>
    and(lt(int(0), extent), and(le(constant(-1, place.dtype), place), le(place, cast(extent, place.dtype))));
  return select(and(onImage(y, height), onImage(x, width)), value, constant(0, y.dtype));
}

interface AlignAttributes {
  readonly coordinate_transformation_mode: string;
  readonly mode: string;
  readonly output_height: number;
  readonly output_width: number;
  readonly sampling_ratio: number;
  readonly spatial_scale: number;
}

/** One side of a region: where it starts, how long a bin is, and how many samples a bin has. */
function side(rois: Buffer, r: Expr, from: number, bins: number, attributes: AlignAttributes, dtype: DType) {
  const real = (value: number): Expr => constant(value, dtype);
  const half = attributes.coordinate_transformation_mode === 'half_pixel';
  const edge = (position: number): Expr =>
    sub(mul(cast(load(rois, [r, int(position)]), dtype), real(attributes.spatial_scale)), real(half ? 0.5 : 0));
  const start = edge(from);
  const whole = sub(edge(from + 2), start);
  const bin = div(half ? whole : max(whole, real(1)), real(bins));
  const samples =
    attributes.sampling_ratio > 0
      ? int(attributes.sampling_ratio)
      : clamp(cast(unary('ceil', bin), 'index'), int(0), int(maximumSamples));
  return { start, bin, samples };
}

/**
 * Averages (or maxima) of samples on a regular grid inside of each bin, interpolated between elements. As in the
 * reference, a maximum is taken over the four weighted neighbours of every sample.
 */
export const RoiAlign = op('RoiAlign', {
  inputs: ['X', 'rois', 'batch_indices'],
  attributes: {
    coordinate_transformation_mode: stringAttribute('half_pixel', ['half_pixel', 'output_half_pixel']),
    mode: stringAttribute('avg', ['avg', 'max']),
    output_height: intAttribute(1),
    output_width: intAttribute(1),
    sampling_ratio: intAttribute(0),
    spatial_scale: floatAttribute(1),
  },
  types: { X: anyFloat, rois: anyFloat, batch_indices: typeSet('T2', ['int64']) },
  since: 22,
  // Before opset 16 there was no choice: coordinates were not moved by half a pixel.
  upgrade: (node, opset) =>
    opset < 16
      ? { ...node, attributes: { ...node.attributes, coordinate_transformation_mode: 'output_half_pixel' } }
      : node,
  type: ({ X, rois, batch_indices }, { output_height, output_width }, context) => {
    if (X.rank !== 4) context.fail(`X has rank ${X.rank}; expected 4 (N, C, H, W).`);
    if (rois.rank !== 2 || (constantOf(rois.shape[1]!) ?? 4) !== 4)
      context.fail('rois must have the shape [count, 4].');
    if (batch_indices.rank !== 1) context.fail(`batch_indices has rank ${batch_indices.rank}; expected 1.`);
    return tensorOf(X.dtype, [rois.shape[0]!, X.shape[1]!, int(output_height), int(output_width)]);
  },
  kernel: ({ X, rois, batch_indices }, outputs, attributes) => {
    const output = outputs[0]!;
    const dtype = accumulatorType(X.dtype);
    const [r, c, ph, pw] = output.shape.map((extent, axis) => indexVar(`o${axis}`, extent));
    const vertical = side(rois, r!, 1, attributes.output_height, attributes, dtype);
    const horizontal = side(rois, r!, 0, attributes.output_width, attributes, dtype);
    const n = variable('n', 'index');
    const names = {
      startY: variable('startY', dtype),
      startX: variable('startX', dtype),
      binY: variable('binY', dtype),
      binX: variable('binX', dtype),
      samplesY: variable('samplesY', 'index'),
      samplesX: variable('samplesX', 'index'),
    };
    const iy = indexVar('iy', names.samplesY);
    const ix = indexVar('ix', names.samplesX);
    const place = (start: Expr, bin: Expr, p: Expr, i: Expr, samples: Expr): Expr => {
      const inBin = div(mul(add(cast(i, dtype), constant(0.5, dtype)), bin), cast(samples, dtype));
      return add(add(start, mul(cast(p, dtype), bin)), inBin);
    };
    const y = place(names.startY, names.binY, ph!, iy, names.samplesY);
    const x = place(names.startX, names.binX, pw!, ix, names.samplesX);
    const isMaximum = attributes.mode === 'max';
    const accumulator: Buffer = { name: 'acc', dtype, shape: [], memory: 'register' };
    const total = load(accumulator, []);
    const value = sample(X, n, c!, y, x, isMaximum ? 'max' : 'sum');
    const count = max(mul(names.samplesY, names.samplesX), int(1));
    const isEmpty = lt(mul(names.samplesY, names.samplesX), int(1));
    const result = isMaximum ? select(isEmpty, constant(0, dtype), total) : div(total, cast(count, dtype));
    const bin = allocate(
      accumulator,
      block([
        store(accumulator, [], constant(isMaximum ? Number.NEGATIVE_INFINITY : 0, dtype)),
        loops([iy, ix], store(accumulator, [], binary(isMaximum ? 'max' : 'add', total, value))),
        store(output, [r!, c!, ph!, pw!], cast(result, output.dtype)),
      ]),
    );
    const values = {
      startY: vertical.start,
      startX: horizontal.start,
      binY: vertical.bin,
      binX: horizontal.bin,
      samplesY: vertical.samples,
      samplesX: horizontal.samples,
    };
    const region = block([check(within(n, X.shape[0]!), 'index'), bind(values, loops([c!, ph!, pw!], bin), names)]);
    const everyRegion = loops([r!], letIn(n, cast(load(batch_indices, [r!]), 'index'), region));
    return block([checkAgreeing([[batch_indices.shape[0]!, rois.shape[0]!]]), everyRegion]);
  },
});

/** Rounds half away from zero, as C does. */
const round = (x: Expr): Expr => {
  const half = constant(0.5, x.dtype);
  return select(lt(x, constant(0, x.dtype)), unary('ceil', sub(x, half)), unary('floor', add(x, half)));
};

/** The largest element of each bin of a region; 0 for an empty bin. rois: batch, x1, y1, x2, y2. */
export const MaxRoiPool = op('MaxRoiPool', {
  inputs: ['X', 'rois'],
  attributes: { pooled_shape: requiredInts, spatial_scale: floatAttribute(1) },
  types: { X: anyFloat, rois: anyFloat },
  since: 22,
  type: ({ X, rois }, { pooled_shape }, context) => {
    if (X.rank !== 4) context.fail(`X has rank ${X.rank}; expected 4 (N, C, H, W).`);
    if (rois.rank !== 2 || (constantOf(rois.shape[1]!) ?? 5) !== 5)
      context.fail('rois must have the shape [count, 5].');
    if (pooled_shape.length !== 2 || pooled_shape.some((size) => size < 1)) {
      context.fail(`pooled_shape is ${pooled_shape.join(', ')}; expected two positive sizes.`);
    }
    return tensorOf(X.dtype, [rois.shape[0]!, X.shape[1]!, ...pooled_shape.map(int)]);
  },
  kernel: ({ X, rois }, outputs, { pooled_shape, spatial_scale }) => {
    const output = outputs[0]!;
    const dtype = accumulatorType(X.dtype);
    const [r, c, ph, pw] = output.shape.map((extent, axis) => indexVar(`o${axis}`, extent));
    const n = variable('n', 'index');
    const edge = (position: number): Expr => {
      const scaled = mul(cast(load(rois, [r!, int(position)]), dtype), constant(spatial_scale, dtype));
      return min(max(cast(round(scaled), 'index'), int(-(2 ** 30))), int(2 ** 30));
    };
    /** First and one past the last element of bin p. */
    const range = (from: number, p: Expr, bins: number, extent: Expr): readonly [Expr, Expr] => {
      const start = edge(from);
      const length = max(add(sub(edge(from + 2), start), int(1)), int(1));
      const size = div(cast(length, dtype), constant(bins, dtype));
      const low = cast(unary('floor', mul(cast(p, dtype), size)), 'index');
      const high = cast(unary('ceil', mul(cast(add(p, int(1)), dtype), size)), 'index');
      return [clamp(add(low, start), int(0), extent), clamp(add(high, start), int(0), extent)];
    };
    const rows = range(2, ph!, pooled_shape[0]!, X.shape[2]!);
    const columns = range(1, pw!, pooled_shape[1]!, X.shape[3]!);
    const names = {
      top: variable('top', 'index'),
      left: variable('left', 'index'),
      height: variable('height', 'index'),
      width: variable('width', 'index'),
    };
    const y = indexVar('y', names.height);
    const x = indexVar('x', names.width);
    const accumulator: Buffer = { name: 'acc', dtype: X.dtype, shape: [], memory: 'register' };
    const total = load(accumulator, []);
    const element = load(X, [n, c!, add(names.top, y), add(names.left, x)]);
    const isEmpty = lt(min(names.height, names.width), int(1));
    const bin = allocate(
      accumulator,
      block([
        store(accumulator, [], constant(Number.NEGATIVE_INFINITY, X.dtype)),
        loops([y, x], store(accumulator, [], max(total, element))),
        store(output, [r!, c!, ph!, pw!], select(isEmpty, constant(0, X.dtype), total)),
      ]),
    );
    const values = {
      top: rows[0],
      left: columns[0],
      height: max(sub(rows[1], rows[0]), int(0)),
      width: max(sub(columns[1], columns[0]), int(0)),
    };
    const region = block([check(within(n, X.shape[0]!), 'index'), loops([c!, ph!, pw!], bind(values, bin, names))]);
    return loops([r!], letIn(n, cast(load(rois, [r!, int(0)]), 'index'), region));
  },
});
