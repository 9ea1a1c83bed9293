// Products of ONNX Runtime's own domain: FusedMatMul, QGemm, MatMulIntegerToFloat, DynamicQuantizeMatMul.

import type { Expr } from '../../ir/expr.ts';
import { add, cast, constant, constantOf, div, indexVar, mul, reduce, sub, unary } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { Add, Mul } from './arithmetic.ts';
import { floatAttribute, intAttribute } from './attributes.ts';
import { castTo, scalarLike, tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { checkDepth, MatMul, productShape } from './matmul.ts';
import { DynamicQuantizeLinear } from './quantize.ts';
import { MatMulInteger } from './quantized-matmul.ts';
import { Transpose } from './transpose.ts';
import { anyFloat, broadcastsTo, readBroadcast, scalarOf, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';
const bytes = (name: string) => typeSet(name, ['uint8', 'int8']);
const float = typeSet('S', ['float32']);

/** A transposed matrix, or batch of matrices; a vector stays. */
const turnedShape = (X: Operand, turned: number): Operand =>
  turned && X.rank > 1 ? { ...X, shape: [...X.shape.slice(0, -2), X.shape.at(-1)!, X.shape.at(-2)!] } : X;

export const fusedProductAttributes = {
  alpha: floatAttribute(1),
  transA: intAttribute(0),
  transB: intAttribute(0),
  transBatchA: intAttribute(0),
  transBatchB: intAttribute(0),
};

interface Arrangement {
  readonly alpha: number;
  readonly transA: number;
  readonly transB: number;
  readonly transBatchA: number;
  readonly transBatchB: number;
}

/** The order of an operand's axes: the first one behind the batch where the batch is transposed, then the matrix. */
function arrangement(rank: number, turn: number, turnBatch: number): readonly number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  if (rank < 2) return axes;
  const moved = turnBatch ? [...axes.slice(1, -1), 0, rank - 1] : axes;
  return turn ? [...moved.slice(0, -2), moved[rank - 1]!, moved[rank - 2]!] : moved;
}

export function fusedProductShape(A: Operand, B: Operand, how: Arrangement, context: TypeContext): readonly Expr[] {
  const arranged = (X: Operand, turn: number, turnBatch: number): Operand => ({
    ...X,
    shape: arrangement(X.rank, turn, turnBatch).map((axis) => X.shape[axis]!),
  });
  return productShape(arranged(A, how.transA, how.transBatchA), arranged(B, how.transB, how.transBatchB), context);
}

export function fusedProduct(g: Builder, A: Value, B: Value, how: Arrangement): Value {
  const arranged = (value: Value, turn: number, turnBatch: number): Value => {
    const perm = arrangement(tensorTypeOf(value).shape.length, turn, turnBatch);
    return perm.every((axis, position) => axis === position) ? value : g.apply(Transpose, [value], { perm });
  };
  const factors = [arranged(A, how.transA, how.transBatchA), arranged(B, how.transB, how.transBatchB)];
  const product = g.apply(MatMul, factors);
  return how.alpha === 1 ? product : g.apply(Mul, [product, scalarLike(g, product, how.alpha)]);
}

/** alpha * A' * B' */
export const FusedMatMul = op('FusedMatMul', {
  domain,
  inputs: ['A', 'B'],
  attributes: fusedProductAttributes,
  types: { A: anyFloat, B: anyFloat },
  type: ({ A, B }, how, context) => tensorOf(A.dtype, fusedProductShape(A, B, how, context)),
  expand: ({ A, B }, how, g) => fusedProduct(g, A, B, how),
});

/** One for all, or one for each column. */
const ofColumn = (operand: Operand, column: Expr): Expr =>
  operand.rank === 0 || constantOf(operand.shape[0]!) === 1 ? scalarOf(operand) : operand.at(column);

/** Y = alpha * a_scale * b_scale * (A' * B' + C), quantized where y_scale is given. */
export const QGemm = op('QGemm', {
  domain,
  inputs: ['A', 'a_scale', 'a_zero_point', 'B', 'b_scale', 'b_zero_point', 'C?', 'y_scale?', 'y_zero_point?'],
  attributes: { alpha: floatAttribute(1), transA: intAttribute(0), transB: intAttribute(0) },
  types: {
    A: bytes('TA'),
    a_scale: float,
    a_zero_point: bytes('TA'),
    B: bytes('TB'),
    b_scale: float,
    b_zero_point: bytes('TB'),
    C: typeSet('TC', ['int32']),
    y_scale: float,
    y_zero_point: bytes('TYZ'),
  },
  type: ({ A, B, C, y_scale, y_zero_point }, { transA, transB }, context) => {
    if (A.rank !== 2 || B.rank !== 2) context.fail(`A and B must have rank 2, got ${A.rank} and ${B.rank}.`);
    const [a, b] = [turnedShape(A, transA).shape, turnedShape(B, transB).shape];
    checkDepth(a[1]!, b[0]!, context);
    const shape = [a[0]!, b[1]!];
    if (C && !broadcastsTo(C.shape, shape)) context.fail('C must broadcast to the shape of the product.');
    return tensorOf(y_scale ? (y_zero_point?.dtype ?? A.dtype) : 'float32', shape);
  },
  compute: (inputs, { alpha, transA, transB }, index, { types }) => {
    const { A, B, C, y_scale, y_zero_point } = inputs;
    const [i, j] = [index[0]!, index[1]!];
    const k = indexVar('k', turnedShape(A, transA).shape[1]!);
    const centered = (x: Expr, zero: Expr): Expr => sub(cast(x, 'int32'), cast(zero, 'int32'));
    const a = centered(transA ? A.at(k, i) : A.at(i, k), scalarOf(inputs.a_zero_point));
    const b = centered(transB ? B.at(j, k) : B.at(k, j), ofColumn(inputs.b_zero_point, j));
    const sum = reduce('sum', [k], mul(a, b));
    const total = cast(C ? add(sum, readBroadcast(C, index, types[0]!.shape)) : sum, 'float32');
    const factor = mul(constant(alpha, 'float32'), mul(scalarOf(inputs.a_scale), ofColumn(inputs.b_scale, j)));
    if (!y_scale) return mul(total, factor);
    const rounded = unary('rint', mul(total, div(factor, scalarOf(y_scale))));
    const moved = y_zero_point ? add(rounded, cast(scalarOf(y_zero_point), 'float32')) : rounded;
    return cast(moved, types[0]!.dtype);
  },
});

/** The integer product times both scales, plus a bias. */
function scaledProduct(g: Builder, product: Value, scales: readonly Value[], bias: Value | undefined): Value {
  const result = scales.reduce((value, by) => g.apply(Mul, [value, by]), castTo(g, product, 'float32'));
  return bias ? g.apply(Add, [result, bias]) : result;
}

export const MatMulIntegerToFloat = op('MatMulIntegerToFloat', {
  domain,
  inputs: ['A', 'B', 'a_scale', 'b_scale', 'a_zero_point?', 'b_zero_point?', 'bias?'],
  types: {
    A: bytes('T1'),
    B: bytes('T2'),
    a_scale: float,
    b_scale: float,
    a_zero_point: bytes('T1'),
    b_zero_point: bytes('T2'),
    bias: float,
  },
  type: ({ A, B }, _, context) => tensorOf('float32', productShape(A, B, context)),
  expand: ({ A, B, a_scale, b_scale, a_zero_point, b_zero_point, bias }, _, g) =>
    scaledProduct(g, g.apply(MatMulInteger, [A, B, a_zero_point, b_zero_point]), [a_scale, b_scale], bias),
});

/** A is quantized by its own range as the run finds it. */
export const DynamicQuantizeMatMul = op('DynamicQuantizeMatMul', {
  domain,
  inputs: ['A', 'B', 'b_scale', 'b_zero_point?', 'bias?'],
  types: { A: float, B: bytes('T2'), b_scale: float, b_zero_point: bytes('T2'), bias: float },
  type: ({ A, B }, _, context) => tensorOf('float32', productShape(A, B, context)),
  expand: ({ A, B, b_scale, b_zero_point, bias }, _, g) => {
    const [a, scale, zero] = g.applyAll(DynamicQuantizeLinear, [A]);
    return scaledProduct(g, g.apply(MatMulInteger, [a, B, zero, b_zero_point]), [scale!, b_scale], bias);
  },
});
