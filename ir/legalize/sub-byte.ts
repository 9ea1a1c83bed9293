// Integers of four and two bits: their values are carried in bytes, sign-extended or zero-extended, and brought back to
// their range after every operation that can leave it.

import type { DType } from '../dtype.ts';
import { dtypes, integerRange, isFloat } from '../dtype.ts';
import type { Expr } from '../expr.ts';
import { and, binary, cast, constant, max, min } from '../expr-make.ts';

export interface SmallInteger {
  readonly dtype: DType;
  /** What carries a value, in registers and in unpacked memory. */
  readonly carrier: 'int8' | 'uint8';
  readonly bits: number;
}

export const smallIntegers: readonly SmallInteger[] = (['int4', 'uint4', 'int2', 'uint2'] as const).map((dtype) => ({
  dtype,
  carrier: dtypes[dtype].class === 'int' ? 'int8' : 'uint8',
  bits: dtypes[dtype].bits,
}));

/** The value of the low bits of a carrier. */
export function wrapInteger({ carrier, bits }: SmallInteger, value: Expr): Expr {
  if (carrier === 'uint8') return and(value, constant(2 ** bits - 1, carrier));
  const unused = constant(8 - bits, carrier);
  return binary('shr', binary('shl', value, unused), unused);
}

/** From any type: floats saturate, integers wrap. */
export function toSmallInteger(format: SmallInteger, value: Expr): Expr {
  const carried = cast(value, format.carrier);
  if (value.dtype === 'bool') return carried;
  if (!isFloat(value.dtype)) return wrapInteger(format, carried);
  const range = integerRange(format.dtype);
  const bounded = min(carried, constant(range.max, format.carrier));
  return format.carrier === 'uint8' ? bounded : max(bounded, constant(range.min, format.carrier));
}
