// A loop nest over a part of its iterations.

import type { Expr, Var } from '../../ir/expr.ts';
import { add, int, sub, variable } from '../../ir/expr-make.ts';
import type { Loop, Stmt } from '../../ir/kernel.ts';
import { loop } from '../../ir/kernel-walk.ts';
import { simplify, simplifyStmt } from '../../ir/simplify.ts';
import { instantiate } from './step.ts';

export interface Range {
  readonly start: Expr;
  readonly end: Expr;
}

export const wholeRange = (loop: Loop): Range => ({ start: int(0), end: loop.extent });

/** The nest of the loops, each over its range only; names stay. */
export function nestOver(loops: readonly Loop[], body: Stmt, ranges: readonly Range[]): Stmt {
  const values = new Map<Var, Expr>();
  const fresh = loops.map(({ index }, i) => {
    const { start, end } = ranges[i]!;
    const own = variable(index.name, 'index', { extent: simplify(sub(end, start)) });
    values.set(index, add(own, start));
    return own;
  });
  const inner = simplifyStmt(instantiate(body, values));
  return fresh.reduceRight<Stmt>((nest, index, i) => loop(index, nest, loops[i]!.as), inner);
}
