// Convolution of any rank: Conv, and ConvInteger, which differs only in what a factor is.
//   Y[n, o, y…] = sum over c, k… of X[n, g * Cg + c, y * stride + k * dilation - pad …] * W[o, c, k…]  + B[o]
// The padding is a Select around the read of X, for padded sides only: an unpadded Conv has the plain form.

import type { Expr, Var } from '../../ir/expr.ts';
import { add, cast, constant, constantOf, div, indexVar, int, mul, reduce, select, sub } from '../../ir/expr-make.ts';
import type { TensorType } from '../../ir/graph.ts';
import { accumulatorType } from './accumulate.ts';
import { intAttribute, optionalInts } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { agreeing } from './run-time-operands.ts';
import { anyFloat, scalarOf, tensorOf, typeSet } from './types.ts';
import {
  axesOf,
  insideInput,
  positionOf,
  taps,
  type WindowAttributes,
  windowAttributes,
  windowAxes,
} from './window.ts';

export const convolutionAttributes = { ...windowAttributes, group: intAttribute(1), kernel_shape: optionalInts };

export interface ConvolutionAttributes extends WindowAttributes {
  readonly group: number;
  readonly kernel_shape: readonly number[] | undefined;
}

/** Checks the operands and gives the output's type. */
export function convolutionType(
  X: Operand,
  W: Operand,
  attributes: ConvolutionAttributes,
  context: TypeContext,
): TensorType {
  const { group, kernel_shape } = attributes;
  if (X.rank < 3) context.fail(`X has rank ${X.rank}; expected at least 3 (N, C, and spatial axes).`);
  if (W.rank !== X.rank) context.fail(`W has rank ${W.rank} and X has rank ${X.rank}; they must be equal.`);
  const channels = constantOf(X.shape[1]!);
  const perGroup = constantOf(W.shape[1]!);
  const outputs = constantOf(W.shape[0]!);
  if (channels !== undefined && perGroup !== undefined && perGroup * group !== channels) {
    context.fail(`W expects ${perGroup * group} input channels, X has ${channels} (group = ${group}).`);
  }
  if (outputs !== undefined && outputs % group !== 0) {
    context.fail(`W has ${outputs} output channels; expected a multiple of group = ${group}.`);
  }
  const kernels = W.shape.slice(2);
  for (const [axis, size] of (kernel_shape ?? []).entries()) {
    const own = constantOf(kernels[axis] ?? int(-1));
    if (own !== undefined && own !== size) {
      context.fail(
        `kernel_shape is ${kernel_shape?.join(', ')}, but W has the kernel ${kernels.map(constantOf).join(', ')}.`,
      );
    }
  }
  const windows = windowAxes(X.shape.slice(2), kernels, attributes, (rule) => context.fail(rule));
  return tensorOf(X.dtype, [X.shape[0]!, W.shape[0]!, ...windows.map(({ output }) => output)]);
}

/** The input channel that a group's channel `c` is, without a division where the groups allow it. */
export function channelOf(o: Expr, c: Expr, perGroup: Expr, outputsPerGroup: Expr, group: number): Expr {
  if (group === 1) return c;
  const own = constantOf(outputsPerGroup) === 1 ? o : div(o, outputsPerGroup);
  return add(mul(own, perGroup), c);
}

/**
 * The sum of a convolution. `readX` and `readW` give the factors in the type of the sum; outside of the input the
 * first one is zero.
 */
export function convolutionSum(
  X: Operand,
  W: Operand,
  attributes: ConvolutionAttributes,
  index: readonly Expr[],
  readX: (...at: readonly Expr[]) => Expr,
  readW: (...at: readonly Expr[]) => Expr,
): Expr {
  const [n, o, ...outputs] = index;
  const { group } = attributes;
  const kernels = W.shape.slice(2);
  const windows = windowAxes(X.shape.slice(2), kernels, attributes);
  const list = taps(kernels, 'k');
  const perGroup = W.shape[1]!;
  const c: Var | undefined = constantOf(perGroup) === 1 ? undefined : indexVar('c', perGroup);
  const channel = channelOf(o!, c ?? int(0), perGroup, div(W.shape[0]!, int(group)), group);
  const positions = windows.map((window, axis) => positionOf(window, outputs[axis]!, list[axis]!.at));
  const x = readX(n!, channel, ...positions);
  const padded = select(insideInput(windows, positions), x, constant(0, x.dtype));
  const weight = readW(o!, c ?? int(0), ...list.map(({ at }) => at));
  const produced = W.shape[0]!;
  const whole = mul(div(produced, int(group)), int(group));
  const factor = agreeing(
    [
      [X.shape[1]!, mul(perGroup, int(group))],
      [produced, whole],
    ],
    padded,
  );
  return reduce('sum', [...(c ? [c] : []), ...axesOf(list)], mul(factor, weight));
}

