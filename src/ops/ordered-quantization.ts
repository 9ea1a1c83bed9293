// Operators of ONNX Runtime's own domain on 8-bit matrices in the orders of cuBLASLt: QuantizeWithOrder,
// DequantizeWithOrder, QOrderedMatMul, QOrderedGelu, QOrderedLayerNormalization.

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  cast,
  constant,
  constantOf,
  div,
  indexVar,
  int,
  max,
  min,
  mul,
  reduce,
  unary,
} from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { Mul } from './arithmetic.ts';
import { floatAttribute, intAttribute, requiredDtype, requiredInt } from './attributes.ts';
import { castTo } from './compose.ts';
import { type Builder, type Operand, op } from './define.ts';
import { MicrosoftGelu } from './fused-activations.ts';
import { LayerNormalization } from './layer-normalization.ts';
import { checkOrder, logicalIndex, orders, orderValues, readOrdered } from './matrix-orders.ts';
import { agreeing, pairsOf } from './run-time-operands.ts';
import {
  anyFloat,
  differ,
  floatTypes,
  normalizeAxis,
  requireOneElement,
  scalarOf,
  tensorOf,
  typeSet,
} from './types.ts';

const domain = 'com.microsoft';
const bytes = typeSet('Q', ['int8']);
const scales = typeSet('S', ['float32']);
const requiredOrder = { ...requiredInt, oneOf: orderValues };
const optionalOrder = intAttribute(orders.row, orderValues);

/** Rounded to the nearest (ties to even), between -128 and 127. */
const saturated = (value: Expr): Expr =>
  cast(max(min(unary('rint', value), constant(127, 'float32')), constant(-128, 'float32')), 'int8');

/** input / scale_input as int8. */
export const QuantizeWithOrder = op('QuantizeWithOrder', {
  domain,
  inputs: ['input', 'scale_input'],
  outputs: ['output'],
  attributes: { order_input: requiredOrder, order_output: requiredOrder },
  types: { input: anyFloat, scale_input: scales },
  type: ({ input, scale_input }, { order_input, order_output }, context) => {
    requireOneElement(scale_input, 'scale_input', context);
    checkOrder('input', input.shape, order_input, context);
    checkOrder('the output', input.shape, order_output, context);
    return tensorOf('int8', input.shape);
  },
  compute: ({ input, scale_input }, { order_input, order_output }, index) => {
    const logical = logicalIndex(index, order_output, input.shape);
    const value = cast(readOrdered(input, order_input, logical), 'float32');
    return saturated(div(value, scalarOf(scale_input)));
  },
});

const resultTypes: readonly DType[] = ['float32', 'float16'];

/** input * scale_input. */
export const DequantizeWithOrder = op('DequantizeWithOrder', {
  domain,
  inputs: ['input', 'scale_input'],
  outputs: ['output'],
  attributes: { order_input: requiredOrder, order_output: requiredOrder, to: requiredDtype },
  types: { input: bytes, scale_input: scales },
  type: ({ input, scale_input }, { order_input, order_output, to }, context) => {
    requireOneElement(scale_input, 'scale_input', context);
    checkOrder('input', input.shape, order_input, context);
    checkOrder('the output', input.shape, order_output, context);
    if (!resultTypes.includes(to)) context.fail(`to is ${to}; expected ${resultTypes.join(' or ')}.`);
    return tensorOf(to, input.shape);
  },
  compute: ({ input, scale_input }, { order_input, order_output, to }, index) => {
    const value = readOrdered(input, order_input, logicalIndex(index, order_output, input.shape));
    return cast(mul(cast(value, 'float32'), scalarOf(scale_input)), to);
  },
});

/** A batch of the operand for a batch of the result: its own, or the only one. */
const batchOf = (operand: Operand, batch: readonly Expr[]): readonly Expr[] => {
  if (operand.rank < 3) return [];
  return constantOf(operand.shape[0]!) === 1 ? [int(0)] : [batch[0] ?? int(0)];
};

/** In the interleaved orders the memory of B holds its transpose. */
const isTurned = (order: number): boolean => order >= orders.interleaved8;

