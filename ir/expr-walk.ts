// Walking and rewriting expressions. Expressions are DAGs: both walks visit a shared object once.

import type { Expr, Load, Var } from './expr.ts';
import { binary, bitcast, call, cast, load, ramp, reduce, select, splat, unary } from './expr-make.ts';

export function children(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'const':
    case 'var':
      return [];
    case 'unary':
    case 'cast':
    case 'splat':
      return [expr.value];
    case 'binary':
      return [expr.left, expr.right];
    case 'select':
      return [expr.condition, expr.whenTrue, expr.whenFalse];
    case 'load':
      return expr.indices;
    case 'ramp':
      return [expr.base];
    case 'reduce':
      return [expr.body];
    case 'call':
      return expr.arguments;
  }
}

/** Calls `visit` on every distinct sub-expression object, parents first; a visit that gives false skips the children. */
export function visitExpr(expr: Expr, visit: (expr: Expr) => boolean | undefined, seen = new Set<Expr>()): void {
  if (seen.has(expr)) return;
  seen.add(expr);
  if (visit(expr) === false) return;
  for (const child of children(expr)) visitExpr(child, visit, seen);
}

/** Rebuilds through the constructors, so that what became constant is folded. */
export function mapChildren(expr: Expr, map: (child: Expr) => Expr): Expr {
  switch (expr.kind) {
    case 'const':
    case 'var':
      return expr;
    case 'unary': {
      const value = map(expr.value);
      return value === expr.value ? expr : unary(expr.op, value);
    }
    case 'binary': {
      const left = map(expr.left);
      const right = map(expr.right);
      return left === expr.left && right === expr.right ? expr : binary(expr.op, left, right);
    }
    case 'select': {
      const condition = map(expr.condition);
      const whenTrue = map(expr.whenTrue);
      const whenFalse = map(expr.whenFalse);
      const same = condition === expr.condition && whenTrue === expr.whenTrue && whenFalse === expr.whenFalse;
      return same ? expr : select(condition, whenTrue, whenFalse);
    }
    case 'cast': {
      const value = map(expr.value);
      if (value === expr.value) return expr;
      return expr.bits ? bitcast(value, expr.dtype) : cast(value, expr.dtype);
    }
    case 'load': {
      const indices = expr.indices.map(map);
      return indices.every((index, i) => index === expr.indices[i]) ? expr : load(expr.buffer, indices);
    }
    case 'ramp': {
      const base = map(expr.base);
      return base === expr.base ? expr : ramp(base, expr.stride, expr.lanes);
    }
    case 'splat': {
      const value = map(expr.value);
      return value === expr.value ? expr : splat(value, expr.lanes);
    }
    case 'reduce': {
      const body = map(expr.body);
      return body === expr.body ? expr : reduce(expr.op, expr.axes, body);
    }
    case 'call': {
      if (expr.callee === 'fail') return expr;
      const args = expr.arguments.map(map);
      return args.every((arg, i) => arg === expr.arguments[i]) ? expr : call(expr.callee, ...args);
    }
  }
}

/**
 * Bottom-up rewriting with a memo. `rule` sees an expression whose children are already rewritten and gives its
 * replacement, or undefined to keep it.
 */
export function rewriteExpr(
  expr: Expr,
  rule: (expr: Expr) => Expr | undefined,
  memo: Map<Expr, Expr> = new Map(),
): Expr {
  const known = memo.get(expr);
  if (known) return known;
  const rebuilt = mapChildren(expr, (child) => rewriteExpr(child, rule, memo));
  const result = rule(rebuilt) ?? rebuilt;
  memo.set(expr, result);
  return result;
}

export const substitute = (expr: Expr, values: ReadonlyMap<Var, Expr>): Expr =>
  values.size === 0 ? expr : rewriteExpr(expr, (node) => (node.kind === 'var' ? values.get(node) : undefined));

/** Variables that are read and not bound by a Reduce inside. */
export function freeVars(expr: Expr): ReadonlySet<Var> {
  const free = new Set<Var>();
  const bound = new Set<Var>();
  visitExpr(expr, (node) => {
    if (node.kind === 'reduce') for (const axis of node.axes) bound.add(axis);
    if (node.kind === 'var') free.add(node);
    return true;
  });
  for (const axis of bound) free.delete(axis);
  return free;
}

export function loadsOf(expr: Expr): readonly Load[] {
  const loads: Load[] = [];
  visitExpr(expr, (node) => {
    if (node.kind === 'load') loads.push(node);
    return true;
  });
  return loads;
}

export const contains = (expr: Expr, test: (node: Expr) => boolean): boolean => {
  let found = false;
  visitExpr(expr, (node) => {
    if (!found && test(node)) found = true;
    return !found;
  });
  return found;
};
