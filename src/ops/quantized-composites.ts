// Quantized operators of ONNX Runtime's own domain that are their float operator between dequantization and
// quantization: QLinearConcat, QLinearSoftmax, QLinearAveragePool, QLinearGlobalAveragePool, QLinearWhere.

import type { DType } from '../../ir/dtype.ts';
import { add, int } from '../../ir/expr-make.ts';
import type { Type, Value } from '../../ir/graph.ts';
import { intAttribute, requiredInt, requiredInts } from './attributes.ts';
import { tensorTypeOf } from './compose.ts';
import { type Builder, op } from './define.ts';
import { GlobalAveragePool } from './global-pooling.ts';
import { Concat } from './join.ts';
import { Where } from './logic.ts';
import { AveragePool } from './pooling.ts';
import { DequantizeLinear, QuantizeLinear } from './quantize.ts';
import { Softmax } from './softmax.ts';
import { broadcastShapes, normalizeAxis, tensorOf, typeSet } from './types.ts';
import { ceilModeAttribute, windowAttributes } from './window.ts';

const domain = 'com.microsoft';
const bytes = typeSet('T', ['uint8', 'int8']);
const scale = typeSet('S', ['float32']);

const dequantized = (g: Builder, x: Value, by: Value, zero: Value | undefined): Value =>
  g.apply(DequantizeLinear, [x, by, zero]);
const quantized = (g: Builder, x: Value, by: Value, zero: Value | undefined, to: DType): Value =>
  g.apply(QuantizeLinear, [x, by, zero], zero ? {} : { output_dtype: to });

/** The inputs after the first two are triples: data, scale, zero point. */
export const QLinearConcat = op('QLinearConcat', {
  domain,
  inputs: ['Y_scale', 'Y_zero_point', 'inputs...'],
  attributes: { axis: requiredInt },
  types: { Y_scale: scale, Y_zero_point: bytes },
  type: ({ Y_zero_point, inputs }, attributes, context) => {
    const first = inputs[0] ?? context.fail('expected at least one tensor, got none.');
    if (inputs.length % 3 !== 0)
      context.fail(`expected data, scale and zero point for each tensor, got ${inputs.length}.`);
    const parts = inputs.filter((_, i) => i % 3 === 0);
    const axis = normalizeAxis(attributes.axis, first.rank, context);
    if (parts.some(({ rank }) => rank !== first.rank)) context.fail('the tensors must have the same rank.');
    const extent = parts.map(({ shape }) => shape[axis]!).reduce(add);
    return tensorOf(Y_zero_point.dtype, [...first.shape.slice(0, axis), extent, ...first.shape.slice(axis + 1)]);
  },
  expand: ({ Y_scale, Y_zero_point, inputs }, { axis }, g) => {
    const triples = Array.from({ length: inputs.length / 3 }, (_, i) => inputs.slice(3 * i, 3 * i + 3));
    const parts = triples.map(([x, by, zero]) => dequantized(g, x!, by!, zero));
    return quantized(g, g.apply(Concat, parts, { axis }), Y_scale, Y_zero_point, tensorTypeOf(Y_zero_point).dtype);
  },
});

const oneInput = ['X', 'X_scale', 'X_zero_point?', 'Y_scale', 'Y_zero_point?'] as const;
const oneInputTypes = { X: bytes, X_scale: scale, X_zero_point: bytes, Y_scale: scale, Y_zero_point: bytes };

/** `opset` says which meaning of `axis` Softmax had. */
export const QLinearSoftmax = op('QLinearSoftmax', {
  domain,
  inputs: oneInput,
  attributes: { axis: intAttribute(0), opset: requiredInt },
  types: oneInputTypes,
  type: ({ X }, { axis }, context) => {
    normalizeAxis(axis, X.rank, context);
    return tensorOf(X.dtype, X.shape);
  },
  expand: ({ X, X_scale, X_zero_point, Y_scale, Y_zero_point }, { axis, opset }, g) => {
    const x = dequantized(g, X, X_scale, X_zero_point);
    const result = g.apply(Softmax, [x], { axis, together: opset < 13 ? 1 : 0 });
    return quantized(g, result, Y_scale, Y_zero_point, tensorTypeOf(X).dtype);
  },
});

const channelsFirst = { channels_last: intAttribute(0, [0]) };

export const QLinearGlobalAveragePool = op('QLinearGlobalAveragePool', {
  domain,
  inputs: oneInput,
  attributes: channelsFirst,
  types: oneInputTypes,
  type: ({ X }, _, context) => {
    if (X.rank < 2) context.fail(`X must have at least rank 2, got ${X.rank}.`);
    return tensorOf(
      X.dtype,
      X.shape.map((extent, axis) => (axis < 2 ? extent : int(1))),
    );
  },
  expand: ({ X, X_scale, X_zero_point, Y_scale, Y_zero_point }, _, g) => {
    const x = dequantized(g, X, X_scale, X_zero_point);
    return quantized(g, g.apply(GlobalAveragePool, [x]), Y_scale, Y_zero_point, tensorTypeOf(X).dtype);
  },
});

export const QLinearAveragePool = op('QLinearAveragePool', {
  domain,
  inputs: oneInput,
  attributes: {
    ...windowAttributes,
    ...channelsFirst,
    ceil_mode: ceilModeAttribute,
    count_include_pad: intAttribute(0, [0, 1]),
    kernel_shape: requiredInts,
  },
  types: oneInputTypes,
  type: ({ X }, { channels_last: _, ...attributes }, context) => {
    const pooled: Type | readonly Type[] = AveragePool.type({ X }, attributes, context);
    const shape = 'kind' in pooled && pooled.kind === 'tensor' ? pooled.shape : X.shape;
    return tensorOf(X.dtype, shape);
  },
  expand: ({ X, X_scale, X_zero_point, Y_scale, Y_zero_point }, { channels_last: _, ...attributes }, g) => {
    const x = dequantized(g, X, X_scale, X_zero_point);
    return quantized(g, g.apply(AveragePool, [x], attributes), Y_scale, Y_zero_point, tensorTypeOf(X).dtype);
  },
});

export const QLinearWhere = op('QLinearWhere', {
  domain,
  inputs: ['condition', 'X', 'x_scale', 'x_zero_point', 'Y', 'y_scale', 'y_zero_point', 'z_scale', 'z_zero_point'],
  types: {
    condition: typeSet('B', ['bool']),
    X: bytes,
    x_scale: scale,
    x_zero_point: bytes,
    Y: bytes,
    y_scale: scale,
    y_zero_point: bytes,
    z_scale: scale,
    z_zero_point: bytes,
  },
  outputs: ['Z'],
  type: ({ condition, X, Y }, _, context) =>
    tensorOf(X.dtype, broadcastShapes([condition.shape, X.shape, Y.shape], context)),
  expand: (inputs, _, g) => {
    const x = dequantized(g, inputs.X, inputs.x_scale, inputs.x_zero_point);
    const y = dequantized(g, inputs.Y, inputs.y_scale, inputs.y_zero_point);
    const chosen = g.apply(Where, [inputs.condition, x, y]);
    return quantized(g, chosen, inputs.z_scale, inputs.z_zero_point, tensorTypeOf(inputs.X).dtype);
  },
});
