// Sizes and addresses as JavaScript expressions. Doubles hold them exactly, so a size that does not fit 32 bits is seen
// before any memory is asked for.

import { isFloat } from '../../ir/dtype.ts';
import type { Binary, Expr, Var } from '../../ir/expr.ts';
import { IrError } from '../../ir/expr-make.ts';

export function sizeText(expr: Expr, names: ReadonlyMap<Var, string>): string {
  const text = (part: Expr): string => sizeText(part, names);
  switch (expr.kind) {
    case 'const':
      return expr.value < 0 ? `(${expr.value})` : `${expr.value}`;
    case 'var': {
      const name = names.get(expr);
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
