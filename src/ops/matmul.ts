// Matrix products.

import { constantOf, indexVar, int } from '../../ir/expr-make.ts';
import { sameSize } from '../../ir/simplify.ts';
import { sumOf } from './accumulate.ts';
import { op } from './define.ts';
import { anyNumeric, broadcastIndex, broadcastShapes, tensorOf } from './types.ts';

/** numpy.matmul (ONNX MatMul): vectors are promoted to matrices, leading axes broadcast. */
export const MatMul = op('MatMul', {
  inputs: ['A', 'B'],
  types: { A: anyNumeric, B: anyNumeric },
  since: 13,
  type: ({ A, B }, _, context) => {
    if (A.rank === 0 || B.rank === 0) context.fail('operands must have at least rank 1, got a scalar.');
    const depthA = A.shape[A.rank - 1]!;
    const depthB = B.shape[Math.max(0, B.rank - 2)]!;
    if (!sameSize(depthA, depthB) && constantOf(depthA) !== undefined && constantOf(depthB) !== undefined) {
      context.fail(`A has ${constantOf(depthA)} columns and B has ${constantOf(depthB)} rows; they must be equal.`);
    }
    const batch = broadcastShapes([A.shape.slice(0, -2), B.shape.slice(0, -2)], context);
    const rows = A.rank > 1 ? [A.shape[A.rank - 2]!] : [];
    const columns = B.rank > 1 ? [B.shape[B.rank - 1]!] : [];
    return tensorOf(A.dtype, [...batch, ...rows, ...columns]);
  },
  compute: ({ A, B }, _, index) => {
    const k = indexVar('k', A.shape[A.rank - 1]!);
    const column = B.rank > 1 ? index.at(-1)! : int(0);
    const row = A.rank > 1 ? index.at(B.rank > 1 ? -2 : -1)! : int(0);
    const batch = index.slice(0, index.length - (A.rank > 1 ? 1 : 0) - (B.rank > 1 ? 1 : 0));
    const a = A.at(...broadcastIndex(A.shape.slice(0, -2), batch), ...(A.rank > 1 ? [row] : []), k);
    const b = B.at(...broadcastIndex(B.shape.slice(0, -2), batch), k, ...(B.rank > 1 ? [column] : []));
    return sumOf([k], a, b);
  },
});
