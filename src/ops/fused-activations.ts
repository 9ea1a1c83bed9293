// Activations of ONNX Runtime's own domain: the forms into which it and its exporters fuse Gelu, biases and gates.

import type { Expr } from '../../ir/expr.ts';
import { add, call, constant, div, int, mul } from '../../ir/expr-make.ts';
import { erfGelu, tanhGelu } from './activations.ts';
import { floatAttribute } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { anyFloat, broadcastShapes, broadcastsTo, readBroadcast, tensorOf } from './types.ts';

const domain = 'com.microsoft';

const checkBias = (X: Operand, bias: Operand | undefined, context: TypeContext): void => {
  if (bias && !broadcastsTo(bias.shape, X.shape)) context.fail('the bias must broadcast to the shape of X.');
};

export const MicrosoftGelu = op('Gelu', {
  domain,
  inputs: ['X'],
  types: { X: anyFloat },
  type: ({ X }) => tensorOf(X.dtype, X.shape),
  compute: ({ X }, _, index) => erfGelu(X.at(...index)),
});

export const FastGelu = op('FastGelu', {
  domain,
  inputs: ['X', 'bias?'],
  types: { X: anyFloat, bias: anyFloat },
  type: ({ X, bias }, _, context) => {
    checkBias(X, bias, context);
    return tensorOf(X.dtype, X.shape);
  },
  compute: ({ X, bias }, _, index) => {
    const x = X.at(...index);
    return tanhGelu(bias ? add(x, readBroadcast(bias, index, X.shape)) : x);
  },
});

export const QuickGelu = op('QuickGelu', {
  domain,
  inputs: ['X'],
  attributes: { alpha: floatAttribute(1.702) },
  types: { X: anyFloat },
  type: ({ X }) => tensorOf(X.dtype, X.shape),
  compute: ({ X }, { alpha }, index) => {
    const x = X.at(...index);
    return mul(x, call('sigmoid', mul(x, constant(alpha, x.dtype))));
  },
});

export const BiasGelu = op('BiasGelu', {
  domain,
  inputs: ['A', 'B'],
  types: { A: anyFloat, B: anyFloat },
  outputs: ['C'],
  type: ({ A, B }, _, context) => {
    checkBias(A, B, context);
    return tensorOf(A.dtype, A.shape);
  },
  compute: ({ A, B }, _, index) => erfGelu(add(A.at(...index), readBroadcast(B, index, A.shape))),
});

/** X + bias + skip. */
export const BiasAdd = op('BiasAdd', {
  domain,
  inputs: ['X', 'bias', 'skip'],
  types: { X: anyFloat, bias: anyFloat, skip: anyFloat },
  type: ({ X, bias, skip }, _, context) =>
    tensorOf(X.dtype, broadcastShapes([X.shape, bias.shape, skip.shape], context)),
  compute: ({ X, bias, skip }, _, index, { types }) => {
    const read = (operand: Operand): Expr => readBroadcast(operand, index, types[0]!.shape);
    return add(add(read(X), read(bias)), read(skip));
  },
});

/** The first half of X + bias, times Gelu of the second half. */
export const BiasSplitGelu = op('BiasSplitGelu', {
  domain,
  inputs: ['X', 'bias'],
  types: { X: anyFloat, bias: anyFloat },
  type: ({ X, bias }, _, context) => {
    if (X.rank === 0) context.fail('X must have at least rank 1, got a scalar.');
    checkBias(X, bias, context);
    return tensorOf(X.dtype, [...X.shape.slice(0, -1), div(X.shape.at(-1)!, int(2))]);
  },
  compute: ({ X, bias }, _, index) => {
    const outer = index.slice(0, -1);
    const half = div(X.shape.at(-1)!, int(2));
    const read = (column: Expr): Expr => {
      const at = [...outer, column];
      return add(X.at(...at), readBroadcast(bias, at, X.shape));
    };
    return mul(read(index.at(-1)!), erfGelu(read(add(index.at(-1)!, half))));
  },
});
