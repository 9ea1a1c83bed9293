// Sizes that passed through int64 tensors: shape arithmetic in a model is done on them.

import type { Expr } from './expr.ts';
import { int } from './expr-make.ts';

const beyond = 2 ** 50;

/** The size behind an int64 (or int32) expression that is made of sizes only, as an index expression. */
export function sizeBehind(expr: Expr): Expr | undefined {
  if (expr.kind === 'const' && (expr.dtype === 'int64' || expr.dtype === 'int32')) {
    // "To the end" is often written as INT64_MAX; any number beyond every size does.
    return int(Math.max(-beyond, Math.min(beyond, Number(expr.value))));
  }
  if (expr.kind === 'cast' && !expr.bits && expr.value.dtype === 'index') return expr.value;
  return undefined;
}
