// Sizes of a program as numbers, for inputs of given shapes.

import type { Expr } from '../ir/expr.ts';
import { constantOf, int } from '../ir/expr-make.ts';
import { rewriteExpr } from '../ir/expr-walk.ts';
import type { Program } from '../ir/program.ts';
import { simplify } from '../ir/simplify.ts';
import { bindSizes } from './evaluate.ts';

/** Without shapes, only what depends on none is known. */
export function sizesAt(
  program: Program,
  shapes: readonly (readonly number[])[] | undefined,
): (size: Expr) => number | undefined {
  const sizes = shapes ? bindSizes(program, shapes) : new Map();
  return (size) =>
    constantOf(
      simplify(
        rewriteExpr(size, (node) => {
          const known = node.kind === 'var' ? sizes.get(node) : undefined;
          return known === undefined ? undefined : int(known);
        }),
      ),
    );
}
