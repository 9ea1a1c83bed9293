// One axis of a Resize: its sizes, its scale, and where in the input an output position lies.

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  binary,
  cast,
  constant,
  constantOf,
  div,
  float,
  int,
  lt,
  mul,
  select,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import type { Operand, TypeContext } from './define.ts';
import { numbersOf, sizesOf } from './elements.ts';

export const coordinateModes = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
  'tf_half_pixel_for_nn',
  'tf_crop_and_resize',
] as const;

export interface ResizeInputs {
  readonly X: Operand;
  readonly roi: Operand | undefined;
  readonly scales: Operand | undefined;
  readonly sizes: Operand | undefined;
}

export interface ResizeAttributes {
  readonly axes: readonly number[] | undefined;
  readonly coordinate_transformation_mode: string;
  readonly keep_aspect_ratio_policy: string;
}

export interface ResizeAxis {
  readonly axis: number;
  readonly input: Expr;
  /** Undefined where scales are only known at run time: then the model's declared size counts. */
  readonly output: Expr | undefined;
  /** float32 */
  readonly scale: Expr;
  /** input * scale before it was rounded down, where scales were given. */
  readonly length: Expr | undefined;
  /** The part of the input that tf_crop_and_resize looks at, from 0 to 1. */
  readonly region: { readonly start: Expr; readonly end: Expr } | undefined;
}

/** Early opsets pass an empty tensor for an operand that is absent. */
export const present = (operand: Operand | undefined): Operand | undefined =>
  operand && constantOf(operand.shape[0] ?? int(0)) !== 0 ? operand : undefined;

const real = (size: Expr, dtype: DType = 'float32'): Expr => cast(size, dtype);

/** floor(input * scale), as whole arithmetic where the scale allows it. */
function scaledSize(input: Expr, scale: Expr): Expr {
  const known = constantOf(scale);
  if (known !== undefined && Number.isInteger(known)) return simplify(mul(input, int(known)));
  if (known !== undefined && Number.isInteger(1 / known)) return simplify(div(input, int(1 / known)));
  return simplify(cast(unary('floor', mul(real(input), scale)), 'index'));
}

/** The axes that are resized, in the order in which roi, scales and sizes list them. */
export function resizeAxes(
  inputs: ResizeInputs,
  attributes: ResizeAttributes,
  fail: TypeContext['fail'],
): readonly ResizeAxis[] {
  const { X } = inputs;
  const scales = present(inputs.scales);
  const sizes = present(inputs.sizes);
  const named = attributes.axes ?? X.shape.map((_, axis) => axis);
  const axes = named.map((axis) => (axis < 0 ? axis + X.rank : axis));
  if (axes.some((axis) => axis < 0 || axis >= X.rank)) fail(`axes ${named.join(', ')} exceed rank ${X.rank} of X.`);
  if (!scales && !sizes) fail('needs scales or sizes.');
  const count = constantOf((scales ?? sizes)!.shape[0]!);
  if (count !== axes.length) {
    fail(`${scales ? 'scales' : 'sizes'} has ${count ?? '?'} entries; expected ${axes.length}, one for each axis.`);
  }
  const found = scales ? axesByScale(X, axes, scales, fail) : axesBySize(X, axes, sizes!, attributes);
  if (attributes.coordinate_transformation_mode !== 'tf_crop_and_resize') return found;
  const roi = present(inputs.roi) ?? fail('tf_crop_and_resize needs roi.');
  if (constantOf(roi.shape[0]!) !== 2 * axes.length)
    fail(`roi must have ${2 * axes.length} entries, two for each axis.`);
  const at = (position: number): Expr => cast(roi.at(int(position)), 'float32');
  return found.map((axis, i) => ({ ...axis, region: { start: at(i), end: at(i + axes.length) } }));
}

