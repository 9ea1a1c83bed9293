// Pieces that the printers of vectors share.

import type { DType } from '../../ir/dtype.ts';
import type { Expr, Splat } from '../../ir/expr.ts';
import { conversionSteps } from './conversions.ts';
import type { Printer } from './printer.ts';
import { applied, infix, type Level, prefix, primary, type Text } from './text.ts';
import { vectorType } from './types.ts';
import { splatVector } from './vector-helpers.ts';

export const typeName = (dtype: DType, lanes: number, { environment }: Printer): string =>
  environment.helpers.use(vectorType(dtype, lanes));

export const splat = (value: Text, dtype: DType, lanes: number, { environment }: Printer): Text =>
  applied(environment.helpers.use(splatVector(dtype, lanes)), value);

/** As lanes of `dtype`; a true lane of a mask is -1. */
export function printSplat({ value, lanes }: Splat, dtype: DType, printer: Printer): Text {
  if (value.kind === 'const' && Object.is(Number(value.value), 0)) {
    return { text: `(${typeName(dtype, lanes, printer)}){0}`, level: 1 };
  }
  const scalar = printer.print(value);
  return splat(value.dtype === 'bool' ? prefix('-', scalar) : scalar, dtype, lanes, printer);
}

/** Converts a vector of element type `from`; integers wrap, floats must be in range. */
export function convert(value: Text, from: DType, to: DType, lanes: number, printer: Printer): Text {
  return conversionSteps(from, to).reduce(
    (text, step) => applied('__builtin_convertvector', text, primary(typeName(step, lanes, printer))),
    value,
  );
}

/** C broadcasts a scalar operand itself, and compilers then fold it into the instruction. */
export function floatInfix(left: Expr, operator: string, right: Expr, level: Level, printer: Printer): Text {
  const scalar = (expr: Expr): Text =>
    expr.kind === 'splat' && !printer.hasName(expr) ? printer.print(expr.value) : printer.print(expr);
  const both = left.kind === 'splat' && right.kind === 'splat';
  return infix(both ? printer.print(left) : scalar(left), operator, scalar(right), level);
}
