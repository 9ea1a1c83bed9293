// Products of quantized matrices: MatMulInteger and QLinearMatMul. Sums are formed in int32.

import { isFloat } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { add, cast, constantOf, div, int, mul, reduce, sub, unary } from '../../ir/expr-make.ts';
import { convert } from './cast.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { type ProductTerm, productShape, productTerm } from './matmul.ts';
import { agreeing, pairsOf } from './run-time-operands.ts';
import { float8Types, readBroadcast, tensorOf, typeSet } from './types.ts';

const bytes = (name: string) => typeSet(name, ['int8', 'uint8']);
const quantized = (name: string) => typeSet(name, ['int8', 'uint8', ...float8Types]);
const scales = typeSet('TS', ['float32', 'float16', 'bfloat16']);

const isSingle = (operand: Operand): boolean => operand.shape.every((extent) => constantOf(extent) === 1);

/** A scale or zero point of A: one, one for each row, or of A's rank with a last axis of 1. */
function ofRow(parameter: Operand, { batch, batchShape, row, rows }: ProductTerm): Expr {
  if (isSingle(parameter)) return parameter.at(...parameter.shape.map(() => int(0)));
  if (parameter.rank === 1) return agreeing([[parameter.shape[0]!, rows]], parameter.at(row[0]!));
  const sizes = pairsOf(parameter.shape.slice(-2), [rows, int(1)]);
  return agreeing(sizes, readBroadcast(parameter, batch, batchShape, [row[0]!, int(0)]));
}

/** A scale or zero point of B: one, one for each column, or of B's rank with a last axis but one of 1. */
function ofColumn(parameter: Operand, { batch, batchShape, column, columns }: ProductTerm): Expr {
  if (isSingle(parameter)) return parameter.at(...parameter.shape.map(() => int(0)));
  if (parameter.rank === 1) return agreeing([[parameter.shape[0]!, columns]], parameter.at(column[0]!));
  const sizes = pairsOf(parameter.shape.slice(-2), [int(1), columns]);
  return agreeing(sizes, readBroadcast(parameter, batch, batchShape, [int(0), column[0]!]));
}

function checkParameter(parameter: Operand | undefined, name: string, matrix: Operand, context: TypeContext): void {
  if (!parameter || isSingle(parameter)) return;
  const fits = matrix.rank > 1 && (parameter.rank === 1 || parameter.rank === matrix.rank);
  if (!fits)
    context.fail(`${name} has rank ${parameter.rank}; it must be a scalar, have rank 1 or rank ${matrix.rank}.`);
}

/** The sum of (a - a_zero) * (b - b_zero), in int32; of float8, in float32. */
function centeredSum(term: ProductTerm, aZero: Operand | undefined, bZero: Operand | undefined): Expr {
  const wide = isFloat(term.a.dtype) || isFloat(term.b.dtype) ? 'float32' : 'int32';
  const centered = (x: Expr, zero: Expr | undefined): Expr =>
    zero ? sub(cast(x, wide), cast(zero, wide)) : cast(x, wide);
  const a = centered(term.a, aZero && ofRow(aZero, term));
  const b = centered(term.b, bZero && ofColumn(bZero, term));
  return reduce('sum', [term.k], mul(a, b));
}

export const MatMulInteger = op('MatMulInteger', {
  inputs: ['A', 'B', 'a_zero_point?', 'b_zero_point?'],
  types: { A: bytes('T1'), B: bytes('T2'), a_zero_point: bytes('T1'), b_zero_point: bytes('T2') },
  since: 10,
  type: ({ A, B, a_zero_point, b_zero_point }, _, context) => {
    checkParameter(a_zero_point, 'a_zero_point', A, context);
    checkParameter(b_zero_point, 'b_zero_point', B, context);
    return tensorOf('int32', productShape(A, B, context));
  },
  compute: ({ A, B, a_zero_point, b_zero_point }, _, index, { types }) =>
    centeredSum(productTerm(A, B, index, types[0]!.shape), a_zero_point, b_zero_point),
});

/** y = saturate(round(sum * (a_scale * b_scale / y_scale)) + y_zero_point). */
export const QLinearMatMul = op('QLinearMatMul', {
  inputs: ['a', 'a_scale', 'a_zero_point', 'b', 'b_scale', 'b_zero_point', 'y_scale', 'y_zero_point'],
  types: {
    a: quantized('T1'),
    a_scale: scales,
    a_zero_point: quantized('T1'),
    b: quantized('T2'),
    b_scale: scales,
    b_zero_point: quantized('T2'),
    y_scale: scales,
    y_zero_point: quantized('T3'),
  },
  outputs: ['y'],
  since: 21,
  type: (inputs, _, context) => {
    const { a, b, y_scale, y_zero_point } = inputs;
    checkParameter(inputs.a_scale, 'a_scale', a, context);
    checkParameter(inputs.a_zero_point, 'a_zero_point', a, context);
    checkParameter(inputs.b_scale, 'b_scale', b, context);
    checkParameter(inputs.b_zero_point, 'b_zero_point', b, context);
    checkParameter(y_scale, 'y_scale', a, context);
    checkParameter(y_zero_point, 'y_zero_point', a, context);
    return tensorOf(y_zero_point.dtype, productShape(a, b, context));
  },
  compute: (inputs, _, index, { types }) => {
    const { a, b, y_scale, y_zero_point } = inputs;
    const term = productTerm(a, b, index, types[0]!.shape);
    const sum = cast(centeredSum(term, inputs.a_zero_point, inputs.b_zero_point), 'float32');
    const scale = (x: Expr): Expr => cast(x, 'float32');
    const product = mul(scale(ofRow(inputs.a_scale, term)), scale(ofColumn(inputs.b_scale, term)));
    const value = mul(sum, div(product, scale(ofRow(y_scale, term))));
    const zero = cast(ofRow(y_zero_point, term), 'float32');
    const to = y_zero_point.dtype;
    return isFloat(to) ? convert(add(value, zero), to) : cast(add(unary('rint', value), zero), to);
  },
});