function axesByScale(
  X: Operand,
  axes: readonly number[],
  scales: Operand,
  fail: TypeContext['fail'],
): readonly ResizeAxis[] {
  const known = numbersOf(scales);
  if (known?.some((scale) => !(scale > 0 && scale < Number.POSITIVE_INFINITY))) {
    fail(`scales are ${known.join(', ')}; expected positive ones.`);
  }
  return axes.map((axis, i) => {
    const input = X.shape[axis]!;
    const scale = cast(known ? float(known[i]!) : scales.at(int(i)), 'float32');
    const length = mul(real(input), scale);
    return { axis, input, output: known && scaledSize(input, scale), scale, length, region: undefined };
  });
}

const unscaled = { length: undefined, region: undefined };

function axesBySize(
  X: Operand,
  axes: readonly number[],
  sizes: Operand,
  { keep_aspect_ratio_policy }: ResizeAttributes,
): readonly ResizeAxis[] {
  const wanted = sizesOf(sizes);
  const keep = keep_aspect_ratio_policy !== 'stretch';
  if (!wanted) {
    const scale = float(0);
    return axes.map((axis) => ({ axis, input: X.shape[axis]!, output: undefined, scale, ...unscaled }));
  }
  const ratio = (axis: number, i: number, dtype: DType): Expr =>
    div(real(wanted[i]!, dtype), real(X.shape[axis]!, dtype));
  if (!keep) {
    return axes.map((axis, i) => {
      const input = X.shape[axis]!;
      return { axis, input, output: wanted[i]!, scale: exactRatio(wanted[i]!, input), ...unscaled };
    });
  }
  const op = keep_aspect_ratio_policy === 'not_larger' ? 'min' : 'max';
  const scale = axes.map((axis, i) => ratio(axis, i, 'float64')).reduce((a, b) => binary(op, a, b));
  return axes.map((axis) => {
    const input = X.shape[axis]!;
    const single = cast(scale, 'float32');
    const rounded = unary('floor', add(mul(scale, real(input, 'float64')), constant(0.5, 'float64')));
    const output = simplify(cast(rounded, 'index'));
    return { axis, input, output, scale: single, length: mul(real(input), single), region: undefined };
  });
}

/** output / input, a constant where symbols cancel. */
export function exactRatio(output: Expr, input: Expr): Expr {
  const whole = constantOf(simplify(div(output, input)));
  if (whole !== undefined && whole > 0 && sameSize(output, mul(input, int(whole)))) return float(whole);
  const part = constantOf(simplify(div(input, output)));
  if (part !== undefined && part > 0 && sameSize(input, mul(output, int(part)))) return float(1 / part);
  return div(real(output), real(input));
}

const half = float(0.5);

/** Where an output position lies in the input, as float32 (ONNX Resize, coordinate_transformation_mode). */
export function sourceCoordinate(axis: ResizeAxis, output: Expr, position: Expr, mode: string): Expr {
  const { input, scale, region } = axis;
  const length = axis.length ?? real(output);
  const x = real(position);
  const last = real(sub(input, int(1)));
  const isSingle = simplify(lt(output, int(2)));
  const halfPixel = sub(div(add(x, half), scale), half);
  const stretched = (extent: Expr): Expr => div(mul(x, extent), sub(length, float(1)));
  switch (mode) {
    case 'align_corners':
      return select(isSingle, float(0), stretched(last));
    case 'asymmetric':
      return div(x, scale);
    case 'tf_half_pixel_for_nn':
      return div(add(x, half), scale);
    case 'pytorch_half_pixel':
      return select(isSingle, float(0), halfPixel);
    case 'half_pixel_symmetric': {
      // The output is centered on the input, although its size was rounded down.
      const adjustment = div(real(output), length);
      const offset = mul(div(real(input), float(2)), sub(float(1), adjustment));
      return add(offset, halfPixel);
    }
    case 'tf_crop_and_resize': {
      const { start, end } = region!;
      const middle = mul(mul(half, add(start, end)), last);
      return select(isSingle, middle, add(mul(start, last), stretched(mul(sub(end, start), last))));
    }
    default:
      return halfPixel;
  }
}
