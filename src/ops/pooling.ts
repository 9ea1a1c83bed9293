// Pooling over windows: MaxPool, AveragePool, LpPool.

import type { DType } from '../../ir/dtype.ts';
import { integerRange, isFloat } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  call,
  cast,
  ceilDiv,
  constant,
  constantOf,
  div,
  eq,
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
  unary,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { accumulatorType } from './accumulate.ts';
import { intAttribute, requiredInts } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { flatten, unflatten } from './flat-index.ts';
import { withAttributes } from './legacy.ts';
import { anyFloat, floatTypes, tensorOf, typeSet } from './types.ts';
import {
  axesOf,
  ceilModeAttribute,
  insideInput,
  positionOf,
  type Tap,
  taps,
  type WindowAttributes,
  type WindowAxis,
  windowAttributes,
  windowAxes,
} from './window.ts';

export const poolAttributes = { ...windowAttributes, ceil_mode: ceilModeAttribute, kernel_shape: requiredInts };
interface PoolAttributes extends WindowAttributes {
  readonly kernel_shape: readonly number[];
}

export function pooledShape(X: Operand, attributes: PoolAttributes, context: TypeContext): readonly Expr[] {
  if (X.rank < 3) context.fail(`X has rank ${X.rank}; expected at least 3 (N, C, and spatial axes).`);
  const { kernel_shape } = attributes;
  if (kernel_shape.length !== X.rank - 2) {
    context.fail(`kernel_shape has ${kernel_shape.length} entries; X has ${X.rank - 2} spatial axes.`);
  }
  if (kernel_shape.some((size) => size < 1)) context.fail('kernel_shape must be at least 1 on every axis.');
  const windows = windowAxes(X.shape.slice(2), kernel_shape.map(int), attributes, (rule) => context.fail(rule));
  return [X.shape[0]!, X.shape[1]!, ...windows.map(({ output }) => output)];
}

/** The windows of one output element: where each tap reads, and whether that is inside of the input. */
interface Pool {
  readonly windows: readonly WindowAxis[];
  readonly taps: readonly Tap[];
  readonly positions: readonly Expr[];
  readonly inside: Expr;
  readonly element: Expr;
}

function poolAt(X: Operand, attributes: PoolAttributes, index: readonly Expr[]): Pool {
  const kernels = attributes.kernel_shape.map(int);
  const windows = windowAxes(X.shape.slice(2), kernels, attributes);
  const list = taps(kernels, 'k');
  const positions = windows.map((window, axis) => positionOf(window, index[axis + 2]!, list[axis]!.at));
  const element = X.at(index[0]!, index[1]!, ...positions);
  return { windows, taps: list, positions, inside: insideInput(windows, positions), element };
}

const lowest = (dtype: DType): Expr =>
  isFloat(dtype) ? constant(Number.NEGATIVE_INFINITY, dtype) : constant(integerRange(dtype).min, dtype);

function largest({ taps: list, inside, element }: Pool): Expr {
  return reduce('max', axesOf(list), select(inside, element, lowest(element.dtype)));
}

/**
 * The position of the first largest element in the whole tensor. The search order is row-major whatever the storage
 * order; column-major order (storage_order = 1) numbers the spatial positions with the first axis fastest.
 */
function indexOfLargest(X: Operand, attributes: PoolAttributes, index: readonly Expr[], columnMajor: boolean): Expr {
  const spatial = X.shape.slice(2);
  const count = product(spatial);
  const found = largest(poolAt(X, attributes, index));
  const { taps: list, inside, element, positions } = poolAt(X, attributes, index);
  const same = eq(element, found);
  const isFound = isFloat(X.dtype) ? or(same, ne(element, element)) : same;
  const position = select(inside, select(isFound, flatten(positions, spatial), count), count);
  const first = min(reduce('min', axesOf(list), position), sub(count, int(1)));
  const inPlane = columnMajor ? flatten([...unflatten(first, spatial)].reverse(), [...spatial].reverse()) : first;
  const plane = add(mul(index[0]!, X.shape[1]!), index[1]!);
  return cast(add(mul(plane, count), inPlane), 'int64');
}

