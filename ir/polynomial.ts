// Index expressions as sums of products: c1 * x * y + c2 * z + c0. Everything that is not +, - or * is an atom.

import { boundsOf } from './bounds.ts';
import type { Expr } from './expr.ts';
import { exprKey } from './expr-key.ts';
import { add, int, mul, sub } from './expr-make.ts';

export interface Term {
  readonly coefficient: number;
  /** Sorted by key. */
  readonly factors: readonly Expr[];
}
/** By the key of the factors; no zero coefficients. */
export type Polynomial = ReadonlyMap<string, Term>;

/** Products of sums are multiplied out up to this many terms; beyond it the product is an atom. */
export const maximumTerms = 48;

const termKey = (factors: readonly Expr[]): string => factors.map(exprKey).join('*');

function addTerm(terms: Map<string, Term>, { coefficient, factors }: Term): void {
  const key = termKey(factors);
  const sum = coefficient + (terms.get(key)?.coefficient ?? 0);
  if (sum === 0) terms.delete(key);
  else terms.set(key, { coefficient: sum, factors });
}

const fromTerms = (items: Iterable<Term>): Polynomial => {
  const terms = new Map<string, Term>();
  for (const item of items) addTerm(terms, item);
  return terms;
};

/** a + scale * b. */
export function addPolynomials(a: Polynomial, b: Polynomial, scale = 1): Polynomial {
  const sum = new Map(a);
  for (const [key, { coefficient, factors }] of b) {
    const total = (sum.get(key)?.coefficient ?? 0) + scale * coefficient;
    if (total === 0) sum.delete(key);
    else sum.set(key, { coefficient: total, factors });
  }
  return sum;
}

function scaled(terms: Polynomial, scale: number): Polynomial {
  if (scale === 1) return terms;
  const result = new Map<string, Term>();
  if (scale === 0) return result;
  for (const [key, { coefficient, factors }] of terms) result.set(key, { coefficient: scale * coefficient, factors });
  return result;
}

export function multiplyTerms(a: Term, b: Term): Term {
  const factors = [...a.factors, ...b.factors].sort((x, y) => (exprKey(x) < exprKey(y) ? -1 : 1));
  return { coefficient: a.coefficient * b.coefficient, factors };
}

export function multiplyPolynomials(a: Polynomial, b: Polynomial): Polynomial {
  // Most products have a constant factor.
  if (isConstant(b)) return scaled(a, constantTerm(b));
  if (isConstant(a)) return scaled(b, constantTerm(a));
  return fromTerms([...a.values()].flatMap((x) => [...b.values()].map((y) => multiplyTerms(x, y))));
}

export const atom = (expr: Expr): Polynomial => fromTerms([{ coefficient: 1, factors: [expr] }]);
export const polynomial = (terms: Iterable<Term>): Polynomial => fromTerms(terms);

const polynomials = new WeakMap<Expr, Polynomial>();

export function toPolynomial(expr: Expr): Polynomial {
  const known = polynomials.get(expr);
  if (known) return known;
  const found = computePolynomial(expr);
  polynomials.set(expr, found);
  return found;
}

function computePolynomial(expr: Expr): Polynomial {
  if (expr.kind === 'const') return fromTerms([{ coefficient: Number(expr.value), factors: [] }]);
  if (expr.kind !== 'binary') return atom(expr);
  if (expr.op === 'add') return addPolynomials(toPolynomial(expr.left), toPolynomial(expr.right));
  if (expr.op === 'sub') return addPolynomials(toPolynomial(expr.left), toPolynomial(expr.right), -1);
  if (expr.op === 'mul') {
    const left = toPolynomial(expr.left);
    const right = toPolynomial(expr.right);
    return left.size * right.size > maximumTerms ? atom(expr) : multiplyPolynomials(left, right);
  }
  return atom(expr);
}

const termExpr = (term: Term): Expr =>
  term.factors.length === 0 ? int(term.coefficient) : mul(term.factors.reduce(mul), int(term.coefficient));

/** Variables in creation order, negative terms subtracted, the constant last. */
export function fromPolynomial(terms: Polynomial): Expr {
  const sorted = [...terms.entries()].sort(([a], [b]) => (a === '' ? 1 : b === '' ? -1 : a < b ? -1 : 1));
  const positive = sorted.filter(([, term]) => term.coefficient > 0);
  const negative = sorted.filter(([, term]) => term.coefficient < 0);
  const sum = positive.map(([, term]) => termExpr(term)).reduce(add, int(0));
  return negative.reduce((rest, [, term]) => sub(rest, termExpr({ ...term, coefficient: -term.coefficient })), sum);
}

export const constantTerm = (terms: Polynomial): number => terms.get('')?.coefficient ?? 0;
export const isConstant = (terms: Polynomial): boolean => terms.size === 0 || (terms.size === 1 && terms.has(''));

