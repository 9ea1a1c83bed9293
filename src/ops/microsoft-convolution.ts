// Convolutions of ONNX Runtime's own domain: NhwcConv and NhwcFusedConv, whose channels come last, and
// ConvTransposeWithDynamicPads, whose padding is an input.

import type { Expr } from '../../ir/expr.ts';
import { constantOf, int, mul, sub } from '../../ir/expr-make.ts';
import type { TensorType } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, optionalFloats, optionalInts, optionalString, stringAttribute } from './attributes.ts';
import { tensorTypeOf } from './compose.ts';
import { checkSpread, type SpreadAxis, spreadAxes, spreadSum } from './conv-transpose.ts';
import { Conv, type ConvolutionAttributes, convolutionAttributes, convolutionType } from './convolution.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { numbersOf } from './elements.ts';
import { activations, FusedConv } from './fused-conv.ts';
import { moveChannels } from './microsoft-movement.ts';
import { listed, runTimeShape, sizeAt } from './run-time-operands.ts';
import { anyFloat, sizeType, tensorOf } from './types.ts';

const domain = 'com.microsoft';

const channelsFirst = <T>(list: readonly T[]): readonly T[] => [list[0]!, list.at(-1)!, ...list.slice(1, -1)];
const channelsLast = <T>(list: readonly T[]): readonly T[] => [list[0]!, ...list.slice(2), list[1]!];
const reordered = (operand: Operand): Operand => ({ ...operand, shape: channelsFirst(operand.shape) });

interface WeightAttributes {
  readonly group: number;
  readonly kernel_shape: readonly number[] | undefined;
}

/**
 * Whether the weights are [M, kernel…, C / group], as exporters write them for NhwcConv, and not [M, C / group,
 * kernel…], as its documentation has them. Where both fit it is the former.
 */
function weightsAreChannelsLast(
  X: readonly Expr[],
  W: readonly Expr[],
  { group, kernel_shape }: WeightAttributes,
): boolean {
  const channels = constantOf(X.at(-1)!);
  const depth = constantOf(W.at(-1)!);
  if (channels !== undefined && depth !== undefined && depth * group !== channels) return false;
  return (kernel_shape ?? []).every((size, axis) => (constantOf(W[axis + 1]!) ?? size) === size);
}

function nhwcType(X: Operand, W: Operand, attributes: ConvolutionAttributes, context: TypeContext): TensorType {
  if (X.rank < 3) context.fail(`X has rank ${X.rank}; expected at least 3 (N, spatial axes, and C).`);
  const { shape, dtype } = convolutionType(reordered(X), W, attributes, context);
  return tensorOf(dtype, channelsLast(shape));
}

/** A Conv with the channels last. */
export const NhwcConv = op('NhwcConv', {
  domain,
  inputs: ['X', 'W', 'B?'],
  attributes: convolutionAttributes,
  types: { X: anyFloat, W: anyFloat, B: anyFloat },
  type: ({ X, W }, attributes, context) => {
    const last = W.rank >= 3 && X.rank >= 3 && weightsAreChannelsLast(X.shape, W.shape, attributes);
    return nhwcType(X, last ? reordered(W) : W, attributes, context);
  },
  expand: ({ X, W, B }, attributes, g) => {
    const last = weightsAreChannelsLast(tensorTypeOf(X).shape, tensorTypeOf(W).shape, attributes);
    const weights = last ? moveChannels(g, W, true) : W;
    return moveChannels(g, g.apply(Conv, [moveChannels(g, X, true), weights, B], attributes), false);
  },
});

/** A FusedConv with the channels last; the weights are [M, C / group, kernel…]. */
export const NhwcFusedConv = op('NhwcFusedConv', {
  domain,
  inputs: ['X', 'W', 'B?', 'Z?'],
  attributes: { ...convolutionAttributes, activation: optionalString, activation_params: optionalFloats },
  types: { X: anyFloat, W: anyFloat, B: anyFloat, Z: anyFloat },
  type: ({ X, W }, attributes, context) => {
    const { activation } = attributes;
    if (activation && !activations[activation]) {
      context.fail(`activation is ${activation}; legal are ${Object.keys(activations).join(', ')}.`);
    }
    return nhwcType(X, W, attributes, context);
  },
  expand: ({ X, W, B, Z }, attributes, g) => {
    const operands = [moveChannels(g, X, true), W, B, Z && moveChannels(g, Z, true)];
    return moveChannels(g, g.apply(FusedConv, operands, attributes), false);
  },
});

const dynamicAttributes = {
  auto_pad: stringAttribute('NOTSET', ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID', '']),
  dilations: optionalInts,
  group: intAttribute(1),
  kernel_shape: optionalInts,
  output_padding: optionalInts,
  strides: optionalInts,
};

interface DynamicAttributes {
  readonly auto_pad: string;
  readonly dilations: readonly number[] | undefined;
  readonly output_padding: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
}

/** The axes where the padding is known, or decided by auto_pad; else those without padding, and false. */
function dynamicAxes(
  X: Operand,
  W: Operand,
  Pads: Operand | undefined,
  attributes: DynamicAttributes,
  fail?: TypeContext['fail'],
): { readonly axes: readonly SpreadAxis[]; readonly known: boolean } {
  const pads = numbersOf(Pads);
  const known = !Pads || pads !== undefined || !['NOTSET', ''].includes(attributes.auto_pad);
  const axes = spreadAxes(X.shape.slice(2), W.shape.slice(2), { ...attributes, pads, output_shape: undefined }, fail);
  return { axes, known };
}

/** ConvTranspose with the padding as an input. */
export const ConvTransposeWithDynamicPads = op('ConvTransposeWithDynamicPads', {
  domain,
  inputs: ['X', 'W', 'Pads?', 'B?'],
  attributes: dynamicAttributes,
  types: { X: anyFloat, W: anyFloat, Pads: sizeType, B: anyFloat },
  type: ({ X, W, Pads, B }, attributes, context) => {
    checkSpread(X, W, B, attributes.group, context);
    const { axes, known } = dynamicAxes(X, W, Pads, attributes, (rule) => context.fail(rule));
    const whole = axes.map(({ output }) => output);
    const cut = (pads: readonly Expr[]): readonly Expr[] =>
      whole.map((size, axis) => sub(sub(size, pads[axis]!), pads[axis + whole.length]!));
    if (!known && (constantOf(Pads!.shape[0] ?? int(0)) ?? -1) !== 2 * whole.length) {
      context.fail(`Pads must have ${2 * whole.length} entries, two for each spatial axis.`);
    }
    const spatial = known ? whole : runTimeShape(context, 'Pads', cut(listed(Pads!, context, 'Pads')), whole);
    return tensorOf(X.dtype, [X.shape[0]!, mul(W.shape[1]!, int(attributes.group)), ...spatial]);
  },
  compute: ({ X, W, Pads, B }, attributes, index) => {
    const { axes, known } = dynamicAxes(X, W, Pads, attributes);
    const padded = known ? axes : axes.map((axis, i) => ({ ...axis, padBegin: simplify(sizeAt(Pads!, int(i))) }));
    return spreadSum(X, W, B, attributes.group, padded, index);
  },
});
