// Matrix products of floats and integers.

import { isFloat } from '../../ir/dtype.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { add, cast, constant, constantOf, indexVar, int, mul } from '../../ir/expr-make.ts';
import { accumulatorType, sumOf } from './accumulate.ts';
import { floatAttribute, intAttribute } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { without } from './legacy.ts';
import { agreeing } from './run-time-operands.ts';
import { anyNumeric, broadcastShapes, broadcastsTo, differ, readBroadcast, tensorOf } from './types.ts';

/** Refuses two extents that are known and differ. */
export function checkDepth(a: Expr, b: Expr, context: TypeContext): void {
  if (differ(a, b)) context.fail(`A has ${constantOf(a)} columns and B has ${constantOf(b)} rows; they must be equal.`);
}

/** The shape of numpy.matmul: vectors are promoted to matrices, leading axes broadcast. */
export function productShape(A: Operand, B: Operand, context: TypeContext): readonly Expr[] {
  if (A.rank === 0 || B.rank === 0) context.fail('operands must have at least rank 1, got a scalar.');
  checkDepth(A.shape[A.rank - 1]!, B.shape[Math.max(0, B.rank - 2)]!, context);
  const batch = broadcastShapes([A.shape.slice(0, -2), B.shape.slice(0, -2)], context);
  const rows = A.rank > 1 ? [A.shape[A.rank - 2]!] : [];
  const columns = B.rank > 1 ? [B.shape[B.rank - 1]!] : [];
  return [...batch, ...rows, ...columns];
}

export interface ProductTerm {
  readonly k: Var;
  readonly a: Expr;
  readonly b: Expr;
  /** Where in the result the element stands: its batch, with the batch's shape, and its row and column if any. */
  readonly batch: readonly Expr[];
  readonly batchShape: readonly Expr[];
  readonly row: readonly Expr[];
  readonly column: readonly Expr[];
  /** How many rows A and columns B has; 1 where it is a vector. */
  readonly rows: Expr;
  readonly columns: Expr;
}

/** The two factors that numpy.matmul sums over `k` for the element at `index` of a result of this shape. */
export function productTerm(A: Operand, B: Operand, index: readonly Expr[], shape: readonly Expr[]): ProductTerm {
  const k = indexVar('k', A.shape[A.rank - 1]!);
  const matrixAxes = (A.rank > 1 ? 1 : 0) + (B.rank > 1 ? 1 : 0);
  const batch = index.slice(0, index.length - matrixAxes);
  const batchShape = shape.slice(0, batch.length);
  const row = A.rank > 1 ? [index[batch.length]!] : [];
  const column = B.rank > 1 ? [index.at(-1)!] : [];
  const a = readBroadcast(A, batch, batchShape, [...row, k]);
  const depths = [A.shape[A.rank - 1]!, B.shape[Math.max(0, B.rank - 2)]!] as const;
  const b = agreeing([depths], readBroadcast(B, batch, batchShape, [k, ...column]));
  const rows = A.rank > 1 ? A.shape[A.rank - 2]! : int(1);
  const columns = B.rank > 1 ? B.shape[B.rank - 1]! : int(1);
  return { k, a, b, batch, batchShape, row, column, rows, columns };
}

export const MatMul = op('MatMul', {
  inputs: ['A', 'B'],
  types: { A: anyNumeric, B: anyNumeric },
  since: 13,
  type: ({ A, B }, _, context) => tensorOf(A.dtype, productShape(A, B, context)),
  compute: ({ A, B }, _, index, { types }) => {
    const { k, a, b } = productTerm(A, B, index, types[0]!.shape);
    return sumOf([k], a, b);
  },
});

/** alpha * A' * B' + beta * C. Factors of 1 leave no trace; integers are scaled in float64 otherwise. */
export const Gemm = op('Gemm', {
  inputs: ['A', 'B', 'C?'],
  attributes: {
    alpha: floatAttribute(1),
    beta: floatAttribute(1),
    transA: intAttribute(0),
    transB: intAttribute(0),
  },
  types: { A: anyNumeric, B: anyNumeric, C: anyNumeric },
  since: 13,
  until: { broadcast: 7 },
  upgrade: (node) => without(node, 'broadcast'),
  type: ({ A, B, C }, { transA, transB }, context) => {
    if (A.rank !== 2 || B.rank !== 2) context.fail(`A and B must have rank 2, got ${A.rank} and ${B.rank}.`);
    const [rows, depthA] = transA ? [A.shape[1]!, A.shape[0]!] : [A.shape[0]!, A.shape[1]!];
    const [depthB, columns] = transB ? [B.shape[1]!, B.shape[0]!] : [B.shape[0]!, B.shape[1]!];
    checkDepth(depthA, depthB, context);
    const shape = [rows, columns];
    if (C && !broadcastsTo(C.shape, shape)) context.fail('C must broadcast to the shape of the product.');
    return tensorOf(A.dtype, shape);
  },
  compute: ({ A, B, C }, { alpha, beta, transA, transB }, index, { types }) => {
    const [i, j] = [index[0]!, index[1]!];
    const k = indexVar('k', A.shape[transA ? 0 : 1]!);
    const wide = accumulatorType(A.dtype);
    const a = cast(transA ? A.at(k, i) : A.at(i, k), wide);
    const depths = [A.shape[transA ? 0 : 1]!, B.shape[transB ? 1 : 0]!] as const;
    const b = cast(agreeing([depths], transB ? B.at(j, k) : B.at(k, j)), wide);
    const product = scaled(sumOf([k], a, b), alpha);
    if (!C || beta === 0) return cast(product, A.dtype);
    return cast(add(product, scaled(cast(readBroadcast(C, index, types[0]!.shape), wide), beta)), A.dtype);
  },
});

function scaled(x: Expr, factor: number): Expr {
  if (factor === 1) return x;
  if (isFloat(x.dtype)) return mul(x, constant(factor, x.dtype));
  return cast(mul(cast(x, 'float64'), constant(factor, 'float64')), x.dtype);
}
