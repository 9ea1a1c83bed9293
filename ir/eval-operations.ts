// The JavaScript text of single operations on single elements. In the generated code bool is boolean, 64-bit integers
// are bigint, everything else is number. Every text given or returned may stand as an operand anywhere.

import { type DType, dtypes, integerRange, isFloat, isUnsigned, isWide } from './dtype.ts';
import type { BinaryOp, ReduceOp, UnaryOp } from './expr.ts';
import { IrError } from './expr-make.ts';
import type { Scalar } from './scalar.ts';

const refuse = (what: string, dtype: DType): never => {
  throw new IrError(`the evaluator has no ${what} of ${dtype}`);
};

export function constText(dtype: DType, value: Scalar): string {
  if (dtype === 'bool') return value ? 'true' : 'false';
  if (isWide(dtype)) return value < 0 ? `(${value}n)` : `${value}n`;
  if (Object.is(value, -0)) return '(-0)';
  return value < 0 ? `(${value})` : `${value}`;
}

/** Brings the exact result of an integer operation into the range of its type. */
function wrapText(dtype: DType, text: string): string {
  const { bits } = dtypes[dtype];
  if (dtype === 'index') return `(${text})`;
  if (isWide(dtype)) return `BigInt.${isUnsigned(dtype) ? 'asUintN' : 'asIntN'}(64, ${text})`;
  if (bits === 32) return isUnsigned(dtype) ? `((${text}) >>> 0)` : `((${text}) | 0)`;
  if (isUnsigned(dtype)) return `((${text}) & ${2 ** bits - 1})`;
  return `((${text}) << ${32 - bits} >> ${32 - bits})`;
}

const roundText = (dtype: DType, text: string): string => (dtype === 'float32' ? `Math.fround(${text})` : `(${text})`);

export function unaryText(op: UnaryOp, dtype: DType, a: string): string {
  if (dtype === 'bool') return op === 'not' ? `(!${a})` : a;
  if (isFloat(dtype)) {
    if (op === 'neg') return `(-${a})`;
    if (op === 'not') return refuse(op, dtype);
    if (op === 'rint') return `rint(${a})`;
    return op === 'sqrt' ? roundText(dtype, `Math.sqrt(${a})`) : `Math.${op}(${a})`;
  }
  if (op === 'neg') return wrapText(dtype, `-${a}`);
  if (op === 'not') return dtype === 'index' ? `(-1 - ${a})` : wrapText(dtype, `~${a}`);
  if (op === 'sqrt') return refuse(op, dtype);
  if (op !== 'abs' || isUnsigned(dtype)) return a;
  return wrapText(dtype, isWide(dtype) ? `absWide(${a})` : `Math.abs(${a})`);
}

const compareText: Partial<Record<BinaryOp, string>> = { eq: '===', ne: '!==', lt: '<', le: '<=' };

const boolText: Partial<Record<BinaryOp, (a: string, b: string) => string>> = {
  and: (a, b) => `(${a} && ${b})`,
  mul: (a, b) => `(${a} && ${b})`,
  min: (a, b) => `(${a} && ${b})`,
  or: (a, b) => `(${a} || ${b})`,
  add: (a, b) => `(${a} || ${b})`,
  max: (a, b) => `(${a} || ${b})`,
  xor: (a, b) => `(${a} !== ${b})`,
  sub: (a, b) => `(${a} !== ${b})`,
  eq: (a, b) => `(${a} === ${b})`,
  ne: (a, b) => `(${a} !== ${b})`,
  lt: (a, b) => `(!${a} && ${b})`,
  le: (a, b) => `(!${a} || ${b})`,
};

function floatText(op: BinaryOp, dtype: DType, a: string, b: string): string {
  switch (op) {
    case 'add':
      return roundText(dtype, `${a} + ${b}`);
    case 'sub':
      return roundText(dtype, `${a} - ${b}`);
    case 'mul':
      return roundText(dtype, `${a} * ${b}`);
    case 'div':
      return roundText(dtype, `${a} / ${b}`);
    case 'min':
    case 'max':
      return `Math.${op}(${a}, ${b})`;
    default:
      return refuse(op, dtype);
  }
}

/** A count that is constant and in range needs no check. */
function shiftText(op: 'shl' | 'shr', dtype: DType, a: string, b: string, count: Scalar | undefined): string {
  const width = dtypes[dtype].bits;
  const known = count !== undefined && count >= 0 && count < width;
  if (dtype === 'index') return op === 'shl' ? `shiftLeftIndex(${a}, ${b})` : `shiftRightIndex(${a}, ${b})`;
  const wide = isWide(dtype);
  if (op === 'shl') {
    if (known) return wrapText(dtype, `${a} << ${b}`);
    return wrapText(dtype, wide ? `shiftLeftWide(${a}, ${b})` : `shiftLeft(${a}, ${b}, ${width})`);
  }
  if (known) return `(${a} ${isUnsigned(dtype) && !wide ? '>>>' : '>>'} ${b})`;
  if (wide) return `shiftRightWide(${a}, ${b})`;
  return `${isUnsigned(dtype) ? 'shiftRightUnsigned' : 'shiftRight'}(${a}, ${b}, ${width})`;
}

