// Copies of statements in which a loop index is a number. The sums of all copies share what does not depend on the index:
//   x[(i * 4 + r) * 96 + k] for r = 0, 1, …   →   x[at + 0], x[at + 96], …   where at = i * 384 + k is one object
// So the copies are small, and whatever later passes learn of `at` they learn once.

import type { Expr, Var } from '../../ir/expr.ts';
import { add, constantOf, int, sub } from '../../ir/expr-make.ts';
import { mapChildren } from '../../ir/expr-walk.ts';
import type { Stmt } from '../../ir/kernel.ts';
import { innerStmts, mapStmt } from '../../ir/kernel-walk.ts';
import { fromPolynomial, polynomial, type Term, toPolynomial } from '../../ir/polynomial.ts';
import { isSum, markSimple, simplify } from '../../ir/simplify.ts';
import { uses } from './affine.ts';

/** rest + step * index + constant. */
interface Split {
  readonly rest: Expr;
  readonly step: number;
  readonly constant: number;
}

/** Whether the statement binds nothing, so that copies of it may share what they are made of. */
export const bindsNothing = (stmt: Stmt): boolean =>
  stmt.kind !== 'loop' && stmt.kind !== 'let' && stmt.kind !== 'alloc' && innerStmts(stmt).every(bindsNothing);

/** The statement, which binds nothing, for each value of the index from 0. */
export function atValues(stmt: Stmt, index: Var, values: number): readonly Stmt[] {
  const splits = new Map<Expr, Split | undefined>();
  const splitOf = (expr: Expr): Split | undefined => {
    if (splits.has(expr)) return splits.get(expr);
    const split = throughConstant(expr, splitOf) ?? splitAt(expr, index);
    splits.set(expr, split);
    return split;
  };
  return Array.from({ length: values }, (_, value) => {
    const memo = new Map<Expr, Expr>();
    const at = (expr: Expr): Expr => {
      if (expr.kind === 'const') return expr;
      if (expr.kind === 'var') return expr === index ? int(value) : expr;
      const known = memo.get(expr);
      if (known) return known;
      const split = isSum(expr) ? splitOf(expr) : undefined;
      const made = split ? offset(split, value, expr) : mapChildren(expr, at);
      memo.set(expr, made);
      return made;
    };
    const copy = (inner: Stmt): Stmt => mapStmt(inner, copy, at);
    return copy(stmt);
  });
}

function offset({ rest, step, constant }: Split, value: number, whole: Expr): Expr {
  // Simple, too: the index of a loop of one turn is gone from it.
  if (step === 0) return simplify(whole);
  const distance = constant + step * value;
  if (distance === 0) return rest;
  if (constantOf(rest) === 0) return int(distance);
  return markSimple(distance > 0 ? add(rest, int(distance)) : sub(rest, int(-distance)));
}

/** What was copied before is a shared sum and a constant. */
function throughConstant(expr: Expr, splitOf: (expr: Expr) => Split | undefined): Split | undefined {
  if (expr.kind !== 'binary' || (expr.op !== 'add' && expr.op !== 'sub') || !isSum(expr.left)) return undefined;
  const distance = constantOf(expr.right);
  const split = distance === undefined ? undefined : splitOf(expr.left);
  return split && { ...split, constant: split.constant + (expr.op === 'add' ? distance! : -distance!) };
}

/** Undefined where the sum has not this form, or a normal form in which the constant is not last. */
function splitAt(expr: Expr, index: Var): Split | undefined {
  let step = 0;
  let constant = 0;
  const others: Term[] = [];
  for (const term of toPolynomial(simplify(expr)).values()) {
    const { coefficient, factors } = term;
    if (factors.length === 0) constant = coefficient;
    else if (factors.length === 1 && factors[0] === index) step = coefficient;
    else if (coefficient < 0 || factors.some((factor) => uses(factor, index))) return undefined;
    else others.push(term);
  }
  return { rest: simplify(fromPolynomial(polynomial(others))), step, constant };
}