export const MaxPool = op('MaxPool', {
  inputs: ['X'],
  outputs: ['Y', 'Indices?'],
  attributes: { ...poolAttributes, storage_order: intAttribute(0, [0, 1]) },
  types: { X: typeSet('T', [...floatTypes, 'int8', 'uint8']) },
  since: 22,
  type: ({ X }, attributes, context) => {
    const shape = pooledShape(X, attributes, context);
    return [tensorOf(X.dtype, shape), tensorOf('int64', shape)];
  },
  compute: ({ X }, attributes, index, { output }) =>
    output === 0
      ? largest(poolAt(X, attributes, index))
      : indexOfLargest(X, attributes, index, attributes.storage_order === 1),
});

/** How many taps of a window lie in [low, high): those k with low <= start + k * dilation < high. */
function tapsWithin(window: WindowAxis, output: Expr, low: Expr, high: Expr): Expr {
  const start = positionOf(window, output, int(0));
  const step = int(window.dilation);
  const before = simplify(max(sub(low, start), int(0)));
  const first = ceilDiv(before, step);
  const end = min(window.kernel, ceilDiv(simplify(max(sub(high, start), int(0))), step));
  return simplify(sub(end, first));
}

/** The divisor of an average: every tap, or those in the input, or those in the input and its padding. */
function tapCount(pool: Pool, index: readonly Expr[], includePadding: boolean): Expr {
  return product(
    pool.windows.map((window, axis) => {
      const { input, padBegin, padEnd } = window;
      const output = index[axis + 2]!;
      if (includePadding) return tapsWithin(window, output, sub(int(0), padBegin), add(input, padEnd));
      const always = constantOf(insideInput([window], [pool.positions[axis]!])) === 1;
      return always ? window.kernel : tapsWithin(window, output, int(0), input);
    }),
  );
}

const sumOfTaps = ({ taps: list, inside, element }: Pool, term: (x: Expr) => Expr): Expr => {
  const value = term(cast(element, accumulatorType(element.dtype)));
  return reduce('sum', axesOf(list), select(inside, value, constant(0, value.dtype)));
};

export const AveragePool = op('AveragePool', {
  inputs: ['X'],
  attributes: { ...poolAttributes, count_include_pad: intAttribute(0, [0, 1]) },
  types: { X: anyFloat },
  since: 22,
  type: ({ X }, attributes, context) => tensorOf(X.dtype, pooledShape(X, attributes, context)),
  compute: ({ X }, attributes, index) => {
    const pool = poolAt(X, attributes, index);
    const sum = sumOfTaps(pool, (x) => x);
    const count = tapCount(pool, index, attributes.count_include_pad === 1);
    return cast(div(sum, cast(count, sum.dtype)), X.dtype);
  },
});

/** |x|^p for the small whole powers that occur, without pow where it is not needed. */
export function absolutePower(x: Expr, p: number): Expr {
  if (p === 1) return unary('abs', x);
  if (p === 2) return mul(x, x);
  return call('pow', unary('abs', x), constant(p, x.dtype));
}
export function root(x: Expr, p: number): Expr {
  if (p === 1) return x;
  return p === 2 ? unary('sqrt', x) : call('pow', x, constant(1 / p, x.dtype));
}

/** (sum of |x|^p)^(1/p) */
export const LpPool = op('LpPool', {
  inputs: ['X'],
  attributes: { ...poolAttributes, p: intAttribute(2) },
  types: { X: anyFloat },
  since: 22,
  // In opset 1, p was a float.
  upgrade: (node) => withAttributes(node, { p: Math.round(Number(node.attributes.p ?? 2)) }),
  type: ({ X }, attributes, context) => tensorOf(X.dtype, pooledShape(X, attributes, context)),
  compute: ({ X }, attributes, index) => {
    const sum = sumOfTaps(poolAt(X, attributes, index), (x) => absolutePower(x, attributes.p));
    return cast(root(sum, attributes.p), X.dtype);
  },
});