/** Replaces every index variable by its least (or greatest) value where its sign in the term allows it. */
function extreme(terms: Polynomial, sign: 1 | -1): Polynomial {
  let current = terms;
  for (let round = 0; round < 8; round++) {
    const found = [...current.values()].find((term) =>
      term.factors.some((factor) => factor.kind === 'var' && factor.extent),
    );
    if (!found) return current;
    const index = found.factors.findIndex((factor) => factor.kind === 'var' && factor.extent);
    const factor = found.factors[index]!;
    if (factor.kind !== 'var' || !factor.extent) return current;
    const rest = found.factors.filter((_, i) => i !== index);
    const without = addPolynomials(current, fromTerms([found]), -1);
    if (rest.some((other) => boundsOf(other).min < 0)) return current;
    // A term that grows with the variable is least at 0 and greatest at extent - 1.
    const atZero = found.coefficient > 0 === sign < 0;
    const last = addPolynomials(toPolynomial(factor.extent), fromTerms([{ coefficient: -1, factors: [] }]));
    const replaced = multiplyPolynomials(fromTerms([{ coefficient: found.coefficient, factors: rest }]), last);
    current = atZero ? without : addPolynomials(without, replaced);
  }
  return current;
}

/** A lower bound in which what is subtracted of rounded quotients is exact:  a - c * (x / c)  >=  a - x,  for x >= 0. */
function withoutFloors(terms: Polynomial): Polynomial {
  for (const term of terms.values()) {
    for (const [position, factor] of term.factors.entries()) {
      if (term.coefficient > 0 || factor.kind !== 'binary' || factor.op !== 'div') continue;
      const divisor = factor.right.kind === 'const' ? Number(factor.right.value) : 0;
      const rest = term.factors.filter((_, i) => i !== position);
      if (divisor <= 0 || term.coefficient % divisor !== 0) continue;
      if ([factor.left, ...rest].some((part) => boundsOf(part).min < 0)) continue;
      const exact = fromTerms([{ coefficient: term.coefficient / divisor, factors: rest }]);
      const replaced = multiplyPolynomials(exact, toPolynomial(factor.left));
      return withoutFloors(addPolynomials(addPolynomials(terms, fromTerms([term]), -1), replaced));
    }
  }
  return terms;
}

const without = (factors: readonly Expr[], at: number): readonly Expr[] => factors.filter((_, i) => i !== at);

/** x / n over x / m where n divides m: at least m / n times as much. */
function timesFiner(fine: Expr, coarse: Expr): number {
  if (fine.kind !== 'binary' || coarse.kind !== 'binary' || fine.op !== 'div' || coarse.op !== 'div') return 0;
  if (fine.right.kind !== 'const' || coarse.right.kind !== 'const') return 0;
  if (exprKey(fine.left) !== exprKey(coarse.left)) return 0;
  const times = Number(coarse.right.value) / Number(fine.right.value);
  return times > 1 && Number.isInteger(times) ? times : 0;
}

/** A lower bound in which a quotient that is added gives way to a coarser one that is subtracted: w / 2 - w / 8 * 4. */
function withCoarseQuotients(terms: Polynomial): Polynomial | undefined {
  const parts = [...terms.values()].flatMap(({ coefficient, factors }) =>
    factors.map((factor, at) => ({ coefficient, factor, factors: without(factors, at) })),
  );
  for (const taken of parts) {
    if (taken.coefficient > 0 || taken.factors.some((other) => boundsOf(other).min < 0)) continue;
    for (const added of parts) {
      const times = added.coefficient > 0 ? timesFiner(added.factor, taken.factor) : 0;
      if (times === 0 || termKey(added.factors) !== termKey(taken.factors)) continue;
      const difference = addPolynomials(
        fromTerms([{ coefficient: times, factors: [taken.factor] }]),
        atom(added.factor),
        -1,
      );
      return addPolynomials(terms, multiplyPolynomials(fromTerms([added]), difference));
    }
  }
  return undefined;
}

/** Whether the value is at least zero for every value of its variables. */
export function provablyNonNegative(terms: Polynomial, rounds = 4): boolean {
  if (isPlainlyNonNegative(terms)) return true;
  const bound = rounds > 0 ? withCoarseQuotients(terms) : undefined;
  return bound !== undefined && provablyNonNegative(bound, rounds - 1);
}

function isPlainlyNonNegative(terms: Polynomial): boolean {
  if (boundsOf(fromPolynomial(terms)).min >= 0) return true;
  const least = withoutFloors(extreme(terms, -1));
  if (boundsOf(fromPolynomial(least)).min >= 0) return true;
  return [...least.values()].every(
    (term) => term.coefficient >= 0 && term.factors.every((factor) => boundsOf(factor).min >= 0),
  );
}
