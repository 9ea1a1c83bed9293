// Simplifies index arithmetic: sums of products in one normal form, division and remainder by what is known of the
// variables' extents, comparisons that are always true or false, and casts of sizes through int64 and back.
// Never changes a value that the expression can take; floats are left alone.

import { boundsOf } from './bounds.ts';
import type { Binary, Expr } from './expr.ts';
import { exprKey } from './expr-key.ts';
import { add, binary, bool, cast, constant, constantOf, int, mul, select } from './expr-make.ts';
import { mapChildren } from './expr-walk.ts';
import type { Kernel, Stmt } from './kernel.ts';
import { mapStmt } from './kernel-walk.ts';
import {
  addPolynomials,
  atom,
  constantTerm,
  fromPolynomial,
  isConstant,
  maximumTerms,
  multiplyPolynomials,
  type Polynomial,
  polynomial,
  provablyNonNegative,
  type Term,
  toPolynomial,
} from './polynomial.ts';
import { sizeBehind } from './size-behind.ts';

/** The simplest equal expression that we know. Equal sizes become the same expression up to `exprKey`. */
export function simplify(expr: Expr): Expr {
  if (expr.kind === 'const') return expr;
  if (expr.kind === 'var') return simplifyNode(expr) ?? expr;
  const known = simplified.get(expr);
  if (known) return known;
  const result = isSum(expr) ? normalForm(expr) : simplifyOther(expr);
  simplified.set(expr, result);
  simplified.set(result, result);
  return result;
}

// What an expression simplifies to depends on nothing but itself: variables carry what is known of them.
const simplified = new WeakMap<Expr, Expr>();

/** Whether it is index arithmetic that has a normal form. */
export const isSum = (expr: Expr): boolean =>
  expr.kind === 'binary' &&
  expr.dtype === 'index' &&
  expr.lanes === 1 &&
  (expr.op === 'add' || expr.op === 'sub' || expr.op === 'mul');

/** For expressions that are simple by construction. */
export function markSimple(expr: Expr): Expr {
  simplified.set(expr, expr);
  return expr;
}

function simplifyOther(expr: Expr): Expr {
  const rebuilt = mapChildren(expr, simplify);
  if (isSum(rebuilt)) return simplify(rebuilt);
  return simplifyNode(rebuilt) ?? rebuilt;
}

export function simplifyStmt(stmt: Stmt): Stmt {
  if (simplifiedStmts.has(stmt)) return stmt;
  const result = mapStmt(stmt, simplifyStmt, simplify);
  simplifiedStmts.add(result);
  return result;
}

const simplifiedStmts = new WeakSet<Stmt>();

export const simplifyKernel = (kernel: Kernel): Kernel => ({ ...kernel, body: simplifyStmt(kernel.body) });

/** Whether two sizes are equal for all values of their variables. */
export const sameSize = (a: Expr, b: Expr): boolean => {
  const difference = addPolynomials(toPolynomial(simplify(a)), toPolynomial(simplify(b)), -1);
  return difference.size === 0;
};

function simplifyNode(expr: Expr): Expr | undefined {
  if (expr.lanes !== 1) return undefined;
  switch (expr.kind) {
    case 'binary':
      if (expr.left.dtype !== 'index') return throughSizes(expr);
      return simplifyBinary(expr);
    case 'cast':
      return simplifyCast(expr.value, expr.dtype, expr.bits);
    case 'var':
      return expr.extent && constantOf(expr.extent) === 1 ? int(0) : undefined;
    default:
      return undefined;
  }
}

function simplifyBinary(expr: Binary): Expr | undefined {
  const { op, left, right } = expr;
  switch (op) {
    case 'div':
      return divide(left, right).quotient;
    case 'mod':
      return divide(left, right).remainder;
    case 'lt':
      return compare(left, right, 1);
    case 'le':
      return compare(left, right, 0);
    case 'eq':
    case 'ne': {
      const difference = addPolynomials(toPolynomial(left), toPolynomial(right), -1);
      const { min, max } = boundsOf(fromPolynomial(difference));
      if (isConstant(difference)) return bool((constantTerm(difference) === 0) === (op === 'eq'));
      return min > 0 || max < 0 ? bool(op === 'ne') : undefined;
    }
    case 'min':
    case 'max': {
      const difference = addPolynomials(toPolynomial(left), toPolynomial(right), -1);
      if (provablyNonNegative(difference)) return op === 'max' ? left : right;
      if (provablyNonNegative(addPolynomials(polynomial([]), difference, -1))) return op === 'max' ? right : left;
      return undefined;
    }
    default:
      return undefined;
  }
}

