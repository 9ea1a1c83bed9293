// Sizes as they are where every loop of a nest runs at least once; elsewhere there is nothing to prove about the nest.
// An extent that is one product, perhaps less something, has no factor 0 then:
//   with w / 16 * 4 iterations,   w / 16   →   m + 1                for some m of at least 0
//   and so                        w / 2    →   (m + 1) * 8 + r      for some r of at least 0
// Without this the steps 24 and w / 16 * 96 have no order: for w = 0 there is none.

import { boundsOf } from '../../ir/bounds.ts';
import type { Expr } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { add, int, mul, sub, variable } from '../../ir/expr-make.ts';
import { mapChildren } from '../../ir/expr-walk.ts';
import { constantTerm, toPolynomial } from '../../ir/polynomial.ts';
import { simplify } from '../../ir/simplify.ts';

interface Quotient {
  readonly dividend: Expr;
  readonly divisor: number;
  /** What it is known to be. */
  readonly value: Expr;
}

/** Values by the key of what they replace. */
type Values = Map<string, Expr>;

const unknown = (name: string): Expr => variable(name, 'index', { min: 0 });

/** Rewrites and simplifies a size, given the extents of the loops. */
export function whereAllRun(extents: readonly Expr[]): (size: Expr) => Expr {
  const sizes = new Map(extents.flatMap(factorsOf).map((size) => [exprKey(size), size]));
  if (sizes.size === 0) return simplify;
  const values: Values = new Map();
  const quotients: Quotient[] = [];
  // The coarsest quotient comes first: it says most of what the finer ones are.
  for (const size of [...sizes.values()].sort((a, b) => divisorOf(b) - divisorOf(a))) {
    const value = finerThan(size, quotients) ?? values.get(exprKey(size)) ?? add(unknown('more'), int(1));
    values.set(exprKey(size), value);
    if (size.kind !== 'binary' || size.op !== 'div') continue;
    quotients.push({ dividend: size.left, divisor: divisorOf(size), value });
    setDividend(quotients.at(-1)!, values);
  }
  return (size) => simplify(rewrite(simplify(size), values, quotients));
}

/** What cannot be 0 where the extent is not: the factors of the only term that is added. */
function factorsOf(extent: Expr): readonly Expr[] {
  const terms = [...toPolynomial(simplify(extent)).values()];
  if (terms.some(({ factors }) => factors.some((factor) => boundsOf(factor).min < 0))) return [];
  const added = terms.filter(({ coefficient }) => coefficient > 0);
  return added.length === 1 ? added[0]!.factors.filter((factor) => boundsOf(factor).min === 0) : [];
}

const divisorOf = (size: Expr): number =>
  size.kind === 'binary' && size.op === 'div' && size.right.kind === 'const' ? Number(size.right.value) : 0;

/** x / n, where x / (n * k) is known. */
function finerThan(size: Expr, quotients: readonly Quotient[]): Expr | undefined {
  const own = divisorOf(size);
  if (own === 0 || size.kind !== 'binary') return undefined;
  const coarse = quotients.find(
    ({ dividend, divisor }) => divisor > own && divisor % own === 0 && exprKey(dividend) === exprKey(size.left),
  );
  return coarse && add(mul(coarse.value, int(coarse.divisor / own)), unknown('rest'));
}

/** x, where x / n is known, or a variable v where (v + c) / n is. */
function setDividend({ dividend, divisor, value }: Quotient, values: Values): void {
  if (divisor === 0) return;
  const terms = toPolynomial(dividend);
  const [first, ...others] = [...terms.values()].filter(({ factors }) => factors.length > 0);
  if (others.length > 0 || first?.coefficient !== 1 || first.factors.length !== 1) return;
  const whole = add(mul(value, int(divisor)), unknown('rest'));
  const key = exprKey(first.factors[0]!);
  if (!values.has(key)) values.set(key, sub(whole, int(constantTerm(terms))));
}

function rewrite(expr: Expr, values: Values, quotients: readonly Quotient[]): Expr {
  const key = exprKey(expr);
  const known = values.get(key);
  if (known) return known;
  const made = finerThan(expr, quotients) ?? mapChildren(expr, (child) => rewrite(child, values, quotients));
  values.set(key, made);
  return made;
}
