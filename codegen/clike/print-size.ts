// Sizes in bytes or elements as C that cannot overflow: what does not fit becomes the greatest value.

import { isFloat } from '../../ir/dtype.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { IrError } from '../../ir/expr-make.ts';
import { children } from '../../ir/expr-walk.ts';
import type { Helper, Helpers } from './helpers.ts';
import { integerLiteral, literal } from './literals.ts';
import { mathName } from './scalar-helpers.ts';
import { applied, castTo, infix, primary, type Text, within } from './text.ts';

const helper = (name: string, result: string): Helper => ({
  name: `lap_size_${name}`,
  text: `static inline int64_t lap_size_${name}(int64_t a, int64_t b) {\n  return ${result};\n}\n`,
});

const operations: Partial<Readonly<Record<string, Helper>>> = {
  add: helper('add', 'a > 0 && b > INT64_MAX - a ? INT64_MAX : a + b'),
  mul: helper('mul', 'a > 0 && b > 0 && a > INT64_MAX / b ? INT64_MAX : a * b'),
  div: helper('div', 'b == 0 ? INT64_MAX : a / b'),
  mod: helper('mod', 'b == 0 ? INT64_MAX : a % b'),
  min: helper('min', 'a < b ? a : b'),
  max: helper('max', 'a > b ? a : b'),
};

const infixes: Partial<Readonly<Record<string, string>>> = {
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
  and: '&&',
  or: '||',
};

export interface PrintedSize {
  /** Declarations of int64_t locals that the text needs. */
  readonly lines: readonly string[];
  readonly text: string;
}

/** Operations nested deeper than this are named. */
const deepest = 12;

/** A size of type int64_t. What it is made of several times is computed once. */
export function printSize(size: Expr, nameOf: (variable: Var) => string, helpers: Helpers): PrintedSize {
  const lines: string[] = [];
  const names = new Map<string, string>();
  const { uses, deep } = survey(size);
  const print = (expr: Expr): Text => {
    const key = exprKey(expr);
    if (expr.kind !== 'binary' || isFloat(expr.dtype) || ((uses.get(key) ?? 0) < 2 && !deep.has(key)))
      return printOperation(expr);
    const known = names.get(key);
    if (known) return primary(known);
    const { text } = printOperation(expr);
    const name = `size_${names.size + 1}`;
    lines.push(`  const int64_t ${name} = ${text};\n`);
    names.set(key, name);
    return primary(name);
  };
  const printOperation = (expr: Expr): Text => {
    if (isFloat(expr.dtype)) return printReal(expr, print, helpers);
    switch (expr.kind) {
      case 'const':
        return integerLiteral(BigInt(expr.value), expr.dtype === 'bool' ? 'bool' : 'int64');
      case 'var':
        return primary(nameOf(expr));
      case 'cast':
        if (isFloat(expr.value.dtype)) return applied(helpers.use(fromReal), print(expr.value));
        if (expr.dtype === 'bool') return infix(print(expr.value), '!=', primary('0'), 4);
        return expr.value.dtype === 'bool' ? castTo('int64_t', print(expr.value)) : print(expr.value);
      case 'select':
        return {
          text: `${within(print(expr.condition), 5)} ? ${within(print(expr.whenTrue), 5)} : ${within(print(expr.whenFalse), 5)}`,
          level: 6,
        };
      case 'unary':
        if (expr.op === 'not') return primary(`!(${print(expr.value).text})`);
        if (expr.op === 'neg') return primary(`(-${within(print(expr.value), 0)})`);
        throw new IrError(`${expr.op} in a size`);
      case 'binary': {
        if (expr.op === 'sub') return infix(print(expr.left), '-', print(expr.right), 3);
        const operator = infixes[expr.op];
        if (operator) return infix(print(expr.left), operator, print(expr.right), 4);
        const operation = operations[expr.op];
        if (!operation) throw new IrError(`${expr.op} in a size`);
        return applied(helpers.use(operation), print(expr.left), print(expr.right));
      }
      case 'load':
      case 'ramp':
      case 'splat':
      case 'reduce':
      case 'call':
        throw new IrError(`${expr.kind} in a size`);
    }
  };
  const { text } = print(size);
  return { lines, text };
}

const fromReal: Helper = {
  name: 'lap_size_from_real',
  text:
    'static inline int64_t lap_size_from_real(double a) {\n' +
    '  return a >= 9223372036854775807.0 ? INT64_MAX : a > -9223372036854775807.0 ? (int64_t)a : 0;\n}\n',
};

const realOperators = { add: ['+', 3], sub: ['-', 3], mul: ['*', 2], div: ['/', 2] } as const;

/** Sizes that are scaled by what is no whole number (Resize) are floats on the way. */
function printReal(expr: Expr, print: (part: Expr) => Text, helpers: Helpers): Text {
  const called = (name: string, ...operands: readonly Expr[]): Text => {
    helpers.useHeader('math.h');
    return applied(mathName(name, expr.dtype), ...operands.map(print));
  };
  if (expr.kind === 'const') return literal(expr.value, expr.dtype);
  if (expr.kind === 'cast') return castTo(expr.dtype === 'float32' ? 'float' : 'double', print(expr.value));
  if (expr.kind === 'unary') {
    if (expr.op === 'neg') return primary(`(-${within(print(expr.value), 0)})`);
    return called(expr.op === 'abs' ? 'fabs' : expr.op, expr.value);
  }
  if (expr.kind === 'select') {
    const [condition, yes, no] = [expr.condition, expr.whenTrue, expr.whenFalse].map((part) => within(print(part), 5));
    return { text: `${condition} ? ${yes} : ${no}`, level: 6 };
  }
  if (expr.kind === 'binary') {
    if (expr.op === 'min' || expr.op === 'max') return called(`f${expr.op}`, expr.left, expr.right);
    if (expr.op in realOperators) {
      const [operator, level] = realOperators[expr.op as keyof typeof realOperators];
      return infix(print(expr.left), operator, print(expr.right), level);
    }
  }
  throw new IrError(`${expr.kind} of ${expr.dtype} in a size`);
}

/** How often each part stands in the others, and which are deep. */
function survey(size: Expr): { readonly uses: ReadonlyMap<string, number>; readonly deep: ReadonlySet<string> } {
  const uses = new Map<string, number>();
  const deep = new Set<string>();
  const depths = new Map<string, number>();
  const visit = (expr: Expr): number => {
    const key = exprKey(expr);
    uses.set(key, (uses.get(key) ?? 0) + 1);
    const known = depths.get(key);
    if (known !== undefined) return known;
    const depth = children(expr).reduce((most, child) => Math.max(most, visit(child) + 1), 0);
    if (depth > deepest) deep.add(key);
    depths.set(key, depth > deepest ? 0 : depth);
    return depths.get(key)!;
  };
  visit(size);
  return { uses, deep };
}
