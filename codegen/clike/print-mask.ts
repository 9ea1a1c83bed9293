// Bool vectors are masks: vectors of signed integers, each lane 0 or -1, as wide as what was compared, so that a Select
// needs no conversion. In memory and in registers a lane has 8 bits.

import type { DType } from '../../ir/dtype.ts';
import type { Binary, Expr, Select } from '../../ir/expr.ts';
import { IrError } from '../../ir/expr-make.ts';
import type { Printer } from './printer.ts';
import { bitwise, castTo, infix, prefix, type Text, within } from './text.ts';
import { bytesOf, maskElement } from './types.ts';
import { convert, floatInfix, printSplat, typeName } from './vector-parts.ts';

/** The width of the lanes of a bool vector, in bits. */
export function maskBits(expr: Expr): number {
  switch (expr.kind) {
    case 'binary':
      if (expr.left.dtype !== 'bool') return 8 * bytesOf(expr.left.dtype);
      return maskBits(expr.left.kind === 'splat' ? expr.right : expr.left);
    case 'unary':
      return maskBits(expr.value);
    case 'cast': {
      const bits = 8 * bytesOf(expr.value.dtype);
      // Small floats are compared as float32.
      return expr.value.dtype === 'float16' || expr.value.dtype === 'bfloat16' ? 32 : bits;
    }
    case 'select':
      return maskBits(expr.whenTrue.kind === 'splat' ? expr.whenFalse : expr.whenTrue);
    default:
      return 8;
  }
}

/** The element type of the C vector that carries a value. */
export const carrier = (expr: Expr): DType => (expr.dtype === 'bool' ? maskElement(maskBits(expr)) : expr.dtype);

/** A bool vector as a mask of a given width. */
export function printMask(expr: Expr, bits: number, printer: Printer): Text {
  if (expr.kind === 'splat' && !printer.hasName(expr)) return printSplat(expr, maskElement(bits), printer);
  return resize(printer.print(expr), expr, bits, printer);
}

function resize(text: Text, expr: Expr, bits: number, printer: Printer): Text {
  return convert(text, maskElement(maskBits(expr)), maskElement(bits), expr.lanes, printer);
}

/** 0 and 1 for 0 and -1. */
export const maskToNumber = (mask: Text): Text => prefix('-', mask);

export function printMaskBinary(expr: Binary, printer: Printer): Text {
  const { op, left, right, lanes } = expr;
  const bits = maskBits(expr);
  if (left.dtype !== 'bool') {
    const operator = { eq: '==', ne: '!=', lt: '<', le: '<=' }[requireComparison(op)];
    const compared =
      left.dtype === 'float32' || left.dtype === 'float64'
        ? floatInfix(left, operator, right, 4, printer)
        : infix(printer.print(left), operator, printer.print(right), 4);
    return castTo(typeName(maskElement(bits), lanes, printer), compared);
  }
  const a = printMask(left, bits, printer);
  const b = printMask(right, bits, printer);
  switch (op) {
    case 'and':
      return bitwise(a, '&', b);
    case 'or':
      return bitwise(a, '|', b);
    case 'xor':
    case 'ne':
      return bitwise(a, '^', b);
    case 'eq':
      return prefix('~', bitwise(a, '^', b));
    case 'lt':
      return bitwise(prefix('~', a), '&', b);
    case 'le':
      return bitwise(prefix('~', a), '|', b);
    default:
      throw new IrError(`${op} of bool`);
  }
}

function requireComparison(op: Binary['op']): 'eq' | 'ne' | 'lt' | 'le' {
  if (op === 'eq' || op === 'ne' || op === 'lt' || op === 'le') return op;
  throw new IrError(`${op} does not give bool`);
}

/** Both branches must be the same C type. */
export function printMaskBranches(expr: Select, printer: Printer): Text {
  const bits = maskBits(expr);
  const branch = (which: 'whenTrue' | 'whenFalse'): string => {
    return within(resize(printer.printBranch(expr, which), expr[which], bits, printer), 5);
  };
  return {
    text: `${within(printer.print(expr.condition), 5)} ? ${branch('whenTrue')} : ${branch('whenFalse')}`,
    level: 6,
  };
}
