// Whether an access provably stays inside its buffer, whatever the loop indices are.

import { boundsOf } from './bounds.ts';
import type { Expr } from './expr.ts';
import { add, constantOf, int, sub } from './expr-make.ts';
import type { Buffer } from './kernel.ts';
import {
  addPolynomials,
  multiplyPolynomials,
  type Polynomial,
  polynomial,
  provablyNonNegative,
  type Term,
  toPolynomial,
} from './polynomial.ts';
import { simplify } from './simplify.ts';

export function isInside(buffer: Buffer, indices: readonly Expr[]): boolean {
  return indices.every((at, axis) => {
    const first = at.kind === 'ramp' ? at.base : at;
    const last = at.kind === 'ramp' ? add(at.base, int(at.stride * (at.lanes - 1))) : at;
    const room = sub(sub(buffer.shape[axis]!, int(1)), last);
    return first.lanes === 1 && neverNegative(first) && neverNegative(room);
  });
}

function neverNegative(expr: Expr): boolean {
  const terms = toPolynomial(simplify(expr));
  return provablyNonNegative(terms) || provablyNonNegative(lowest(terms));
}

/**
 * A lower bound free of divisions: (a / b) * b <= a for what is subtracted. Loop indices are at their extremes first, as
 * the count of tiles n / f is itself a division.
 */
function lowest(terms: Polynomial): Polynomial {
  let current = terms;
  for (let round = 0; round < 8; round++) {
    const next = replaceOne(current);
    if (!next) return current;
    current = next;
  }
  return current;
}

function replaceOne(terms: Polynomial): Polynomial | undefined {
  for (const term of terms.values()) {
    if (term.coefficient >= 0) continue;
    for (const [position, factor] of term.factors.entries()) {
      const rest = { coefficient: term.coefficient, factors: term.factors.filter((_, i) => i !== position) };
      if (rest.factors.some((other) => boundsOf(other).min < 0)) continue;
      const upper = upperBound(factor, rest);
      if (upper) return addPolynomials(addPolynomials(terms, polynomial([term]), -1), upper);
    }
  }
  return undefined;
}

/** The term rest * factor, with the factor at its greatest. */
function upperBound(factor: Expr, rest: Term): Polynomial | undefined {
  const times = (scale: number, value: Expr): Polynomial =>
    multiplyPolynomials(
      polynomial([{ ...rest, coefficient: rest.coefficient * scale }]),
      toPolynomial(simplify(value)),
    );
  if (factor.kind === 'var' && factor.extent) return times(1, sub(factor.extent, int(1)));
  if (factor.kind !== 'binary' || boundsOf(factor.left).min < 0) return undefined;
  const by = constantOf(factor.right);
  if (by === undefined || by <= 0) return undefined;
  if (factor.op === 'mod') return times(1, int(by - 1));
  if (factor.op === 'div' && rest.coefficient % by === 0) return times(1 / by, factor.left);
  return undefined;
}
