// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss.

import { cast, constant, eq, failure, mul, neg, select } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { Div } from './arithmetic.ts';
import { optionalInt, stringAttribute } from './attributes.ts';
import { castTo, tensorTypeOf, widened } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { ReduceMean, ReduceSum } from './reductions.ts';
import { agreeing, pairsOf, within } from './run-time-operands.ts';
import { LogSoftmax } from './softmax.ts';
import { anyFloat, differ, indexType, tensorOf } from './types.ts';

/** Output 0: -weight[target] * input[target]; output 1: weight[target]. Both are 0 where the target is ignored. */
const Picked = op('Picked', {
  domain: 'lapidary',
  inputs: ['input', 'target', 'weight?'],
  attributes: { ignore_index: optionalInt },
  types: { input: anyFloat, target: indexType, weight: anyFloat },
  outputs: ['loss', 'weights'],
  type: ({ input, target }) => [tensorOf(input.dtype, target.shape), tensorOf(input.dtype, target.shape)],
  compute: ({ input, target, weight }, { ignore_index }, index, { output }) => {
    const label = target.at(...index);
    const position = cast(label, 'index');
    const [batch, ...rest] = index;
    const classes = input.shape[1]!;
    const factor = weight ? agreeing([[weight.shape[0]!, classes]], weight.at(position)) : constant(1, input.dtype);
    const value = output === 1 ? factor : mul(neg(input.at(batch!, position, ...rest)), factor);
    const others = input.shape.filter((_, axis) => axis !== 1);
    const fitting = agreeing(pairsOf(others, target.shape), value);
    const picked = select(within(position, classes), fitting, failure('index', input.dtype));
    if (ignore_index === undefined) return picked;
    return select(eq(label, constant(ignore_index, label.dtype)), constant(0, input.dtype), picked);
  },
});

const attributes = {
  ignore_index: optionalInt,
  reduction: stringAttribute('mean', ['none', 'sum', 'mean']),
};
interface LossAttributes {
  readonly ignore_index: number | undefined;
  readonly reduction: string;
}

function lossType(
  input: Operand,
  target: Operand,
  weight: Operand | undefined,
  { reduction }: LossAttributes,
  context: TypeContext,
) {
  if (input.rank < 2) context.fail(`the scores must have at least rank 2, got ${input.rank}.`);
  const expected = input.shape.filter((_, axis) => axis !== 1);
  if (target.rank !== expected.length || expected.some((extent, axis) => differ(extent, target.shape[axis]!)))
    context.fail('the labels must have the shape of the scores without axis 1.');
  if (weight && (weight.rank !== 1 || differ(weight.shape[0]!, input.shape[1]!)))
    context.fail('the weights must have one element for each class (axis 1 of the scores).');
  return tensorOf(input.dtype, reduction === 'none' ? target.shape : []);
}

/** The mean is weighted: the sum of the losses over the sum of their weights. */
function loss(g: Builder, input: Value, target: Value, weight: Value | undefined, given: LossAttributes): Value {
  const { ignore_index, reduction } = given;
  const picked = g.applyAll(Picked, [input, target, weight], { ignore_index });
  const sum = (value: Value): Value => g.apply(ReduceSum, [value], { keepdims: 0 });
  if (reduction === 'none') return picked[0]!;
  if (reduction === 'sum') return sum(picked[0]!);
  if (!weight && ignore_index === undefined) return g.apply(ReduceMean, [picked[0]!], { keepdims: 0 });
  return g.apply(Div, [sum(picked[0]!), sum(picked[1]!)]);
}

export const NegativeLogLikelihoodLoss = op('NegativeLogLikelihoodLoss', {
  inputs: ['input', 'target', 'weight?'],
  attributes,
  types: { input: anyFloat, target: indexType, weight: anyFloat },
  outputs: ['loss'],
  since: 22,
  type: ({ input, target, weight }, given, context) => lossType(input, target, weight, given, context),
  expand: ({ input, target, weight }, given, g) =>
    castTo(g, loss(g, widened(g, input), target, weight && widened(g, weight), given), tensorTypeOf(input).dtype),
});

export const SoftmaxCrossEntropyLoss = op('SoftmaxCrossEntropyLoss', {
  inputs: ['scores', 'labels', 'weights?'],
  attributes,
  types: { scores: anyFloat, labels: indexType, weights: anyFloat },
  outputs: ['output', 'log_prob?'],
  since: 13,
  type: ({ scores, labels, weights }, given, context) => [
    lossType(scores, labels, weights, given, context),
    tensorOf(scores.dtype, scores.shape),
  ],
  expand: ({ scores, labels, weights }, given, g) => {
    const { dtype } = tensorTypeOf(scores);
    const probabilities = g.apply(LogSoftmax, [widened(g, scores)], { axis: 1 });
    const result = loss(g, probabilities, labels, weights && widened(g, weights), given);
    return [castTo(g, result, dtype), castTo(g, probabilities, dtype)];
  },
});
