// Operators that keep the row-major order of elements and change the shape: Reshape, Flatten, Squeeze, Unsqueeze.

import type { Expr } from '../../ir/expr.ts';
import { constantOf, div, eq, failure, int, max, product, select } from '../../ir/expr-make.ts';
import { contains } from '../../ir/expr-walk.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import { intAttribute } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { numbersOf, sizesOf } from './elements.ts';
import { remap } from './flat-index.ts';
import { axesToInput, isNumbers, withInput, without } from './legacy.ts';
import { declaredShape, listed, runTimeShape } from './run-time-operands.ts';
import { anyType, sizeType, tensorOf } from './types.ts';

/** The element at the same row-major position. A count that the model gets wrong at run time is reported. */
function sameOrder(X: Operand, index: readonly Expr[], shape: readonly Expr[]): Expr {
  const element = X.at(...remap(index, shape, X.shape));
  const before = product(X.shape);
  const after = product(shape);
  return sameSize(before, after) ? element : select(eq(before, after), element, failure('shape', X.dtype));
}

/** Safe for a symbolic divisor of zero: then there are no elements at all. */
function remainingExtent(total: Expr, known: Expr): Expr {
  const quotient = simplify(div(total, known));
  const divides = contains(
    quotient,
    (node) => node.kind === 'binary' && node.op === 'div' && constantOf(node.right) === undefined,
  );
  return divides ? select(eq(known, int(0)), int(0), quotient) : quotient;
}

function reshaped(data: Operand, sizes: readonly Expr[], allowZero: boolean, context: TypeContext): readonly Expr[] {
  const unknown = sizes.filter((size) => constantOf(size) === -1).length;
  if (unknown > 1) context.fail(`shape has ${unknown} entries of -1; at most one is allowed.`);
  if (unknown > 0 && allowZero && sizes.some((size) => constantOf(size) === 0)) {
    context.fail('shape has both 0 and -1; with allowzero = 1 the size of -1 does not follow.');
  }
  const copied = sizes.map((size, axis) => {
    const value = constantOf(size);
    if (value !== undefined && value < -1) context.fail(`shape has the entry ${value}.`);
    if (value !== 0 || allowZero) return size;
    return (
      data.shape[axis] ?? context.fail(`shape copies axis ${axis}, which data of rank ${data.rank} does not have.`)
    );
  });
  const total = product(data.shape);
  const known = product(copied.filter((size) => constantOf(size) !== -1));
  const shape = copied.map((size) => (constantOf(size) === -1 ? remainingExtent(total, known) : size));
  const before = constantOf(total);
  const after = constantOf(simplify(product(shape)));
  if (before !== undefined && after !== undefined && before !== after) {
    context.fail(
      `data has ${before} elements and the new shape ${sizes.map((size) => constantOf(size))} has ${after}.`,
    );
  }
  return shape;
}

/** The same where a run decides; what does not hold all elements is no size. */
function runTimeReshaped(data: Operand, given: readonly Expr[], allowZero: boolean): readonly Expr[] {
  const sizes = allowZero
    ? given
    : given.map((size, axis) => select(eq(size, int(0)), data.shape[axis] ?? int(-1), size));
  const others = product(sizes.map((size) => select(eq(size, int(-1)), int(1), size)));
  const total = product(data.shape);
  const rest = select(eq(others, int(0)), int(0), div(total, max(others, int(1))));
  const whole = product(sizes.map((size) => select(eq(size, int(-1)), rest, size)));
  return sizes.map((size) => select(eq(whole, total), select(eq(size, int(-1)), rest, size), int(-1)));
}

