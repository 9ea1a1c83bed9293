// Known elements: small tensors whose elements are known at compile time, as constants or in terms of symbolic sizes.
// Shape arithmetic (Shape, Gather, Concat, Mul …) is folded here, by evaluating each operator's own `compute`.

import { readElement, toBytes } from '../../ir/bytes.ts';
import type { DType } from '../../ir/dtype.ts';
import type { Expr, Load, Reduce } from '../../ir/expr.ts';
import { binary, cast, constant, constantOf, int, load } from '../../ir/expr-make.ts';
import { contains, rewriteExpr, substitute } from '../../ir/expr-walk.ts';
import type { TensorType, Value } from '../../ir/graph.ts';
import type { Buffer } from '../../ir/kernel.ts';
import { simplify } from '../../ir/simplify.ts';
import type { Operand } from './define.ts';

/** More elements than this are data, not shapes. */
const maximumElements = 128;

/** Types that `ir/scalar` computes exactly. */
const foldable = (dtype: DType): boolean =>
  ['bool', 'float32', 'float64', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'].includes(
    dtype,
  );

/** The number of elements, where it is a constant. */
export function countOf(type: TensorType): number | undefined {
  let count = 1;
  for (const extent of type.shape) {
    const known = constantOf(extent);
    if (known === undefined) return undefined;
    count *= known;
  }
  return count;
}

const buffers = new WeakMap<Value, Buffer>();
/** The buffer that stands for a tensor value in expressions: always the same object for the same value. */
export function bufferOf(value: Value): Buffer {
  const known = buffers.get(value);
  if (known) return known;
  if (value.type.kind !== 'tensor') throw new RangeError(`${value.name} is not a tensor`);
  const made: Buffer = { name: value.name, dtype: value.type.dtype, shape: value.type.shape, memory: 'argument' };
  buffers.set(value, made);
  values.set(made, value);
  return made;
}
const values = new WeakMap<Buffer, Value>();
/** The value that `bufferOf` made this buffer for. */
export const valueBehind = (buffer: Buffer): Value | undefined => values.get(buffer);

const decoded = new WeakMap<Value, readonly Expr[]>();
/** The elements where they are known: recorded by the Builder, or decoded from a small constant. */
export function elementsOf(value: Value): readonly Expr[] | undefined {
  if (value.elements) return value.elements;
  if (!value.constant || value.type.kind !== 'tensor' || !foldable(value.type.dtype)) return undefined;
  const known = decoded.get(value);
  if (known) return known;
  const { dtype } = value.type;
  const count = countOf(value.type);
  if (count === undefined || count > maximumElements) return undefined;
  const bytes = value.constant;
  const elements = Array.from({ length: count }, (_, i) => constant(readElement(dtype, bytes, i), dtype));
  decoded.set(value, elements);
  return elements;
}

export function operandOf(value: Value): Operand {
  if (value.type.kind !== 'tensor') throw new RangeError(`${value.name} is not a tensor`);
  const { dtype, shape } = value.type;
  const elements = elementsOf(value);
  const at = (...index: readonly Expr[]): Expr => {
    const element = elements && elementAt(elements, shape, index);
    return element ?? load(bufferOf(value), index);
  };
  return { value, dtype, shape, rank: shape.length, at, ...(elements ? { elements } : {}) };
}

function elementAt(elements: readonly Expr[], shape: readonly Expr[], index: readonly Expr[]): Expr | undefined {
  let position = 0;
  for (const [axis, at] of index.entries()) {
    const known = constantOf(at);
    const extent = constantOf(shape[axis]!);
    if (known === undefined || extent === undefined || known < 0 || known >= extent) return undefined;
    position = position * extent + known;
  }
  return elements[position];
}

/** All index tuples of a static shape, row-major. */
export function* indicesOf(extents: readonly number[]): Generator<number[]> {
  const count = extents.reduce((a, b) => a * b, 1);
  for (let flat = 0; flat < count; flat++) {
    const index: number[] = [];
    let rest = flat;
    for (let axis = extents.length - 1; axis >= 0; axis--) {
      index.unshift(rest % extents[axis]!);
      rest = Math.floor(rest / extents[axis]!);
    }
    yield index;
  }
}

