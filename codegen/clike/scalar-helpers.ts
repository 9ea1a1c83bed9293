// Scalar operations that plain C does not have, or has with undefined or different results in corner cases.

import { type DType, dtypes, isFloat, isSigned } from '../../ir/dtype.ts';
import type { BinaryOp } from '../../ir/expr.ts';
import { IrError } from '../../ir/expr-make.ts';
import type { Helper } from './helpers.ts';
import { literal } from './literals.ts';
import { within } from './text.ts';
import { storageType, tagOf, unsignedType, valueType } from './types.ts';

/** What stands before a helper function: `static inline`, `__device__ static inline` … */
export type Qualifiers = string;

function define(qualifiers: Qualifiers, name: string, dtype: DType, parameters: string, result: string): Helper {
  const headers = result.includes('fabs') || result.includes('NAN') ? ['math.h'] : [];
  const type = valueType(dtype);
  return { name, headers, text: `${qualifiers} ${type} ${name}(${parameters}) {\n  return ${result};\n}\n` };
}

const bitsOf = (dtype: DType): string => (dtype === 'index' ? '8 * sizeof(ptrdiff_t)' : `${dtypes[dtype].bits}`);

/** -a and so on, wrapping, as an expression of the unsigned type of the same width. */
const negated = (type: string, unsigned: string, operand: string): string => `(${type})(0 - (${unsigned})${operand})`;

export function minMax(qualifiers: Qualifiers, op: 'min' | 'max', dtype: DType): Helper {
  const type = valueType(dtype);
  const relation = op === 'min' ? '<' : '>';
  const test = isFloat(dtype) ? `a ${relation} b || a != a` : `a ${relation} b`;
  return define(qualifiers, `lap_${op}_${tagOf(dtype)}`, dtype, `${type} a, ${type} b`, `${test} ? a : b`);
}

/** With a bound that is not NaN, one comparison lets NaN through: processors have this as one instruction. */
export function minMaxBound(qualifiers: Qualifiers, op: 'min' | 'max', dtype: DType): Helper {
  const type = valueType(dtype);
  const name = `lap_${op}_bound_${tagOf(dtype)}`;
  const relation = op === 'min' ? '<' : '>';
  return define(qualifiers, name, dtype, `${type} x, ${type} bound`, `bound ${relation} x ? bound : x`);
}

export function absolute(qualifiers: Qualifiers, dtype: DType): Helper {
  const type = valueType(dtype);
  return define(
    qualifiers,
    `lap_abs_${tagOf(dtype)}`,
    dtype,
    `${type} a`,
    `a < 0 ? ${negated(type, unsignedType(dtype), 'a')} : a`,
  );
}

/** Division and remainder of integers. A divisor of zero gives zero: a vector computes lanes that nobody wants. */
export function divide(qualifiers: Qualifiers, op: 'div' | 'mod', dtype: DType): Helper {
  const type = valueType(dtype);
  const name = `lap_${op}_${tagOf(dtype)}`;
  const parameters = `${type} a, ${type} b`;
  const operator = op === 'div' ? '/' : '%';
  const plain = dtypes[dtype].bits < 32 ? `(${type})(a ${operator} b)` : `a ${operator} b`;
  if (!isSigned(dtype)) return define(qualifiers, name, dtype, parameters, `b == 0 ? 0 : ${plain}`);
  const byMinusOne = op === 'div' ? negated(type, unsignedType(dtype), 'a') : '0';
  return define(qualifiers, name, dtype, parameters, `b == -1 ? ${byMinusOne} : b == 0 ? 0 : ${plain}`);
}

