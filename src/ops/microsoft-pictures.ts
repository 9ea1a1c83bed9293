// Operators of ONNX Runtime's own domain that resample and pool pictures: CropAndResize, MaxpoolWithMask.

import { integerRange, isFloat } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  bool,
  cast,
  constant,
  constantOf,
  div,
  eq,
  indexVar,
  int,
  le,
  load,
  lt,
  mul,
  ne,
  select,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import type { Buffer } from '../../ir/kernel.ts';
import { allocate, block, ifThen, loop, loops, store } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { accumulatorType } from './accumulate.ts';
import { floatAttribute, intAttribute, optionalInts, requiredInts, stringAttribute } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { sizesOf } from './elements.ts';
import { flatten } from './flat-index.ts';
import { pooledShape } from './pooling.ts';
import {
  agreeing,
  checkAgreeing,
  checked,
  clamp,
  listed,
  pairsOf,
  runTimeShape,
  sizeAt,
  within,
} from './run-time-operands.ts';
import { anyFloat, differ, tensorOf, typeSet } from './types.ts';
import { insideInput, positionOf, windowAxes } from './window.ts';

const domain = 'com.microsoft';

/** Where a crop reads along an axis: from corner to corner, the middle where it has one element only. */
function cropPosition(from: Expr, to: Expr, at: Expr, count: Expr, extent: Expr): Expr {
  const real = (value: Expr): Expr => cast(value, from.dtype);
  const last = real(sub(extent, int(1)));
  const lastAt = sub(count, int(1));
  const step = div(mul(sub(to, from), last), real(lastAt));
  const between = add(mul(from, last), mul(real(at), step));
  const middle = mul(mul(constant(0.5, from.dtype), add(from, to)), last);
  const corner = select(eq(at, lastAt), mul(to, last), between);
  return select(simplify(lt(int(1), count)), corner, middle);
}

/** The nearest whole number, halves away from zero; x is not negative. */
function nearest(x: Expr): Expr {
  const floor = unary('floor', x);
  return select(lt(sub(x, floor), constant(0.5, x.dtype)), floor, add(floor, constant(1, x.dtype)));
}

function cropSizes(crop_size: Operand, context: TypeContext): readonly Expr[] {
  if (crop_size.rank !== 1 || (constantOf(crop_size.shape[0]!) ?? 2) !== 2) {
    context.fail('crop_size must have the shape [2]: height and width.');
  }
  const known = sizesOf(crop_size);
  if (known) return known;
  return runTimeShape(context, 'crop_size', [int(0), int(0), ...listed(crop_size, context, 'crop_size')]).slice(2);
}

/** Regions of pictures, whose corners are given in parts of the picture, brought to one size. */
export const CropAndResize = op('CropAndResize', {
  domain,
  inputs: ['X', 'rois', 'batch_indices', 'crop_size'],
  attributes: {
    extrapolation_value: floatAttribute(0),
    mode: stringAttribute('bilinear', ['bilinear', 'nearest']),
  },
  types: {
    X: anyFloat,
    rois: anyFloat,
    batch_indices: typeSet('T2', ['int32']),
    crop_size: typeSet('T2', ['int32']),
  },
  type: ({ X, rois, batch_indices, crop_size }, _, context) => {
    if (X.rank !== 4) context.fail(`X has rank ${X.rank}; expected 4 (N, C, H, W).`);
    if (rois.rank !== 2 || (constantOf(rois.shape[1]!) ?? 4) !== 4)
      context.fail('rois must have the shape [count, 4].');
    if (batch_indices.rank !== 1 || differ(batch_indices.shape[0]!, rois.shape[0]!))
      context.fail('batch_indices must have one entry for each region.');
    return tensorOf(X.dtype, [batch_indices.shape[0]!, X.shape[1]!, ...cropSizes(crop_size, context)]);
  },
  compute: ({ X, rois, batch_indices }, { extrapolation_value, mode }, index, { types }) => {
    const [r, c, row, column] = index;
    const wide = accumulatorType(X.dtype);
    const [height, width] = X.shape.slice(2);
    const [rows, columns] = types[0]!.shape.slice(2);
    const corner = (at: number): Expr => cast(rois.at(r!, int(at)), wide);
    const y = cropPosition(corner(0), corner(2), row!, rows!, height!);
    const x = cropPosition(corner(1), corner(3), column!, columns!, width!);
    const onPicture = (place: Expr, extent: Expr): Expr =>
      and(le(constant(0, wide), place), le(place, cast(sub(extent, int(1)), wide)));
    const picture = sizeAt(batch_indices, r!);
    const read = (atY: Expr, atX: Expr): Expr => {
      const inside = (at: Expr, extent: Expr): Expr => clamp(cast(at, 'index'), int(0), sub(extent, int(1)));
      return cast(X.at(picture, c!, inside(atY, height!), inside(atX, width!)), wide);
    };
    const blend = (a: Expr, b: Expr, part: Expr): Expr => add(a, mul(sub(b, a), part));
    const [top, left] = [unary('floor', y), unary('floor', x)];
    const [bottom, right] = [unary('ceil', y), unary('ceil', x)];
    const line = (at: Expr): Expr => blend(read(at, left), read(at, right), sub(x, left));
    const found = mode === 'nearest' ? read(nearest(y), nearest(x)) : blend(line(top), line(bottom), sub(y, top));
    const outside = constant(extrapolation_value, wide);
    const value = cast(select(and(onPicture(y, height!), onPicture(x, width!)), found, outside), X.dtype);
    const fits: readonly (readonly [Expr, Expr])[] = [
      [rois.shape[0]!, batch_indices.shape[0]!],
      [rois.shape[1]!, int(4)],
    ];
    return agreeing(fits, checked(within(picture, X.shape[0]!), value));
  },
});