export const Reshape = op('Reshape', {
  inputs: ['data', 'shape'],
  outputs: ['reshaped'],
  attributes: { allowzero: intAttribute(0, [0, 1]) },
  types: { data: anyType, shape: sizeType },
  since: 25,
  until: { shape: 5, consumed_inputs: 5 },
  upgrade: (node) => {
    const { shape } = node.attributes;
    const plain = without(node, 'consumed_inputs', 'shape');
    return isNumbers(shape) ? withInput(plain, 1, node.constant(shape, 'int64')) : plain;
  },
  type: ({ data, shape }, { allowzero }, context) => {
    const sizes = sizesOf(shape);
    if (sizes) return tensorOf(data.dtype, reshaped(data, sizes, allowzero === 1, context));
    const values = runTimeReshaped(data, listed(shape, context, 'shape'), allowzero === 1);
    const declared = context.declared[0];
    const bounds = declared?.kind === 'tensor' ? declared.shape : values.map(() => product(data.shape));
    return tensorOf(data.dtype, runTimeShape(context, 'shape', values, bounds));
  },
  compute: ({ data }, _, index, { types }) => sameOrder(data, index, types[0]!.shape),
});

export const Flatten = op('Flatten', {
  inputs: ['input'],
  outputs: ['output'],
  attributes: { axis: intAttribute(1) },
  types: { input: anyType },
  since: 25,
  type: ({ input }, { axis }, context) => {
    const { rank, shape } = input;
    if (axis < -rank || axis > rank) context.fail(`axis is ${axis}; rank ${rank} allows ${-rank} to ${rank}.`);
    const at = axis < 0 ? axis + rank : axis;
    return tensorOf(input.dtype, [product(shape.slice(0, at)), product(shape.slice(at))]);
  },
  compute: ({ input }, _, index, { types }) => sameOrder(input, index, types[0]!.shape),
});

/** Axes of an operand of axes, counted from the front; undefined where a run decides. */
function knownAxes(axes: Operand | undefined, rank: number, context: TypeContext): readonly number[] | undefined {
  const given = numbersOf(axes);
  if (!given) return undefined;
  const found = given.map((axis) => {
    if (axis < -rank || axis >= rank) context.fail(`axis ${axis} is outside of ${-rank} to ${rank - 1}.`);
    return axis < 0 ? axis + rank : axis;
  });
  if (new Set(found).size < found.length) context.fail(`axes ${given.join(', ')} name an axis twice.`);
  return found;
}

/** Without axes every axis that is known to be of extent 1 goes. */
export const Squeeze = op('Squeeze', {
  inputs: ['data', 'axes?'],
  outputs: ['squeezed'],
  types: { data: anyType, axes: sizeType },
  since: 25,
  until: { axes: 13 },
  upgrade: (node) => axesToInput(node),
  type: ({ data, axes }, _, context) => {
    const { shape, rank } = data;
    if (!axes) {
      const kept = shape.filter((extent) => constantOf(extent) !== 1);
      return tensorOf(data.dtype, kept);
    }
    const known = knownAxes(axes, rank, context);
    if (!known) return tensorOf(data.dtype, declaredShape(context, 'axes'));
    for (const axis of known) {
      const extent = constantOf(shape[axis]!);
      if (extent !== undefined && extent !== 1) context.fail(`axis ${axis} has extent ${extent}; expected 1.`);
    }
    return tensorOf(
      data.dtype,
      shape.filter((_, axis) => !known.includes(axis)),
    );
  },
  compute: ({ data }, _, index, { types }) => sameOrder(data, index, types[0]!.shape),
});

export const Unsqueeze = op('Unsqueeze', {
  inputs: ['data', 'axes'],
  outputs: ['expanded'],
  types: { data: anyType, axes: sizeType },
  since: 25,
  until: { axes: 13 },
  upgrade: (node) => axesToInput(node),
  type: ({ data, axes }, _, context) => {
    const added = constantOf(axes.shape[0] ?? int(1)) ?? 0;
    const rank = data.rank + added;
    const known = knownAxes(axes, rank, context);
    if (!known) return tensorOf(data.dtype, declaredShape(context, 'axes'));
    const rest = [...data.shape];
    const shape = Array.from({ length: rank }, (_, axis) => (known.includes(axis) ? int(1) : rest.shift()!));
    return tensorOf(data.dtype, shape);
  },
  compute: ({ data }, _, index, { types }) => sameOrder(data, index, types[0]!.shape),
});