export const Conv = op('Conv', {
  inputs: ['X', 'W', 'B?'],
  attributes: convolutionAttributes,
  types: { X: anyFloat, W: anyFloat, B: anyFloat },
  since: 22,
  type: ({ X, W, B }, attributes, context) => {
    const bias = B && constantOf(B.shape[0] ?? int(-1));
    const outputs = constantOf(W.shape[0] ?? int(-1));
    if (B && (B.rank !== 1 || (bias !== undefined && outputs !== undefined && bias !== outputs))) {
      context.fail(`B has the shape [${B.shape.map(constantOf).join(', ')}]; expected [${outputs}].`);
    }
    return convolutionType(X, W, attributes, context);
  },
  compute: ({ X, W, B }, attributes, index) => {
    const wide = accumulatorType(X.dtype);
    const read =
      (operand: Operand) =>
      (...at: readonly Expr[]): Expr =>
        cast(operand.at(...at), wide);
    const sum = convolutionSum(X, W, attributes, index, read(X), read(W));
    return cast(B ? add(sum, cast(agreeing([[B.shape[0]!, W.shape[0]!]], B.at(index[1]!)), wide)) : sum, X.dtype);
  },
});

const byteTypes = (name: string) => typeSet(name, ['int8', 'uint8']);

/** A scale or zero point: one for the whole tensor, or one for each output channel. */
export const perChannel = (operand: Operand, channel: Expr, channels: Expr): Expr => {
  const single = operand.rank === 0 || constantOf(operand.shape[0]!) === 1;
  if (single) return operand.at(...operand.shape.map(() => int(0)));
  return agreeing([[operand.shape[0]!, channels]], operand.at(channel));
};

/** The type of such an operand. */
export function checkPerChannel(operand: Operand | undefined, name: string, W: Operand, context: TypeContext): void {
  if (!operand || operand.rank === 0) return;
  const count = constantOf(operand.shape[0]!);
  const channels = constantOf(W.shape[0] ?? int(0));
  if (operand.rank > 1) context.fail(`${name} has rank ${operand.rank}; expected a scalar or one value a channel.`);
  if (count !== undefined && channels !== undefined && count !== 1 && count !== channels) {
    context.fail(`${name} has ${count} entries; expected 1 or ${channels}, one for each output channel.`);
  }
}

/** Padding stands for the zero point, so it adds nothing. */
export const ConvInteger = op('ConvInteger', {
  inputs: ['x', 'w', 'x_zero_point?', 'w_zero_point?'],
  outputs: ['y'],
  attributes: convolutionAttributes,
  types: { x: byteTypes('T1'), w: byteTypes('T2'), x_zero_point: byteTypes('T1'), w_zero_point: byteTypes('T2') },
  since: 10,
  type: ({ x, w, x_zero_point, w_zero_point }, attributes, context) => {
    if (x_zero_point && x_zero_point.rank > 0 && constantOf(x_zero_point.shape[0]!) !== 1) {
      context.fail('x_zero_point has several entries; expected one for the whole tensor.');
    }
    checkPerChannel(w_zero_point, 'w_zero_point', w, context);
    return tensorOf('int32', convolutionType(x, w, attributes, context).shape);
  },
  compute: ({ x, w, x_zero_point, w_zero_point }, attributes, index) =>
    convolutionSum(
      x,
      w,
      attributes,
      index,
      (...at) => subtractZero(x, at, x_zero_point && scalarOf(x_zero_point)),
      (...at) => subtractZero(w, at, w_zero_point && perChannel(w_zero_point, index[1]!, w.shape[0]!)),
    ),
});

/** An element without its zero point, as int32. */
export function subtractZero(operand: Operand, at: readonly Expr[], zero: Expr | undefined): Expr {
  const value = cast(operand.at(...at), 'int32');
  return zero ? sub(value, cast(zero, 'int32')) : value;
}
