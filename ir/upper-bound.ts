// The greatest value of a size some of whose variables only a run finds out (those with an extent). What the caller
// gives stays in the result. Memory is reserved by it, so it must never be too small.

import { boundsOf } from './bounds.ts';
import type { Binary, Expr } from './expr.ts';
import { add, cast, constantOf, div, int, max, min, mul, product, sub } from './expr-make.ts';
import { contains, rewriteExpr } from './expr-walk.ts';
import { simplify } from './simplify.ts';

interface Limits {
  readonly least: Expr;
  readonly most: Expr;
}

export const upperBound = (size: Expr): Expr => simplify(limitsOf(size).most);

const isFoundOut = (node: Expr): boolean => node.kind === 'var' && node.extent !== undefined;

function limitsOf(expr: Expr): Limits {
  if (!contains(expr, isFoundOut)) return { least: expr, most: expr };
  const together = limitTogether(expr);
  if (together) return { least: int(0), most: upperBound(together) };
  switch (expr.kind) {
    case 'var':
      return { least: int(0), most: upperBound(add(expr.extent!, int(-1))) };
    case 'cast': {
      const { least, most } = limitsOf(expr.value);
      return { least: cast(least, expr.dtype), most: cast(most, expr.dtype) };
    }
    case 'select': {
      const [yes, no] = [limitsOf(expr.whenTrue), limitsOf(expr.whenFalse)];
      return { least: min(yes.least, no.least), most: max(yes.most, no.most) };
    }
    case 'binary':
      return limitsOfBinary(expr) ?? atAllMost(expr);
    default:
      return atAllMost(expr);
  }
}

const factorsOf = (expr: Expr): readonly Expr[] =>
  expr.kind === 'binary' && expr.op === 'mul' ? [...factorsOf(expr.left), ...factorsOf(expr.right)] : [expr];

/**
 * A product that bounds itself: where a size v was found to be at most most / max(rest, 1), v * rest is at most `most`.
 * So a tensor that was found among `most` elements is reserved that many, and not a power of it.
 */
function limitTogether(expr: Expr): Expr | undefined {
  const factors = factorsOf(expr);
  if (factors.length < 2) return undefined;
  const found = factors.flatMap((own) => {
    if (own.kind !== 'var' || !own.extent) return [];
    const limit = simplify(add(own.extent, int(-1)));
    if (limit.kind !== 'binary' || limit.op !== 'div') return [];
    const others = factors.filter((factor) => factor !== own);
    const rest = withinDivisor(limit.right, others);
    return rest ? [{ most: limit.left, rest }] : [];
  });
  // The one that takes the most other factors with it.
  const [best] = found.sort((a, b) => a.rest.length - b.rest.length);
  return best && simplify(mul(best.most, product(best.rest)));
}

/** The factors that are left of a product where a divisor max(p, 1), or a constant p, takes some of them away. */
function withinDivisor(divisor: Expr, factors: readonly Expr[]): readonly Expr[] | undefined {
  const inner =
    divisor.kind === 'binary' && divisor.op === 'max'
      ? [divisor.left, divisor.right].find((side) => constantOf(side) !== 1)
      : divisor;
  if (!inner) return undefined;
  const left = [...factors];
  for (const factor of factorsOf(inner)) {
    const at = left.findIndex((other) => other === factor || (constantOf(other) ?? -1) === constantOf(factor));
    if (at < 0) return undefined;
    left.splice(at, 1);
  }
  return left;
}

function limitsOfBinary({ op, left, right }: Binary): Limits | undefined {
  const [a, b] = [limitsOf(left), limitsOf(right)];
  switch (op) {
    case 'add':
      return { least: add(a.least, b.least), most: add(a.most, b.most) };
    case 'sub':
      return { least: sub(a.least, b.most), most: sub(a.most, b.least) };
    case 'min':
      return { least: min(a.least, b.least), most: min(a.most, b.most) };
    case 'max':
      return { least: max(a.least, b.least), most: max(a.most, b.most) };
    case 'mul':
      return limitsOfProduct(a, b);
    case 'div':
      return limitsOfQuotient(a, b);
    case 'mod':
      return isNotNegative(a.least) ? { least: int(0), most: a.most } : undefined;
    default:
      return undefined;
  }
}

const isNotNegative = (expr: Expr): boolean => boundsOf(simplify(expr)).min >= 0;

function limitsOfProduct(a: Limits, b: Limits): Limits {
  if (isNotNegative(a.least) && isNotNegative(b.least)) {
    return { least: mul(a.least, b.least), most: mul(a.most, b.most) };
  }
  const corners = [mul(a.least, b.least), mul(a.least, b.most), mul(a.most, b.least), mul(a.most, b.most)];
  return { least: corners.reduce(min), most: corners.reduce(max) };
}

/** Division truncates, so it is monotone. A divisor that varies is at least 1 where there is a result at all. */
function limitsOfQuotient(a: Limits, b: Limits): Limits | undefined {
  const divisor = constantOf(simplify(b.least));
  if (divisor !== undefined && divisor > 0 && divisor === constantOf(simplify(b.most))) {
    return { least: div(a.least, b.least), most: div(a.most, b.most) };
  }
  return isNotNegative(a.least) && isNotNegative(b.least) ? { least: int(0), most: a.most } : undefined;
}

/** For what grows with its sizes. */
function atAllMost(expr: Expr): Limits {
  const most = rewriteExpr(expr, (node) => (isFoundOut(node) ? limitsOf(node).most : undefined));
  return { least: int(0), most };
}