export function shift(qualifiers: Qualifiers, op: 'shl' | 'shr', dtype: DType): Helper {
  const type = valueType(dtype);
  const unsigned = unsignedType(dtype);
  const inside = `(${unsigned})b < ${bitsOf(dtype)}`;
  const name = `lap_${op}_${tagOf(dtype)}`;
  const parameters = `${type} a, ${type} b`;
  const left = dtypes[dtype].bits < 32 ? `(${type})(${unsigned})((uint32_t)a << b)` : `(${type})((${unsigned})a << b)`;
  if (op === 'shl') return define(qualifiers, name, dtype, parameters, `${inside} ? ${left} : 0`);
  const right = dtypes[dtype].bits < 32 ? `(${type})(a >> b)` : 'a >> b';
  const outside = isSigned(dtype) ? 'a < 0 ? -1 : 0' : '0';
  return define(
    qualifiers,
    name,
    dtype,
    parameters,
    `${inside} ? ${right} : ${isSigned(dtype) ? `(${outside})` : outside}`,
  );
}

/** Float to integer: truncates, saturates, NaN gives 0. */
export function saturate(qualifiers: Qualifiers, from: DType, to: DType): Helper {
  if (to === 'index') {
    const wide = saturate(qualifiers, from, 'int64');
    const name = `lap_index_from_${tagOf(from)}`;
    const text = `${qualifiers} ptrdiff_t ${name}(${valueType(from)} x) {\n  return (ptrdiff_t)${wide.name}(x);\n}\n`;
    return { name, needs: [wide], text };
  }
  const { least, most, above } = saturationBounds(from, to);
  const type = valueType(to);
  const name = `lap_${tagOf(to)}_from_${tagOf(from)}`;
  const parameters = `${valueType(from)} x`;
  return define(
    qualifiers,
    name,
    to,
    parameters,
    `x != x ? 0 : x <= ${least.float} ? ${least.integer} : x >= ${above} ? ${most} : (${type})x`,
  );
}

/** The least value, the greatest (as a float too, which may round it), and the power of two above it, as literals. */
export function saturationBounds(from: DType, to: DType) {
  const { bits } = dtypes[to];
  const signed = isSigned(to);
  const low = signed ? -(1n << BigInt(bits - 1)) : 0n;
  const high = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  const float = (value: bigint): string => literal(Number(value), from).text;
  return {
    least: { float: float(low), integer: within(literal(low, to), 3) },
    most: within(literal(high, to), 3),
    greatest: float(high),
    above: float(high + 1n),
  };
}

/** The bits of one type read as another of the same width. */
export function reinterpret(qualifiers: Qualifiers, from: DType, to: DType): Helper {
  const name = `lap_${tagOf(to)}_of_bits_${tagOf(from)}`;
  const text =
    `${qualifiers} ${valueType(to)} ${name}(${valueType(from)} x) {\n` +
    `  ${valueType(to)} y;\n  memcpy(&y, &x, sizeof y);\n  return y;\n}\n`;
  return { name, headers: ['string.h'], text };
}

/** float16 and bfloat16 are carried as their codes; arithmetic happens in float32 or float64. */
export function fromSmallFloat(qualifiers: Qualifiers, from: DType): Helper {
  const bits = reinterpret(qualifiers, 'uint32', 'float32');
  const name = `lap_f32_from_${tagOf(from)}`;
  const head = `${qualifiers} float ${name}(uint16_t code) {\n`;
  if (from === 'bfloat16') {
    return { name, needs: [bits], text: `${head}  return ${bits.name}((uint32_t)code << 16);\n}\n` };
  }
  if (from !== 'float16') throw new IrError(`C cannot read ${from}`);
  // Shifted into place the exponent is 112 too small, which a multiplication repairs for subnormals too.
  const text =
    `${head}  const uint32_t magnitude = (uint32_t)(code & 0x7fffu) << 13;\n` +
    `  const uint32_t sign = (uint32_t)(code & 0x8000u) << 16;\n` +
    `  const float scaled = ${bits.name}(magnitude) * 0x1p112f;\n` +
    `  const uint32_t special = magnitude >= 0x0f800000u ? 0x70000000u + magnitude : ${readBits(qualifiers).name}(scaled);\n` +
    `  return ${bits.name}(sign | special);\n}\n`;
  return { name, needs: [bits, readBits(qualifiers)], text };
}