/** scale_A scale_B A × B + bias + scale_C C, over scale_Y. B [K, N] may have a scale for each column. */
export const QOrderedMatMul = op('QOrderedMatMul', {
  domain,
  inputs: ['A', 'scale_A', 'B', 'scale_B', 'scale_Y', 'bias?', 'C?', 'scale_C?'],
  attributes: { order_A: requiredOrder, order_B: requiredOrder, order_Y: requiredOrder },
  types: {
    A: bytes,
    scale_A: scales,
    B: bytes,
    scale_B: scales,
    scale_Y: scales,
    bias: scales,
    C: bytes,
    scale_C: scales,
  },
  type: ({ A, scale_A, B, scale_B, scale_Y, bias, C, scale_C }, { order_A, order_B, order_Y }, context) => {
    for (const [name, { rank }] of Object.entries({ A, B, ...(C ? { C } : {}) })) {
      if (rank !== 2 && rank !== 3) context.fail(`${name} has rank ${rank}; expected 2 or 3.`);
    }
    if (differ(A.shape.at(-1)!, B.shape.at(-2)!))
      context.fail(`A has ${constantOf(A.shape.at(-1)!)} columns, B ${constantOf(B.shape.at(-2)!)} rows.`);
    if (B.rank === 3 && A.rank === 2 && constantOf(B.shape[0]!) !== 1) context.fail('B has batches, A has none.');
    for (const [name, scale] of Object.entries({ scale_A, scale_Y, scale_C })) {
      if (scale) requireOneElement(scale, name, context);
    }
    if (!C !== !scale_C) context.fail('C and scale_C must be given together.');
    const columns = B.shape.at(-1)!;
    const shape = [...A.shape.slice(0, -1), columns];
    if (
      scale_B.rank > 0 &&
      constantOf(scale_B.shape[0]!) !== 1 &&
      (scale_B.rank !== 1 || differ(scale_B.shape[0]!, columns))
    )
      context.fail('scale_B must have one element, or one for each column of B.');
    if (bias && (bias.rank !== 1 || differ(bias.shape[0]!, columns)))
      context.fail('bias must have one element for each column of B.');
    if (C?.shape.slice(-2).some((extent, i) => differ(extent, shape.slice(-2)[i]!)))
      context.fail('C must be a matrix of the shape of the product.');
    checkOrder('A', A.shape, order_A, context);
    const turned = isTurned(order_B) ? [B.shape.at(-1)!, B.shape.at(-2)!] : B.shape;
    checkOrder('B', turned, order_B, context);
    checkOrder('the result', shape, order_Y, context);
    return tensorOf('int8', shape);
  },
  compute: ({ A, scale_A, B, scale_B, scale_Y, bias, C, scale_C }, { order_A, order_B, order_Y }, index, { types }) => {
    const logical = logicalIndex(index, order_Y, types[0]!.shape);
    const [batch, row, column] = [logical.slice(0, -2), logical.at(-2)!, logical.at(-1)!];
    const k = indexVar('k', A.shape.at(-1)!);
    const a = cast(readOrdered(A, order_A, [...batch, row, k]), 'int32');
    const b = cast(readOrdered(B, order_B, [...batchOf(B, batch), k, column], isTurned(order_B)), 'int32');
    const product = cast(reduce('sum', [k], mul(a, b)), 'float32');
    const single = scale_B.rank === 0 || constantOf(scale_B.shape[0]!) === 1;
    const ofColumn = single ? scalarOf(scale_B) : scale_B.at(column);
    const over = scalarOf(scale_Y);
    const scaled = mul(product, div(mul(scalarOf(scale_A), ofColumn), over));
    const moved = bias ? add(scaled, div(bias.at(column), over)) : scaled;
    const other = C && cast(readOrdered(C, order_Y, [...batchOf(C, batch), row, column]), 'float32');
    const result = other ? add(moved, mul(other, div(scalarOf(scale_C!), over))) : moved;
    const [rows, columns] = [A.shape.at(-2)!, B.shape.at(-1)!];
    const sizes = [
      [A.shape.at(-1)!, B.shape.at(-2)!],
      ...(single ? [] : [[scale_B.shape[0]!, columns]]),
      ...(bias ? [[bias.shape[0]!, columns]] : []),
      ...(C ? pairsOf(C.shape.slice(-2), [rows, columns]) : []),
    ] as const;
    return agreeing(sizes as readonly (readonly [Expr, Expr])[], saturated(result));
  },
});

/** An operator on dequantized elements, quantized again; what stands where does not matter to it. */
function requantized(g: Builder, X: Value, [from, to]: readonly [Value, Value], change: (x: Value) => Value): Value {
  const result = change(g.apply(Mul, [castTo(g, X, 'float32'), from]));
  return g.apply(QuantizeWithOrder, [result, to], { order_input: orders.row, order_output: orders.row });
}

/** Gelu of X, element by element. */
export const QOrderedGelu = op('QOrderedGelu', {
  domain,
  inputs: ['X', 'scale_X', 'scale_Y'],
  attributes: { order_X: optionalOrder, order_Y: optionalOrder },
  types: { X: bytes, scale_X: scales, scale_Y: scales },
  type: ({ X, scale_X, scale_Y }, { order_X, order_Y }, context) => {
    requireOneElement(scale_X, 'scale_X', context);
    requireOneElement(scale_Y, 'scale_Y', context);
    if (order_X !== order_Y) context.fail(`order_X is ${order_X} and order_Y ${order_Y}; they must be equal.`);
    return tensorOf('int8', X.shape);
  },
  expand: ({ X, scale_X, scale_Y }, _, g) => requantized(g, X, [scale_X, scale_Y], (x) => g.apply(MicrosoftGelu, [x])),
});

const parameters = typeSet('F', floatTypes);

/** LayerNormalization of X. */
export const QOrderedLayerNormalization = op('QOrderedLayerNormalization', {
  domain,
  inputs: ['X', 'scale_X', 'scale', 'B?', 'scale_Y'],
  attributes: {
    axis: intAttribute(-1),
    epsilon: floatAttribute(1e-5),
    order_X: intAttribute(orders.row, [orders.row]),
    order_Y: intAttribute(orders.row, [orders.row]),
  },
  types: { X: bytes, scale_X: scales, scale: parameters, B: parameters, scale_Y: scales },
  type: ({ X, scale_X, scale, B, scale_Y }, { axis, epsilon }, context) => {
    requireOneElement(scale_X, 'scale_X', context);
    requireOneElement(scale_Y, 'scale_Y', context);
    normalizeAxis(axis, X.rank, context);
    const own = { X: { ...X, dtype: 'float32' }, Scale: scale, ...(B ? { B } : {}) };
    LayerNormalization.type(own as never, { axis, epsilon, stash_type: 'float32' } as never, context);
    return tensorOf('int8', X.shape);
  },
  expand: ({ X, scale_X, scale, B, scale_Y }, { axis, epsilon }, g) =>
    requantized(g, X, [scale_X, scale_Y], (x) => g.apply(LayerNormalization, [x, scale, B], { axis, epsilon })),
});
