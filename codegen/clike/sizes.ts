// Sizes that depend on nothing but the dimensions of a run: computed once at the start of a function. With symbolic
// shapes they stand in every address, and are long.

import type { Expr, Var } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { constantOf } from '../../ir/expr-make.ts';

export interface Sizes {
  isSize(expr: Expr): boolean;
  /** The name of a size; asks `define` for it the first time. */
  sizeName(expr: Expr): string | undefined;
}

/** Shorter computations are not worth a name. */
const leastWork = 3;

export function sizesOver(dims: ReadonlySet<Var>, define: (expr: Expr) => string): Sizes {
  const work = new Map<Expr, number>();
  const names = new Map<string, string>();
  /** Roughly how many operations; infinite if other things than dimensions are needed, or if it could go wrong. */
  const workOf = (expr: Expr): number => {
    const known = work.get(expr);
    if (known !== undefined) return known;
    const found = compute(expr);
    work.set(expr, found);
    return found;
  };
  const compute = (expr: Expr): number => {
    if (expr.lanes !== 1 || (expr.dtype !== 'index' && expr.dtype !== 'int64' && expr.dtype !== 'bool')) {
      return Number.POSITIVE_INFINITY;
    }
    switch (expr.kind) {
      case 'const':
        return 0;
      case 'var':
        return dims.has(expr) ? 0 : Number.POSITIVE_INFINITY;
      case 'cast':
        return expr.bits ? Number.POSITIVE_INFINITY : 1 + workOf(expr.value);
      case 'binary': {
        const divides = expr.op === 'div' || expr.op === 'mod';
        if (divides && (constantOf(expr.right) ?? 0) === 0) return Number.POSITIVE_INFINITY;
        return (divides ? 2 : 1) + workOf(expr.left) + workOf(expr.right);
      }
      case 'select':
        return 1 + workOf(expr.condition) + workOf(expr.whenTrue) + workOf(expr.whenFalse);
      case 'unary':
      case 'load':
      case 'ramp':
      case 'splat':
      case 'reduce':
      case 'call':
        return Number.POSITIVE_INFINITY;
    }
  };
  const isSize = (expr: Expr): boolean => {
    const found = workOf(expr);
    return found >= leastWork && found < Number.POSITIVE_INFINITY;
  };
  return {
    isSize,
    sizeName: (expr) => {
      if (!isSize(expr)) return undefined;
      const key = exprKey(expr);
      const name = names.get(key) ?? define(expr);
      names.set(key, name);
      return name;
    },
  };
}
