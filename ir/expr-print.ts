// Expressions as text for people and tests: `y[i] + 2.0`, `float32(i)`, `i < n ? x[i] : 0.0`.
// Constants carry their type unless it is index, bool or float32. A shared sub-expression is printed in place while the
// text stays small, and otherwise named once: `$1 * $1 where $1 = x + y`.

import { type DType, isFloat } from './dtype.ts';
import type { BinaryOp, Const, Expr, Var } from './expr.ts';
import { children } from './expr-walk.ts';
import type { Buffer } from './kernel.ts';
import { treeSize } from './shared-parts.ts';

/** What variables, buffers and already named sub-expressions are called; absent means by their own name. */
export type PrintedNames = ReadonlyMap<Expr | Buffer, string>;

/** Above this many nodes, counted as a tree, shared sub-expressions are named. */
const largestPlainTree = 200;

const shortDType: Partial<Record<DType, string>> = {
  int64: 'i64',
  int32: 'i32',
  int16: 'i16',
  int8: 'i8',
  uint64: 'u64',
  uint32: 'u32',
  uint16: 'u16',
  uint8: 'u8',
  float64: 'f64',
  float16: 'f16',
  bfloat16: 'bf16',
};

/** `float32`, or `float32x8` for vectors. */
export const printType = (dtype: DType, lanes = 1): string => (lanes === 1 ? dtype : `${dtype}x${lanes}`);

function printConst({ dtype, value }: Const): string {
  if (dtype === 'bool') return value ? 'true' : 'false';
  if (dtype === 'index') return `${value}`;
  const suffix = dtype === 'float32' ? '' : (shortDType[dtype] ?? `_${dtype}`);
  if (!isFloat(dtype)) return `${value}${suffix}`;
  const text = Object.is(value, -0)
    ? '-0.0'
    : Number.isInteger(value) && !`${value}`.includes('e')
      ? `${value}.0`
      : `${value}`;
  return text.replace('Infinity', 'inf').replace('NaN', 'nan') + suffix;
}

const infix: Partial<Record<BinaryOp, readonly [symbol: string, binding: number]>> = {
  mul: ['*', 8],
  div: ['/', 8],
  mod: ['%', 8],
  add: ['+', 7],
  sub: ['-', 7],
  shl: ['<<', 6],
  shr: ['>>', 6],
  lt: ['<', 5],
  le: ['<=', 5],
  eq: ['==', 4],
  ne: ['!=', 4],
  and: ['&', 3],
  xor: ['^', 2],
  or: ['|', 1],
};
const selectBinding = 0;
const prefixBinding = 9;
const atomBinding = 10;

interface Printed {
  readonly text: string;
  readonly binding: number;
}
const atom = (text: string): Printed => ({ text, binding: atomBinding });

function print(expr: Expr, names: PrintedNames): Printed {
  const known = names.get(expr);
  if (known !== undefined) return atom(known);
  const plain = (child: Expr): string => print(child, names).text;
  const within = (child: Expr, least: number): string => {
    const { text, binding } = print(child, names);
    return binding < least ? `(${text})` : text;
  };
  const list = (items: readonly Expr[]): string => items.map(plain).join(', ');
  switch (expr.kind) {
    case 'const':
      return {
        text: printConst(expr),
        binding: expr.value < 0 || Object.is(expr.value, -0) ? prefixBinding : atomBinding,
      };
    case 'var':
      return atom(expr.name);
    case 'unary': {
      const sign = expr.op === 'neg' ? '-' : expr.op === 'not' ? (expr.dtype === 'bool' ? '!' : '~') : undefined;
      if (sign === undefined) return atom(`${expr.op}(${plain(expr.value)})`);
      return { text: `${sign}${within(expr.value, atomBinding)}`, binding: prefixBinding };
    }
    case 'binary': {
      const operator = infix[expr.op];
      if (!operator) return atom(`${expr.op}(${list([expr.left, expr.right])})`);
      const [symbol, binding] = operator;
      return { text: `${within(expr.left, binding)} ${symbol} ${within(expr.right, binding + 1)}`, binding };
    }
    case 'select': {
      const branches = `${within(expr.whenTrue, selectBinding + 1)} : ${within(expr.whenFalse, selectBinding + 1)}`;
      return { text: `${within(expr.condition, selectBinding + 1)} ? ${branches}`, binding: selectBinding };
    }
    case 'cast':
      return atom(`${expr.bits ? 'bits_' : ''}${expr.dtype}(${plain(expr.value)})`);
    case 'load':
      return atom(`${names.get(expr.buffer) ?? expr.buffer.name}[${list(expr.indices)}]`);
    case 'ramp':
      return atom(`ramp${expr.lanes}(${plain(expr.base)}${expr.stride === 1 ? '' : `, ${expr.stride}`})`);
    case 'splat':
      return atom(`splat${expr.lanes}(${plain(expr.value)})`);
    case 'reduce': {
      const axes = expr.axes.map((axis) => `${axis.name} < ${axis.extent ? plain(axis.extent) : '?'}`);
      return atom(`${expr.op}[${axes.join(', ')}](${plain(expr.body)})`);
    }
    case 'call':
      return atom(`${expr.callee}(${expr.callee === 'fail' ? expr.code : list(expr.arguments)})`);
  }
}

export interface PrintedParts {
  readonly texts: readonly string[];
  /** Definitions `$1 = …` that the texts use, each after those that it uses. */
  readonly definitions: readonly string[];
}

/** Prints several expressions of one statement, naming big shared parts. */
export function printShared(exprs: readonly Expr[], names: PrintedNames = new Map()): PrintedParts {
  const sizes = new Map<Expr, number>();
  const total = exprs.reduce((sum, expr) => sum + treeSize(expr, sizes), 0);
  const definitions: string[] = [];
  const all = new Map(names);
  if (total > largestPlainTree) {
    const uses = new Map<Expr, number>();
    const order: Expr[] = [];
    const count = (expr: Expr): void => {
      uses.set(expr, (uses.get(expr) ?? 0) + 1);
      if (uses.get(expr) !== 1) return;
      children(expr).forEach(count);
      order.push(expr);
    };
    exprs.forEach(count);
    for (const expr of order) {
      if (uses.get(expr) === 1 || children(expr).length === 0) continue;
      const { text } = print(expr, all);
      if (text.length < 12) continue;
      const name = `$${definitions.length + 1}`;
      definitions.push(`${name} = ${text}`);
      all.set(expr, name);
    }
  }
  return { texts: exprs.map((expr) => print(expr, all).text), definitions };
}

export function printExpr(expr: Expr, names: PrintedNames = new Map()): string {
  const { texts, definitions } = printShared([expr], names);
  return definitions.length === 0 ? texts[0]! : `${texts[0]} where ${definitions.join(', ')}`;
}

/** `x: float32[4, n]`, with strides where the layout is not dense. */
export function printBuffer(buffer: Buffer, names: PrintedNames = new Map()): string {
  const list = (items: readonly Expr[]): string => items.map((item) => printExpr(item, names)).join(', ');
  const strides = buffer.strides ? ` strides (${list(buffer.strides)})` : '';
  const name = names.get(buffer) ?? buffer.name;
  return `${name}: ${printType(buffer.dtype, buffer.lanes)}[${list(buffer.shape)}]${strides}`;
}

/** `n: index from 1 to 64`. */
export function printVar(variable: Var): string {
  const from = variable.min === undefined ? '' : ` from ${variable.min}`;
  const to = variable.max === undefined ? '' : ` to ${variable.max}`;
  return `${variable.name}: ${printType(variable.dtype, variable.lanes)}${from}${to}`;
}
