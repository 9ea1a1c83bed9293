// Functions of one element: arithmetic, exponentials, trigonometry, tests for special values.

import type { DType } from '../../ir/dtype.ts';
import { isFloat, isUnsigned } from '../../ir/dtype.ts';
import type { Expr, MathFunction } from '../../ir/expr.ts';
import { bool, call, cast, constant, div, eq, lt, ne, neg, not, or, select, unary } from '../../ir/expr-make.ts';
import { intAttribute } from './attributes.ts';
import { type Operator, op, type TypeSet } from './define.ts';
import { withoutConsumed } from './legacy.ts';
import {
  anyFloat,
  anyNumeric,
  anyType,
  float8Types,
  floatTypes,
  integerTypes,
  signedTypes,
  tensorOf,
  typeSet,
} from './types.ts';

/** An operator that maps each element by itself. */
export const elementwise = (
  name: string,
  meaning: (x: Expr) => Expr,
  accepted: TypeSet = anyFloat,
  since = 13,
  result?: DType,
): Operator =>
  op(name, {
    inputs: ['X'],
    types: { X: accepted },
    since,
    until: { consumed_inputs: 6 },
    upgrade: withoutConsumed,
    type: ({ X }) => tensorOf(result ?? X.dtype, X.shape),
    compute: ({ X }, _, index) => meaning(X.at(...index)),
  });

const math = (name: string, callee: MathFunction, since = 22): Operator =>
  elementwise(name, (x) => call(callee, x), anyFloat, since);

const signed = typeSet('T', [...floatTypes, ...signedTypes]);

export const Abs = elementwise('Abs', (x) => (isUnsigned(x.dtype) ? x : unary('abs', x)), anyNumeric);
export const Neg = elementwise('Neg', neg, signed);
export const Ceil = elementwise('Ceil', (x) => unary('ceil', x));
export const Floor = elementwise('Floor', (x) => unary('floor', x));
export const Round = elementwise('Round', (x) => unary('rint', x), anyFloat, 22);
export const Sqrt = elementwise('Sqrt', (x) => unary('sqrt', x));
export const Reciprocal = elementwise('Reciprocal', (x) => div(constant(1, x.dtype), x));

/** NaN and both zeros stay what they are. */
export const Sign = elementwise(
  'Sign',
  (x) => {
    const zero = constant(0, x.dtype);
    const positive = select(lt(zero, x), constant(1, x.dtype), x);
    return isUnsigned(x.dtype) ? positive : select(lt(x, zero), constant(-1, x.dtype), positive);
  },
  anyNumeric,
);

export const Exp = math('Exp', 'exp', 13);
export const Log = math('Log', 'log', 13);
export const Tanh = math('Tanh', 'tanh', 13);
export const Sigmoid = math('Sigmoid', 'sigmoid', 13);
export const Sin = math('Sin', 'sin');
export const Cos = math('Cos', 'cos');
export const Tan = math('Tan', 'tan');
export const Asin = math('Asin', 'asin');
export const Acos = math('Acos', 'acos');
export const Atan = math('Atan', 'atan');
export const Sinh = math('Sinh', 'sinh');
export const Cosh = math('Cosh', 'cosh');
export const Asinh = math('Asinh', 'asinh');
export const Acosh = math('Acosh', 'acosh');
export const Atanh = math('Atanh', 'atanh');
/** The specification allows integers here, and only here. */
export const Erf = elementwise(
  'Erf',
  (x) => (isFloat(x.dtype) ? call('erf', x) : cast(call('erf', cast(x, 'float32')), x.dtype)),
  anyNumeric,
);

export const IsNaN = elementwise(
  'IsNaN',
  (x) => ne(x, x),
  typeSet('T', [...floatTypes, ...float8Types, 'float8e8m0', 'float4e2m1']),
  20,
  'bool',
);

export const IsInf = op('IsInf', {
  inputs: ['X'],
  attributes: { detect_negative: intAttribute(1), detect_positive: intAttribute(1) },
  types: { X: typeSet('T', [...floatTypes, ...float8Types]) },
  since: 20,
  type: ({ X }) => tensorOf('bool', X.shape),
  compute: ({ X }, { detect_negative, detect_positive }, index) => {
    const x = X.at(...index);
    const positive = detect_positive ? eq(x, constant(Number.POSITIVE_INFINITY, x.dtype)) : bool(false);
    const negative = detect_negative ? eq(x, constant(Number.NEGATIVE_INFINITY, x.dtype)) : bool(false);
    return or(positive, negative);
  },
});

export const Not = elementwise('Not', not, typeSet('T', ['bool']), 1);
export const BitwiseNot = elementwise('BitwiseNot', not, typeSet('T', integerTypes), 18);

/** Any value, sequences and optionals too. */
export const Identity = op('Identity', {
  inputs: ['X'],
  types: { X: anyType },
  since: 25,
  type: ({ X }) => X.value.type,
  expand: ({ X }) => X,
  build: ({ X }) => X,
});
