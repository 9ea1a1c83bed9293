// Which bits of an integer expression are the same for all values of its variables: from masks, shifts and casts. It
// decides comparisons that bounds cannot, such as (x & 6) == 9.

import { type DType, dtypes, isInteger, isSigned } from './dtype.ts';
import type { Binary, Cast, Expr } from './expr.ts';
import { constantOf } from './expr-make.ts';

/** As unsigned numbers of the type's width. No bit is in both. */
export interface KnownBits {
  readonly zeros: bigint;
  readonly ones: bigint;
}

const nothing: KnownBits = { zeros: 0n, ones: 0n };
const cache = new WeakMap<Expr, KnownBits>();

const hasBits = (dtype: DType): boolean => isInteger(dtype) && dtype !== 'index';
const allBits = (dtype: DType): bigint => (1n << BigInt(dtypes[dtype].bits)) - 1n;

export function knownBits(expr: Expr): KnownBits {
  if (expr.dtype === 'bool') return { zeros: 0xfen, ones: 0n };
  if (!hasBits(expr.dtype)) return nothing;
  const known = cache.get(expr);
  if (known) return known;
  const found = compute(expr);
  cache.set(expr, found);
  return found;
}

/** Whether two integer expressions of one type differ in some bit, whatever their variables are. */
export function differInBits(left: Expr, right: Expr): boolean {
  const a = knownBits(left);
  const b = knownBits(right);
  return ((a.ones & b.zeros) | (a.zeros & b.ones)) !== 0n;
}

/** The value of an integer expression whose bits are all known. */
export function allBitsOf(expr: Expr): bigint | undefined {
  if (!hasBits(expr.dtype)) return undefined;
  const { zeros, ones } = knownBits(expr);
  return (zeros | ones) === allBits(expr.dtype) ? ones : undefined;
}

function compute(expr: Expr): KnownBits {
  switch (expr.kind) {
    case 'const': {
      const ones = BigInt.asUintN(dtypes[expr.dtype].bits, BigInt(expr.value));
      return { ones, zeros: allBits(expr.dtype) & ~ones };
    }
    case 'splat':
      return knownBits(expr.value);
    case 'select':
      return common(knownBits(expr.whenTrue), knownBits(expr.whenFalse));
    case 'cast':
      return castBits(expr);
    case 'unary': {
      const { zeros, ones } = knownBits(expr.value);
      return expr.op === 'not' ? { zeros: ones, ones: zeros } : nothing;
    }
    case 'binary':
      return binaryBits(expr);
    case 'var':
    case 'load':
    case 'ramp':
    case 'reduce':
    case 'call':
      return nothing;
  }
}

const common = (a: KnownBits, b: KnownBits): KnownBits => ({ zeros: a.zeros & b.zeros, ones: a.ones & b.ones });

/** Integers are cut, or continued by zeros or by their sign. */
function castBits({ value, dtype }: Cast): KnownBits {
  if (!hasBits(value.dtype) && value.dtype !== 'bool') return nothing;
  const { zeros, ones } = knownBits(value);
  const all = allBits(dtype);
  const from = allBits(value.dtype);
  const more = all & ~from;
  const sign = isSigned(value.dtype) ? (from + 1n) >> 1n : 0n;
  const isPositive = sign === 0n || (zeros & sign) !== 0n;
  return {
    zeros: (zeros & all) | (isPositive ? more : 0n),
    ones: (ones & all) | ((ones & sign) !== 0n ? more : 0n),
  };
}

function binaryBits({ op, left, right, dtype }: Binary): KnownBits {
  const a = knownBits(left);
  const b = knownBits(right);
  switch (op) {
    case 'and':
      return { zeros: a.zeros | b.zeros, ones: a.ones & b.ones };
    case 'or':
      return { zeros: a.zeros & b.zeros, ones: a.ones | b.ones };
    case 'xor':
      return {
        zeros: (a.zeros & b.zeros) | (a.ones & b.ones),
        ones: (a.zeros & b.ones) | (a.ones & b.zeros),
      };
    case 'min':
    case 'max':
      return common(a, b);
    case 'shl':
    case 'shr':
      return shiftedBits(a, op, dtype, constantOf(right));
    default:
      return nothing;
  }
}

function shiftedBits(value: KnownBits, op: 'shl' | 'shr', dtype: DType, amount: number | undefined): KnownBits {
  const { bits } = dtypes[dtype];
  if (amount === undefined || amount < 0 || amount >= bits) return nothing;
  const by = BigInt(amount);
  const all = allBits(dtype);
  if (op === 'shl') return { zeros: ((value.zeros << by) & all) | ((1n << by) - 1n), ones: (value.ones << by) & all };
  const move = (mask: bigint): bigint =>
    isSigned(dtype) ? BigInt.asUintN(bits, BigInt.asIntN(bits, mask) >> by) : mask >> by;
  const gained = isSigned(dtype) ? 0n : all & ~(all >> by);
  return { zeros: move(value.zeros) | gained, ones: move(value.ones) };
}