/** Writes a reduction over constant extents out, or gives undefined. */
function unfold(expr: Reduce): Expr | undefined {
  const extents = expr.axes.map((axis) => (axis.extent ? constantOf(axis.extent) : undefined));
  if (extents.some((extent) => extent === undefined)) return undefined;
  const known = extents as number[];
  if (known.reduce((a, b) => a * b, 1) > maximumElements) return undefined;
  const terms = [...indicesOf(known)].map((index) =>
    substitute(expr.body, new Map(expr.axes.map((axis, i) => [axis, int(index[i]!)]))),
  );
  if (terms.length === 0) {
    if (expr.op === 'sum') return constant(0, expr.dtype);
    return expr.op === 'prod' ? constant(1, expr.dtype) : undefined;
  }
  const op = expr.op === 'sum' ? 'add' : expr.op === 'prod' ? 'mul' : expr.op;
  return terms.reduce((a, b) => binary(op, a, b));
}

/**
 * The elements of a computed tensor, if every one comes out free of loads. `element` gives the expression of one
 * element by its index.
 */
export function evaluateElements(
  type: TensorType,
  element: (index: readonly Expr[]) => Expr,
): readonly Expr[] | undefined {
  return resolvedElements(type, element, elementsOf);
}

/** The elements of a value where they are known, by whichever way of knowing them. */
type KnownElements = (value: Value) => readonly Expr[] | undefined;

/** The same, from the elements of other values as `known` has them. */
export function resolvedElements(
  type: TensorType,
  element: (index: readonly Expr[]) => Expr,
  known: KnownElements,
): readonly Expr[] | undefined {
  const count = countOf(type);
  if (count === undefined || count > maximumElements || !foldable(type.dtype)) return undefined;
  const extents = type.shape.map((extent) => constantOf(extent)!);
  const memo = new Map<Expr, Expr>();
  const elements: Expr[] = [];
  for (const index of indicesOf(extents)) {
    const found = resolveLoads(element(index.map(int)), known, memo);
    if (!found) return undefined;
    elements.push(found);
  }
  return elements;
}

/** The expression free of loads, reductions and calls; undefined where one is left. */
export function resolveLoads(expression: Expr, known: KnownElements, memo = new Map<Expr, Expr>()): Expr | undefined {
  const resolve = (expr: Expr): Expr =>
    rewriteExpr(
      expr,
      (node) => {
        if (node.kind === 'reduce') {
          const written = unfold(node);
          return written && resolve(written);
        }
        return node.kind === 'load' ? knownLoad(node, known) : undefined;
      },
      memo,
    );
  const found = simplify(resolve(expression));
  const isOpen = (node: Expr): boolean => node.kind === 'load' || node.kind === 'reduce' || node.kind === 'call';
  return contains(found, isOpen) ? undefined : found;
}

function knownLoad(node: Load, known: KnownElements): Expr | undefined {
  const value = values.get(node.buffer);
  const elements = value && known(value);
  return (
    elements &&
    elementAt(
      elements,
      node.buffer.shape,
      node.indices.map((index) => simplify(index)),
    )
  );
}

/** Bytes of a tensor whose elements are all constants. */
export function constantBytes(dtype: DType, elements: readonly Expr[]): Uint8Array | undefined {
  const scalars = elements.map((element) => (element.kind === 'const' ? element.value : undefined));
  return scalars.some((scalar) => scalar === undefined) ? undefined : toBytes(dtype, scalars as (number | bigint)[]);
}

/** Elements of an integer tensor as sizes (dtype index), simplified. */
export const sizesOf = (operand: Operand | undefined): readonly Expr[] | undefined =>
  operand?.elements?.map((element) => simplify(cast(element, 'index')));
/** Elements as plain numbers, where all are constant. */
export function numbersOf(operand: Operand | undefined): readonly number[] | undefined {
  const numbers = operand?.elements?.map((element) => constantOf(element));
  return numbers?.some((number) => number === undefined) ? undefined : (numbers as number[] | undefined);
}