const lowest = (dtype: Buffer['dtype']): Expr =>
  isFloat(dtype) ? constant(-3.4028234663852886e38, dtype) : constant(integerRange(dtype).min, dtype);

const maskAxis = (mask: Expr, at: Expr): Expr => select(simplify(eq(mask, int(1))), int(0), at);

/**
 * The largest element of each window, read row by row: a row ends at the first element whose mask is zero. Of a picture
 * with several axes the very first element counts whatever its mask, as in ONNX Runtime.
 */
export const MaxpoolWithMask = op('MaxpoolWithMask', {
  domain,
  inputs: ['X', 'M'],
  attributes: {
    auto_pad: stringAttribute('NOTSET', ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID', '']),
    kernel_shape: requiredInts,
    pads: optionalInts,
    storage_order: intAttribute(0, [0, 1]),
    strides: optionalInts,
  },
  types: { X: typeSet('T', ['float32']), M: typeSet('M', ['int32']) },
  type: ({ X, M }, attributes, context) => {
    if (M.rank !== X.rank) context.fail(`M has rank ${M.rank} and X has rank ${X.rank}; they must be equal.`);
    const wrong = M.shape.findIndex(
      (extent, axis) => differ(extent, X.shape[axis]!) && (axis > 1 || constantOf(extent) !== 1),
    );
    if (wrong >= 0) context.fail(`axis ${wrong} of M must be as long as that of X${wrong < 2 ? ', or 1' : ''}.`);
    return tensorOf(X.dtype, pooledShape(X, attributes, context));
  },
  kernel: ({ X, M }, [Y], attributes) => {
    const kernels = attributes.kernel_shape.map(int);
    const windows = windowAxes(X.shape.slice(2), kernels, attributes);
    const index = Y!.shape.map((extent, axis) => indexVar(`o${axis}`, extent));
    const taps = kernels.map((extent, axis) => indexVar(`k${axis}`, extent));
    const positions = windows.map((window, axis) => positionOf(window, index[axis + 2]!, taps[axis]!));
    const best: Buffer = { name: 'best', dtype: X.dtype, shape: [], memory: 'register' };
    const going: Buffer = { name: 'going', dtype: 'bool', shape: [], memory: 'register' };
    const x = load(X, [index[0]!, index[1]!, ...positions]);
    const mask = load(M, [maskAxis(M.shape[0]!, index[0]!), maskAxis(M.shape[1]!, index[1]!), ...positions]);
    const isFirst = windows.length > 1 ? eq(flatten(positions, X.shape.slice(2)), int(0)) : bool(false);
    const counts = select(isFirst, bool(true), ne(mask, constant(0, M.dtype)));
    const take = ifThen(counts, ifThen(lt(load(best, []), x), store(best, [], x)), store(going, [], bool(false)));
    const turn = ifThen(insideInput(windows, positions), ifThen(load(going, []), take));
    const row = block([store(going, [], bool(true)), loop(taps.at(-1)!, turn)]);
    const window = block([
      store(best, [], lowest(X.dtype)),
      loops(taps.slice(0, -1), allocate(going, row)),
      store(Y!, index, load(best, [])),
    ]);
    const outer = [0, 1].map((axis) => {
      const [own, other] = [M.shape[axis]!, X.shape[axis]!];
      return checkAgreeing([[select(eq(own, int(1)), other, own), other]]);
    });
    const spatial = checkAgreeing(pairsOf(M.shape.slice(2), X.shape.slice(2)));
    return block([...outer, spatial, loops(index, allocate(best, window))]);
  },
});
