// MaxUnpool: puts each element back where MaxPool found it, zeros elsewhere.

import type { Expr } from '../../ir/expr.ts';
import { add, all, cast, constant, indexVar, int, load, mul, product, sub } from '../../ir/expr-make.ts';
import { block, check, loops, store } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { optionalInts, requiredInts } from './attributes.ts';
import { op } from './define.ts';
import { sizesOf } from './elements.ts';
import { unflatten } from './flat-index.ts';
import { checkAgreeing, declaredShape, pairsOf, within } from './run-time-operands.ts';
import { anyFloat, sizeType, tensorOf, typeSet } from './types.ts';
import { perAxis } from './window.ts';

interface Attributes {
  readonly kernel_shape: readonly number[];
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
}

/** The shape that was pooled, as far as the attributes tell: what the indices count in. */
function pooledFrom(
  shape: readonly Expr[],
  { kernel_shape, pads, strides }: Attributes,
  fail: (rule: string) => never,
): readonly Expr[] {
  const count = shape.length - 2;
  const kernel = perAxis(kernel_shape, count, 1, 'kernel_shape', fail);
  const margins = perAxis(pads, 2 * count, 0, 'pads', fail);
  const steps = perAxis(strides, count, 1, 'strides', fail);
  return shape.map((extent, axis) => {
    if (axis < 2) return extent;
    const at = axis - 2;
    const rest = kernel[at]! - margins[at]! - margins[at + count]!;
    return simplify(add(mul(sub(extent, int(1)), int(steps[at]!)), int(rest)));
  });
}

const alreadyChecked = (rule: string): never => {
  throw new RangeError(rule);
};

/** A larger output_shape keeps each element at the same coordinates. */
export const MaxUnpool = op('MaxUnpool', {
  inputs: ['X', 'I', 'output_shape?'],
  outputs: ['output'],
  attributes: { kernel_shape: requiredInts, pads: optionalInts, strides: optionalInts },
  types: { X: anyFloat, I: typeSet('T2', ['int64']), output_shape: sizeType },
  since: 22,
  type: ({ X, I, output_shape }, attributes, context) => {
    if (X.rank < 3) context.fail(`X has rank ${X.rank}; expected at least 3 (N, C, and spatial axes).`);
    if (I.rank !== X.rank) context.fail(`I has rank ${I.rank} and X has rank ${X.rank}; they must be equal.`);
    const inferred = pooledFrom(X.shape, attributes, (rule) => context.fail(rule));
    const shape = output_shape ? (sizesOf(output_shape) ?? declaredShape(context, 'output_shape')) : inferred;
    if (shape.length !== X.rank) context.fail(`output_shape has ${shape.length} entries; expected ${X.rank}.`);
    return tensorOf(X.dtype, shape);
  },
  kernel: ({ X, I }, outputs, attributes) => {
    const output = outputs[0]!;
    const every = output.shape.map((extent, axis) => indexVar(`z${axis}`, extent));
    const at = X.shape.map((extent, axis) => indexVar(`i${axis}`, extent));
    const inferred = pooledFrom(X.shape, attributes, alreadyChecked);
    const flat = cast(load(I, at), 'index');
    const target = unflatten(flat, inferred);
    const fits = target.map((own, axis) => within(own, output.shape[axis]!));
    return block([
      checkAgreeing(pairsOf(X.shape, I.shape)),
      loops(every, store(output, every, constant(0, output.dtype))),
      loops(
        at,
        block([
          check(within(flat, product(inferred)), 'index'),
          check(all(fits), 'index'),
          store(output, target, load(X, at)),
        ]),
      ),
    ]);
  },
});
