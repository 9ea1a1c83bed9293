// Arithmetic of ONNX Runtime's own domain: MulInteger, ReduceSumInteger, ComplexMul, CDist, and products that end in
// an activation: FusedGemm, GemmFastGelu.

import type { Expr } from '../../ir/expr.ts';
import { add, cast, constantOf, eq, indexVar, int, mul, neg, reduce, select, sub, unary } from '../../ir/expr-make.ts';
import { Add } from './arithmetic.ts';
import {
  floatAttribute,
  intAttribute,
  optionalFloat,
  optionalString,
  requiredInts,
  stringAttribute,
} from './attributes.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import { type Operand, type Operator, op } from './define.ts';
import { FastGelu } from './fused-activations.ts';
import { activations } from './fused-conv.ts';
import { checkDepth, Gemm, MatMul, productShape } from './matmul.ts';
import { ReduceSum } from './reductions.ts';
import {
  anyFloat,
  broadcastShapes,
  broadcastsTo,
  differ,
  readBroadcast,
  scalarOf,
  tensorOf,
  typeSet,
} from './types.ts';

const domain = 'com.microsoft';
const bytes = typeSet('T', ['uint8', 'int8']);

/** (A - its zero point) * (B - its zero point), as int32. */
export const MulInteger = op('MulInteger', {
  domain,
  inputs: ['A', 'A_zero_point?', 'B', 'B_zero_point?'],
  types: { A: bytes, A_zero_point: bytes, B: bytes, B_zero_point: bytes },
  outputs: ['C'],
  type: ({ A, B }, _, context) => tensorOf('int32', broadcastShapes([A.shape, B.shape], context)),
  compute: ({ A, A_zero_point, B, B_zero_point }, _, index, { types }) => {
    const read = (operand: Operand, zero: Operand | undefined): Expr => {
      const value = cast(readBroadcast(operand, index, types[0]!.shape), 'int32');
      return zero ? sub(value, cast(scalarOf(zero), 'int32')) : value;
    };
    return mul(read(A, A_zero_point), read(B, B_zero_point));
  },
});

/** The sum of bytes as int32, or of unsigned ones as uint32. */
export const ReduceSumInteger = op('ReduceSumInteger', {
  domain,
  inputs: ['data'],
  attributes: { axes: requiredInts, keepdims: intAttribute(1, [0, 1]) },
  types: { data: bytes },
  outputs: ['reduced'],
  type: ({ data }, { axes, keepdims }, context) => {
    const named = axes.map((axis) => (axis < 0 ? axis + data.rank : axis));
    if (named.some((axis) => axis < 0 || axis >= data.rank)) context.fail(`axes ${axes} exceed rank ${data.rank}.`);
    const shape = data.shape.flatMap((extent, axis) => (!named.includes(axis) ? [extent] : keepdims ? [int(1)] : []));
    return tensorOf(data.dtype === 'int8' ? 'int32' : 'uint32', shape);
  },
  expand: ({ data }, { axes, keepdims }, g) => {
    const wide = castTo(g, data, tensorTypeOf(data).dtype === 'int8' ? 'int32' : 'uint32');
    return g.apply(ReduceSum, [wide, g.ints(axes)], { keepdims });
  },
});

/** Products of complex numbers, which are pairs on the last axis; perhaps with the conjugate of B. */
const complexProduct = (name: string, conjugate: boolean): Operator =>
  op(name, {
    domain,
    inputs: ['A', 'B'],
    types: { A: anyFloat, B: anyFloat },
    outputs: ['C'],
    type: ({ A, B }, _, context) => {
      for (const { shape } of [A, B]) {
        if ((constantOf(shape.at(-1) ?? int(0)) ?? 2) !== 2) context.fail('the last axis must have two elements.');
      }
      return tensorOf(A.dtype, broadcastShapes([A.shape, B.shape], context));
    },
    compute: ({ A, B }, _, index, { types }) => {
      const part = (operand: Operand, which: number): Expr =>
        readBroadcast(operand, [...index.slice(0, -1), int(which)], types[0]!.shape);
      const imaginary = conjugate ? neg(part(B, 1)) : part(B, 1);
      const real = sub(mul(part(A, 0), part(B, 0)), mul(part(A, 1), imaginary));
      const mixed = add(mul(part(A, 0), imaginary), mul(part(A, 1), part(B, 0)));
      return select(eq(index.at(-1)!, int(0)), real, mixed);
    },
  });