/** left + gap <= right: true, false, or unknown. */
function compare(left: Expr, right: Expr, gap: number): Expr | undefined {
  const slack = addPolynomials(toPolynomial(right), toPolynomial(left), -1);
  const shifted = addPolynomials(slack, polynomial([{ coefficient: -gap, factors: [] }]));
  if (provablyNonNegative(shifted)) return bool(true);
  const negated = addPolynomials(polynomial([{ coefficient: -1, factors: [] }]), shifted, -1);
  return provablyNonNegative(negated) ? bool(false) : undefined;
}

/** A sum of products of simplified atoms. */
const normalForm = (expr: Expr): Expr => fromPolynomial(joinRemainders(simplifiedPolynomial(expr)));

function simplifiedPolynomial(expr: Expr): Polynomial {
  if (!isSum(expr) || expr.kind !== 'binary') return toPolynomial(simplify(expr));
  const left = simplifiedPolynomial(expr.left);
  const right = simplifiedPolynomial(expr.right);
  if (expr.op !== 'mul') return addPolynomials(left, right, expr.op === 'add' ? 1 : -1);
  if (left.size * right.size <= maximumTerms) return multiplyPolynomials(left, right);
  return atom(mul(fromPolynomial(left), fromPolynomial(right)));
}

/** (a / b) * b + a % b  →  a, times any common factor. */
function joinRemainders(terms: Polynomial): Polynomial {
  for (const term of terms.values()) {
    for (const [position, factor] of term.factors.entries()) {
      if (factor.kind !== 'binary' || factor.op !== 'mod') continue;
      if (boundsOf(factor.left).min < 0) continue;
      const rest: Term = { coefficient: term.coefficient, factors: term.factors.filter((_, i) => i !== position) };
      const whole = mul(
        divide(factor.left, factor.right).quotient ?? binary('div', factor.left, factor.right),
        factor.right,
      );
      const partner = multiplyPolynomials(polynomial([rest]), toPolynomial(whole));
      const present = [...partner.entries()].every(([key, want]) => terms.get(key)?.coefficient === want.coefficient);
      if (!present || partner.size === 0) continue;
      const without = addPolynomials(addPolynomials(terms, polynomial([term]), -1), partner, -1);
      const joined = addPolynomials(without, multiplyPolynomials(polynomial([rest]), toPolynomial(factor.left)));
      return joinRemainders(joined);
    }
  }
  return terms;
}

/** term / divisor where the divisor is a product, or undefined. */
function divideTerm(term: Term, divisor: Term): Term | undefined {
  if (term.coefficient % divisor.coefficient !== 0) return undefined;
  const factors = [...term.factors];
  for (const factor of divisor.factors) {
    const at = factors.findIndex((candidate) => exprKey(candidate) === exprKey(factor));
    if (at < 0) return undefined;
    factors.splice(at, 1);
  }
  return { coefficient: term.coefficient / divisor.coefficient, factors };
}

interface Division {
  readonly quotient?: Expr;
  readonly remainder?: Expr;
}

/** Division of a non-negative dividend by a positive divisor; nothing is said of others. */
function divide(left: Expr, right: Expr): Division {
  const divisorTerms = [...toPolynomial(right).values()];
  const divisor = divisorTerms[0];
  const knownZero = constantOf(right) === 0;
  if (divisorTerms.length !== 1 || !divisor || knownZero) return {};
  const positive = boundsOf(right).min > 0 || divisor.factors.length > 0;
  if (!positive || divisor.coefficient < 0) return {};
  const dividend = toPolynomial(left);
  const divisible: Term[] = [];
  const others: Term[] = [];
  for (const term of dividend.values()) {
    const part = divideTerm(term, divisor);
    if (part) divisible.push(part);
    else others.push(term);
  }
  const whole = polynomial(divisible);
  const rest = polynomial(others);
  // Dimensions may be zero, but then nothing is computed: a symbolic divisor counts as positive.
  if (rest.size === 0) return { quotient: fromPolynomial(whole), remainder: int(0) };
  if (!provablyNonNegative(whole) || !provablyNonNegative(rest)) return {};
  const slack = addPolynomials(
    addPolynomials(toPolynomial(right), rest, -1),
    polynomial([{ coefficient: -1, factors: [] }]),
  );
  if (provablyNonNegative(slack)) return { quotient: fromPolynomial(whole), remainder: fromPolynomial(rest) };
  const nested = divideNested(fromPolynomial(rest), right);
  if (nested.quotient && nested.remainder) {
    return { quotient: add(fromPolynomial(whole), nested.quotient), remainder: nested.remainder };
  }
  const common = cancelCommonFactor(rest, right);
  if (divisible.length === 0 && !common && !nested.quotient && !nested.remainder) return {};
  const restExpr = fromPolynomial(rest);
  const restQuotient = common?.quotient ?? nested.quotient ?? binary('div', restExpr, right);
  const restRemainder = common?.remainder ?? nested.remainder ?? binary('mod', restExpr, right);
  return { quotient: fromPolynomial(addPolynomials(whole, toPolynomial(restQuotient))), remainder: restRemainder };
}

