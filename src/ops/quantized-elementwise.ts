// Arithmetic and activations of quantized tensors, in ONNX Runtime's own domain: QLinearAdd, QLinearMul, QLinearSigmoid,
// QLinearLeakyRelu. Each is meant as dequantize, compute in float32, quantize.

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { add, call, cast, constant, div, lt, mul, select, sub, unary } from '../../ir/expr-make.ts';
import { floatAttribute } from './attributes.ts';
import { type Operand, type Operator, op } from './define.ts';
import { broadcastShapes, readBroadcast, scalarOf, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';
const bytes = typeSet('T', ['uint8', 'int8']);
const scale = typeSet('S', ['float32']);

const centered = (x: Expr, zero: Operand | undefined): Expr => {
  const value = cast(x, 'int32');
  return cast(zero ? sub(value, cast(scalarOf(zero), 'int32')) : value, 'float32');
};

/** Rounds half to even and saturates. */
function requantized(x: Expr, zero: Operand | undefined, to: DType): Expr {
  const rounded = unary('rint', x);
  return cast(zero ? add(rounded, cast(scalarOf(zero), 'float32')) : rounded, to);
}

interface Factor {
  readonly x: Expr;
  readonly scale: Expr;
}

const binary = (name: string, meaning: (a: Factor, b: Factor, scale: Expr) => Expr): Operator =>
  op(name, {
    domain,
    inputs: ['A', 'A_scale', 'A_zero_point?', 'B', 'B_scale', 'B_zero_point?', 'C_scale', 'C_zero_point?'],
    types: {
      A: bytes,
      A_scale: scale,
      A_zero_point: bytes,
      B: bytes,
      B_scale: scale,
      B_zero_point: bytes,
      C_scale: scale,
      C_zero_point: bytes,
    },
    outputs: ['C'],
    type: ({ A, B }, _, context) => tensorOf(A.dtype, broadcastShapes([A.shape, B.shape], context)),
    compute: (inputs, _, index, { types }) => {
      const { shape, dtype } = types[0]!;
      const a = centered(readBroadcast(inputs.A, index, shape), inputs.A_zero_point);
      const b = centered(readBroadcast(inputs.B, index, shape), inputs.B_zero_point);
      const left = { x: a, scale: scalarOf(inputs.A_scale) };
      const right = { x: b, scale: scalarOf(inputs.B_scale) };
      return requantized(meaning(left, right, scalarOf(inputs.C_scale)), inputs.C_zero_point, dtype);
    },
  });

export const QLinearAdd = binary('QLinearAdd', (a, b, to) =>
  add(mul(a.x, div(a.scale, to)), mul(b.x, div(b.scale, to))),
);
export const QLinearMul = binary('QLinearMul', (a, b, to) => mul(mul(a.x, b.x), div(mul(a.scale, b.scale), to)));

const activation = (name: string, meaning: (x: Expr, alpha: number) => Expr): Operator =>
  op(name, {
    domain,
    inputs: ['X', 'X_scale', 'X_zero_point?', 'Y_scale', 'Y_zero_point?'],
    attributes: { alpha: floatAttribute(0.01) },
    types: { X: bytes, X_scale: scale, X_zero_point: bytes, Y_scale: scale, Y_zero_point: bytes },
    type: ({ X }) => tensorOf(X.dtype, X.shape),
    compute: ({ X, X_scale, X_zero_point, Y_scale, Y_zero_point }, { alpha }, index) => {
      const x = mul(centered(X.at(...index), X_zero_point), scalarOf(X_scale));
      return requantized(div(meaning(x, alpha), scalarOf(Y_scale)), Y_zero_point, X.dtype);
    },
  });

export const QLinearSigmoid = activation('QLinearSigmoid', (x) => call('sigmoid', x));
export const QLinearLeakyRelu = activation('QLinearLeakyRelu', (x, alpha) =>
  select(lt(x, constant(0, 'float32')), mul(x, constant(alpha, 'float32')), x),
);
