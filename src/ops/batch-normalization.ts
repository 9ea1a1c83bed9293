// BatchNormalization. In training mode the statistics come from the batch, and the running ones move towards them.

import type { Expr, Var } from '../../ir/expr.ts';
import { add, cast, constant, div, indexVar, int, mul, product, reduce, sub, unary } from '../../ir/expr-make.ts';
import { accumulatorType } from './accumulate.ts';
import { floatAttribute, intAttribute } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { withAttributes, without } from './legacy.ts';
import { agreeing } from './run-time-operands.ts';
import { anyFloat, differ, floatTypes, tensorOf, typeSet } from './types.ts';

const parameters = typeSet('T1', floatTypes);
const statistics = typeSet('T2', floatTypes);

function checkStatistics(X: Operand, operand: Operand, name: string, context: TypeContext): void {
  const fits = operand.shape.every((extent, axis) => {
    const channels = X.shape[axis + 1];
    return channels !== undefined && !differ(extent, channels);
  });
  if (operand.rank === 0 || !fits) context.fail(`${name} must have one element for each channel of X (axis 1).`);
}

/** The mean of `term` over the batch and the positions, for the channel of `index`. */
function batchMean(X: Operand, index: readonly Expr[], rank: number, term: (x: Expr) => Expr): Expr {
  const axes: Var[] = [];
  const at = X.shape.map((extent, axis): Expr => {
    if (axis >= 1 && axis <= rank) return index[axis - 1]!;
    const variable = indexVar(`r${axis}`, extent);
    axes.push(variable);
    return variable;
  });
  const element = cast(X.at(...at), accumulatorType(X.dtype));
  const count = cast(product(axes.map((axis) => axis.extent!)), element.dtype);
  return div(reduce('sum', axes, term(element)), count);
}

/** The sizes of a parameter, which are those of the channels. */
const channelSizes = (X: Operand, parameter: Operand): readonly (readonly [Expr, Expr])[] =>
  X.rank === 1 ? [] : parameter.shape.map((size, axis) => [size, X.shape[axis + 1]!] as const);

/**
 * Y = (X - mean) / sqrt(variance + epsilon) * scale + B. Outputs 1 and 2 are the running mean and variance, 3 and 4 the
 * batch's own (opset 13 and before), all in training mode only. With `spatial` = 0 (opset 8 and before) every position
 * has parameters of its own: these have the rank of X less one.
 */
export const BatchNormalization = op('BatchNormalization', {
  inputs: ['X', 'scale', 'B', 'input_mean', 'input_var'],
  attributes: { epsilon: floatAttribute(1e-5), momentum: floatAttribute(0.9), training_mode: intAttribute(0, [0, 1]) },
  types: { X: anyFloat, scale: parameters, B: parameters, input_mean: statistics, input_var: statistics },
  outputs: ['Y', 'running_mean?', 'running_var?', 'saved_mean?', 'saved_var?'],
  since: 15,
  until: { consumed_inputs: 6, is_test: 7, spatial: 9 },
  upgrade: (node, opset) =>
    opset < 14
      ? withAttributes(without(node, 'consumed_inputs', 'is_test', 'spatial'), {
          training_mode: node.outputCount > 1 ? 1 : 0,
        })
      : node,
  type: ({ X, scale, B, input_mean, input_var }, { training_mode }, context) => {
    // A batch without a channel axis has one channel.
    if (X.rank < 1) context.fail('X must have at least rank 1, got a scalar.');
    const channels = X.rank === 1 ? [] : [scale, B, input_mean, input_var];
    for (const [position, operand] of channels.entries())
      checkStatistics(X, operand, ['scale', 'B', 'input_mean', 'input_var'][position]!, context);
    if (channels.some(({ rank }) => rank !== scale.rank)) context.fail('scale, B, mean and variance differ in rank.');
    if (!training_mode && context.outputs.slice(1).some((present) => present))
      context.fail('outputs other than Y exist only with training_mode = 1.');
    const Y = tensorOf(X.dtype, X.shape);
    const running = tensorOf(input_mean.dtype, input_mean.shape);
    return training_mode ? [Y, running, running, running, running] : Y;
  },
  compute: ({ X, scale, B, input_mean, input_var }, { epsilon, momentum, training_mode }, index, { output }) => {
    const wide = accumulatorType(X.dtype);
    // What has the shape of the channels is checked against them, X against nothing.
    const read = (operand: Operand, at: readonly Expr[]): Expr =>
      cast(operand === X ? X.at(...at) : agreeing(channelSizes(X, operand), operand.at(...at)), wide);
    const channel = output > 0 ? index : X.rank === 1 ? [int(0)] : index.slice(1, 1 + scale.rank);
    const rank = scale.rank;
    const mean = training_mode ? batchMean(X, channel, rank, (x) => x) : read(input_mean, channel);
    const variance = training_mode
      ? batchMean(X, channel, rank, (x) => mul(sub(x, mean), sub(x, mean)))
      : read(input_var, channel);
    if (output === 0) {
      const deviation = unary('sqrt', add(variance, constant(epsilon, wide)));
      const factor = div(read(scale, channel), deviation);
      return cast(add(mul(sub(read(X, index), mean), factor), read(B, channel)), X.dtype);
    }
    const own = output % 2 === 1 ? mean : variance;
    if (output > 2) return cast(own, input_mean.dtype);
    const old = read(output === 1 ? input_mean : input_var, index);
    const kept = constant(momentum, wide);
    return cast(add(mul(old, kept), mul(own, sub(constant(1, wide), kept))), input_mean.dtype);
  },
});
