// Small operators of ONNX Runtime's own domain that move or join: ExpandDims, TorchEmbedding, UnfoldTensor, NhwcMaxPool.

import { add, constantOf, div, int, max, mul, sub } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, requiredInt } from './attributes.ts';
import { tensorTypeOf } from './compose.ts';
import { type Builder, op } from './define.ts';
import { numbersOf, operandOf } from './elements.ts';
import { Gather } from './gather.ts';
import { MaxPool, poolAttributes, pooledShape } from './pooling.ts';
import { Unsqueeze } from './reshape.ts';
import { Transpose } from './transpose.ts';
import { anyType, indexType, normalizeAxis, requireOneElement, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';

/** A new axis of extent 1; the axis must be known. */
export const ExpandDims = op('ExpandDims', {
  domain,
  inputs: ['X', 'axis'],
  types: { X: anyType, axis: typeSet('I', ['int32']) },
  type: ({ X, axis }, _, context) => {
    requireOneElement(axis, 'axis', context);
    const given = numbersOf(axis)?.[0];
    if (given === undefined) return context.fail('axis must be known at compile time.');
    const at = normalizeAxis(given, X.rank + 1, context);
    return tensorOf(X.dtype, [...X.shape.slice(0, at), int(1), ...X.shape.slice(at)]);
  },
  expand: ({ X, axis }, _, g) => g.apply(Unsqueeze, [X, g.ints(numbersOf(operandOf(axis)) ?? [0])]),
});

/** Rows of a table. */
export const TorchEmbedding = op('TorchEmbedding', {
  domain,
  inputs: ['weight', 'indices', 'padding_idx?', 'scale_grad_by_freq?'],
  types: { weight: anyType, indices: indexType },
  type: ({ weight, indices }, _, context) => {
    if (weight.rank !== 2) context.fail(`weight has rank ${weight.rank}; expected 2.`);
    return tensorOf(weight.dtype, [...indices.shape, weight.shape[1]!]);
  },
  expand: ({ weight, indices }, _, g) => g.apply(Gather, [weight, indices]),
});

/** Stretches of an axis, `step` apart, each laid along a new last axis. */
export const UnfoldTensor = op('UnfoldTensor', {
  domain,
  inputs: ['input'],
  attributes: { dim: intAttribute(-1), size: requiredInt, step: intAttribute(1) },
  types: { input: anyType },
  type: ({ input }, { dim, size, step }, context) => {
    const at = normalizeAxis(dim, input.rank, context, 'dim');
    const extent = input.shape[at]!;
    if (size < 1 || step < 1) context.fail(`size is ${size} and step is ${step}; both must be at least 1.`);
    if ((constantOf(extent) ?? size) < size) context.fail(`size is ${size}; axis ${at} has ${constantOf(extent)}.`);
    // None where a size that only a run knows is too small.
    const count = max(div(add(sub(extent, int(size)), int(step)), int(step)), int(0));
    return tensorOf(input.dtype, [...input.shape.map((own, axis) => (axis === at ? count : own)), int(size)]);
  },
  compute: ({ input }, { dim, step }, index) => {
    const at = dim < 0 ? dim + input.rank : dim;
    const inside = index.at(-1)!;
    return input.at(
      ...index.slice(0, -1).map((own, axis) => (axis === at ? simplify(add(mul(own, int(step)), inside)) : own)),
    );
  },
});

/** The axes of channels moved behind the batch, or back to the end. */
export function moveChannels(g: Builder, X: Value, toFront: boolean): Value {
  const { length } = tensorTypeOf(X).shape;
  const spatial = Array.from({ length: length - 2 }, (_, i) => i + (toFront ? 1 : 2));
  return g.apply(Transpose, [X], { perm: toFront ? [0, length - 1, ...spatial] : [0, ...spatial, 1] });
}

/** MaxPool of bytes, channels last. */
export const NhwcMaxPool = op('NhwcMaxPool', {
  domain,
  inputs: ['x'],
  attributes: poolAttributes,
  types: { x: typeSet('T', ['int8', 'uint8']) },
  type: ({ x }, attributes, context) => {
    if (x.rank < 3) context.fail(`x has rank ${x.rank}; expected at least 3.`);
    const moved = { ...x, shape: [x.shape[0]!, x.shape.at(-1)!, ...x.shape.slice(1, -1)] };
    const [batch, channels, ...spatial] = pooledShape(moved, attributes, context);
    return tensorOf(x.dtype, [batch!, ...spatial, channels!]);
  },
  expand: ({ x }, attributes, g) => moveChannels(g, g.apply(MaxPool, [moveChannels(g, x, true)], attributes), false),
});
