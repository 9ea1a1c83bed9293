// One step of an optimizer (ai.onnx.preview.training): Momentum, Adagrad, Adam. The inputs after R (learning rate) and
// T (steps so far) are groups: all tensors, all their gradients, then the state, one group after the other.

import type { Expr } from '../../ir/expr.ts';
import { add, call, cast, constant, div, lt, mul, select, sub, unary } from '../../ir/expr-make.ts';
import { type AttributeSpec, type AttributeValues, floatAttribute, stringAttribute } from './attributes.ts';
import { type Operand, type Operator, op } from './define.ts';
import { scalarOf, tensorOf, typeSet } from './types.ts';

interface Step {
  /** The elements of the groups: tensor, gradient, state. */
  readonly x: Expr;
  readonly gradient: Expr;
  readonly state: readonly Expr[];
  readonly rate: Expr;
  /** Steps so far. */
  readonly time: Expr;
  number(value: number): Expr;
}

type Specs = Readonly<Record<string, AttributeSpec<number> | AttributeSpec<string>>>;

/** `meaning` gives the new tensor and the new state. */
const optimizer = <A extends Specs>(
  name: string,
  attributes: A,
  states: number,
  meaning: (step: Step, attributes: AttributeValues<A>) => readonly Expr[],
): Operator =>
  op<readonly ['R', 'T', 'inputs...'], A>(name, {
    domain: 'ai.onnx.preview.training',
    inputs: ['R', 'T', 'inputs...'],
    attributes,
    types: {
      R: typeSet('T1', ['float32', 'float64']),
      T: typeSet('T2', ['int64']),
    },
    outputs: ['outputs...'],
    type: ({ R, T, inputs }, _, context) => {
      if (R.rank > 0 || T.rank > 0) context.fail('R and T must be scalars.');
      const groups = 2 + states;
      if (inputs.length === 0 || inputs.length % groups !== 0)
        context.fail(`expected ${groups} inputs for each tensor after R and T, got ${inputs.length}.`);
      const wrong = inputs.find(({ dtype }) => dtype !== 'float32' && dtype !== 'float64');
      if (wrong) context.fail(`tensors must be float32 or float64, got ${wrong.dtype}.`);
      const count = inputs.length / groups;
      const results = inputs.filter((_input, i) => i < count || i >= 2 * count);
      return results.map(({ dtype, shape }) => tensorOf(dtype, shape));
    },
    compute: ({ R, T, inputs }, given, index, { output }) => {
      const count = inputs.length / (2 + states);
      const own = output % count;
      const element = (group: number): Expr => member(inputs, group * count + own).at(...index);
      const { dtype } = member(inputs, own);
      const step: Step = {
        x: element(0),
        gradient: element(1),
        state: Array.from({ length: states }, (_, i) => element(2 + i)),
        rate: cast(scalarOf(R), dtype),
        time: cast(scalarOf(T), dtype),
        number: (value) => constant(value, dtype),
      };
      return meaning(step, given)[Math.floor(output / count)]!;
    },
  });

const member = (inputs: readonly Operand[], position: number): Operand => inputs[position]!;

/** The gradient with the penalty of large weights. */
const regularized = ({ x, gradient, number }: Step, coefficient: number): Expr =>
  add(mul(number(coefficient), x), gradient);

/** V' = alpha V + beta G (without beta in the first step); X' = X - R V', or R (G + alpha V') in mode nesterov. */
export const Momentum = optimizer(
  'Momentum',
  {
    alpha: floatAttribute(0),
    beta: floatAttribute(0),
    mode: stringAttribute('standard', ['standard', 'nesterov']),
    norm_coefficient: floatAttribute(0),
  },
  1,
  (step, { alpha, beta, mode, norm_coefficient }) => {
    const { x, state, rate, time, number } = step;
    const gradient = regularized(step, norm_coefficient);
    const share = select(lt(number(0), time), number(beta), number(1));
    const velocity = add(mul(number(alpha), state[0]!), mul(share, gradient));
    const direction = mode === 'nesterov' ? add(gradient, mul(number(alpha), velocity)) : velocity;
    return [sub(x, mul(rate, direction)), velocity];
  },
);

/** H' = H + G²; X' = X - r G / (sqrt(H') + epsilon), where r = R / (1 + T decay_factor). */
export const Adagrad = optimizer(
  'Adagrad',
  { decay_factor: floatAttribute(0), epsilon: floatAttribute(1e-6), norm_coefficient: floatAttribute(0) },
  1,
  (step, { decay_factor, epsilon, norm_coefficient }) => {
    const { x, state, rate, time, number } = step;
    const gradient = regularized(step, norm_coefficient);
    const decayed = div(rate, add(number(1), mul(time, number(decay_factor))));
    const squares = add(state[0]!, mul(gradient, gradient));
    const size = add(unary('sqrt', squares), number(epsilon));
    return [sub(x, div(mul(decayed, gradient), size)), squares];
  },
);

/** V' = alpha V + (1 - alpha) G; H' = beta H + (1 - beta) G²; X' = X - r V' / (sqrt(H') + epsilon). */
export const Adam = optimizer(
  'Adam',
  {
    alpha: floatAttribute(0.9),
    beta: floatAttribute(0.999),
    epsilon: floatAttribute(1e-6),
    norm_coefficient: floatAttribute(0),
    norm_coefficient_post: floatAttribute(0),
  },
  2,
  (step, { alpha, beta, epsilon, norm_coefficient, norm_coefficient_post }) => {
    const { x, state, rate, time, number } = step;
    const gradient = regularized(step, norm_coefficient);
    const velocity = add(mul(number(alpha), state[0]!), mul(number(1 - alpha), gradient));
    const squares = add(mul(number(beta), state[1]!), mul(number(1 - beta), mul(gradient, gradient)));
    const remaining = (factor: number): Expr => sub(number(1), call('pow', number(factor), time));
    const corrected = div(mul(rate, unary('sqrt', remaining(beta))), remaining(alpha));
    const adjusted = select(lt(number(0), time), corrected, rate);
    const moved = sub(x, div(mul(adjusted, velocity), add(unary('sqrt', squares), number(epsilon))));
    return [mul(number(1 - norm_coefficient_post), moved), velocity, squares];
  },
);
