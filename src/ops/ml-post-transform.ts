// What models of ai.onnx.ml do to scores at the end.

import type { Expr } from '../../ir/expr.ts';
import { add, call, constant, constantOf, gt, lt, mul, neg, select, sub, unary } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { Div, Mul, Sub } from './arithmetic.ts';
import { stringAttribute } from './attributes.ts';
import { scalarLike, tensorTypeOf } from './compose.ts';
import type { Builder } from './define.ts';
import { Equal, Where } from './logic.ts';
import { ReduceMax, ReduceSum } from './reductions.ts';
import { Softmax } from './softmax.ts';
import { anyFloat } from './types.ts';
import { Exp, elementwise, Sigmoid } from './unary.ts';

export const postTransforms = ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO', 'PROBIT'];
export const postTransform = stringAttribute('NONE', postTransforms);

/** The inverse of the error function, as ONNX Runtime approximates it. */
function inverseErf(x: Expr): Expr {
  const real = (value: number): Expr => constant(value, x.dtype);
  const logarithm = call('log', mul(sub(real(1), x), add(real(1), x)));
  const v = add(real(2 / (Math.PI * 0.147)), mul(real(0.5), logarithm));
  const root = call('pow', sub(call('pow', sub(mul(v, v), mul(real(1 / 0.147), logarithm)), real(0.5)), v), real(0.5));
  return select(lt(x, real(0)), neg(root), root);
}

const Probit = {
  ...elementwise(
    'Probit',
    (x) => {
      const real = (value: number): Expr => constant(value, x.dtype);
      return mul(real(Math.SQRT2), inverseErf(sub(mul(real(2), x), real(1))));
    },
    anyFloat,
    1,
  ),
  domain: 'lapidary',
};

/** Softmax of the scores that are not zero; the others only shrink. */
function softmaxZero(g: Builder, scores: Value): Value {
  const axes = g.ints([-1]);
  const top = g.apply(ReduceMax, [scores, axes]);
  const zero = scalarLike(g, scores, 0);
  const small = g.apply(Mul, [scores, g.apply(Exp, [g.apply(Sub, [zero, top])])]);
  const isZero = g.apply(Equal, [g.apply(Vanishing, [scores]), zero]);
  const powers = g.apply(Exp, [g.apply(Sub, [scores, top])]);
  const parts = g.apply(Where, [isZero, small, powers]);
  const counted = g.apply(Where, [isZero, zero, powers]);
  return g.apply(Div, [parts, g.apply(ReduceSum, [counted, axes])]);
}

/** Zero for what is nearly zero. */
const Vanishing = {
  ...elementwise(
    'Vanishing',
    (x) => select(gt(unary('abs', x), constant(1e-7, x.dtype)), x, constant(0, x.dtype)),
    anyFloat,
    1,
  ),
  domain: 'lapidary',
};

/** A single score stays what it is, but for PROBIT: so ONNX Runtime. */
export function transformed(g: Builder, scores: Value, kind: string): Value {
  if (kind !== 'PROBIT' && constantOf(tensorTypeOf(scores).shape.at(-1)!) === 1) return scores;
  switch (kind) {
    case 'LOGISTIC':
      return g.apply(Sigmoid, [scores]);
    case 'SOFTMAX':
      return g.apply(Softmax, [scores], { axis: -1 });
    case 'SOFTMAX_ZERO':
      return softmaxZero(g, scores);
    case 'PROBIT':
      return g.apply(Probit, [scores]);
    default:
      return scores;
  }
}
