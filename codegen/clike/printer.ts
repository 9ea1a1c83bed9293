// What printing an expression needs to know, and the two kinds of expression that scalars and vectors print alike.

import type { Call, Expr, Load, Select, Var } from '../../ir/expr.ts';
import type { Buffer } from '../../ir/kernel.ts';
import { type Dialect, errorNames } from './dialect.ts';
import type { Helpers } from './helpers.ts';
import { applied, castTo, primary, type Text, within } from './text.ts';
import { valueType } from './types.ts';

/**
 * How a buffer is reached: through a pointer, or as one local variable for each element. `read` is the name of a
 * function that fetches the element behind a pointer, where the pointer is not for this processor.
 */
export type Access =
  | { readonly kind: 'pointer'; readonly pointer: Text; readonly byUser: boolean; readonly read?: (at: Text) => Text }
  | { readonly kind: 'registers'; element(indices: readonly Expr[]): string };

/** What names mean where an expression is printed. */
export interface Environment {
  readonly dialect: Dialect;
  readonly helpers: Helpers;
  variable(variable: Var): string;
  access(buffer: Buffer): Access;
  /** The element offset of a load from behind a pointer, of its first lane; the same object each time. */
  address(load: Load): Expr;
  /** Whether the expression is a size that is computed once, before everything else, and its name. */
  isSize(expr: Expr): boolean;
  sizeName(expr: Expr): string | undefined;
  /** A C expression of type int * for the error code of this run. */
  readonly status: string;
}

/** An expression in the scope of some names. */
export interface Printer {
  readonly environment: Environment;
  /** The text of an operand: its name, if it has one. */
  print(expr: Expr): Text;
  hasName(expr: Expr): boolean;
  /** The operands of a Select that evaluates only one of its branches see the names of that branch. */
  printBranch(select: Select, which: 'whenTrue' | 'whenFalse'): Text;
}

/** Scalar or vector with a scalar condition: C evaluates one branch. */
export function printSelect(expr: Select, printer: Printer): Text {
  const condition = printer.print(expr.condition);
  const whenTrue = printer.printBranch(expr, 'whenTrue');
  const whenFalse = printer.printBranch(expr, 'whenFalse');
  return { text: `${within(condition, 5)} ? ${within(whenTrue, 5)} : ${within(whenFalse, 5)}`, level: 6 };
}

/** A call that records the error; the value of a scalar. */
export function printFailure(call: Call, { environment }: Printer): Text {
  const { helpers, dialect, status } = environment;
  const code = errorNames[call.code ?? 'index'];
  const failed = applied(helpers.use(dialect.failureHelper), primary(status), primary(code));
  return castTo(valueType(call.dtype), failed);
}
