// ArgMax and ArgMin: the position of the largest or smallest element. NaN counts as the extreme, as in NumPy.

import type { Expr, ReduceOp, Var } from '../../ir/expr.ts';
import {
  add,
  cast,
  constantOf,
  eq,
  indexVar,
  int,
  max,
  min,
  mul,
  ne,
  or,
  product,
  reduce,
  select,
  sub,
} from '../../ir/expr-make.ts';
import { intAttribute } from './attributes.ts';
import { type Operand, type Operator, op } from './define.ts';
import { shapeWithout } from './reduction-axes.ts';
import { anyNumeric, normalizeAxis, tensorOf } from './types.ts';

/** The row-major position of a multi-index over some of the axes of a shape. */
export const flatPosition = (shape: readonly Expr[], axes: readonly number[], at: readonly Expr[]): Expr =>
  axes.reduce((position, axis, i) => add(mul(position, shape[axis]!), at[i]!), int(0) as Expr);

/**
 * The first (or last) position over `axes` at which the extreme stands, row-major where there are several; `index` has
 * one entry for each axis of X.
 */
export function extremePosition(
  X: Operand,
  axes: readonly number[],
  index: readonly Expr[],
  extreme: 'max' | 'min',
  last: boolean,
): Expr {
  const read = (): { readonly at: readonly Var[]; readonly element: Expr } => {
    const at = axes.map((axis) => indexVar(`r${axis}`, X.shape[axis]!));
    const element = X.at(...index.map((own, axis) => (axes.includes(axis) ? at[axes.indexOf(axis)]! : own)));
    return { at, element };
  };
  const compared = read();
  const bound = reduce(extreme, compared.at, compared.element);
  const { at, element } = read();
  const found = or(eq(element, bound), ne(element, element));
  const count = product(axes.map((axis) => X.shape[axis]!));
  const operation: ReduceOp = last ? 'max' : 'min';
  const nowhere = last ? int(-1) : count;
  const position = reduce(operation, at, select(found, flatPosition(X.shape, axes, at), nowhere));
  return max(int(0), min(position, sub(count, int(1))));
}

const argExtreme = (name: string, extreme: 'max' | 'min'): Operator =>
  op(name, {
    inputs: ['data'],
    attributes: {
      axis: intAttribute(0),
      keepdims: intAttribute(1, [0, 1]),
      select_last_index: intAttribute(0, [0, 1]),
    },
    types: { data: anyNumeric },
    outputs: ['reduced'],
    since: 13,
    type: ({ data }, attributes, context) => {
      const axis = normalizeAxis(attributes.axis, data.rank, context);
      const extent = data.shape[axis] ?? context.fail('data must have at least rank 1, got a scalar.');
      if (constantOf(extent) === 0) context.fail(`axis ${axis} has no elements to choose from.`);
      return tensorOf('int64', shapeWithout(data.shape, [axis], attributes.keepdims !== 0));
    },
    compute: ({ data }, attributes, index) => {
      const axis = attributes.axis < 0 ? attributes.axis + data.rank : attributes.axis;
      const full = attributes.keepdims ? index : [...index.slice(0, axis), int(0), ...index.slice(axis)];
      return cast(extremePosition(data, [axis], full, extreme, attributes.select_last_index !== 0), 'int64');
    },
  });

export const ArgMax = argExtreme('ArgMax', 'max');
export const ArgMin = argExtreme('ArgMin', 'min');
