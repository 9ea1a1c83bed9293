// The masks of ONNX Runtime's attention operators, in all their forms, as terms that are added to scores.

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { add, and, constant, constantOf, int, le, lt, select, sub } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { accumulatorType } from './accumulate.ts';
import { MaskScores } from './attention-core.ts';
import { floatAttribute, requiredDtype } from './attributes.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { sizesOf } from './elements.ts';
import { checked, sizeAt, within } from './run-time-operands.ts';
import { differ, readBroadcast, tensorOf, typeSet } from './types.ts';

const maskType = typeSet('M', ['int32', 'int64']);

/**
 * What a padding mask adds to scores [batch, heads, rows, columns]: nothing where attention is allowed, else the filter
 * value. Forms: [batch] lengths; [2 * batch] ends, then starts; [3 * batch + 2] lengths, then
 * where sequences begin in packed rows, which says nothing more; [batch, columns]; [batch, rows, columns];
 * [batch, 1, size, size], of which the last rows count.
 */
const PaddingBias = op('PaddingBias', {
  domain: 'lapidary',
  inputs: ['shape', 'mask'],
  attributes: { filter: floatAttribute(0), dtype: requiredDtype },
  types: { mask: maskType },
  type: ({ shape, mask }, { dtype }, context) => {
    const [batch, , rows, columns] = sizesOf(shape) ?? context.fail('shape must be known.');
    return tensorOf(dtype, [batch!, int(1), mask.rank <= 2 ? int(1) : rows!, columns!]);
  },
  compute: ({ shape, mask }, { filter, dtype }, index) => {
    const [b, , row, column] = index as readonly [Expr, Expr, Expr, Expr];
    const [batch, , rows, columns] = sizesOf(shape) as readonly [Expr, Expr, Expr, Expr];
    const isSet = (value: Expr): Expr => lt(constant(0, value.dtype), value);
    const inMask = (position: Expr, extent: Expr): Expr => checked(within(position, extent), position);
    const allowed = (): Expr => {
      if (mask.rank === 2) return isSet(readBroadcast(mask, [b, column], [batch, columns]));
      if (mask.rank === 3) return isSet(readBroadcast(mask, [b, row, column], [batch, rows, columns]));
      if (mask.rank === 4) {
        const place = [b, int(0), simplify(add(sub(columns, rows), row)), column];
        return isSet(mask.at(...place.map((own, axis) => inMask(own, mask.shape[axis]!))));
      }
      const count = mask.shape[0]!;
      const end = lt(column, sizeAt(mask, inMask(b, count)));
      const twice = constantOf(batch) !== undefined && constantOf(count) === 2 * constantOf(batch)!;
      return twice ? and(end, le(sizeAt(mask, add(b, batch)), column)) : end;
    };
    return select(allowed(), constant(0, dtype), constant(filter, dtype));
  },
});

export function checkMask(mask: Operand | undefined, batch: Expr, columns: Expr, context: TypeContext): void {
  if (!mask) return;
  const [own, count] = [constantOf(mask.shape[0] ?? int(0)), constantOf(batch)];
  if (mask.rank < 1 || mask.rank > 4) context.fail(`the mask has rank ${mask.rank}; expected 1 to 4.`);
  if (mask.rank === 1) {
    const legal = count === undefined ? [] : [count, 2 * count, 3 * count + 2];
    if (own !== undefined && count !== undefined && !legal.includes(own))
      context.fail(`the mask has ${own} elements; expected ${legal.join(', ')}.`);
    return;
  }
  if (differ(mask.shape[0]!, batch)) context.fail(`the mask has ${own} batches; expected ${count}.`);
  const extent = constantOf(mask.shape.at(-1)!);
  const needed = constantOf(columns);
  if (extent !== undefined && needed !== undefined && extent < needed) {
    context.fail(`the mask has ${extent} columns; expected ${needed}.`);
  }
}

export interface Masks {
  readonly padding: Value | undefined;
  readonly bias: Value | undefined;
  readonly filter: number;
  readonly causal: number;
  /** Rows stand this far behind the first column. */
  readonly offset: Expr;
}

/** Applies whatever masks there are. */
export function masker(
  g: Builder,
  { padding, bias, filter, causal, offset }: Masks,
  shape: readonly Expr[],
  dtype: DType,
) {
  if (!padding && !bias && causal === 0) return undefined;
  const wide = accumulatorType(dtype);
  return (scores: Value): Value => {
    const added = padding && g.apply(PaddingBias, [g.sizes(shape), padding], { filter, dtype: wide });
    const masked = added ? g.apply(MaskScores, [scores, added]) : scores;
    if (!bias && causal === 0) return masked;
    return g.apply(MaskScores, [masked, bias, g.sizes([offset])], { causal });
  };
}
