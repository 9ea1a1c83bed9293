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
  div,
  eq,
  int,
  lt,
  max,
  mul,
  product,
  select,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, optionalInt, optionalTensor } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { sizesOf } from './elements.ts';
import { agreeing, declaredShape, fromEnd, listed, pick, runTimeShape } from './run-time-operands.ts';
import {
  allTypes,
  anyType,
  normalizeAxis,
  numericTypes,
  requireOneElement,
  scalarOf,
  sizeType,
  tensorOf,
  typeSet,
} from './types.ts';

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
    return tensorOf(dtype, sizesOf(input) ?? runTimeShape(context, 'input', listed(input, context, 'input')));
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
  if (isFloat(start.dtype) || step === undefined) return runTimeLength(start, limit, delta, context);
  const distance = step > 0 ? sub(limit, start) : sub(start, limit);
  return simplify(ceilDiv(max(cast(distance, 'index'), int(0)), int(Math.abs(step))));
}

/** The same where a run decides; no step gives nothing. */
function runTimeLength(start: Expr, limit: Expr, delta: Expr, context: TypeContext): Expr {
  const zero = constant(0, start.dtype);
  const steps = isFloat(start.dtype)
    ? unary('ceil', div(sub(cast(limit, 'float64'), cast(start, 'float64')), cast(delta, 'float64')))
    : wholeSteps(start, limit, delta);
  const length = select(eq(delta, zero), int(0), max(int(0), cast(steps, 'index')));
  return runTimeShape(context, 'limit', [length])[0]!;
}

function wholeSteps(start: Expr, limit: Expr, delta: Expr): Expr {
  const wide = (value: Expr): Expr => cast(value, 'int64');
  const [distance, step] = [sub(wide(limit), wide(start)), wide(delta)];
  const towards = select(
    lt(constant(0n, 'int64'), step),
    sub(step, constant(1n, 'int64')),
    add(step, constant(1n, 'int64')),
  );
  return div(add(distance, towards), select(eq(step, constant(0n, 'int64')), constant(1n, 'int64'), step));
}

/** start, start + delta, start + 2 delta … up to, not including, limit. */
export const Range = op('Range', {
  inputs: ['start', 'limit', 'delta'],
  outputs: ['output'],
  types: Object.fromEntries(['start', 'limit', 'delta'].map((name) => [name, typeSet('T', numericTypes)])),
  since: 11,
  type: ({ start, limit, delta }, _, context) => {
    for (const [name, operand] of Object.entries({ start, limit, delta })) requireOneElement(operand, name, context);
    const known = [start, limit, delta].every(({ elements }) => elements !== undefined);
    const numbers = [scalarOf(start), scalarOf(limit), scalarOf(delta)] as const;
    return tensorOf(start.dtype, [known ? rangeLength(...numbers, context) : runTimeLength(...numbers, context)]);
  },
  compute: ({ start, delta }, _, [i]) => add(scalarOf(start), mul(cast(i!, start.dtype), scalarOf(delta))),
});

function runTimeDepth(depth: Operand, axis: number, rank: number, context: TypeContext): Expr {
  const declared = declaredShape(context, 'depth');
  if (declared.length !== rank) context.fail(`declares an output of rank ${declared.length}; expected ${rank}.`);
  return runTimeShape(context, 'depth', [cast(scalarOf(depth), 'index')], [declared[axis]])[0]!;
}

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
    requireOneElement(depth, 'depth', context);
    const size = sizesOf(depth)?.[0] ?? runTimeDepth(depth, axis, rank, context);
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
