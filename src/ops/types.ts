// The named sets of element types that declarations use, and the shape rules that many operators share.

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { constantOf, eq, failure, int, max, select } from '../../ir/expr-make.ts';
import type { TensorType } from '../../ir/graph.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import type { Operand, TypeContext, TypeSet } from './define.ts';

export const floatTypes: readonly DType[] = ['float32', 'float64', 'float16', 'bfloat16'];
export const signedTypes: readonly DType[] = ['int8', 'int16', 'int32', 'int64'];
export const unsignedTypes: readonly DType[] = ['uint8', 'uint16', 'uint32', 'uint64'];
export const integerTypes: readonly DType[] = [...signedTypes, ...unsignedTypes];
export const numericTypes: readonly DType[] = [...floatTypes, ...integerTypes];
export const float8Types: readonly DType[] = ['float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz'];
/** Every type that is one number or truth value; not string and complex. */
export const scalarTypes: readonly DType[] = [
  ...numericTypes,
  'bool',
  ...float8Types,
  'float8e8m0',
  'float4e2m1',
  'int4',
  'uint4',
  'int2',
  'uint2',
];
export const allTypes: readonly DType[] = [...scalarTypes, 'string', 'complex64', 'complex128'];

export const typeSet = (name: string, dtypes: readonly DType[]): TypeSet => ({ name, dtypes });
export const anyFloat = typeSet('T', floatTypes);
export const anyNumeric = typeSet('T', numericTypes);
export const anyType = typeSet('T', allTypes);
export const sizeType = typeSet('I', ['int64']);
export const indexType = typeSet('Tind', ['int32', 'int64']);

export const tensorOf = (dtype: DType, shape: readonly Expr[]): TensorType => ({ kind: 'tensor', dtype, shape });

const isOne = (extent: Expr): boolean => constantOf(extent) === 1;

/** Whether two sizes are both known and not equal. A size that only a run knows may turn out to be right. */
export const differ = (a: Expr, b: Expr): boolean =>
  constantOf(a) !== undefined && constantOf(b) !== undefined && constantOf(a) !== constantOf(b);

/** Whether an operand of this shape may broadcast to the target without changing it. */
export const broadcastsTo = (shape: readonly Expr[], target: readonly Expr[]): boolean =>
  shape.length <= target.length &&
  shape.every((extent, axis) => isOne(extent) || !differ(extent, target[target.length - shape.length + axis]!));

/** Multidirectional broadcasting (ONNX Broadcasting.md). Two different symbolic sizes must be equal at run time. */
export function broadcastShapes(shapes: readonly (readonly Expr[])[], context: TypeContext): readonly Expr[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let extent: Expr = int(1);
    for (const shape of shapes) {
      const own = shape[axis - (rank - shape.length)];
      if (!own || isOne(own)) continue;
      if (isOne(extent)) extent = own;
      else if (!sameSize(extent, own)) {
        const a: number | undefined = constantOf(extent);
        const b: number | undefined = constantOf(own);
        if (a !== undefined && b !== undefined) context.fail(`shapes do not broadcast: ${a} and ${b} on axis ${axis}.`);
        // Either may be 1, and the other then counts, also where it is 0. A constant is known not to be 1.
        extent = b !== undefined ? own : a !== undefined ? extent : simplify(broadcastSize(extent, own));
      }
    }
    return extent;
  });
}

/** Sizes that do not fit give the greater one, so that somebody reads, and reports it. */
const broadcastSize = (a: Expr, b: Expr): Expr => select(eq(a, int(1)), b, select(eq(b, int(1)), a, max(a, b)));

/**
 * The element of a broadcast operand for an element of the result, whose shape is `shape`: trailing axes aligned, axes of
 * extent 1 read at 0. `tail` indexes further axes of the operand that take no part. Where a size that only a run knows
 * may be 1 or not, the run decides, and reports a size that does not fit.
 */
export function readBroadcast(
  operand: Operand,
  index: readonly Expr[],
  shape: readonly Expr[],
  tail: readonly Expr[] = [],
): Expr {
  const count = operand.rank - tail.length;
  const read = (at: readonly Expr[]): Expr => {
    const axis = at.length;
    if (axis === count) return operand.at(...at, ...tail);
    const extent = operand.shape[axis]!;
    const position = index.length - count + axis;
    if (isOne(extent)) return read([...at, int(0)]);
    const straight = read([...at, index[position]!]);
    if (sameSize(extent, shape[position]!)) return straight;
    const repeated = select(eq(extent, int(1)), read([...at, int(0)]), failure('shape', operand.dtype));
    return select(eq(extent, shape[position]!), straight, repeated);
  };
  return read([]);
}

/** Refuses an operand that has not exactly one element, as far as that is known. */
export function requireOneElement(operand: Operand, name: string, context: TypeContext): void {
  const wrong = operand.shape.find((extent) => (constantOf(extent) ?? 1) !== 1);
  if (wrong) context.fail(`${name} must have one element, got ${constantOf(wrong)} along an axis.`);
}

/** The one element of a scalar, or of a tensor of one element. */
export const scalarOf = (operand: Operand): Expr => operand.at(...operand.shape.map(() => int(0)));

/** The operand with axes of extent 1 added at the end: how opset 6 aligned B at an axis of A. */
export const withTrailingOnes = (operand: Operand, count: number): Operand => ({
  ...operand,
  shape: [...operand.shape, ...Array.from({ length: count }, () => int(1))],
  rank: operand.rank + count,
  at: (...index) => operand.at(...index.slice(0, operand.rank)),
});

/** An axis counted from the front; negative ones count from the end. */
export function normalizeAxis(axis: number, rank: number, context: TypeContext, name = 'axis'): number {
  if (rank === 0) context.fail(`${name} is ${axis}, but a scalar has no axes.`);
  if (axis < -rank || axis >= rank) context.fail(`${name} is ${axis}; rank ${rank} allows ${-rank} to ${rank - 1}.`);
  return axis < 0 ? axis + rank : axis;
}

export const normalizeAxes = (axes: readonly number[], rank: number): readonly number[] =>
  axes.map((axis) => (axis < 0 ? axis + rank : axis));
