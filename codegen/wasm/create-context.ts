// The context of a function under construction.

import type { Expr } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import type { Buffer } from '../../ir/kernel.ts';
import { isGuarded } from '../../ir/shared-parts.ts';
import type { ModuleBuilder } from './binaryen.ts';
import type { Context } from './context.ts';
import { createFacts, hoistConstants, isPrintedHere } from './hoist.ts';
import type { Linear } from './linear.ts';
import { printExpr } from './print-expr.ts';
import type { Scope } from './scope.ts';

export function createContext(
  module: ModuleBuilder,
  scope: Scope,
  baseOf: (buffer: Buffer) => Linear,
  contract: boolean,
): Context {
  const guarded = new Map<Expr, boolean>();
  const atoms = new Map<string, string>();
  const context: Context = {
    module: hoistConstants(module, scope),
    scope,
    contract,
    baseOf,
    registers: new Map(),
    isGuarded: (expr) => isGuarded(expr, guarded),
    factsOf: createFacts(scope),
    atomKey: (expr) => {
      const key = exprKey(expr);
      const known = atoms.get(key) ?? `a${`${atoms.size}`.padStart(6, '0')}`;
      atoms.set(key, known);
      return known;
    },
    isPrintedHere: (expr) => isPrintedHere(context, expr),
    print: (expr) => printExpr(context, expr),
  };
  return context;
}
