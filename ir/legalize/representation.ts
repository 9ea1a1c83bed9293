// How values of the types that printers may not know are stored and computed: one record for each type.

import { type DType, dtypes, isInteger } from '../dtype.ts';
import type { Expr } from '../expr.ts';
import { and, constant } from '../expr-make.ts';
import { decodeExponent, encodeExponent } from './exponent-float.ts';
import { asFloat32ForRounding } from './round-to-odd.ts';
import { roundToFormat, type SmallFloat, smallFloats } from './small-float-formats.ts';
import { decodeFloat, encodeFloat, roundFloat } from './small-floats.ts';
import { type SmallInteger, smallIntegers, toSmallInteger, wrapInteger } from './sub-byte.ts';

export interface Representation {
  /** The type of codes, in memory. */
  readonly storage: DType;
  /** The type in which values are computed. */
  readonly carrier: DType;
  /** Whether there is a negative for each value, zero included. */
  readonly negates: boolean;
  decode(code: Expr): Expr;
  /** The code of a carried value. */
  encode(value: Expr): Expr;
  /** Whether encoding does the rounding too. */
  readonly encodeRounds: boolean;
  /** Brings the result of an operation back to the values of the type. */
  round(value: Expr): Expr;
  /** A value of any legal type in the carrier, so that rounding it is right. */
  widen(value: Expr): Expr;
  /** Clears, or fills with the sign, the bits of a byte beyond the code. */
  trim(code: Expr): Expr;
  constant(value: number): number;
}

const ofFloat = (format: SmallFloat): Representation => ({
  storage: format.storage,
  carrier: 'float32',
  negates: !format.unsignedZero,
  decode: (code) => decodeFloat(format, code),
  encode: (value) => encodeFloat(format, value),
  encodeRounds: true,
  round: (value) => roundFloat(format, value),
  widen: asFloat32ForRounding,
  trim: (code) => (format.sign === 0x8 ? and(code, constant(0xf, format.storage)) : code),
  constant: (value) => roundToFormat(format, value),
});

const ofInteger = (format: SmallInteger): Representation => ({
  storage: format.carrier,
  carrier: format.carrier,
  negates: false,
  decode: (code) => code,
  encode: (value) => value,
  encodeRounds: false,
  round: (value) => wrapInteger(format, value),
  widen: (value) => toSmallInteger(format, value),
  trim: (code) => wrapInteger(format, code),
  constant: (value) => value,
});

const ofExponent: Representation = {
  storage: 'uint8',
  carrier: 'float32',
  negates: false,
  decode: decodeExponent,
  encode: encodeExponent,
  encodeRounds: true,
  round: (value) => decodeExponent(encodeExponent(value)),
  widen: asFloat32ForRounding,
  trim: (code) => code,
  constant: (value) => {
    const power = Math.round(Math.log2(Math.abs(value)));
    return power > 127 ? Number.NaN : 2 ** Math.max(power, -127);
  },
};

const table: ReadonlyMap<DType, Representation> = new Map<DType, Representation>([
  ...smallFloats.map((format) => [format.dtype, ofFloat(format)] as const),
  ...smallIntegers.map((format) => [format.dtype, ofInteger(format)] as const),
  ['float8e8m0', ofExponent],
]);

/** Undefined for types that every printer knows. */
export const representationOf = (dtype: DType): Representation | undefined => table.get(dtype);

/** The type of an element in unpacked memory, for types that are stored as codes; else the type itself. */
export const storageOf = (dtype: DType): DType => representationOf(dtype)?.storage ?? dtype;

/** Whether every value of one type is one of another, small float. */
export function isExactIn(from: DType, to: DType): boolean {
  if (to !== 'float16' && to !== 'bfloat16') return false;
  return (
    from === 'bool' || (dtypes[from].bits <= 8 && (isInteger(from) || smallFloats.some(({ dtype }) => dtype === from)))
  );
}
