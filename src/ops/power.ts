// Pow: X and Y may differ in type; the result has the type of X.

import { isFloat, isSigned } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  and,
  binary,
  call,
  cast,
  constant,
  constantOf,
  div,
  eq,
  lt,
  mul,
  or,
  select,
  unary,
} from '../../ir/expr-make.ts';
import { intAttribute, optionalInt } from './attributes.ts';
import { alignedAt } from './broadcast.ts';
import { op } from './define.ts';
import { broadcastShapes, numericTypes, readBroadcast, tensorOf, typeSet } from './types.ts';

/** Powers that are cheaper than the general one, and more exact. */
function knownPower(x: Expr, exponent: number): Expr | undefined {
  const one = constant(1, x.dtype);
  switch (exponent) {
    case 1:
      return x;
    case 2:
      return mul(x, x);
    case 3:
      return mul(mul(x, x), x);
    case 4:
      return mul(mul(x, x), mul(x, x));
    case 0.5:
      return rootOf(x);
    case -0.5:
      return div(one, rootOf(x));
    case -1:
      return div(one, x);
    case -2:
      return div(one, mul(x, x));
    default:
      return undefined;
  }
}

/** As pow does: unlike the square root, infinity for -infinity. */
function rootOf(x: Expr): Expr {
  const infinite = eq(x, constant(Number.NEGATIVE_INFINITY, x.dtype));
  return select(infinite, constant(Number.POSITIVE_INFINITY, x.dtype), unary('sqrt', x));
}

/** Integer powers wrap. Negative exponents give the truncated fraction: 0, but for bases 1 and -1. */
function integerPower(x: Expr, y: Expr): Expr {
  const one = constant(1, x.dtype);
  const zero = constant(0, x.dtype);
  const exponent = cast(y, 'int64');
  const bit = (position: number): Expr =>
    eq(binary('and', binary('shr', exponent, constant(position, 'int64')), constant(1, 'int64')), constant(1, 'int64'));
  let square = x;
  let result: Expr = one;
  // An exponent of 64 or more overflows every type, whatever the base but 0, 1 and -1.
  for (let position = 0; position < 6; position++) {
    result = mul(result, select(bit(position), square, one));
    square = mul(square, square);
  }
  const fixed = isSigned(x.dtype)
    ? select(eq(x, constant(-1, x.dtype)), select(bit(0), x, one), select(or(eq(x, one), eq(x, zero)), x, zero))
    : select(or(eq(x, one), eq(x, zero)), x, zero);
  const beyond = lt(constant(63, 'int64'), exponent);
  const negative = lt(exponent, constant(0, 'int64'));
  const outside = select(and(negative, eq(x, zero)), zero, fixed);
  return isSigned(y.dtype) || y.dtype === 'uint64'
    ? select(or(negative, beyond), outside, result)
    : select(beyond, outside, result);
}

export function power(x: Expr, y: Expr): Expr {
  const exponent = constantOf(y);
  const whole = isFloat(x.dtype) || (exponent !== undefined && exponent >= 1 && Number.isInteger(exponent));
  const known = exponent === undefined || !whole ? undefined : knownPower(x, exponent);
  if (known) return known;
  if (isFloat(x.dtype)) {
    // An integer exponent may have more digits than the base's type.
    const wide = x.dtype === 'float64' ? 'float64' : 'float32';
    return cast(call('pow', cast(x, wide), cast(y, wide)), x.dtype);
  }
  if (!isFloat(y.dtype)) return integerPower(x, y);
  return cast(call('pow', cast(x, 'float64'), cast(y, 'float64')), x.dtype);
}

export const Pow = op('Pow', {
  inputs: ['X', 'Y'],
  attributes: { axis: optionalInt, broadcast: intAttribute(0) },
  types: { X: typeSet('T', numericTypes), Y: typeSet('T1', numericTypes) },
  outputs: ['Z'],
  since: 15,
  type: ({ X, Y }, { axis }, context) =>
    tensorOf(X.dtype, broadcastShapes([X.shape, alignedAt(X, Y, axis).shape], context)),
  compute: ({ X, Y }, { axis }, index, { types }) => {
    const { shape } = types[0]!;
    return power(readBroadcast(X, index, shape), readBroadcast(alignedAt(X, Y, axis), index, shape));
  },
});
