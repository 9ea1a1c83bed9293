// Operators that look at the position of an element: Trilu and EyeLike.

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { add, cast, constant, eq, int, le, select } from '../../ir/expr-make.ts';
import { intAttribute, optionalDtype } from './attributes.ts';
import { op } from './define.ts';
import { anyType, scalarOf, scalarTypes, sizeType, tensorOf, typeSet } from './types.ts';

/** Keeps the upper (or lower) triangle from diagonal k on. */
export const Trilu = op('Trilu', {
  inputs: ['input', 'k?'],
  attributes: { upper: intAttribute(1, [0, 1]) },
  types: { input: anyType, k: sizeType },
  outputs: ['output'],
  since: 14,
  type: ({ input, k }, _, context) => {
    if (input.rank < 2) context.fail(`input must have at least rank 2, got ${input.rank}.`);
    if (k && k.rank > 1) context.fail(`k must be a scalar, got rank ${k.rank}.`);
    return tensorOf(input.dtype, input.shape);
  },
  compute: ({ input, k }, { upper }, index) => {
    const diagonal = k ? cast(scalarOf(k), 'index') : int(0);
    const shifted = add(index.at(-2)!, diagonal);
    const column = index.at(-1)!;
    const kept = upper ? le(shifted, column) : le(column, shifted);
    return select(kept, input.at(...index), constant(0, input.dtype));
  },
});

/** Ones on diagonal k, zeros elsewhere, in the shape of the input. */
export const EyeLike = op('EyeLike', {
  inputs: ['input'],
  attributes: { dtype: optionalDtype, k: intAttribute(0) },
  types: { input: typeSet('T1', scalarTypes) },
  outputs: ['output'],
  since: 22,
  type: ({ input }, { dtype }, context) => {
    if (input.rank !== 2) context.fail(`input must have rank 2, got ${input.rank}.`);
    return tensorOf(dtype ?? input.dtype, input.shape);
  },
  compute: ({ input }, { dtype, k }, index): Expr => {
    const result: DType = dtype ?? input.dtype;
    return select(eq(add(index[0]!, int(k)), index[1]!), constant(1, result), constant(0, result));
  },
});
