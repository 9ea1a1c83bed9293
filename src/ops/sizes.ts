// Operators that make tensors out of sizes: Shape, Size, ConstantOfShape, Range, OneHot.

import { readElement } from '../../ir/bytes.ts';
import { type DType, isFloat } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  cast,
  ceilDiv,
  constant,
  constantOf,
  eq,
  int,
  max,
  mul,
  product,
  select,
  sub,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, optionalInt, optionalTensor } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { sizesOf } from './elements.ts';
import { agreeing, declaredShape, fromEnd, pick } from './run-time-operands.ts';
import { allTypes, anyType, normalizeAxis, numericTypes, scalarOf, sizeType, tensorOf, typeSet } from './types.ts';

const clampAxis = (axis: number, rank: number): number => Math.max(0, Math.min(rank, axis < 0 ? axis + rank : axis));

/** The sizes of axes start to end (exclusive), both clamped. */
const shapeBetween = (data: Operand, start: number, end: number | undefined): readonly Expr[] =>
  data.shape.slice(clampAxis(start, data.rank), end === undefined ? data.rank : clampAxis(end, data.rank));

export const Shape = op('Shape', {
  inputs: ['data'],
  outputs: ['shape'],
  attributes: { start: intAttribute(0), end: optionalInt },
  types: { data: anyType },
  since: 25,
  type: ({ data }, { start, end }) => tensorOf('int64', [int(shapeBetween(data, start, end).length)]),
  compute: ({ data }, { start, end }, [at]) => cast(pick(shapeBetween(data, start, end), at!, int(0)), 'int64'),
});

export const Size = op('Size', {
  inputs: ['data'],
  outputs: ['size'],
  types: { data: anyType },
  since: 25,
  type: () => tensorOf('int64', []),
  compute: ({ data }) => cast(product(data.shape), 'int64'),
});

/** Every element is the one of `value`, 0 in float32 by default. */
export const ConstantOfShape = op('ConstantOfShape', {
  inputs: ['input'],
  outputs: ['output'],
  attributes: { value: optionalTensor },
  types: { input: sizeType },
  since: 25,
  type: ({ input }, { value }, context) => {
    const dtype: DType = value?.type.kind === 'tensor' ? value.type.dtype : 'float32';
    return tensorOf(dtype, sizesOf(input) ?? declaredShape(context, 'input'));
  },
  compute: (_, { value }, __, { types }) => {
    const { dtype } = types[0]!;
    return constant(value?.constant ? readElement(dtype, value.constant, 0) : 0, dtype);
  },
});

/** How many numbers a range has: max(0, ceil((limit - start) / delta)). */
function rangeLength(start: Expr, limit: Expr, delta: Expr, context: TypeContext): Expr {
  const step = constantOf(delta);
  if (step === 0) context.fail('delta is 0.');
  const numbers = [start, limit, delta].map(constantOf);
  if (numbers.every((number) => number !== undefined)) {
    const [from, to, by] = numbers as [number, number, number];
    return int(Math.max(0, Math.ceil((to - from) / by)));
  }
  if (isFloat(start.dtype) || step === undefined) return declaredShape(context, 'start, limit or delta')[0]!;
  const distance = step > 0 ? sub(limit, start) : sub(start, limit);
  return simplify(ceilDiv(max(cast(distance, 'index'), int(0)), int(Math.abs(step))));
}

/** start, start + delta, start + 2 delta … up to, not including, limit. */
export const Range = op('Range', {
  inputs: ['start', 'limit', 'delta'],
  outputs: ['output'],
  types: Object.fromEntries(['start', 'limit', 'delta'].map((name) => [name, typeSet('T', numericTypes)])),
  since: 11,
  type: ({ start, limit, delta }, _, context) => {
    const known = [start, limit, delta].every(({ elements }) => elements !== undefined);
    const length = known
      ? rangeLength(scalarOf(start), scalarOf(limit), scalarOf(delta), context)
      : declaredShape(context, 'start, limit or delta')[0]!;
    return tensorOf(start.dtype, [length]);
  },
  compute: ({ start, delta }, _, [i]) => add(scalarOf(start), mul(cast(i!, start.dtype), scalarOf(delta))),
});

/** Y[…, i, …] = values[1] where the index at the other axes is i, else values[0]. Indices may count from the end. */
export const OneHot = op('OneHot', {
  inputs: ['indices', 'depth', 'values'],
  outputs: ['output'],
  attributes: { axis: intAttribute(-1) },
  types: {
    indices: typeSet('T1', numericTypes),
    depth: typeSet('T2', numericTypes),
    values: typeSet('T3', allTypes),
  },
  since: 11,
  type: ({ indices, depth, values }, attributes, context) => {
    const rank = indices.rank + 1;
    const axis = normalizeAxis(attributes.axis, rank, context);
    const size = sizesOf(depth)?.[0] ?? declaredShape(context, 'depth')[axis] ?? context.fail('declares a wrong rank.');
    const count = constantOf(values.shape[0] ?? int(0));
    if (values.rank !== 1 || (count !== undefined && count !== 2)) {
      context.fail('values must have two elements: off and on.');
    }
    return tensorOf(values.dtype, [...indices.shape.slice(0, axis), size, ...indices.shape.slice(axis)]);
  },
  compute: ({ indices, values }, attributes, index, { types }) => {
    const axis = attributes.axis < 0 ? attributes.axis + index.length : attributes.axis;
    const chosen = cast(indices.at(...index.filter((_, position) => position !== axis)), 'index');
    const hot = eq(fromEnd(chosen, types[0]!.shape[axis]!), index[axis]!);
    return agreeing([[values.shape[0]!, int(2)]], select(hot, values.at(int(1)), values.at(int(0))));
  },
});
