// Resize of any number of axes: nearest, linear and cubic, with all their options; and Upsample, its old name.
// An axis that keeps its size is left alone, and whole factors of nearest resizing are plain index arithmetic.

import { isFloat } from '../../ir/dtype.ts';
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
  lt,
  mul,
  or,
  select,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import { floatAttribute, intAttribute, optionalInts, stringAttribute } from './attributes.ts';
import { type OldNode, type Operand, op } from './define.ts';
import { isNumbers, withAttributes, without } from './legacy.ts';
import {
  coordinateModes,
  exactRatio,
  present,
  type ResizeAttributes,
  type ResizeAxis,
  type ResizeInputs,
  resizeAxes,
  sourceCoordinate,
} from './resize-axes.ts';
import {
  fixedTaps,
  type Interpolation,
  nearest,
  stretchedMean,
  tamed,
  type WeightedTap,
  wholeFactor,
} from './resize-weights.ts';
import { checked, declaredShape } from './run-time-operands.ts';
import { anyType, floatTypes, sizeType, tensorOf, typeSet } from './types.ts';

interface Attributes extends ResizeAttributes {
  readonly antialias: number;
  readonly cubic_coeff_a: number;
  readonly exclude_outside: number;
  readonly extrapolation_value: number;
  readonly mode: string;
  readonly nearest_mode: string;
}

const alreadyChecked = (rule: string): never => {
  throw new RangeError(rule);
};

/** The input position of an axis of nearest resizing, without floats where the factor is a whole number. */
function nearestPosition(axis: ResizeAxis, output: Expr, own: Expr, attributes: Attributes): Expr {
  const { coordinate_transformation_mode: mode, nearest_mode } = attributes;
  const factor = wholeFactor(axis.scale);
  const shrink = constantOf(axis.scale);
  const rounds = nearest_mode.startsWith('round');
  const centered = mode === 'half_pixel' || mode === 'half_pixel_symmetric' || mode === 'pytorch_half_pixel';
  if (factor !== undefined && sameSize(output, mul(axis.input, int(factor)))) {
    // floor(x / f), and round((x + 0.5) / f - 0.5), which never meets a half for whole f.
    const floors = nearest_mode === 'floor' && (mode === 'asymmetric' || mode === 'tf_half_pixel_for_nn');
    if (floors || (centered && rounds)) return simplify(div(own, int(factor)));
  }
  if (shrink !== undefined && Number.isInteger(1 / shrink) && mode === 'asymmetric') {
    return simplify(mul(own, int(1 / shrink)));
  }
  return nearest(sourceCoordinate(axis, output, own, mode), axis.input, nearest_mode);
}

/** How one axis contributes: a few taps that are written out, or the mean over many. */
type AxisRule = { readonly axis: number } & (
  | { readonly taps: readonly WeightedTap[] }
  | { readonly mean: (read: (at: Expr) => Expr) => Expr }
);

function axisRule(axis: ResizeAxis, output: Expr, own: Expr, attributes: Attributes): AxisRule {
  const interpolation: Interpolation = {
    mode: attributes.mode,
    cubicA: attributes.cubic_coeff_a,
    excludeOutside: attributes.exclude_outside === 1,
  };
  const place = sourceCoordinate(axis, output, own, attributes.coordinate_transformation_mode);
  const scale = constantOf(axis.scale);
  const x = scale === undefined || axis.region ? tamed(place, axis.input) : place;
  if (attributes.antialias === 1 && (scale ?? 0) < 1) {
    const least = scale === undefined ? exactRatio(output, axis.input) : axis.scale;
    const name = `a${axis.axis}`;
    const mean = (read: (at: Expr) => Expr): Expr =>
      stretchedMean(x, axis.input, axis.scale, least, interpolation, name, read);
    return { axis: axis.axis, mean };
  }
  return { axis: axis.axis, taps: fixedTaps(x, axis.input, interpolation) };
}

/** One axis after the other, the first outermost: the mean over its taps of what the later axes give. */
function interpolate(X: Operand, rules: readonly AxisRule[], index: readonly Expr[]): Expr {
  const [rule, ...rest] = rules;
  const wide = X.dtype === 'float64' ? 'float64' : 'float32';
  if (!rule) return cast(X.at(...index), wide);
  const read = (at: Expr): Expr => {
    const moved = index.map((own, position) => (position === rule.axis ? at : own));
    return interpolate(X, rest, moved);
  };
  if ('mean' in rule) return rule.mean(read);
  return rule.taps.map(({ at, weight }) => mul(cast(weight, wide), read(at))).reduce(add);
}

/** An integer result: the interpolation cut off, or rounded where many taps were averaged. */
function toElement(value: Expr, X: Operand, antialias: boolean): Expr {
  if (isFloat(X.dtype) || !antialias) return cast(value, X.dtype);
  return cast(unary('floor', add(value, constant(0.5, value.dtype))), X.dtype);
}

/** Axes with what they lack filled in: sizes and scales that only the declared output tells. */
function resolvedAxes(inputs: ResizeInputs, attributes: Attributes, outputs: readonly Expr[]): readonly ResizeAxis[] {
  const bySize = !present(inputs.scales);
  return resizeAxes(inputs, attributes, alreadyChecked)
    .map((axis) => {
      const scale = bySize && !axis.output ? exactRatio(outputs[axis.axis]!, axis.input) : axis.scale;
      return { ...axis, scale };
    })
    .filter((axis) => {
      const same = sameSize(outputs[axis.axis]!, axis.input);
      if (same && isBatch(axis.axis, inputs.X, attributes)) return false;
      return !same || constantOf(axis.scale) !== 1 || axis.region !== undefined;
    });
}

