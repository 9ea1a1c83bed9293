// Select: `select` where both branches are cheap and harmless, an if otherwise, a blend of lanes under a vector condition.

import type { Expr, Select } from '../../ir/expr.ts';
import { exprKey, sameExpr } from '../../ir/expr-key.ts';
import { IrError } from '../../ir/expr-make.ts';
import { children } from '../../ir/expr-walk.ts';
import { isInside } from '../../ir/inside.ts';
import { certainParts, countUses, isRegisterLoad } from '../../ir/shared-parts.ts';
import type { Code } from './binaryen.ts';
import type { Context } from './context.ts';
import { isTrivial, loopToLeave, rootsOf, usesOf } from './hoist.ts';
import { gathered, isHalfFilled, isNativeFloat, shapeOf, valueTypeOf } from './representation.ts';

/** Larger branches of a Select are worth a jump. */
const cheapBranch = 8;

export function printSelect(context: Context, expr: Select): Code {
  const { module } = context;
  const { condition, whenTrue, whenFalse, dtype, lanes } = expr;
  const harmless = !context.isGuarded(whenTrue) && !context.isGuarded(whenFalse);
  if (condition.lanes > 1) {
    if (!harmless) requireHarmless(expr, rootsOf(context.scope.frame()));
    const extreme = printExtreme(context, expr);
    if (extreme !== undefined) return extreme;
    const yes = context.print(whenTrue);
    const no = context.print(whenFalse);
    const mask = context.print(condition);
    return module.op('v128.bitselect', yes, no, isHalfFilled(dtype, lanes) ? gathered(module, mask) : mask);
  }
  const size = Math.max(context.factsOf(whenTrue).size, context.factsOf(whenFalse).size);
  if (harmless && size <= cheapBranch) {
    // `select` evaluates its condition last; nothing here can tell the difference.
    const yes = context.print(whenTrue);
    const no = context.print(whenFalse);
    return module.select(context.print(condition), yes, no);
  }
  const before = computeCommon(context, expr);
  const test = context.print(condition);
  const branch = (value: Expr): Code => context.scope.inFrame({ branch: true }, () => context.print(value));
  const code = module.if(test, branch(whenTrue), branch(whenFalse));
  return before.length === 0 ? code : module.block([...before, code], valueTypeOf(dtype, lanes));
}

/** `a < b ? b : a` is pmax(a, b), and `b < a ? b : a` is pmin(a, b): NaN, zeros and all. */
function printExtreme(
  { module, print }: Context,
  { condition, whenTrue, whenFalse, dtype, lanes }: Select,
): Code | undefined {
  if (!isNativeFloat(dtype) || condition.kind !== 'binary' || condition.op !== 'lt') return undefined;
  const { left, right } = condition;
  const isLeast = sameExpr(left, whenTrue) && sameExpr(right, whenFalse);
  if (!isLeast && !(sameExpr(left, whenFalse) && sameExpr(right, whenTrue))) return undefined;
  return module.op(`${shapeOf(dtype, lanes)}.${isLeast ? 'pmin' : 'pmax'}`, print(whenFalse), print(whenTrue));
}

/** Computes what both branches surely use and some statement uses twice, so that neither branch repeats it. */
function computeCommon(context: Context, { whenTrue, whenFalse }: Select): readonly Code[] {
  const { module, scope } = context;
  // Indices become parts of addresses, not values.
  const wanted = (part: Expr): boolean =>
    part.dtype !== 'index' &&
    !isTrivial(part) &&
    usesOf(scope.frame(), part) > 1 &&
    !scope.known(part) &&
    !loopToLeave(context, part);
  const ofFalse = certainParts([whenFalse]);
  const inBoth = [...certainParts([whenTrue])].filter((part) => ofFalse.has(part) && wanted(part));
  const common = [...inBoth, ...usedElsewhere(context, whenTrue), ...usedElsewhere(context, whenFalse)].filter(wanted);
  const codes: Code[] = [];
  for (const part of common) {
    if (scope.known(part)) continue;
    // Printing gives it a name, since it is used twice; the name is what we are after.
    codes.push(module.drop(context.print(part)));
  }
  return codes;
}

/**
 * Parts of a branch that are harmless and that something outside of it uses too. Computed in the branch they would be
 * computed again elsewhere, and in a chain of such branches twice as often at each link.
 */
function usedElsewhere(context: Context, branch: Expr): readonly Expr[] {
  const inside = countUses([branch]).counts;
  return [...inside.keys()].filter(
    (part) => !context.isGuarded(part) && inside.get(part)! < usesOf(context.scope.frame(), part),
  );
}

/**
 * Both branches are evaluated. Vector divisions are made harmless; loads and failures of their own cannot be, unless the
 * condition or the statement performs the same in any case.
 */
function requireHarmless(select: Select, roots: readonly Expr[]): void {
  const always = new Set([...certainParts([select.condition, ...roots])].map(exprKey));
  const seen = new Set<Expr>();
  const check = (part: Expr): void => {
    if (seen.has(part) || part.kind === 'const' || part.kind === 'var' || always.has(exprKey(part))) return;
    seen.add(part);
    const needsCondition =
      (part.kind === 'load' && !isRegisterLoad(part) && !isInside(part.buffer, part.indices)) ||
      (part.kind === 'call' && part.callee === 'fail');
    if (needsCondition) throw new IrError('a vector condition protects a load or a failure');
    children(part).forEach(check);
  };
  check(select.whenTrue);
  check(select.whenFalse);
}
