// Comparisons, logic on truth values, operations on bits, and selection.

import type { Expr } from '../../ir/expr.ts';
import { and, binary, eq, ge, gt, le, lt, or, select } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { stringAttribute } from './attributes.ts';
import { broadcasting } from './broadcast.ts';
import { type Operand, type Operator, op } from './define.ts';
import { equalTexts } from './strings.ts';
import {
  anyNumeric,
  anyType,
  broadcastShapes,
  integerTypes,
  numericTypes,
  readBroadcast,
  tensorOf,
  typeSet,
  unsignedTypes,
} from './types.ts';

const truth = typeSet('T', ['bool']);
const comparison = (name: string, compare: (a: Expr, b: Expr) => Expr, since: number): Operator =>
  broadcasting(name, compare, anyNumeric, since, 'bool');

export const Equal: Operator = {
  ...broadcasting('Equal', eq, typeSet('T', [...numericTypes, 'bool', 'string']), 19, 'bool'),
  build: ({ A, B }: { readonly A: Value; readonly B: Value }, _, g, { fail }) => equalTexts(g, A, B, fail),
};
export const Less = comparison('Less', lt, 13);
export const Greater = comparison('Greater', gt, 13);
export const LessOrEqual = comparison('LessOrEqual', le, 16);
export const GreaterOrEqual = comparison('GreaterOrEqual', ge, 16);

const xor = (a: Expr, b: Expr): Expr => binary('xor', a, b);
export const And = broadcasting('And', and, truth, 7);
export const Or = broadcasting('Or', or, truth, 7);
export const Xor = broadcasting('Xor', xor, truth, 7);

const integers = typeSet('T', integerTypes);
export const BitwiseAnd = broadcasting('BitwiseAnd', and, integers, 18);
export const BitwiseOr = broadcasting('BitwiseOr', or, integers, 18);
export const BitwiseXor = broadcasting('BitwiseXor', xor, integers, 18);

/** A shift by the width of the type or more gives 0. */
export const BitShift = op('BitShift', {
  inputs: ['X', 'Y'],
  attributes: { direction: stringAttribute('', ['LEFT', 'RIGHT']) },
  types: { X: typeSet('T', unsignedTypes), Y: typeSet('T', unsignedTypes) },
  outputs: ['Z'],
  since: 11,
  type: ({ X, Y }, _, context) => tensorOf(X.dtype, broadcastShapes([X.shape, Y.shape], context)),
  compute: ({ X, Y }, { direction }, index, { types }) => {
    const { shape } = types[0]!;
    return binary(direction === 'LEFT' ? 'shl' : 'shr', readBroadcast(X, index, shape), readBroadcast(Y, index, shape));
  },
});

export const Where = op('Where', {
  inputs: ['condition', 'X', 'Y'],
  types: { condition: typeSet('B', ['bool']), X: anyType, Y: anyType },
  outputs: ['output'],
  since: 16,
  type: ({ condition, X, Y }, _, context) =>
    tensorOf(X.dtype, broadcastShapes([condition.shape, X.shape, Y.shape], context)),
  compute: ({ condition, X, Y }, _, index, { types }) => {
    const read = (operand: Operand): Expr => readBroadcast(operand, index, types[0]!.shape);
    return select(read(condition), read(X), read(Y));
  },
});
