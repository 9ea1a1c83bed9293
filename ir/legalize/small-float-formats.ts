// The floats of 16 bits and fewer: their layouts, and rounding of plain numbers to their values.

import type { DType } from '../dtype.ts';

export interface SmallFloat {
  readonly dtype: DType;
  readonly storage: 'uint8' | 'uint16';
  /** Stored bits of the significand. */
  readonly fraction: number;
  readonly bias: number;
  /** Code of the largest finite number. */
  readonly largest: number;
  /** Code of what is beyond it: infinity, or NaN. */
  readonly beyond: number;
  readonly nan: number;
  /** The sign bit of a code. */
  readonly sign: number;
  /** Without a negative zero, whose code is the only NaN. */
  readonly unsignedZero: boolean;
}

const ieee16 = { storage: 'uint16', sign: 0x8000, unsignedZero: false } as const;
const signed8 = { storage: 'uint8', sign: 0x80, unsignedZero: false } as const;
const finite8 = { storage: 'uint8', sign: 0x80, unsignedZero: true, largest: 0x7f, beyond: 0x80, nan: 0x80 } as const;

export const smallFloats: readonly SmallFloat[] = [
  { dtype: 'float16', ...ieee16, fraction: 10, bias: 15, largest: 0x7bff, beyond: 0x7c00, nan: 0x7e00 },
  { dtype: 'bfloat16', ...ieee16, fraction: 7, bias: 127, largest: 0x7f7f, beyond: 0x7f80, nan: 0x7fc0 },
  { dtype: 'float8e4m3fn', ...signed8, fraction: 3, bias: 7, largest: 0x7e, beyond: 0x7f, nan: 0x7f },
  { dtype: 'float8e4m3fnuz', ...finite8, fraction: 3, bias: 8 },
  { dtype: 'float8e5m2', ...signed8, fraction: 2, bias: 15, largest: 0x7b, beyond: 0x7c, nan: 0x7e },
  { dtype: 'float8e5m2fnuz', ...finite8, fraction: 2, bias: 16 },
  // Has neither infinity nor NaN: both become the largest number, NaN the positive one.
  { dtype: 'float4e2m1', ...signed8, sign: 0x8, fraction: 1, bias: 1, largest: 0x7, beyond: 0x7, nan: 0x7 },
];

/** The least normal number is two to the power of this. */
export const leastPower = ({ bias }: SmallFloat): number => 1 - bias;

/** The largest finite number. */
export function largestOf({ fraction, bias, largest }: SmallFloat): number {
  const exponent = largest >> fraction;
  return (2 ** fraction + (largest & (2 ** fraction - 1))) * 2 ** (exponent - bias - fraction);
}

/** The value of the type nearest to a number, half to even: what a constant of the type is. */
export function roundToFormat(format: SmallFloat, value: number): number {
  const limit = largestOf(format);
  if (Number.isNaN(value)) return format.fraction === 1 ? limit : value;
  const size = Math.abs(value);
  // The exponent of a double; its subnormals are far below every type's.
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, size);
  const power = Math.max((view.getUint16(0) >> 4) - 1023, leastPower(format));
  const unit = 2 ** (power - format.fraction);
  const units = size / unit;
  // Adding 2^52 rounds to a whole number, half to even.
  const rounded = units < 2 ** 51 ? (units + 2 ** 52 - 2 ** 52) * unit : size;
  const overflow = format.fraction === 1 ? limit : format.beyond === format.nan ? Number.NaN : Number.POSITIVE_INFINITY;
  const bounded = rounded > limit ? overflow : rounded;
  if (bounded === 0 && format.unsignedZero) return 0;
  return value < 0 || Object.is(value, -0) ? -bounded : bounded;
}