/** Interpolation leaves N and C alone if they keep their size, whatever roi says of them; so does ONNX Runtime. */
const isBatch = (axis: number, X: Operand, { mode, axes }: Attributes): boolean =>
  axis < 2 && X.rank >= 4 && mode !== 'nearest' && axes === undefined;

/** tf_crop_and_resize: outside of the input the value is a constant. */
function extrapolated(
  value: Expr,
  axes: readonly ResizeAxis[],
  outputs: readonly Expr[],
  index: readonly Expr[],
  attributes: Attributes,
): Expr {
  const outside = axes
    .filter(({ region }) => region !== undefined)
    .map((axis) => {
      const x = sourceCoordinate(axis, outputs[axis.axis]!, index[axis.axis]!, 'tf_crop_and_resize');
      return or(lt(x, float(0)), lt(cast(sub(axis.input, int(1)), 'float32'), x));
    });
  if (outside.length === 0) return value;
  const fill = cast(constant(attributes.extrapolation_value, 'float32'), value.dtype);
  return select(outside.reduce(or), fill, value);
}

export const Resize = op('Resize', {
  inputs: ['X', 'roi?', 'scales?', 'sizes?'],
  attributes: {
    antialias: intAttribute(0, [0, 1]),
    axes: optionalInts,
    coordinate_transformation_mode: stringAttribute('half_pixel', coordinateModes),
    cubic_coeff_a: floatAttribute(-0.75),
    exclude_outside: intAttribute(0, [0, 1]),
    extrapolation_value: floatAttribute(0),
    keep_aspect_ratio_policy: stringAttribute('stretch', ['stretch', 'not_larger', 'not_smaller']),
    mode: stringAttribute('nearest', ['nearest', 'linear', 'cubic']),
    nearest_mode: stringAttribute('round_prefer_floor', ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']),
  },
  types: {
    X: anyType,
    roi: typeSet('T2', floatTypes),
    scales: typeSet('tensor(float)', ['float32']),
    sizes: sizeType,
  },
  since: 19,
  upgrade: (node, opset) => (opset < 11 ? floorResize(node, node.inputs[0], node.inputs[1]) : node),
  type: (inputs, attributes, context) => {
    const { X } = inputs;
    const axes = resizeAxes(inputs, attributes, (rule) => context.fail(rule));
    const known = axes.every(({ output }) => output !== undefined);
    const declared = known ? X.shape : declaredShape(context, inputs.scales ? 'scales' : 'sizes');
    if (declared.length !== X.rank) context.fail(`declares rank ${declared.length}; X has rank ${X.rank}.`);
    const shape = declared.map((extent, axis) => axes.find((own) => own.axis === axis)?.output ?? extent);
    return tensorOf(X.dtype, shape);
  },
  compute: (inputs, attributes, index, { types }) => {
    const outputs = types[0]!.shape;
    const axes = resolvedAxes(inputs, attributes, outputs);
    const some = present(inputs.scales)?.elements ? [] : axes.map(({ input }) => simplify(lt(int(0), input)));
    return checked(all(some), resizedElement(inputs, attributes, axes, outputs, index));
  },
});

function resizedElement(
  { X }: ResizeInputs,
  attributes: Attributes,
  axes: readonly ResizeAxis[],
  outputs: readonly Expr[],
  index: readonly Expr[],
): Expr {
  if (attributes.mode === 'nearest') {
    const source = index.map((own, position) => {
      const axis = axes.find((candidate) => candidate.axis === position);
      return axis ? nearestPosition(axis, outputs[position]!, own, attributes) : own;
    });
    return extrapolated(X.at(...source), axes, outputs, index, attributes);
  }
  if (axes.length === 0) return X.at(...index);
  const rules = axes.map((axis) => axisRule(axis, outputs[axis.axis]!, index[axis.axis]!, attributes));
  const value = interpolate(X, rules, index);
  return extrapolated(toElement(value, X, attributes.antialias === 1), axes, outputs, index, attributes);
}

/** Resize of opset 10 and Upsample: coordinates divided by the scale, rounded down. */
function floorResize(node: OldNode, X: Value | undefined, scales: Value | undefined): OldNode {
  const mode = node.attributes.mode === 'bilinear' ? 'linear' : (node.attributes.mode ?? 'nearest');
  const plain = without(node, 'scales', 'height_scale', 'width_scale');
  return {
    ...withAttributes(plain, { mode, coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }),
    op: 'Resize',
    inputs: [X, undefined, scales],
  };
}

/** Becomes Resize at import, whatever the opset; scales were attributes before opset 9. */
export const Upsample = op('Upsample', {
  inputs: ['X', 'scales'],
  attributes: { mode: stringAttribute('nearest', ['nearest', 'linear', 'bilinear', 'cubic']) },
  types: { X: anyType, scales: typeSet('tensor(float)', ['float32']) },
  since: 10,
  until: { scales: 9, height_scale: 7, width_scale: 7 },
  upgrade: (node) => {
    const { scales, height_scale, width_scale } = node.attributes;
    const list = isNumbers(scales)
      ? scales
      : height_scale !== undefined && [1, 1, Number(height_scale), Number(width_scale)];
    return floorResize(node, node.inputs[0], list ? node.constant(list, 'float32') : node.inputs[1]);
  },
  type: ({ X }) => tensorOf(X.dtype, X.shape),
  expand: ({ X, scales }, { mode }, g) =>
    g.apply(Resize, [X, undefined, scales], {
      mode: mode === 'bilinear' ? 'linear' : mode,
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    }),
});
