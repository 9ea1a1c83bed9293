// ConvTranspose, in gather form: each output element sums what reaches it.
//   Y[n, o, y…] = sum over c, k… of X[n, g * Cg + c, q…] * W[g * Cg + c, o % Og, k…]  + B[o]
//   where q = (y + padBegin - k * dilation) / stride is whole and inside of the input
// Without dilation every stride-th tap reaches an element, from k = (y + padBegin) % stride on, so only those are summed.

import type { Expr, Var } from '../../ir/expr.ts';
import {
  add,
  all,
  and,
  cast,
  constant,
  constantOf,
  div,
  eq,
  indexVar,
  int,
  lt,
  max,
  mod,
  mul,
  reduce,
  select,
  sub,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { accumulatorType } from './accumulate.ts';
import { intAttribute, optionalInts } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { agreeing, within } from './run-time-operands.ts';
import { anyFloat, tensorOf } from './types.ts';
import { perAxis, reach, taps, windowAttributes } from './window.ts';

/** One axis of a transposed window: the input's axis is the one with strides between its elements. */
export interface SpreadAxis {
  readonly input: Expr;
  readonly stride: number;
  readonly dilation: number;
  readonly padBegin: Expr;
  readonly output: Expr;
}

/** Where tap k of output y reads, and when there is such a place. */
export function spreadPosition(axis: SpreadAxis, y: Expr, k: Expr): { readonly at: Expr; readonly present: Expr } {
  const ahead = simplify(sub(add(y, axis.padBegin), mul(k, int(axis.dilation))));
  const at = simplify(div(ahead, int(axis.stride)));
  const whole = eq(mod(ahead, int(axis.stride)), int(0));
  return { at, present: all([whole, within(at, axis.input)].map((condition) => simplify(condition))) };
}

/** The taps that one output element sums along an axis. */
interface SpreadTaps {
  readonly axis: Var | undefined;
  /** The tap's place in the kernel, the input element that it is multiplied by, and when both are there. */
  readonly tap: Expr;
  readonly at: Expr;
  readonly present: Expr;
}

function spreadTaps(axis: SpreadAxis, kernel: Expr, y: Expr, name: string): SpreadTaps {
  const { stride, dilation, padBegin, input } = axis;
  const size = constantOf(kernel);
  if (dilation !== 1 || size === undefined || stride === 1) {
    const { axis: own, at: tap } = taps([kernel], name)[0]!;
    return { axis: own, tap, ...spreadPosition(axis, y, tap) };
  }
  const count = Math.ceil(size / stride);
  const own = count === 1 ? undefined : indexVar(name, int(count));
  const ahead = add(y, padBegin);
  const turn = own ?? int(0);
  const tap = simplify(add(mod(ahead, int(stride)), mul(turn, int(stride))));
  const at = simplify(sub(div(ahead, int(stride)), turn));
  const present = and(simplify(lt(tap, kernel)), simplify(within(at, input)));
  return { axis: own, tap, at, present };
}

export interface SpreadAttributes {
  readonly auto_pad: string;
  readonly dilations: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
  readonly output_padding: readonly number[] | undefined;
  readonly output_shape: readonly number[] | undefined;
}

/** Output sizes and padding by the rules of ONNX ConvTranspose. */
export function spreadAxes(
  inputs: readonly Expr[],
  kernels: readonly Expr[],
  attributes: SpreadAttributes,
  fail: TypeContext['fail'] = alreadyChecked,
): readonly SpreadAxis[] {
  const count = inputs.length;
  const strides = perAxis(attributes.strides, count, 1, 'strides', fail);
  const dilations = perAxis(attributes.dilations, count, 1, 'dilations', fail);
  const pads = perAxis(attributes.pads, 2 * count, 0, 'pads', fail);
  const extra = perAxis(attributes.output_padding, count, 0, 'output_padding', fail);
  const wanted = wantedSizes(attributes, count, inputs, strides);
  return inputs.map((input, axis) => {
    const stride = strides[axis]!;
    const dilation = dilations[axis]!;
    const span = add(mul(sub(input, int(1)), int(stride)), reach(kernels[axis]!, dilation));
    const natural = add(span, int(extra[axis]!));
    const output = wanted?.[axis];
    if (!output) {
      const explicit = attributes.auto_pad !== 'VALID';
      const both = explicit ? pads[axis]! + pads[axis + count]! : 0;
      const padBegin = int(explicit ? pads[axis]! : 0);
      const left = simplify(sub(natural, int(both)));
      if ((constantOf(left) ?? 0) < 0)
        fail(`the pads cut more than the ${constantOf(natural)} elements of axis ${axis}.`);
      return { input, stride, dilation, padBegin, output: simplify(max(left, int(0))) };
    }
    const total = simplify(max(sub(natural, output), int(0)));
    const less = div(total, int(2));
    const padBegin = simplify(attributes.auto_pad === 'SAME_UPPER' ? less : sub(total, less));
    return { input, stride, dilation, padBegin, output };
  });
}

/** The sizes that output_shape or auto_pad ask for; models list them with or without N and C. */
function wantedSizes(
  { output_shape, auto_pad }: SpreadAttributes,
  count: number,
  inputs: readonly Expr[],
  strides: readonly number[],
): readonly Expr[] | undefined {
  if (output_shape && output_shape.length > 0) return output_shape.slice(-count).map(int);
  if (auto_pad === 'SAME_UPPER' || auto_pad === 'SAME_LOWER') {
    return inputs.map((input, axis) => simplify(mul(input, int(strides[axis]!))));
  }
  return undefined;
}

const alreadyChecked = (rule: string): never => {
  throw new RangeError(rule);
};

/** Refuses operands that no padding makes right. */
export function checkSpread(X: Operand, W: Operand, B: Operand | undefined, group: number, context: TypeContext): void {
  if (X.rank < 3) context.fail(`X has rank ${X.rank}; expected at least 3 (N, C, and spatial axes).`);
  if (W.rank !== X.rank) context.fail(`W has rank ${W.rank} and X has rank ${X.rank}; they must be equal.`);
  const channels = constantOf(X.shape[1]!);
  const expected = constantOf(W.shape[0]!);
  if (channels !== undefined && expected !== undefined && channels !== expected) {
    context.fail(`W expects ${expected} input channels, X has ${channels}.`);
  }
  if (channels !== undefined && channels % group !== 0) {
    context.fail(`X has ${channels} channels; expected a multiple of group = ${group}.`);
  }
  if (B && B.rank !== 1) context.fail(`B has rank ${B.rank}; expected 1.`);
}

/** One element: the sum of what reaches it, and the bias. */
export function spreadSum(
  X: Operand,
  W: Operand,
  B: Operand | undefined,
  group: number,
  axes: readonly SpreadAxis[],
  index: readonly Expr[],
): Expr {
  const [n, o, ...outputs] = index;
  const kernels = W.shape.slice(2);
  const perGroup = simplify(div(X.shape[1]!, int(group)));
  const outputsPerGroup = W.shape[1]!;
  const c = constantOf(perGroup) === 1 ? undefined : indexVar('c', perGroup);
  const own = group === 1 ? int(0) : constantOf(outputsPerGroup) === 1 ? o! : div(o!, outputsPerGroup);
  const channel = add(mul(own, perGroup), c ?? int(0));
  const outputChannel = group === 1 ? o! : constantOf(outputsPerGroup) === 1 ? int(0) : mod(o!, outputsPerGroup);
  const wide = accumulatorType(X.dtype);
  const places = axes.map((axis, i) => spreadTaps(axis, kernels[i]!, outputs[i]!, `k${i}`));
  const present = all(places.map((place) => place.present));
  const x = cast(X.at(n!, channel, ...places.map(({ at }) => at)), wide);
  const weight = cast(W.at(channel, outputChannel, ...places.map(({ tap }) => tap)), wide);
  const factor = agreeing([[X.shape[1]!, W.shape[0]!]], weight);
  const sum = reduce(
    'sum',
    [...(c ? [c] : []), ...places.flatMap(({ axis }) => axis ?? [])],
    select(present, mul(x, factor), constant(0, wide)),
  );
  return cast(
    B ? add(sum, cast(agreeing([[B.shape[0]!, mul(outputsPerGroup, int(group))]], B.at(o!)), wide)) : sum,
    X.dtype,
  );
}

export const ConvTranspose = op('ConvTranspose', {
  inputs: ['X', 'W', 'B?'],
  attributes: {
    ...windowAttributes,
    group: intAttribute(1),
    kernel_shape: optionalInts,
    output_padding: optionalInts,
    output_shape: optionalInts,
  },
  types: { X: anyFloat, W: anyFloat, B: anyFloat },
  since: 22,
  type: ({ X, W, B }, attributes, context) => {
    checkSpread(X, W, B, attributes.group, context);
    const axes = spreadAxes(X.shape.slice(2), W.shape.slice(2), attributes, (rule) => context.fail(rule));
    return tensorOf(X.dtype, [
      X.shape[0]!,
      mul(W.shape[1]!, int(attributes.group)),
      ...axes.map(({ output }) => output),
    ]);
  },
  compute: ({ X, W, B }, attributes, index) =>
    spreadSum(X, W, B, attributes.group, spreadAxes(X.shape.slice(2), W.shape.slice(2), attributes), index),
});