function integerText(op: BinaryOp, dtype: DType, a: string, b: string, count: Scalar | undefined): string {
  const wide = isWide(dtype);
  switch (op) {
    case 'add':
      return wrapText(dtype, `${a} + ${b}`);
    case 'sub':
      return wrapText(dtype, `${a} - ${b}`);
    case 'mul':
      return wrapText(dtype, dtypes[dtype].bits === 32 ? `Math.imul(${a}, ${b})` : `${a} * ${b}`);
    case 'div':
      return dtype === 'index' ? `Math.trunc(${a} / ${b})` : wrapText(dtype, `${a} / ${b}`);
    case 'mod':
      return wide || dtype === 'index' ? `(${a} % ${b})` : wrapText(dtype, `${a} % ${b}`);
    case 'min':
    case 'max':
      return wide ? `${op}Wide(${a}, ${b})` : `Math.${op}(${a}, ${b})`;
    case 'and':
    case 'or':
    case 'xor': {
      if (dtype === 'index') return `${op}Index(${a}, ${b})`;
      const symbol = { and: '&', or: '|', xor: '^' }[op];
      return dtype === 'uint32' ? `((${a} ${symbol} ${b}) >>> 0)` : `(${a} ${symbol} ${b})`;
    }
    case 'shl':
    case 'shr':
      return shiftText(op, dtype, a, b, count);
    default:
      return refuse(op, dtype);
  }
}

/** `dtype` is that of the operands; `right` is the value of the right one where it is constant. */
export function binaryText(op: BinaryOp, dtype: DType, a: string, b: string, right?: Scalar): string {
  if (dtype === 'bool') return boolText[op]?.(a, b) ?? refuse(op, dtype);
  const compare = compareText[op];
  if (compare) return `(${a} ${compare} ${b})`;
  return isFloat(dtype) ? floatText(op, dtype, a, b) : integerText(op, dtype, a, b, right);
}

function floatToIntegerText(to: DType, a: string): string {
  if (to === 'index') return `saturateIndex(${a})`;
  const { min, max } = integerRange(to);
  return isWide(to) ? `saturateWide(${a}, ${min}n, ${max}n)` : `saturate(${a}, ${min}, ${max})`;
}

export function castText(to: DType, from: DType, a: string): string {
  if (from === to) return a;
  if (from === 'bool') return isWide(to) ? `(${a} ? 1n : 0n)` : `(${a} ? 1 : 0)`;
  if (to === 'bool') return `(${a} !== ${isWide(from) ? '0n' : '0'})`;
  if (isFloat(to)) {
    if (isWide(from)) return to === 'float32' ? `wideToFloat32(${a})` : `Number(${a})`;
    // An index may be -0, a float made from it must not.
    return roundText(to, from === 'index' ? `${a} + 0` : a);
  }
  if (isFloat(from)) return floatToIntegerText(to, a);
  if (isWide(to)) return wrapText(to, isWide(from) ? a : `BigInt(${a})`);
  if (!isWide(from)) return to === 'index' ? a : wrapText(to, a);
  if (to === 'index') return from === 'int64' ? `Number(${a})` : `Number(BigInt.asIntN(64, ${a}))`;
  const { bits } = dtypes[to];
  return `Number(BigInt.${isUnsigned(to) ? 'asUintN' : 'asIntN'}(${bits}, ${a}))`;
}

/** The same bits as a type of the same width. */
export function bitcastText(to: DType, from: DType, a: string): string {
  if (!isFloat(from) && !isFloat(to)) return castText(to, from, a);
  if (from === 'float32') return to === 'int32' ? `float32ToInt32(${a})` : `float32ToUint32(${a})`;
  if (from === 'float64')
    return castText(to, to === 'uint64' ? 'uint64' : 'int64', `float64To${to === 'uint64' ? 'Uint64' : 'Int64'}(${a})`);
  if (to === 'float32') return `int32ToFloat32(${a})`;
  if (to === 'float64') return `int64ToFloat64(${castText('int64', from, a)})`;
  return refuse(`cast of the bits to ${to}`, from);
}

/** What an empty reduction gives. */
export function initialText(op: ReduceOp, dtype: DType): string {
  if (op === 'sum') return constText(dtype, isWide(dtype) ? 0n : 0);
  if (op === 'prod') return constText(dtype, isWide(dtype) ? 1n : 1);
  if (isFloat(dtype)) return op === 'min' ? 'Infinity' : '(-Infinity)';
  const { min, max } = integerRange(dtype);
  const value = op === 'min' ? max : min;
  return constText(dtype, isWide(dtype) ? value : Number(value));
}

export const combining: Readonly<Record<ReduceOp, BinaryOp>> = { sum: 'add', prod: 'mul', min: 'min', max: 'max' };