/** (a / b) / c → a / (b c);  (a % (b c)) / c → (a / c) % b;  (a % (b c)) % c → a % c, for constant b and c. */
function divideNested(left: Expr, right: Expr): Division {
  if (left.kind !== 'binary' || (left.op !== 'div' && left.op !== 'mod')) return {};
  const inner = constantOf(left.right);
  const outer = constantOf(right);
  if (inner === undefined || outer === undefined || boundsOf(left.left).min < 0) return {};
  if (left.op === 'div') return { quotient: binary('div', left.left, int(inner * outer)) };
  if (inner % outer !== 0) return {};
  return {
    quotient: simplify(binary('mod', binary('div', left.left, right), int(inner / outer))),
    remainder: simplify(binary('mod', left.left, right)),
  };
}

/** (g x + r) / (g y) → x / y where 0 <= r < g. */
function cancelCommonFactor(rest: Polynomial, right: Expr): Division | undefined {
  const divisor = constantOf(right);
  if (divisor === undefined) return undefined;
  const shared = new Set([...rest.values()].map((term) => gcd(Math.abs(term.coefficient), divisor)));
  for (const factor of [...shared].sort((a, b) => b - a)) {
    if (factor <= 1 || factor === divisor) continue;
    const multiples = polynomial([...rest.values()].filter((term) => term.coefficient % factor === 0));
    const small = polynomial([...rest.values()].filter((term) => term.coefficient % factor !== 0));
    if (multiples.size === 0 || !provablyNonNegative(small) || !provablyNonNegative(multiples)) continue;
    const slack = addPolynomials(polynomial([{ coefficient: factor - 1, factors: [] }]), small, -1);
    if (!provablyNonNegative(slack)) continue;
    const reduced = fromPolynomial(
      polynomial([...multiples.values()].map((term) => ({ ...term, coefficient: term.coefficient / factor }))),
    );
    const by = int(divisor / factor);
    return {
      quotient: binary('div', reduced, by),
      remainder: add(mul(binary('mod', reduced, by), int(factor)), fromPolynomial(small)),
    };
  }
  return undefined;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Arithmetic on int64 values that are sizes is done on the sizes. */
function throughSizes(expr: Binary): Expr | undefined {
  if (expr.left.dtype !== 'int64' && expr.left.dtype !== 'int32') return undefined;
  const left = sizeBehind(expr.left);
  const right = sizeBehind(expr.right);
  if (!left || !right || (left.kind === 'const' && right.kind === 'const')) return undefined;
  if (['and', 'or', 'xor', 'shl', 'shr'].includes(expr.op)) return undefined;
  const result = simplify(binary(expr.op, left, right));
  return expr.dtype === 'bool' ? result : cast(result, expr.dtype);
}

function simplifyCast(value: Expr, dtype: Expr['dtype'], bits: boolean): Expr | undefined {
  if (bits) return undefined;
  const wide = value.dtype === 'int64' || value.dtype === 'int32';
  if (dtype === 'index' && wide) {
    const size = sizeBehind(value);
    if (size) return size;
    if (value.kind === 'select') {
      const whenTrue = sizeBehind(value.whenTrue);
      const whenFalse = sizeBehind(value.whenFalse);
      if (whenTrue && whenFalse) return simplify(select(value.condition, whenTrue, whenFalse));
    }
  }
  // Sizes fit into either type: the last cast is the one that counts.
  if ((dtype === 'int64' || dtype === 'int32') && wide && value.kind === 'cast' && value.value.dtype === 'index') {
    return value.bits ? undefined : cast(value.value, dtype);
  }
  if (value.kind === 'const') return constant(value.value, dtype);
  return undefined;
}
