// Pooling over all spatial axes: GlobalAveragePool, GlobalMaxPool, GlobalLpPool.

import type { Expr, Var } from '../../ir/expr.ts';
import { cast, constantOf, div, indexVar, int, product, reduce } from '../../ir/expr-make.ts';
import type { TensorType } from '../../ir/graph.ts';
import { accumulatorType } from './accumulate.ts';
import { intAttribute } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { withAttributes } from './legacy.ts';
import { absolutePower, root } from './pooling.ts';
import { anyFloat, tensorOf } from './types.ts';

function globalType(X: Operand, context: TypeContext): TensorType {
  if (X.rank < 2) context.fail(`X has rank ${X.rank}; expected at least 2 (N and C).`);
  return tensorOf(
    X.dtype,
    X.shape.map((extent, axis) => (axis < 2 ? extent : int(1))),
  );
}

/** All elements of a channel: the axes that run over them, and the element in the type of sums. */
function channelElements(X: Operand, index: readonly Expr[]): { readonly axes: readonly Var[]; readonly x: Expr } {
  const axes: Var[] = [];
  const at = X.shape.slice(2).map((extent, i) => {
    if (constantOf(extent) === 1) return int(0);
    const axis = indexVar(`s${i}`, extent);
    axes.push(axis);
    return axis;
  });
  return { axes, x: cast(X.at(index[0]!, index[1]!, ...at), accumulatorType(X.dtype)) };
}

export const GlobalAveragePool = op('GlobalAveragePool', {
  inputs: ['X'],
  types: { X: anyFloat },
  since: 22,
  type: ({ X }, _, context) => globalType(X, context),
  compute: ({ X }, _, index) => {
    const { axes, x } = channelElements(X, index);
    return cast(div(reduce('sum', axes, x), cast(product(X.shape.slice(2)), x.dtype)), X.dtype);
  },
});

export const GlobalMaxPool = op('GlobalMaxPool', {
  inputs: ['X'],
  types: { X: anyFloat },
  since: 22,
  type: ({ X }, _, context) => globalType(X, context),
  compute: ({ X }, _, index) => {
    const { axes, x } = channelElements(X, index);
    return cast(reduce('max', axes, x), X.dtype);
  },
});

/** (sum of |x|^p)^(1/p) */
export const GlobalLpPool = op('GlobalLpPool', {
  inputs: ['X'],
  attributes: { p: intAttribute(2) },
  types: { X: anyFloat },
  since: 22,
  // In opset 1, p was a float.
  upgrade: (node) => withAttributes(node, { p: Math.round(Number(node.attributes.p ?? 2)) }),
  type: ({ X }, _, context) => globalType(X, context),
  compute: ({ X }, { p }, index) => {
    const { axes, x } = channelElements(X, index);
    return cast(root(reduce('sum', axes, absolutePower(x, p)), p), X.dtype);
  },
});
