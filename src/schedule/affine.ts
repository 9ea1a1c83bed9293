// How an index expression depends on loop indices: the question behind every step that moves or widens loops.

import type { Expr, Load, Var } from '../../ir/expr.ts';
import { int } from '../../ir/expr-make.ts';
import { contains } from '../../ir/expr-walk.ts';
import type { Buffer, Store } from '../../ir/kernel.ts';
import { addressOf } from '../../ir/kernel-walk.ts';
import {
  addPolynomials,
  fromPolynomial,
  multiplyPolynomials,
  type Polynomial,
  polynomial,
  provablyNonNegative,
  toPolynomial,
} from '../../ir/polynomial.ts';
import { simplify } from '../../ir/simplify.ts';
import { whereAllRun } from './where-all-run.ts';

export const uses = (expr: Expr, variable: Var): boolean => contains(expr, (node) => node === variable);

/** `expr` = coefficient * variable + rest, neither using the variable; undefined where it is not of that form. */
export function linearIn(expr: Expr, variable: Var): { readonly coefficient: Expr; readonly rest: Expr } | undefined {
  const scaled = [];
  const others = [];
  for (const term of toPolynomial(simplify(expr)).values()) {
    const at = term.factors.indexOf(variable);
    const factors = at < 0 ? term.factors : term.factors.filter((_, i) => i !== at);
    if (factors.some((factor) => uses(factor, variable))) return undefined;
    if (at < 0) others.push(term);
    else scaled.push({ coefficient: term.coefficient, factors });
  }
  return { coefficient: fromPolynomial(polynomial(scaled)), rest: fromPolynomial(polynomial(others)) };
}

/** Elements from one iteration of the loop to the next; undefined where the step varies. */
export function strideOf(access: Load | Store, variable: Var): Expr | undefined {
  return linearIn(addressOf(access.buffer, access.indices), variable)?.coefficient;
}

/** The element offset of an access, in normal form. */
export const flatAddress = (buffer: Buffer, indices: readonly Expr[]): Expr => simplify(addressOf(buffer, indices));

interface Stride {
  readonly step: Polynomial;
  readonly extent: Polynomial;
}

const one = toPolynomial(int(1));
const minus = (a: Polynomial, b: Polynomial): Polynomial => addPolynomials(a, b, -1);

/**
 * Whether different values of the variables always give different addresses: ordered by size, each step is greater than
 * the whole span of the smaller ones. With
 * `within`, offsets added to the address: whether it stays so for any two of them.
 */
export function isInjective(address: Expr, variables: readonly Var[], within: readonly Expr[] = []): boolean {
  const running = whereAllRun(variables.map(({ extent }) => extent ?? int(1)));
  let strides: Stride[] = [];
  for (const variable of variables) {
    const linear = linearIn(address, variable);
    if (!linear || !variable.extent) return false;
    if (variables.some((other) => uses(linear.coefficient, other))) return false;
    strides.push({ step: toPolynomial(running(linear.coefficient)), extent: toPolynomial(running(variable.extent)) });
  }
  strides = strides.filter(({ extent }) => !provablyNonNegative(minus(one, extent)));
  const offsets = within.map((offset) => toPolynomial(running(offset)));
  if (offsets.some((offset) => !provablyNonNegative(offset))) return false;
  let span: Polynomial = toPolynomial(int(0));
  while (strides.length > 0) {
    const least = strides.find((a) => strides.every((b) => a === b || provablyNonNegative(minus(b.step, a.step))));
    if (!least || !provablyNonNegative(minus(minus(least.step, span), one))) return false;
    const beyond = minus(minus(least.step, span), one);
    if (offsets.some((offset) => !provablyNonNegative(minus(beyond, offset)))) return false;
    span = addPolynomials(span, multiplyPolynomials(least.step, minus(least.extent, one)));
    strides = strides.filter((stride) => stride !== least);
  }
  return true;
}
