// What operators of ai.onnx.ml accept: rows of numbers.

import type { Expr } from '../../ir/expr.ts';
import { int } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import type { Builder, Operand, TypeContext } from './define.ts';
import { Reshape } from './reshape.ts';
import { typeSet } from './types.ts';

export const mlDomain = 'ai.onnx.ml';
export const inputType = typeSet('T', ['float32', 'float64', 'int64', 'int32']);

export const inputOrText = typeSet('T', [...inputType.dtypes, 'string']);

/** A vector is one row. */
export const asRows = (g: Builder, X: Value): Value =>
  tensorTypeOf(X).shape.length === 1 ? g.apply(Reshape, [X, g.ints([1, -1])]) : X;

/** Rows of float32, as linear models and support vectors take them. */
export const floatRows = (g: Builder, X: Value): Value => castTo(g, asRows(g, X), 'float32');

export function checkRows(X: Operand, context: TypeContext): void {
  if (X.rank < 1 || X.rank > 2) context.fail(`X has rank ${X.rank}; expected 1 or 2 (rows, features).`);
}

export const rowsOf = (X: Operand): Expr => (X.rank === 1 ? int(1) : X.shape[0]!);
