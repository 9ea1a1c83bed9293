// Expressions as C text: names where they have one, else the switch over kinds. Small floats must be gone but for loads,
// stores, casts and selects (see legalize.ts).

import { isFloat } from '../../ir/dtype.ts';
import type { Const, Expr } from '../../ir/expr.ts';
import { IrError } from '../../ir/expr-make.ts';
import { children } from '../../ir/expr-walk.ts';
import { decide } from './legalize.ts';
import { literal } from './literals.ts';
import { printCast } from './print-cast.ts';
import { printBinary, printLoad, printMath, printUnary } from './print-scalar.ts';
import { printVector } from './print-vector.ts';
import { type Environment, type Printer, printFailure, printSelect } from './printer.ts';
import { type Plan, planNames, type Scope } from './share.ts';
import { primary, type Text, within } from './text.ts';

export type Names = ReadonlyMap<Scope, ReadonlyMap<Expr, string>>;

export function printerIn(scope: Scope, plan: Plan, names: Names, environment: Environment): Printer {
  const nameOf = (expr: Expr): string | undefined => {
    const size = environment.sizeName(expr);
    if (size) return size;
    for (let at: Scope | undefined = scope; at; at = at.parent) {
      const name = names.get(at)?.get(expr);
      if (name) return name;
    }
    return undefined;
  };
  const printer: Printer = {
    environment,
    print: (expr) => {
      const name = nameOf(expr);
      return name ? primary(name) : printNode(expr, printer);
    },
    hasName: (expr) => nameOf(expr) !== undefined,
    printBranch: (select, which) => {
      const inner = plan.branchesOf(select, scope)?.[which];
      if (!inner) return printer.print(select[which]);
      return printerIn(inner, plan, names, environment).print(select[which]);
    },
  };
  return printer;
}

/** The expression itself, whether it has a name or not. */
export function printNode(expr: Expr, printer: Printer): Text {
  const { helpers, variable } = printer.environment;
  if (expr.lanes > 1 && expr.kind !== 'var') return printVector(expr, printer);
  const decided = decide(expr);
  if (decided?.kind === 'const' && expr.kind !== 'const') return printDecided(expr, decided, printer);
  switch (expr.kind) {
    case 'const':
      if (isFloat(expr.dtype) && !Number.isFinite(Number(expr.value))) helpers.useHeader('math.h');
      return literal(expr.value, expr.dtype);
    case 'var':
      return primary(variable(expr));
    case 'unary':
      return printUnary(expr, printer);
    case 'binary':
      return printBinary(expr, printer);
    case 'select':
      return printSelect(expr, printer);
    case 'cast':
      return printCast(expr, printer);
    case 'load':
      return printLoad(expr, printer);
    case 'call':
      return expr.callee === 'fail' ? printFailure(expr, printer) : printMath(expr, printer);
    case 'ramp':
    case 'splat':
      throw new IrError(`${expr.kind} of one lane`);
    case 'reduce':
      throw new IrError('a reduction reached the printer');
  }
}

/** Computes the operands, which may fail, and gives what the operation always gives: compilers warn of the operation. */
function printDecided(expr: Expr, decided: Const, printer: Printer): Text {
  const operands = children(expr).map((operand) => `(void)${within(printer.print(operand), 1)}, `);
  return primary(`(${operands.join('')}${literal(decided.value, decided.dtype).text})`);
}

/** An expression whose parts have no names but those that the environment gives. */
export function printAlone(expr: Expr, environment: Environment): Text {
  const plan = planNames(
    [],
    () => [],
    () => true,
  );
  return printNode(expr, printerIn(plan.root, plan, new Map(), environment));
}
