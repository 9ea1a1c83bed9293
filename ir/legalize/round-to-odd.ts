// Numbers with more bits than float32 as float32 in such a way that rounding once more, to a type of at most eleven
// bits, gives what rounding once would have given: an inexact result has its last bit set ("rounding to odd").

import type { DType } from '../dtype.ts';
import type { Expr } from '../expr.ts';
import { and, binary, bitcast, cast, constant, eq, lt, ne, or, select, sub } from '../expr-make.ts';

const word = (value: number): Expr => constant(value, 'uint32');

function oddFloat64(value: Expr): Expr {
  const single = cast(value, 'float32');
  const back = cast(single, 'float64');
  const code = bitcast(single, 'uint32');
  const magnitudeMask = constant((1n << 63n) - 1n, 'int64');
  const sizeOf = (x: Expr): Expr => and(bitcast(x, 'int64'), magnitudeMask);
  // Codes of floats of one sign are ordered by magnitude; one less is the next toward zero, also from infinity.
  const towardZero = select(lt(sizeOf(value), sizeOf(back)), sub(code, word(1)), code);
  const isNumber = eq(value, value);
  const inexact = and(isNumber, ne(back, value));
  return bitcast(select(inexact, or(towardZero, word(1)), code), 'float32');
}

/** Integers beyond 53 bits keep 52 and tell in the last of them whether anything was dropped. */
function oddInteger(value: Expr, dtype: DType): Expr {
  const low = constant(0x7ffn, dtype);
  const zero = constant(0n, dtype);
  const sticky = select(eq(and(value, low), zero), zero, constant(0x800n, dtype));
  const shortened = or(and(value, binary('xor', low, constant(-1n, dtype))), sticky);
  const limit = constant(1n << 52n, dtype);
  const fits = dtype === 'uint64' ? lt(value, limit) : lt(binary('add', value, limit), constant(1n << 53n, dtype));
  const inside = dtype === 'uint64' ? fits : and(fits, lt(constant(-(1n << 52n), dtype), value));
  return cast(select(inside, value, shortened), 'float64');
}

/** Types whose every value is a float32. */
const exact = new Set<DType>(['bool', 'int8', 'uint8', 'int16', 'uint16', 'float32']);

/** Any number as a float32 that further rounding to a short type treats as the number itself. */
export function asFloat32ForRounding(value: Expr): Expr {
  const { dtype } = value;
  if (exact.has(dtype)) return cast(value, 'float32');
  if (dtype === 'float64') return oddFloat64(value);
  if (dtype === 'int64' || dtype === 'uint64') return oddFloat64(oddInteger(value, dtype));
  return oddFloat64(cast(value, 'float64'));
}