export const ComplexMul = complexProduct('ComplexMul', false);
export const ComplexMulConj = complexProduct('ComplexMulConj', true);

/** The distance of each row of A from each row of B. */
export const CDist = op('CDist', {
  domain,
  inputs: ['A', 'B'],
  attributes: { metric: stringAttribute('sqeuclidean', ['euclidean', 'sqeuclidean']) },
  types: { A: anyFloat, B: anyFloat },
  outputs: ['C'],
  type: ({ A, B }, _, context) => {
    if (A.rank !== 2 || B.rank !== 2) context.fail(`A and B must have rank 2, got ${A.rank} and ${B.rank}.`);
    if (differ(A.shape[1]!, B.shape[1]!)) context.fail('A and B must have as many columns.');
    return tensorOf(A.dtype, [A.shape[0]!, B.shape[0]!]);
  },
  compute: ({ A, B }, { metric }, [i, j]) => {
    const k = indexVar('k', A.shape[1]!);
    const difference = sub(A.at(i!, k), B.at(j!, k));
    const sum = reduce('sum', [k], mul(difference, difference));
    return metric === 'euclidean' ? unary('sqrt', sum) : sum;
  },
});

/** A Gemm and an activation. */
export const FusedGemm = op('FusedGemm', {
  domain,
  inputs: ['A', 'B', 'C?'],
  attributes: {
    activation: optionalString,
    activation_alpha: optionalFloat,
    activation_beta: optionalFloat,
    activation_gamma: optionalFloat,
    alpha: floatAttribute(1),
    beta: floatAttribute(1),
    transA: intAttribute(0),
    transB: intAttribute(0),
  },
  types: { A: anyFloat, B: anyFloat, C: anyFloat },
  type: ({ A, B, C }, { activation, transA, transB }, context) => {
    if (A.rank !== 2 || B.rank !== 2) context.fail(`A and B must have rank 2, got ${A.rank} and ${B.rank}.`);
    if (activation && !activations[activation]) {
      context.fail(`activation is ${activation}; legal are ${Object.keys(activations).join(', ')}.`);
    }
    checkDepth(A.shape[transA ? 0 : 1]!, B.shape[transB ? 1 : 0]!, context);
    const shape = [A.shape[transA ? 1 : 0]!, B.shape[transB ? 0 : 1]!];
    if (C && !broadcastsTo(C.shape, shape)) context.fail('C must broadcast to the shape of the product.');
    return tensorOf(A.dtype, shape);
  },
  expand: ({ A, B, C }, { activation, activation_alpha, activation_beta, activation_gamma, ...plain }, g) => {
    const product = g.apply(Gemm, [A, B, C], plain);
    const activate = activation ? activations[activation] : undefined;
    const given = [activation_alpha, activation_beta, activation_gamma];
    const last = given.findLastIndex((parameter) => parameter !== undefined);
    return activate
      ? activate(
          product,
          given.slice(0, last + 1).map((parameter) => parameter ?? 0),
          g,
        )
      : product;
  },
});

/** FastGelu of X W + bias. */
export const GemmFastGelu = op('GemmFastGelu', {
  domain,
  inputs: ['X', 'W', 'bias?'],
  types: { X: anyFloat, W: anyFloat, bias: anyFloat },
  type: ({ X, W, bias }, _, context) => {
    const shape = productShape(X, W, context);
    if (bias && !broadcastsTo(bias.shape, shape)) context.fail('bias must broadcast to the shape of the product.');
    return tensorOf(X.dtype, shape);
  },
  expand: ({ X, W, bias }, _, g) => {
    const product = g.apply(MatMul, [X, W]);
    return g.apply(FastGelu, [bias ? g.apply(Add, [product, bias]) : product]);
  },
});
