// Transforms of whole tensors in ONNX Runtime's own domain: Rfft, Irfft, IsAllFinite, SampleOp.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  all,
  binary,
  cast,
  constant,
  constantOf,
  eq,
  indexVar,
  int,
  max,
  mul,
  ne,
  or,
  reduce,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, requiredInt } from './attributes.ts';
import { tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { DFT } from './fourier.ts';
import { Squeeze, Unsqueeze } from './reshape.ts';
import { anyFloat, anyType, tensorOf } from './types.ts';
import { Identity } from './unary.ts';

const domain = 'com.microsoft';

const fourierAttributes = {
  normalized: intAttribute(0, [0]),
  onesided: intAttribute(1, [1]),
  signal_ndim: requiredInt,
};

function checkSignalAxes(X: Operand, axes: number, count: number, context: TypeContext): void {
  if (count < 1 || count > 3) context.fail(`signal_ndim is ${count}; expected 1 to 3.`);
  if (axes < count) context.fail(`X has rank ${X.rank}, too low for a signal of ${count} axes.`);
}

/** A transform of complex numbers along each of these axes. */
const alongAxes = (g: Builder, X: Value, axes: readonly number[], inverse: number): Value =>
  axes.reduce((value, axis) => g.apply(DFT, [value, undefined, g.scalar(axis, 'int64')], { inverse }), X);

/** The half of the spectrum of real signals, which are the last `signal_ndim` axes, that says it all. */
export const Rfft = op('Rfft', {
  domain,
  inputs: ['X'],
  attributes: fourierAttributes,
  types: { X: anyFloat },
  type: ({ X }, { signal_ndim }, context) => {
    checkSignalAxes(X, X.rank, signal_ndim, context);
    const half = add(binary('div', X.shape.at(-1)!, int(2)), int(1));
    return tensorOf(X.dtype, [...X.shape.slice(0, -1), half, int(2)]);
  },
  expand: ({ X }, { signal_ndim }, g) => {
    const rank = tensorTypeOf(X).shape.length;
    const last = g.scalar(rank - 1, 'int64');
    const half = g.apply(DFT, [g.apply(Unsqueeze, [X, g.ints([rank])]), undefined, last], { onesided: 1 });
    const others = Array.from({ length: signal_ndim - 1 }, (_, i) => rank - 2 - i);
    return alongAxes(g, half, others, 0);
  },
});

/** How long a signal is of whose spectrum this is a half; none where a size that only a run knows is too small. */
const signalLength = (shape: readonly Expr[]): Expr => simplify(max(mul(sub(shape.at(-2)!, int(1)), int(2)), int(0)));

/** The real signals that such halves of spectra are of; their last axis has an even length. */
export const Irfft = op('Irfft', {
  domain,
  inputs: ['X'],
  attributes: fourierAttributes,
  types: { X: anyFloat },
  type: ({ X }, { signal_ndim }, context) => {
    checkSignalAxes(X, X.rank - 1, signal_ndim, context);
    if ((constantOf(X.shape.at(-1)!) ?? 2) !== 2) context.fail('the last axis must have two elements.');
    const length = signalLength(X.shape);
    if ((constantOf(length) ?? 2) < 2) context.fail('the spectrum must have at least two entries.');
    return tensorOf(X.dtype, [...X.shape.slice(0, -2), length]);
  },
  expand: ({ X }, { signal_ndim }, g) => {
    const rank = tensorTypeOf(X).shape.length - 1;
    const others = Array.from({ length: signal_ndim - 1 }, (_, i) => rank - 2 - i);
    const whole = alongAxes(g, X, others, 1);
    const last = g.scalar(rank - 1, 'int64');
    const length = g.sizes([signalLength(tensorTypeOf(X).shape)]);
    const signal = g.apply(DFT, [whole, length, last], { inverse: 1, onesided: 1 });
    return g.apply(Squeeze, [signal, g.ints([rank])]);
  },
});

/** Whether no element of any input is infinite or not a number; or no element is one of these. */
export const IsAllFinite = op('IsAllFinite', {
  domain,
  inputs: ['input...'],
  outputs: ['output'],
  attributes: { isinf_only: intAttribute(0, [0, 1]), isnan_only: intAttribute(0, [0, 1]) },
  types: { input: anyFloat },
  type: ({ input }, { isinf_only, isnan_only }, context) => {
    if (input.length === 0) context.fail('needs at least one input.');
    if (isinf_only && isnan_only) context.fail('isinf_only and isnan_only exclude each other.');
    return tensorOf('bool', []);
  },
  compute: ({ input }, { isinf_only, isnan_only }) => {
    const isFine = (x: Expr): Expr => {
      const isInfinite = eq(unary('abs', x), constant(Number.POSITIVE_INFINITY, x.dtype));
      const isNotNumber = ne(x, x);
      const isBad = isinf_only ? isInfinite : isnan_only ? isNotNumber : or(isInfinite, isNotNumber);
      return cast(unary('not', isBad), 'int32');
    };
    const fine = input.map((operand) => {
      const axes = operand.shape.map((extent, axis) => indexVar(`i${axis}`, extent));
      return ne(reduce('min', axes, isFine(operand.at(...axes))), constant(0, 'int32'));
    });
    return all(fine);
  },
});

/** What it is given: an example of how to add an operator. */
export const SampleOp = op('SampleOp', {
  domain,
  inputs: ['X'],
  types: { X: anyType },
  type: ({ X }) => tensorOf(X.dtype, X.shape),
  expand: ({ X }, _, g) => g.apply(Identity, [X]),
});
