// Addresses in unrolled code differ by constants only. What they share is computed once, at the start of the loop that
// binds the last of its variables:
//   x[i * 40 + j * 8 + 3] … x[i * 40 + j * 8 + 5]   →   at = i * 40 + j * 8; … x[at + 3] … x[at + 5]
// That keeps the code short, and compilers from finding it out again. Offsets and not pointers, since a pointer outside
// of its array is undefined even where nobody reads through it.

import type { Expr, Var } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { add, constantOf, int, mul, sub, variable } from '../../ir/expr-make.ts';
import { children } from '../../ir/expr-walk.ts';

interface Term {
  readonly expr: Expr;
  readonly negative: boolean;
}

/** Fewer addresses than this with a common part are written out. */
const leastUses = 3;

export interface Offsets {
  /** The address with its shared part replaced by a variable, which is declared by then. */
  rewrite(address: Expr): Expr;
  /** Forgets what was declared at this depth. */
  leave(depth: number): void;
}

export interface OffsetOptions {
  /** Every address of the function. */
  readonly addresses: Iterable<Expr>;
  /** The depth of the block that binds a variable at its very start; undefined for others. */
  depthOf(variable: Var): number | undefined;
  /** Declares a variable at the start of the block at this depth. */
  declare(offset: Var, value: Expr, depth: number): void;
}

export function offsetsOf({ addresses, depthOf, declare }: OffsetOptions): Offsets {
  const uses = new Map<string, number>();
  const splits = new Map<Expr, Split>();
  const split = (address: Expr): Split => {
    const found = splits.get(address) ?? throughConstant(address, split) ?? splitConstant(address);
    splits.set(address, found);
    return found;
  };
  for (const address of addresses) {
    const key = exprKey(split(address).varying);
    uses.set(key, (uses.get(key) ?? 0) + 1);
  }
  const declared = new Map<number, Map<string, Var>>();
  // Unrolled code asks for the same object again and again.
  const hoisted = new Map<Expr, Expr>();

  const depthsIn = (expr: Expr): number | undefined => {
    if (expr.kind === 'var') return depthOf(expr);
    if (expr.kind !== 'const' && expr.kind !== 'binary' && expr.kind !== 'select') return undefined;
    // A divisor of zero may be what a condition excludes.
    const divides = expr.kind === 'binary' && (expr.op === 'div' || expr.op === 'mod');
    if (divides && (constantOf(expr.right) ?? 0) === 0) return undefined;
    let deepest = 0;
    for (const child of children(expr)) {
      const depth = depthsIn(child);
      if (depth === undefined) return undefined;
      deepest = Math.max(deepest, depth);
    }
    return deepest;
  };

  /** A variable that holds the value, in the innermost block that it needs. */
  const hoist = (value: Expr): Expr => {
    const known = hoisted.get(value) ?? findOrDeclare(value);
    hoisted.set(value, known);
    return known;
  };
  const findOrDeclare = (value: Expr): Expr => {
    const depth = depthsIn(value);
    if (depth === undefined || depth === 0 || workOf(value) < 2) return value;
    const here = declared.get(depth) ?? new Map<string, Var>();
    declared.set(depth, here);
    const key = exprKey(value);
    const known = here.get(key);
    if (known) return known;
    const terms = termsOf(value);
    const outer = terms.filter(({ expr }) => (depthsIn(expr) ?? depth) < depth);
    const inner = terms.filter((term) => !outer.includes(term));
    const made = variable('at');
    declare(
      made,
      outer.length > 0 && inner.length > 0 ? sum([{ expr: hoist(sum(outer)), negative: false }, ...inner]) : value,
      depth,
    );
    here.set(key, made);
    return made;
  };

  return {
    rewrite: (address) => {
      const { varying, constant } = split(address);
      if ((uses.get(exprKey(varying)) ?? 0) < leastUses) return address;
      return add(hoist(varying), int(constant));
    },
    leave: (depth) => {
      declared.delete(depth);
      hoisted.clear();
    },
  };
}

/** The summands of a sum. */
function termsOf(expr: Expr, negative = false): readonly Term[] {
  if (expr.kind === 'binary' && (expr.op === 'add' || expr.op === 'sub')) {
    return [...termsOf(expr.left, negative), ...termsOf(expr.right, negative !== (expr.op === 'sub'))];
  }
  return [{ expr, negative }];
}

function sum(terms: readonly Term[]): Expr {
  const positive = terms.filter(({ negative }) => !negative).map(({ expr }) => expr);
  const negative = terms.filter((term) => term.negative).map(({ expr }) => expr);
  return negative.reduce(
    (total, expr) => sub(total, expr),
    positive.reduce((total, expr) => add(total, expr), int(0) as Expr),
  );
}

interface Split {
  readonly varying: Expr;
  readonly constant: number;
}

/** What a sum and a constant have in common with the sum alone. */
function throughConstant(address: Expr, split: (address: Expr) => Split): Split | undefined {
  if (address.kind !== 'binary' || (address.op !== 'add' && address.op !== 'sub')) return undefined;
  const distance = constantOf(address.right);
  if (distance === undefined) return undefined;
  const { varying, constant } = split(address.left);
  return { varying, constant: constant + (address.op === 'add' ? distance : -distance) };
}

/** Constant summands apart, also those inside of a product with a constant. */
function splitConstant(address: Expr): Split {
  let constant = 0;
  const varying: Term[] = [];
  for (const { expr, negative } of termsOf(address)) {
    const sign = negative ? -1 : 1;
    const known = constantOf(expr);
    if (known !== undefined) {
      constant += sign * known;
      continue;
    }
    const factor = expr.kind === 'binary' && expr.op === 'mul' ? constantOf(expr.right) : undefined;
    if (expr.kind === 'binary' && factor !== undefined && expr.left.kind === 'binary' && expr.left.op === 'add') {
      const inside = splitConstant(expr.left);
      constant += sign * factor * inside.constant;
      varying.push({ expr: mul(inside.varying, int(factor)), negative });
    } else {
      varying.push({ expr, negative });
    }
  }
  return { varying: sum(varying), constant };
}

function workOf(expr: Expr): number {
  return children(expr).reduce((total, child) => total + workOf(child), expr.kind === 'binary' ? 1 : 0);
}
