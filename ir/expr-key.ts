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
const longKeys = new Map<string, string>();
/** Long keys are replaced by short ones, so that keys of shared DAGs do not grow with the unfolded tree. */
function shorten(key: string): string {
  if (key.length < 96) return key;
  let short = longKeys.get(key);
  if (!short) {
    short = `#${longKeys.size.toString(36)}`;
    longKeys.set(key, short);
  }
  return short;
}

export function exprKey(expr: Expr): string {
  const known = keys.get(expr);
  if (known) return known;
  const key = shorten(makeKey(expr, new Map()));
  keys.set(expr, key);
  return key;
}

function makeKey(expr: Expr, bound: Map<Var, number>): string {
  const inner = (child: Expr): string => (bound.size === 0 ? exprKey(child) : makeKey(child, bound));
  switch (expr.kind) {
    case 'const':
      return Object.is(expr.value, -0) ? `-0:${expr.dtype}` : `${expr.value}:${expr.dtype}`;
    case 'var': {
      const number = bound.get(expr);
      return number === undefined ? `v${numberOf(expr)}` : `b${number}`;
    }
    case 'unary':
      return `(${expr.op} ${inner(expr.value)})`;
    case 'binary':
      return `(${expr.op} ${inner(expr.left)} ${inner(expr.right)})`;
    case 'select':
      return `(? ${inner(expr.condition)} ${inner(expr.whenTrue)} ${inner(expr.whenFalse)})`;
    case 'cast':
      return `(${expr.bits ? 'bits' : 'to'} ${expr.dtype} ${inner(expr.value)})`;
    case 'load':
      return `(load ${numberOf(expr.buffer)} ${expr.indices.map(inner).join(' ')})`;
    case 'ramp':
      return `(ramp ${expr.stride} ${expr.lanes} ${inner(expr.base)})`;
    case 'splat':
      return `(splat ${expr.lanes} ${inner(expr.value)})`;
    case 'call':
      return `(${expr.callee} ${expr.code ?? ''}${expr.dtype} ${expr.arguments.map(inner).join(' ')})`;
    case 'reduce': {
      const inside = new Map(bound);
      for (const axis of expr.axes) inside.set(axis, inside.size);
      const extents = expr.axes.map((axis) => (axis.extent ? inner(axis.extent) : '?')).join(' ');
      return `(reduce ${expr.op} [${extents}] ${makeKey(expr.body, inside)})`;
    }
  }
}

export const sameExpr = (a: Expr, b: Expr): boolean => a === b || exprKey(a) === exprKey(b);
