// Arithmetic of two or more tensors with broadcasting.

import { isFloat, isInteger, isSigned } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  call,
  cast,
  constant,
  div,
  eq,
  failure,
  lt,
  max,
  min,
  mod,
  mul,
  ne,
  select,
  sub,
} from '../../ir/expr-make.ts';
import { accumulatorType } from './accumulate.ts';
import { intAttribute } from './attributes.ts';
import { broadcasting } from './broadcast.ts';
import { type Operator, op } from './define.ts';
import { withoutConsumed } from './legacy.ts';
import { anyNumeric, broadcastShapes, readBroadcast, tensorOf } from './types.ts';

const guarded = (a: Expr, b: Expr, meaning: (a: Expr, b: Expr) => Expr): Expr =>
  select(eq(b, constant(0, b.dtype)), failure('divide', a.dtype), meaning(a, b));

/** Integer division by zero is reported by the run. */
export const safeDivide = (a: Expr, b: Expr): Expr => (isInteger(a.dtype) ? guarded(a, b, div) : div(a, b));

/** The remainder with the sign of the divisor. */
function floorRemainder(a: Expr, b: Expr): Expr {
  const rest = mod(a, b);
  if (!isSigned(a.dtype)) return rest;
  const zero = constant(0, a.dtype);
  const opposite = ne(lt(rest, zero), lt(b, zero));
  return select(and(ne(rest, zero), opposite), add(rest, b), rest);
}

export const Add = broadcasting('Add', add, anyNumeric, 14);
export const Sub = broadcasting('Sub', sub, anyNumeric, 14);
export const Mul = broadcasting('Mul', mul, anyNumeric, 14);
export const Div = broadcasting('Div', safeDivide, anyNumeric, 14);

/** fmod = 0: the sign of the divisor, integers only; fmod = 1: the sign of the dividend. */
export const Mod = op('Mod', {
  inputs: ['A', 'B'],
  attributes: { fmod: intAttribute(0, [0, 1]) },
  types: { A: anyNumeric, B: anyNumeric },
  outputs: ['C'],
  since: 13,
  type: ({ A, B }, { fmod }, context) => {
    if (isFloat(A.dtype) && fmod === 0) context.fail(`fmod must be 1 for ${A.dtype}, got 0.`);
    return tensorOf(A.dtype, broadcastShapes([A.shape, B.shape], context));
  },
  compute: ({ A, B }, { fmod }, index, { types }) => {
    const a = readBroadcast(A, index, types[0]!.shape);
    const b = readBroadcast(B, index, types[0]!.shape);
    if (isFloat(A.dtype)) return call('fmod', a, b);
    return guarded(a, b, fmod === 1 ? mod : floorRemainder);
  },
});

/** Any number of operands, combined element by element. */
const variadic = (name: string, combine: (terms: readonly Expr[]) => Expr): Operator =>
  op(name, {
    inputs: ['data...'],
    types: { data: anyNumeric },
    since: 13,
    until: { consumed_inputs: 6 },
    upgrade: withoutConsumed,
    type: ({ data }, _, context) => {
      const first = data[0] ?? context.fail('expected at least one input, got none.');
      const shapes = data.map(({ shape }) => shape);
      return tensorOf(first.dtype, broadcastShapes(shapes, context));
    },
    compute: ({ data }, _, index, { types }) =>
      combine(data.map((operand) => readBroadcast(operand, index, types[0]!.shape))),
  });

export const Max = variadic('Max', (terms) => terms.reduce(max));
export const Min = variadic('Min', (terms) => terms.reduce(min));

/** The sum in the type of accumulation: half floats are rounded only at the end. */
const total = (terms: readonly Expr[]): Expr =>
  terms.map((term) => cast(term, accumulatorType(term.dtype))).reduce(add);
export const Sum = variadic('Sum', (terms) => cast(total(terms), terms[0]!.dtype));
export const Mean = variadic('Mean', (terms) => {
  const sum = total(terms);
  return cast(div(sum, constant(terms.length, sum.dtype)), terms[0]!.dtype);
});
