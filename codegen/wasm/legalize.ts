// Prepares a kernel for WebAssembly, which knows neither float16 nor bfloat16: arithmetic on them becomes float32
// arithmetic and a rounding, and the roundings become arithmetic on their bits.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  binary,
  bitcast,
  cast,
  constant,
  eq,
  float,
  ge,
  gt,
  IrError,
  lt,
  mul,
  ne,
  or,
  select,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import type { Kernel } from '../../ir/kernel.ts';
import { rewriteStmtExprs } from '../../ir/kernel-walk.ts';
import { isSmallFloat } from './representation.ts';

export const legalizeKernel = (kernel: Kernel): Kernel => {
  const widened = rewriteStmtExprs(kernel.body, widenArithmetic);
  return { ...kernel, body: rewriteStmtExprs(widened, expandCast) };
};

const wide = (expr: Expr): Expr => cast(expr, 'float32');

function widenArithmetic(expr: Expr): Expr | undefined {
  if (expr.kind === 'unary' && isSmallFloat(expr.dtype)) return cast(unary(expr.op, wide(expr.value)), expr.dtype);
  if (expr.kind !== 'binary' || !isSmallFloat(expr.left.dtype)) return undefined;
  const result = binary(expr.op, wide(expr.left), wide(expr.right));
  return expr.dtype === 'bool' ? result : cast(result, expr.dtype);
}

function expandCast(expr: Expr): Expr | undefined {
  if (expr.kind === 'const' && isSmallFloat(expr.dtype)) {
    return bitcast(fromFloat32(constant(expr.value, 'float32'), expr.dtype), expr.dtype);
  }
  if (expr.kind !== 'cast' || expr.bits) return undefined;
  const { value, dtype } = expr;
  if (isSmallFloat(value.dtype)) {
    const single = toFloat32(value);
    return isSmallFloat(dtype) ? bitcast(fromFloat32(single, dtype), dtype) : cast(single, dtype);
  }
  if (!isSmallFloat(dtype)) return undefined;
  const isExact = ['float32', 'bool', 'int8', 'uint8', 'int16', 'uint16'].includes(value.dtype);
  const single = isExact ? cast(value, 'float32') : roundedToOdd(cast(value, 'float64'));
  return bitcast(fromFloat32(single, dtype), dtype);
}

const bits = (value: number): Expr => constant(value, 'uint32');
const shiftLeft = (value: Expr, by: number): Expr => binary('shl', value, bits(by));
const shiftRight = (value: Expr, by: number): Expr => binary('shr', value, bits(by));
const asFloat = (value: Expr): Expr => bitcast(value, 'float32');
const asBits = (value: Expr): Expr => bitcast(value, 'uint32');

function toFloat32(value: Expr): Expr {
  const code = cast(bitcast(value, 'uint16'), 'uint32');
  if (value.dtype === 'bfloat16') return asFloat(shiftLeft(code, 16));
  if (value.dtype !== 'float16') throw new IrError(`WebAssembly code cannot read ${value.dtype}`);
  // Shifted into place the exponent is 112 too small, which a multiplication repairs for subnormals too.
  const magnitude = shiftLeft(and(code, bits(0x7fff)), 13);
  const finite = asBits(mul(asFloat(magnitude), float(2 ** 112)));
  const special = add(magnitude, bits(0x70000000));
  const sign = shiftLeft(and(code, bits(0x8000)), 16);
  return asFloat(or(select(ge(magnitude, bits(0x0f800000)), special, finite), sign));
}

/** The bits, as uint16; half to even. */
function fromFloat32(value: Expr, dtype: Expr['dtype']): Expr {
  const all = asBits(value);
  if (dtype === 'bfloat16') {
    const rounded = shiftRight(add(add(all, bits(0x7fff)), and(shiftRight(all, 16), bits(1))), 16);
    return cast(select(ne(value, value), or(shiftRight(all, 16), bits(0x40)), rounded), 'uint16');
  }
  if (dtype !== 'float16') throw new IrError(`WebAssembly code cannot write ${dtype}`);
  const sign = and(shiftRight(all, 16), bits(0x8000));
  const magnitude = and(all, bits(0x7fffffff));
  const odd = and(shiftRight(magnitude, 13), bits(1));
  const normal = shiftRight(add(add(sub(magnitude, bits(0x38000000)), bits(0xfff)), odd), 13);
  // Adding a power of two leaves the rounded units of a subnormal in the low bits.
  const subnormal = sub(asBits(add(asFloat(magnitude), float(0.5))), bits(0x3f000000));
  const finite = select(lt(magnitude, bits(0x38800000)), subnormal, normal);
  const bounded = select(ge(magnitude, bits(0x47800000)), bits(0x7c00), finite);
  return cast(or(select(gt(magnitude, bits(0x7f800000)), bits(0x7e00), bounded), sign), 'uint16');
}

/** float64 as a float32 whose last bit is odd if it is inexact, so that rounding it once more gives the right result. */
function roundedToOdd(value: Expr): Expr {
  const single = cast(value, 'float32');
  const back = cast(single, 'float64');
  const isInexact = and(and(eq(value, value), ne(back, value)), eq(sub(single, single), float(0)));
  const code = asBits(single);
  const mask = constant((1n << 63n) - 1n, 'uint64');
  const tooLarge = gt(and(bitcast(back, 'uint64'), mask), and(bitcast(value, 'uint64'), mask));
  const towardZero = select(tooLarge, sub(code, bits(1)), code);
  return asFloat(select(isInexact, or(towardZero, bits(1)), code));
}
