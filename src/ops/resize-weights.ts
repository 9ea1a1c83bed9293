// The taps of one axis of an interpolation: which input positions count, and by how much.

import type { Expr, Var } from '../../ir/expr.ts';
import {
  add,
  cast,
  constantOf,
  div,
  float,
  indexVar,
  int,
  le,
  lt,
  max,
  min,
  mul,
  reduce,
  select,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { clamp, within } from './run-time-operands.ts';

export interface Interpolation {
  readonly mode: string;
  readonly cubicA: number;
  /** Taps outside of the input count nothing, and the others more. */
  readonly excludeOutside: boolean;
}

export interface WeightedTap {
  readonly at: Expr;
  readonly weight: Expr;
}

/** a x³ + b x² + c x + d, by Horner's rule. */
const cubic = (x: Expr, a: number, b: number, c: number, d: number): Expr =>
  add(mul(add(mul(add(mul(float(a), x), float(b)), x), float(c)), x), float(d));

/** Keys' convolution kernel at a distance of at most 1, and of 1 to 2. */
const nearCubic = (x: Expr, a: number): Expr => cubic(x, a + 2, -(a + 3), 0, 1);
const farCubic = (x: Expr, a: number): Expr => cubic(x, a, -5 * a, 8 * a, -4 * a);

/** The weights of the taps floor(x), floor(x) + 1 (linear) or floor(x) - 1 … floor(x) + 2 (cubic). */
export function fixedWeights(fraction: Expr, { mode, cubicA }: Interpolation): readonly Expr[] {
  const rest = sub(float(1), fraction);
  if (mode === 'linear') return [rest, fraction];
  return [
    farCubic(add(fraction, float(1)), cubicA),
    nearCubic(fraction, cubicA),
    nearCubic(rest, cubicA),
    farCubic(add(rest, float(1)), cubicA),
  ];
}

/** Keeps a coordinate that data decides on a small number, whatever the data. */
export const tamed = (x: Expr, input: Expr): Expr => min(max(x, float(-8)), cast(add(input, int(8)), 'float32'));

/** Splits a coordinate into the position below it and the rest. */
function split(x: Expr): { readonly below: Expr; readonly fraction: Expr } {
  const floor = unary('floor', x);
  return { below: cast(floor, 'index'), fraction: sub(x, floor) };
}

const last = (input: Expr): Expr => simplify(sub(input, int(1)));

/** The taps of plain linear and cubic interpolation. Taps outside repeat the edge, or are left out. */
export function fixedTaps(x: Expr, input: Expr, interpolation: Interpolation): readonly WeightedTap[] {
  const { below, fraction } = split(x);
  const weights = fixedWeights(fraction, interpolation);
  const first = 1 - weights.length / 2;
  const raw = weights.map((weight, i) => ({ at: add(below, int(first + i)), weight }));
  const clamped = (at: Expr): Expr => clamp(at, int(0), last(input));
  if (!interpolation.excludeOutside) return raw.map(({ at, weight }) => ({ at: clamped(at), weight }));
  const kept = raw.map(({ at, weight }) => select(within(at, input), weight, float(0)));
  const total = kept.reduce(add);
  return raw.map(({ at }, i) => ({ at: clamped(at), weight: div(kept[i]!, total) }));
}

/** The kernel at a distance, already multiplied by the scale. */
function kernelAt(distance: Expr, { mode, cubicA }: Interpolation): Expr {
  const d = unary('abs', distance);
  if (mode === 'linear') return max(sub(float(1), d), float(0));
  const far = select(lt(d, float(2)), farCubic(d, cubicA), float(0));
  return select(le(d, float(1)), nearCubic(d, cubicA), far);
}

/**
 * Antialiased interpolation: where the image shrinks, the kernel is stretched by 1 / scale. `leastScale` bounds the
 * scale from below and so the number of taps from above; the kernel is zero where it needs fewer.
 * Gives the weighted mean of `read` over the taps.
 */
export function stretchedMean(
  x: Expr,
  input: Expr,
  scale: Expr,
  leastScale: Expr,
  interpolation: Interpolation,
  name: string,
  read: (at: Expr) => Expr,
): Expr {
  const { below, fraction } = split(x);
  const shrink = min(scale, float(1));
  const support = float(interpolation.mode === 'linear' ? 1 : 2);
  const reach = unary('floor', div(sub(float(0), support), min(leastScale, float(1))));
  const first = simplify(add(cast(reach, 'index'), int(1)));
  const extent = simplify(sub(int(2), mul(first, int(2))));
  const tap = (k: Var): WeightedTap => {
    const offset = add(k, first);
    const at = add(below, offset);
    const weight = kernelAt(mul(sub(cast(offset, 'float32'), fraction), shrink), interpolation);
    return {
      at: clamp(at, int(0), last(input)),
      weight: interpolation.excludeOutside ? select(within(at, input), weight, float(0)) : weight,
    };
  };
  const k = indexVar(`${name}k`, extent);
  const j = indexVar(`${name}j`, extent);
  const { at, weight } = tap(k);
  const value = read(at);
  const sum = reduce('sum', [k], mul(cast(weight, value.dtype), value));
  return div(sum, cast(reduce('sum', [j], tap(j).weight), value.dtype));
}

/** The nearest input position (ONNX Resize, nearest_mode). */
export function nearest(x: Expr, input: Expr, mode: string): Expr {
  const half = float(0.5);
  const rounded =
    mode === 'floor'
      ? unary('floor', x)
      : mode === 'ceil'
        ? unary('ceil', x)
        : mode === 'round_prefer_ceil'
          ? unary('floor', add(x, half))
          : unary('ceil', sub(x, half));
  return simplify(clamp(cast(rounded, 'index'), int(0), last(input)));
}

/** A whole factor by which an axis grows, if it does. */
export const wholeFactor = (scale: Expr): number | undefined => {
  const known = constantOf(scale);
  return known !== undefined && Number.isInteger(known) && known > 0 ? known : undefined;
};
