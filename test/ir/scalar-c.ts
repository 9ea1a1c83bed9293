// Prints an expression as straight-line scalar C: a second, independent reading of the IR for tests of expansions.
// Every distinct sub-expression becomes one named constant; the C compiler vectorizes the loop around.

import { type DType, dtypes, isFloat, isInteger, isUnsigned } from '../../ir/dtype.ts';
import type { Binary, Cast, Const, Expr, Unary, Var } from '../../ir/expr.ts';
import { children } from '../../ir/expr-walk.ts';

export const cType = (dtype: DType): string => {
  if (dtype === 'float32') return 'float';
  if (dtype === 'float64') return 'double';
  if (dtype === 'bool') return 'int';
  return `${dtype}_t`;
};

function literal({ dtype, value }: Const): string {
  if (!isFloat(dtype)) return `(${cType(dtype)})${value}${isUnsigned(dtype) ? 'ull' : 'll'}`;
  const number = Number(value);
  if (Number.isNaN(number)) return `(${cType(dtype)})NAN`;
  if (!Number.isFinite(number)) return `(${cType(dtype)})${number < 0 ? '-' : ''}INFINITY`;
  return `(${cType(dtype)})${Object.is(number, -0) ? '-0.0' : number.toExponential()}`;
}

const symbols: Partial<Record<Binary['op'], string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  and: '&',
  or: '|',
  xor: '^',
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
};

function binaryText({ op, left, right, dtype }: Binary, name: (expr: Expr) => string): string {
  const symbol = symbols[op];
  const a = name(left);
  const b = name(right);
  if (op === 'shl') return `(${cType(dtype)})((u${dtypes[dtype].bits})${a} << ${b})`;
  if (op === 'shr') return `${a} >> ${b}`;
  if (!symbol) throw new Error(`no text for ${op}`);
  if (isFloat(left.dtype) || left.dtype === 'bool' || dtype === 'bool') return `${a} ${symbol} ${b}`;
  const wide = `u${dtypes[dtype].bits}`;
  return `(${cType(dtype)})((${wide})${a} ${symbol} (${wide})${b})`;
}

function unaryText({ op, dtype, value }: Unary, name: (expr: Expr) => string): string {
  const a = name(value);
  const suffix = dtype === 'float32' ? 'f' : '';
  if (op === 'neg') return `-${a}`;
  if (op === 'not') return dtype === 'bool' ? `!${a}` : `~${a}`;
  return `${op === 'abs' ? 'fabs' : op}${suffix}(${a})`;
}

function castText({ dtype, bits, value }: Cast, name: (expr: Expr) => string): string {
  const from = value.dtype;
  if (dtype === 'bool') return `${name(value)} != 0`;
  if (!bits && isFloat(from) && !isFloat(dtype)) return `saturate_${dtype}(${name(value)})`;
  if (!bits) return `(${cType(dtype)})${name(value)}`;
  if (isFloat(from) || isFloat(dtype)) return `bits_${from}_${dtype}(${name(value)})`;
  return `(${cType(dtype)})${name(value)}`;
}

function text(expr: Expr, name: (expr: Expr) => string): string {
  switch (expr.kind) {
    case 'const':
      return literal(expr);
    case 'var':
      return expr.name;
    case 'unary':
      return unaryText(expr, name);
    case 'binary':
      return binaryText(expr, name);
    case 'select':
      return `${name(expr.condition)} ? ${name(expr.whenTrue)} : ${name(expr.whenFalse)}`;
    case 'cast':
      return castText(expr, name);
    default:
      throw new Error(`no text for ${expr.kind}`);
  }
}

/** Number of operations, each shared one once; constants and reinterpretations are free. */
export function countOperations(expr: Expr): number {
  const seen = new Set<Expr>();
  let count = 0;
  const visit = (node: Expr): void => {
    if (seen.has(node)) return;
    seen.add(node);
    children(node).forEach(visit);
    const reinterprets = (cast: Cast): boolean =>
      cast.bits || (isInteger(cast.dtype) && dtypes[cast.dtype].bits === dtypes[cast.value.dtype].bits);
    const free = node.kind === 'const' || node.kind === 'var' || (node.kind === 'cast' && reinterprets(node));
    if (!free) count += 1;
  };
  visit(expr);
  return count;
}

/** static inline RESULT name(parameters). */
export function functionText(name: string, parameters: readonly Var[], value: Expr): string {
  const names = new Map<Expr, string>();
  const lines: string[] = [];
  const nameOf = (expr: Expr): string => {
    const known = names.get(expr);
    if (known) return known;
    const body = text(expr, nameOf);
    const fresh = expr.kind === 'var' ? expr.name : `t${names.size}`;
    names.set(expr, fresh);
    if (expr.kind !== 'var') lines.push(`  const ${cType(expr.dtype)} ${fresh} = ${body};`);
    return fresh;
  };
  const result = nameOf(value);
  const list = parameters.map((parameter) => `${cType(parameter.dtype)} ${parameter.name}`).join(', ');
  return `static inline ${cType(value.dtype)} ${name}(${list}) {\n${lines.join('\n')}\n  return ${result};\n}\n`;
}

const reinterpretations = [
  ['float32', 'uint32'],
  ['float32', 'int32'],
  ['float64', 'uint64'],
  ['float64', 'int64'],
] as const;

/** What the printed functions need. */
export const prelude = `#include <math.h>
#include <stdint.h>
#include <string.h>
typedef uint8_t u8; typedef uint16_t u16; typedef uint32_t u32; typedef uint64_t u64;
static inline int32_t saturate_int32(float x) {
  return x != x ? 0 : x >= 2147483648.0f ? INT32_MAX : x <= -2147483648.0f ? INT32_MIN : (int32_t)x;
}
${reinterpretations
  .flatMap(([a, b]) => [[a, b] as const, [b, a] as const])
  .map(
    ([from, to]) =>
      `static inline ${cType(to)} bits_${from}_${to}(${cType(from)} x) { ${cType(to)} y; memcpy(&y, &x, sizeof y); return y; }`,
  )
  .join('\n')}
`;