const readBits = (qualifiers: Qualifiers): Helper => reinterpret(qualifiers, 'float32', 'uint32');

/** Rounds half to even. From float64 the bits that float32 would drop are kept as one sticky bit. */
export function toSmallFloat(qualifiers: Qualifiers, to: DType, from: 'float32' | 'float64'): Helper {
  const name = `lap_${tagOf(to)}_from_${tagOf(from)}`;
  if (from === 'float64') {
    const single = toSmallFloat(qualifiers, to, 'float32');
    const wide = reinterpret(qualifiers, 'float64', 'uint64');
    const text =
      `${qualifiers} uint16_t ${name}(double x) {\n  float y = (float)x;\n` +
      `  uint32_t code = ${readBits(qualifiers).name}(y);\n` +
      '  /* Round to odd: an inexact result gets an odd last bit, so that the second rounding is right. */\n' +
      `  if (x == x && (double)y != x && y - y == 0.0f) {\n` +
      `    const uint64_t exact = ${wide.name}(x);\n` +
      `    if ((${wide.name}((double)y) & INT64_MAX) > (exact & INT64_MAX)) code -= 1;\n    code |= 1u;\n  }\n` +
      `  return ${single.name}(${reinterpret(qualifiers, 'uint32', 'float32').name}(code));\n}\n`;
    const needs = [single, wide, readBits(qualifiers), reinterpret(qualifiers, 'uint32', 'float32')];
    return { name, needs, text };
  }
  const head = `${qualifiers} uint16_t ${name}(float x) {\n  const uint32_t bits = ${readBits(qualifiers).name}(x);\n`;
  if (to === 'bfloat16') {
    const text =
      `${head}  if (x != x) return (uint16_t)(bits >> 16 | 0x40u);\n` +
      '  return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);\n}\n';
    return { name, needs: [readBits(qualifiers)], text };
  }
  if (to !== 'float16') throw new IrError(`C cannot write ${to}`);
  // Adding a power of two leaves a subnormal's rounded units in the low bits.
  const text =
    `${head}  const uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;\n` +
    '  uint32_t code;\n' +
    '  if (magnitude > 0x7f800000u) code = 0x7e00u;\n' +
    '  else if (magnitude >= 0x47800000u) code = 0x7c00u;\n' +
    '  else if (magnitude < 0x38800000u) {\n' +
    `    code = ${readBits(qualifiers).name}(${reinterpret(qualifiers, 'uint32', 'float32').name}(magnitude) + 0.5f) - 0x3f000000u;\n` +
    '  } else {\n' +
    '    code = (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u)) >> 13;\n' +
    '  }\n' +
    '  return (uint16_t)(sign | code);\n}\n';
  return { name, needs: [readBits(qualifiers), reinterpret(qualifiers, 'uint32', 'float32')], text };
}

/** C's name for a function on float32 or float64. */
export const mathName = (name: string, dtype: DType): string => (dtype === 'float32' ? `${name}f` : name);

/** The helper or operator for lanes of a vector. */
export function scalarFunction(qualifiers: Qualifiers, op: BinaryOp, dtype: DType): Helper {
  if (op === 'min' || op === 'max') return minMax(qualifiers, op, dtype);
  if (op === 'shl' || op === 'shr') return shift(qualifiers, op, dtype);
  if (op === 'div' || op === 'mod') return divide(qualifiers, op, dtype);
  throw new IrError(`${op} of ${storageType(dtype)} is an operator`);
}

export const sigmoid = (qualifiers: Qualifiers, dtype: DType): Helper => ({
  name: mathName('lap_sigmoid', dtype),
  headers: ['math.h'],
  text:
    `${qualifiers} ${valueType(dtype)} ${mathName('lap_sigmoid', dtype)}(${valueType(dtype)} x) {\n` +
    `  return 1 / (1 + ${mathName('exp', dtype)}(-x));\n}\n`,
});
