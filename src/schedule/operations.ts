// How much a store computes: what decides whether copies of it are worth their code.

import { visitExpr } from '../../ir/expr-walk.ts';
import type { Store } from '../../ir/kernel.ts';

/** About as many operations as an elementary function becomes. */
const operationsOfCall = 10;

/** Operations on values, those of addresses not counted. */
export function operationsOf({ value }: Store): number {
  let operations = 0;
  visitExpr(value, (node) => {
    if (node.kind === 'call') operations += operationsOfCall;
    if (node.dtype !== 'index' && ['binary', 'unary', 'select', 'cast'].includes(node.kind)) operations++;
    return node.kind !== 'load';
  });
  return operations;
}
