// Structural keys: two expressions with equal keys mean the same. Bound axes of a Reduce are numbered, so that
// reductions that differ only in their axis variables have the same key. Cached by object.

import type { Expr, Var } from './expr.ts';
import type { Buffer } from './kernel.ts';

// Numbers for objects whose identity is the object; fixed width, so that keys sort in creation order.
const numbers = new WeakMap<Var | Buffer, string>();
let next = 0;
function numberOf(item: Var | Buffer): string {
  let number = numbers.get(item);
  if (number === undefined) {
    number = (next++).toString(36).padStart(7, '0');
    numbers.set(item, number);
  }
  return number;
}

const keys = new WeakMap<Expr, string>();
// Every distinct text has a number of fixed width, so that keys stay short however large an expression is.
const interned = new Map<string, string>();
function intern(text: string): string {
  let key = interned.get(text);
  if (key === undefined) {
    key = interned.size.toString(36).padStart(7, '0');
    interned.set(text, key);
  }
  return key;
}

const unbound: ReadonlyMap<Var, number> = new Map();

export function exprKey(expr: Expr): string {
  const known = keys.get(expr);
  if (known !== undefined) return known;
  const key = intern(makeKey(expr, unbound));
  keys.set(expr, key);
  return key;
}

/** The key of a part, in which variables of reductions around are bound. */
const partKey = (expr: Expr, bound: ReadonlyMap<Var, number>): string =>
  bound.size === 0 ? exprKey(expr) : makeKey(expr, bound);

function makeKey(expr: Expr, bound: ReadonlyMap<Var, number>): string {
  switch (expr.kind) {
    case 'const':
      return Object.is(expr.value, -0) ? `-0:${expr.dtype}` : `${expr.value}:${expr.dtype}`;
    case 'var': {
      const number = bound.get(expr);
      return number === undefined ? `v${numberOf(expr)}` : `b${number}`;
    }
    case 'unary':
      return `(${expr.op} ${partKey(expr.value, bound)})`;
    case 'binary':
      return `(${expr.op} ${partKey(expr.left, bound)} ${partKey(expr.right, bound)})`;
    case 'select':
      return `(? ${partKey(expr.condition, bound)} ${partKey(expr.whenTrue, bound)} ${partKey(expr.whenFalse, bound)})`;
    case 'cast':
      return `(${expr.bits ? 'bits' : 'to'} ${expr.dtype} ${partKey(expr.value, bound)})`;
    case 'load':
      return `(load ${numberOf(expr.buffer)} ${expr.indices.map((item) => partKey(item, bound)).join(' ')})`;
    case 'ramp':
      return `(ramp ${expr.stride} ${expr.lanes} ${partKey(expr.base, bound)})`;
    case 'splat':
      return `(splat ${expr.lanes} ${partKey(expr.value, bound)})`;
    case 'call':
      return `(${expr.callee} ${expr.code ?? ''}${expr.dtype} ${expr.arguments.map((item) => partKey(item, bound)).join(' ')})`;
    case 'reduce': {
      const inside = new Map(bound);
      for (const axis of expr.axes) inside.set(axis, inside.size);
      const extents = expr.axes.map((axis) => (axis.extent ? partKey(axis.extent, bound) : '?')).join(' ');
      return `(reduce ${expr.op} [${extents}] ${makeKey(expr.body, inside)})`;
    }
  }
}

export const sameExpr = (a: Expr, b: Expr): boolean => a === b || exprKey(a) === exprKey(b);
