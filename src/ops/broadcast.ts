// Declares operators of two tensors that broadcast against each other.

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { intAttribute, optionalInt } from './attributes.ts';
import { type Operand, type Operator, op, type TypeSet } from './define.ts';
import { withoutConsumed } from './legacy.ts';
import { broadcastShapes, readBroadcast, tensorOf, withTrailingOnes } from './types.ts';

/** Before opset 7, `axis` says where in A the axes of B begin; else they end where A's end. */
export function alignedAt(A: Operand, B: Operand, axis: number | undefined): Operand {
  if (axis === undefined) return B;
  const from = axis < 0 ? axis + A.rank : axis;
  return withTrailingOnes(B, Math.max(0, A.rank - from - B.rank));
}

export const broadcasting = (
  name: string,
  combine: (a: Expr, b: Expr) => Expr,
  accepted: TypeSet,
  since: number,
  result?: DType,
): Operator =>
  op(name, {
    inputs: ['A', 'B'],
    // Both attributes are of opset 6 and before.
    attributes: { axis: optionalInt, broadcast: intAttribute(0) },
    types: { A: accepted, B: accepted },
    outputs: ['C'],
    since,
    until: { axis: 7, broadcast: 7, consumed_inputs: 6 },
    upgrade: withoutConsumed,
    type: ({ A, B }, { axis }, context) =>
      tensorOf(result ?? A.dtype, broadcastShapes([A.shape, alignedAt(A, B, axis).shape], context)),
    compute: ({ A, B }, { axis }, index, { types }) => {
      const { shape } = types[0]!;
      return combine(readBroadcast(A, index, shape), readBroadcast(alignedAt(A, B, axis), index, shape));
    },
  });
