// Arithmetic of two or more tensors with broadcasting.

import type { DType } from '../../ir/dtype.ts';
import { isInteger } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { add, constant, div, eq, failure, mul, select, sub } from '../../ir/expr-make.ts';
import { type Operator, op } from './define.ts';
import { anyNumeric, broadcastShapes, readBroadcast, tensorOf } from './types.ts';

/** Integer division by zero is reported by the run. */
export const safeDivide = (a: Expr, b: Expr): Expr =>
  isInteger(a.dtype) ? select(eq(b, constant(0, b.dtype)), failure('divide', a.dtype), div(a, b)) : div(a, b);

const binaryOperator = (name: string, combine: (a: Expr, b: Expr) => Expr, result?: DType): Operator =>
  op(name, {
    inputs: ['A', 'B'],
    types: { A: anyNumeric, B: anyNumeric },
    outputs: ['C'],
    since: 14,
    type: ({ A, B }, _, context) => tensorOf(result ?? A.dtype, broadcastShapes([A.shape, B.shape], context)),
    compute: ({ A, B }, _, index) => combine(readBroadcast(A, index), readBroadcast(B, index)),
  });

export const Add = binaryOperator('Add', add);
export const Sub = binaryOperator('Sub', sub);
export const Mul = binaryOperator('Mul', mul);
export const Div = binaryOperator('Div', safeDivide);
