// Heads of attention: in an axis of their own, or packed into the last axis.

import type { Expr } from '../../ir/expr.ts';
import { constantOf, div, int, mul } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import { tensorTypeOf } from './compose.ts';
import type { Builder, Operand, TypeContext } from './define.ts';
import { Reshape } from './reshape.ts';
import { Transpose } from './transpose.ts';

/** [batch, rows, heads * size] → [batch, heads, rows, size] */
export function unpackHeads(g: Builder, value: Value, heads: number): Value {
  const [batch, rows, width] = tensorTypeOf(value).shape as readonly [Expr, Expr, Expr];
  const sizes = g.sizes([batch, rows, int(heads), simplify(div(width, int(heads)))]);
  const split = g.apply(Reshape, [value, sizes], { allowzero: 1 });
  return g.apply(Transpose, [split], { perm: [0, 2, 1, 3] });
}

/** [batch, heads, rows, size] → [batch, rows, heads * size] */
export function packHeads(g: Builder, value: Value): Value {
  const [batch, heads, rows, size] = tensorTypeOf(value).shape as readonly [Expr, Expr, Expr, Expr];
  const turned = g.apply(Transpose, [value], { perm: [0, 2, 1, 3] });
  return g.apply(Reshape, [turned, g.sizes([batch, rows, simplify(mul(heads, size))])], { allowzero: 1 });
}

/** The shape with heads in an axis of their own. */
export function headShape(
  operand: Operand,
  name: string,
  heads: number | undefined,
  attribute: string,
  context: TypeContext,
): readonly Expr[] {
  if (operand.rank === 4) return operand.shape;
  if (operand.rank !== 3) context.fail(`${name} has rank ${operand.rank}; expected 3 or 4.`);
  if (!heads || heads < 1)
    context.fail(`${name} has rank 3: the attribute ${attribute} must say how many heads it has.`);
  const [batch, rows, width] = operand.shape as readonly [Expr, Expr, Expr];
  const known = constantOf(width);
  if (known !== undefined && known % heads! !== 0) {
    context.fail(`the last axis of ${name} has extent ${known}; expected a multiple of ${heads} heads.`);
  }
  return [batch, int(heads!), rows, simplify(div(width, int(heads!)))];
}

export function checkHeads(heads: Expr, others: Expr, context: TypeContext): void {
  if (sameSize(heads, others)) return;
  const [own, other] = [constantOf(heads), constantOf(others)];
  if (own === undefined || other === undefined) context.fail('the numbers of heads must be known.');
  if (other === 0 || own % other !== 0) context.fail(`Q has ${own} heads and K has ${other}; expected a multiple.`);
}
