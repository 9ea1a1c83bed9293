// Sampling at positions given by data: GridSample, and AffineGrid, which makes such positions.

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  all,
  cast,
  constant,
  constantOf,
  div,
  float,
  int,
  le,
  lt,
  max,
  min,
  mod,
  mul,
  select,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, stringAttribute } from './attributes.ts';
import { type Operand, op } from './define.ts';
import { sizesOf } from './elements.ts';
import { withAttributes } from './legacy.ts';
import { fixedWeights } from './resize-weights.ts';
import { agreeing, clamp, declaredShape, pairsOf, within } from './run-time-operands.ts';
import { anyFloat, anyType, floatTypes, sizeType, tensorOf, typeSet } from './types.ts';

interface Sampling {
  readonly aligned: boolean;
  readonly mode: string;
  readonly padding: string;
}

const last = (extent: Expr): Expr => simplify(sub(extent, int(1)));

/** From -1 … 1 to positions of the input. */
function denormalize(x: Expr, extent: Expr, aligned: boolean): Expr {
  const half = constant(0.5, x.dtype);
  const ahead = add(x, constant(1, x.dtype));
  if (aligned) return mul(mul(ahead, half), cast(last(extent), x.dtype));
  return mul(sub(mul(ahead, cast(extent, x.dtype)), constant(1, x.dtype)), half);
}

/** Mirrors a coordinate into low … high, again and again. */
function reflect(x: Expr, low: Expr, high: Expr): Expr {
  const range = sub(high, low);
  const bounce = (distance: Expr, near: (rest: Expr) => Expr, far: (rest: Expr) => Expr): Expr => {
    const turns = unary('trunc', div(distance, range));
    const rest = sub(distance, mul(turns, range));
    const halves = mul(turns, constant(0.5, x.dtype));
    const isEven = le(sub(halves, unary('floor', halves)), constant(0.25, x.dtype));
    return select(isEven, near(rest), far(rest));
  };
  const fromLow = (rest: Expr): Expr => add(low, rest);
  const fromHigh = (rest: Expr): Expr => sub(high, rest);
  const below = bounce(sub(low, x), fromLow, fromHigh);
  const above = bounce(sub(x, high), fromHigh, fromLow);
  return select(lt(x, low), below, select(lt(high, x), above, x));
}

function reflectIndex(at: Expr, extent: Expr, aligned: boolean): Expr {
  const period = max(mul(aligned ? last(extent) : extent, int(2)), int(1));
  const rest = mod(at, period);
  const phase = select(lt(rest, int(0)), add(rest, period), rest);
  const mirrored = sub(aligned ? period : last(period), phase);
  return clamp(select(lt(phase, extent), phase, mirrored), int(0), last(extent));
}

/** Brings a coordinate back into the input where the padding mode says how. */
function intoInput(x: Expr, extent: Expr, { aligned, padding }: Sampling): Expr {
  const half = constant(0.5, x.dtype);
  const end = cast(last(extent), x.dtype);
  if (padding === 'border') return min(max(x, constant(0, x.dtype)), end);
  if (padding === 'reflection') {
    return aligned ? reflect(x, constant(0, x.dtype), end) : reflect(x, constant(-0.5, x.dtype), add(end, half));
  }
  return x;
}

interface AxisTap {
  readonly at: Expr;
  readonly inside: Expr;
  readonly weight: Expr | undefined;
}

function tapAt(at: Expr, extent: Expr, weight: Expr | undefined, { aligned, padding }: Sampling): AxisTap {
  if (padding === 'zeros') return { at, inside: within(at, extent), weight };
  const back = padding === 'border' ? clamp(at, int(0), last(extent)) : reflectIndex(at, extent, aligned);
  return { at: back, inside: simplify(lt(int(0), extent)), weight };
}

/** The taps of one axis for a normalized coordinate. */
function axisTaps(normalized: Expr, extent: Expr, sampling: Sampling): readonly AxisTap[] {
  const raw = denormalize(normalized, extent, sampling.aligned);
  // Cubic interpolation brings back its taps only, as PyTorch and ONNX Runtime do.
  const rounded = sampling.mode === 'nearest' ? unary('rint', raw) : raw;
  const x = sampling.mode === 'cubic' ? raw : intoInput(rounded, extent, sampling);
  // Whatever the data, positions stay small numbers.
  const tame = min(max(x, constant(-8, x.dtype)), cast(add(extent, int(8)), x.dtype));
  if (sampling.mode === 'nearest') return [tapAt(cast(tame, 'index'), extent, undefined, sampling)];
  const floor = unary('floor', tame);
  const fraction = cast(sub(tame, floor), 'float32');
  const weights = fixedWeights(fraction, { mode: sampling.mode, cubicA: -0.75, excludeOutside: false });
  const first = 1 - weights.length / 2;
  const below = cast(floor, 'index');
  return weights.map((weight, i) => tapAt(add(below, int(first + i)), extent, weight, sampling));
}

/** The weighted sum over the taps of every axis, the first axis outermost. */
function sumTaps(
  taps: readonly (readonly AxisTap[])[],
  chosen: readonly AxisTap[],
  read: (at: readonly Expr[]) => Expr,
  zero: Expr,
): Expr {
  const [axis, ...rest] = taps;
  if (!axis) {
    const inside = all(chosen.map((tap) => tap.inside));
    return select(inside, read(chosen.map(({ at }) => at)), zero);
  }
  const terms = axis.map((tap) => {
    const inner = sumTaps(rest, [...chosen, tap], read, zero);
    return tap.weight ? mul(cast(tap.weight, inner.dtype), inner) : inner;
  });
  return terms.reduce(add);
}

