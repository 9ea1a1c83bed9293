// Sizes and addresses as JavaScript expressions. Doubles hold them exactly, so a size that does not fit 32 bits is seen
// before any memory is asked for.

import { isFloat } from '../../ir/dtype.ts';
import type { Binary, Expr, Var } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { IrError } from '../../ir/expr-make.ts';
import { children } from '../../ir/expr-walk.ts';

/** Writes sizes; what they are made of several times is computed once, by the lines that come before. */
export interface SizeWriter {
  readonly lines: readonly string[];
  text(size: Expr): string;
}

/** `sizes` are all that will be written. */
export function sizeWriter(sizes: readonly Expr[], nameOf: (variable: Var) => string | undefined): SizeWriter {
  const uses = countUses(sizes);
  const names = new Map<string, string>();
  const lines: string[] = [];
  const text = (expr: Expr): string => {
    const key = exprKey(expr);
    if (isLeaf(expr) || (uses.get(key) ?? 0) < 2) return operationText(expr, text, nameOf);
    const known = names.get(key);
    if (known) return known;
    const value = operationText(expr, text, nameOf);
    const name = `s${names.size}`;
    lines.push(`const ${name} = ${value};`);
    names.set(key, name);
    return name;
  };
  return { lines, text };
}

const isLeaf = ({ kind }: Expr): boolean => kind === 'const' || kind === 'var';

/** How many places each part stands in, where what is equal is one part. */
function countUses(sizes: readonly Expr[]): ReadonlyMap<string, number> {
  const uses = new Map<string, number>();
  const visit = (expr: Expr): void => {
    const key = exprKey(expr);
    const before = uses.get(key) ?? 0;
    uses.set(key, before + 1);
    if (before === 0) for (const child of children(expr)) visit(child);
  };
  for (const size of sizes) visit(size);
  return uses;
}

function operationText(
  expr: Expr,
  text: (part: Expr) => string,
  nameOf: (variable: Var) => string | undefined,
): string {
  switch (expr.kind) {
    case 'const':
      return expr.value < 0 ? `(${expr.value})` : `${expr.value}`;
    case 'var': {
      const name = nameOf(expr);
      if (!name) throw new IrError(`size ${expr.name} is not known outside of the run`);
      return name;
    }
    case 'binary':
      return rounded(expr, binaryText(expr, text(expr.left), text(expr.right)));
    case 'unary':
      if (expr.op === 'floor' || expr.op === 'ceil' || expr.op === 'trunc')
        return `Math.${expr.op}(${text(expr.value)})`;
      if (expr.op === 'sqrt') return rounded(expr, `Math.sqrt(${text(expr.value)})`);
      if (expr.op === 'not' && expr.dtype === 'bool') return `!${text(expr.value)}`;
      if (expr.op === 'neg') return `(-${text(expr.value)})`;
      if (expr.op === 'abs') return `Math.abs(${text(expr.value)})`;
      break;
    case 'select':
      return `(${text(expr.condition)} ? ${text(expr.whenTrue)} : ${text(expr.whenFalse)})`;
    case 'cast':
      if (expr.bits || expr.dtype === 'bool') break;
      if (isFloat(expr.value.dtype) && !isFloat(expr.dtype)) return `Math.trunc(${text(expr.value)})`;
      return rounded(expr, text(expr.value));
    case 'load':
    case 'ramp':
    case 'splat':
    case 'reduce':
    case 'call':
      break;
  }
  throw new IrError(`a size that is a ${expr.kind} cannot be written in JavaScript`);
}

/** JavaScript computes in float64. */
const rounded = ({ dtype }: Expr, text: string): string => (dtype === 'float32' ? `Math.fround(${text})` : text);

function binaryText({ op, dtype }: Binary, left: string, right: string): string {
  switch (op) {
    case 'add':
      return `(${left} + ${right})`;
    case 'sub':
      return `(${left} - ${right})`;
    case 'mul':
      return `(${left} * ${right})`;
    case 'div':
      return isFloat(dtype) ? `(${left} / ${right})` : `Math.trunc(${left} / ${right})`;
    case 'mod':
      return `(${left} % ${right})`;
    case 'min':
    case 'max':
      return `Math.${op}(${left}, ${right})`;
    case 'and':
      return `(${left} && ${right})`;
    case 'or':
      return `(${left} || ${right})`;
    case 'eq':
      return `(${left} === ${right})`;
    case 'ne':
    case 'xor':
      return `(${left} !== ${right})`;
    case 'lt':
      return `(${left} < ${right})`;
    case 'le':
      return `(${left} <= ${right})`;
    case 'shl':
    case 'shr':
      throw new IrError(`${op} in a size`);
  }
}
