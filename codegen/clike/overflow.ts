// When integer arithmetic surely stays inside its type, so that plain C operators do.

import { boundsOf } from '../../ir/bounds.ts';
import { integerRange } from '../../ir/dtype.ts';
import type { Binary } from '../../ir/expr.ts';

/** Whether the exact result of an integer operation surely is a value of its type. */
export function cannotOverflow({ op, left, right, dtype }: Binary): boolean {
  if (dtype === 'index') return true;
  const a = boundsOf(left);
  const b = boundsOf(right);
  const corners =
    op === 'add'
      ? [a.min + b.min, a.max + b.max]
      : op === 'sub'
        ? [a.min - b.max, a.max - b.min]
        : [a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max];
  const { min, max } = integerRange(dtype);
  const exact = 2 ** 53;
  return corners.every((corner) => corner >= Math.max(Number(min), -exact) && corner <= Math.min(Number(max), exact));
}