/** Y[n, c, p…] = X[n, c] at grid[n, p…], whose last axis lists the coordinates of the last spatial axis first. */
export const GridSample = op('GridSample', {
  inputs: ['X', 'grid'],
  attributes: {
    align_corners: intAttribute(0, [0, 1]),
    mode: stringAttribute('linear', ['linear', 'nearest', 'cubic']),
    padding_mode: stringAttribute('zeros', ['zeros', 'border', 'reflection']),
  },
  types: { X: anyType, grid: typeSet('T2', floatTypes) },
  since: 22,
  // Before opset 20 the modes were called bilinear and bicubic.
  upgrade: (node) => {
    const { mode } = node.attributes;
    return typeof mode === 'string' ? withAttributes(node, { mode: mode.replace(/^bi/, '') }) : node;
  },
  type: ({ X, grid }, _, context) => {
    if (X.rank < 3) context.fail(`X has rank ${X.rank}; expected at least 3 (N, C, and spatial axes).`);
    if (grid.rank !== X.rank) context.fail(`grid has rank ${grid.rank} and X has rank ${X.rank}; they must be equal.`);
    const coordinates = constantOf(grid.shape.at(-1)!);
    if (coordinates !== undefined && coordinates !== X.rank - 2) {
      context.fail(`grid has ${coordinates} coordinates a position; X has ${X.rank - 2} spatial axes.`);
    }
    return tensorOf(X.dtype, [X.shape[0]!, X.shape[1]!, ...grid.shape.slice(1, -1)]);
  },
  compute: ({ X, grid }, { align_corners, mode, padding_mode }, index) => {
    const [n, c, ...place] = index;
    const sampling: Sampling = { aligned: align_corners === 1, mode, padding: padding_mode };
    const spatial = X.shape.slice(2);
    const wide: DType = X.dtype === 'float64' ? 'float64' : 'float32';
    const taps = spatial.map((extent, axis) => {
      const fits: readonly (readonly [Expr, Expr])[] = [
        [grid.shape[0]!, X.shape[0]!],
        [grid.shape.at(-1)!, int(spatial.length)],
      ];
      const coordinate = agreeing(fits, grid.at(n!, ...place, int(spatial.length - 1 - axis)));
      return axisTaps(cast(coordinate, grid.dtype === 'float64' ? 'float64' : 'float32'), extent, sampling);
    });
    const own = mode === 'nearest' ? X.dtype : wide;
    const read = (at: readonly Expr[]): Expr => cast(X.at(n!, c!, ...at), own);
    return cast(sumTaps(taps, [], read, constant(0, own)), X.dtype);
  },
});

/** -1 … 1 over an axis: at the centers of its cells, or from corner to corner. */
function gridCoordinate(at: Expr, extent: Expr, aligned: boolean): Expr {
  const x = cast(at, 'float32');
  const length = cast(extent, 'float32');
  if (!aligned) return sub(div(add(mul(x, float(2)), float(1)), length), float(1));
  const stretched = sub(div(mul(x, float(2)), sub(length, float(1))), float(1));
  // A single cell is the far corner, as in ONNX Runtime.
  return select(simplify(lt(extent, int(2))), float(1), stretched);
}

/** grid[n, p…, k] = sum over j of theta[n, k, j] * (coordinates of p, 1)[j] */
export const AffineGrid = op('AffineGrid', {
  inputs: ['theta', 'size'],
  outputs: ['grid'],
  attributes: { align_corners: intAttribute(0, [0, 1]) },
  types: { theta: anyFloat, size: sizeType },
  since: 20,
  type: ({ theta, size }, _, context) => {
    const sizes = sizesOf(size);
    const rank = constantOf(theta.shape[1] ?? int(0)) ?? (sizes ? sizes.length - 2 : 0);
    const columns = constantOf(theta.shape[2] ?? int(0)) ?? rank + 1;
    if (theta.rank !== 3 || (rank !== 2 && rank !== 3) || columns !== rank + 1) {
      context.fail('theta must have the shape [N, 2, 3] or [N, 3, 4].');
    }
    if (sizes && sizes.length !== rank + 2) context.fail(`size has ${sizes.length} entries; expected ${rank + 2}.`);
    const spatial = sizes ? sizes.slice(2) : declaredShape(context, 'size').slice(1, -1);
    return tensorOf(theta.dtype, [theta.shape[0]!, ...spatial, int(rank)]);
  },
  compute: ({ theta }, { align_corners }, index, { types }) => {
    const [n, ...rest] = index;
    const place = rest.slice(0, -1);
    const k = rest.at(-1)!;
    const coordinates = place.map((at, axis) => gridCoordinate(at, types[0]!.shape[axis + 1]!, align_corners === 1));
    const term = (j: number): Expr => cast(entry(theta, n!, k, j, place.length), 'float32');
    const products = [...coordinates].reverse().map((coordinate, j) => mul(term(j), coordinate));
    return cast(add(products.reduce(add), term(place.length)), theta.dtype);
  },
});

/** An entry of a matrix whose size is checked by the run where it is not known. */
const entry = (theta: Operand, n: Expr, k: Expr, j: number, rank: number): Expr =>
  agreeing(pairsOf([int(rank), int(rank + 1)], theta.shape.slice(1)), theta.at(n, k, int(j)));
