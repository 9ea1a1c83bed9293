// Which values are surely not NaN, so that min and max need one comparison only.

import { isFloat } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';

export function isNeverNaN(expr: Expr): boolean {
  switch (expr.kind) {
    case 'const':
      return !Number.isNaN(Number(expr.value));
    case 'splat':
      return isNeverNaN(expr.value);
    case 'cast':
      return !expr.bits && (isFloat(expr.value.dtype) ? isNeverNaN(expr.value) : true);
    case 'binary':
      return (expr.op === 'min' || expr.op === 'max') && isNeverNaN(expr.left) && isNeverNaN(expr.right);
    default:
      return false;
  }
}
