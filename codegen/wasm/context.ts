// What printing an expression needs to know: the module, the scope of the function being printed, where buffers are.

import type { ErrorCode, Expr } from '../../ir/expr.ts';
import { IrError } from '../../ir/expr-make.ts';
import type { Buffer } from '../../ir/kernel.ts';
import type { Code, ModuleBuilder, ValueType } from './binaryen.ts';
import type { Linear } from './linear.ts';
import type { Local } from './locals.ts';
import type { Scope } from './scope.ts';

/** What is known of an expression under the current bindings. */
export interface Facts {
  /** Depth of the frame from which on the value no longer changes. */
  readonly depth: number;
  /** Nodes of the tree, counted up to a limit. */
  readonly size: number;
}

export interface Context {
  readonly module: ModuleBuilder;
  readonly scope: Scope;
  /** A product and a sum may be one instruction with one rounding. */
  readonly contract: boolean;
  /** Address of the first element of a buffer in memory. */
  readonly baseOf: (buffer: Buffer) => Linear;
  /** The locals of register buffers that are alive. */
  readonly registers: Map<Buffer, readonly Local[]>;
  /** Whether performing the expression needlessly could do harm. */
  readonly isGuarded: (expr: Expr) => boolean;
  readonly factsOf: (expr: Expr) => Facts;
  /** One atom for equal expressions. */
  readonly atomKey: (expr: Expr) => string;
  /** The expression will be computed where it stands: nothing else uses it and no loop lets it go. */
  readonly isPrintedHere: (expr: Expr) => boolean;
  readonly print: (expr: Expr) => Code;
}

/** LAP_E_… of the C header. */
export const errorNumbers: Readonly<Record<ErrorCode, number>> = { index: 1, divide: 2, shape: 3 };

/** The global that holds the first error of a run. */
export const errorGlobal = 'error';

/** Records an error unless there is one already. */
export const recordError = (module: ModuleBuilder, code: ErrorCode): Code =>
  module.if(
    module.op('i32.eqz', module.getGlobal(errorGlobal, 'i32')),
    module.setGlobal(errorGlobal, module.i32(errorNumbers[code])),
  );

/** A value to be used more than once: `first` computes it and must be evaluated first, `again` reads it. */
export interface Kept {
  readonly first: Code;
  again(): Code;
}

export function keep({ module, scope }: Pick<Context, 'module' | 'scope'>, type: ValueType, value: Code): Kept {
  const local = scope.hold(type);
  return { first: module.tee(local.index, value, type), again: () => module.get(local.index, type) };
}

/** The local of a register that a load or store names by constant indices. */
export function registerOf(context: Context, buffer: Buffer, position: Linear): Local {
  if (position.terms.size > 0) throw new IrError(`register ${buffer.name} is indexed by a value of run time`);
  const local = context.registers.get(buffer)?.[position.constant];
  if (!local) throw new IrError(`register ${buffer.name} has no element ${position.constant} here`);
  return local;
}
