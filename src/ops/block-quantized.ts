// Weights of a few bits with a scale for each block, in ONNX Runtime's own domain: MatMulNBits and GatherBlockQuantized.
// Codes are packed into bytes, low bits first.

import { dtypes, isSubByte } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  binary,
  cast,
  ceilDiv,
  constant,
  constantOf,
  div,
  indexVar,
  int,
  mod,
  mul,
  reduce,
  sub,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { accumulatorType } from './accumulate.ts';
import { intAttribute, requiredInt } from './attributes.ts';
import { type Operand, op } from './define.ts';
import { agreeing, checked, fromEnd, pairsOf, within } from './run-time-operands.ts';
import { anyFloat, differ, indexType, normalizeAxis, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';

/** Code `position` of a run of codes; `byteAt` reads a byte of the run. */
export function unpack(byteAt: (index: Expr) => Expr, position: Expr, bits: number): Expr {
  if (bits === 8) return byteAt(position);
  const perByte = int(8 / bits);
  const shift = cast(mul(mod(position, perByte), int(bits)), 'uint8');
  return and(binary('shr', byteAt(div(position, perByte)), shift), constant(2 ** bits - 1, 'uint8'));
}

/** Row `row`, entry `column` of a table that may be written as a vector. */
const entry = (table: Operand, row: Expr, column: Expr, columns: Expr): Expr =>
  table.rank === 1 ? table.at(add(mul(row, columns), column)) : table.at(row, column);

/** Y = A × W' + bias, where W[n, k] = (code - zero point) * scale of the block that k lies in. */
export const MatMulNBits = op('MatMulNBits', {
  domain,
  inputs: ['A', 'B', 'scales', 'zero_points?', 'g_idx?', 'bias?'],
  attributes: {
    K: requiredInt,
    N: requiredInt,
    bits: intAttribute(4, [2, 4, 8]),
    block_size: intAttribute(128),
    accuracy_level: intAttribute(0),
  },
  types: {
    A: anyFloat,
    B: typeSet('T2', ['uint8']),
    scales: anyFloat,
    zero_points: typeSet('T3', ['uint8', 'float32', 'float16', 'bfloat16']),
    g_idx: typeSet('T4', ['int32']),
    bias: anyFloat,
  },
  type: ({ A, B, scales, zero_points, g_idx, bias }, { K, N, bits, block_size }, context) => {
    if (K < 1 || N < 1 || block_size < 1) context.fail('K, N and block_size must be positive.');
    if (A.rank === 0) context.fail('A must have at least rank 1, got a scalar.');
    if (differ(A.shape.at(-1)!, int(K))) context.fail(`A has ${constantOf(A.shape.at(-1)!)} columns; K is ${K}.`);
    const blocks = Math.ceil(K / block_size);
    const expected = [N, blocks, (block_size * bits) / 8];
    if (B.rank !== 3 || expected.some((extent, axis) => differ(B.shape[axis]!, int(extent))))
      context.fail(`B must have the shape [${expected.join(', ')}].`);
    for (const [name, table] of Object.entries({ scales, zero_points })) {
      if (table && table.rank !== 1 && table.rank !== 2)
        context.fail(`${name} must have rank 1 or 2, got ${table.rank}.`);
    }
    const wrong = sizesOfNBits({ A, B, scales, bias }, { K, N, bits, block_size }).some(([own, needed]) =>
      differ(own, needed),
    );
    if (wrong) context.fail(`scales must have ${N} x ${blocks} elements, and bias ${N}.`);
    if (g_idx && g_idx.rank !== 1) context.fail(`g_idx must have rank 1, got ${g_idx.rank}.`);
    if (bias && (bias.rank !== 1 || differ(bias.shape[0]!, int(N)))) context.fail(`bias must have ${N} elements.`);
    return tensorOf(A.dtype, [...A.shape.slice(0, -1), int(N)]);
  },
  compute: ({ A, B, scales, zero_points, g_idx, bias }, { K, N, bits, block_size }, index) => {
    const wide = accumulatorType(A.dtype);
    const row = index.at(-1)!;
    const k = indexVar('k', K);
    const blocks = int(Math.ceil(K / block_size));
    const own = div(k, int(block_size));
    const inside = mod(k, int(block_size));
    const code = unpack((at) => B.at(row, own, at), inside, bits);
    const weight = (block: Expr): Expr => {
      const zero = zero_points ? zeroPoint(zero_points, row, block, blocks, bits) : constant(2 ** (bits - 1), 'int32');
      const scale = cast(entry(scales, row, block, blocks), wide);
      return mul(cast(sub(cast(code, zero.dtype), zero), wide), scale);
    };
    const named = g_idx && cast(g_idx.at(k), 'index');
    const value = named ? checked(within(named, blocks), weight(named)) : weight(own);
    const sum = reduce('sum', [k], mul(cast(A.at(...index.slice(0, -1), k), wide), value));
    const result = cast(bias ? add(sum, cast(bias.at(row), wide)) : sum, A.dtype);
    return agreeing(sizesOfNBits({ A, B, scales, bias }, { K, N, bits, block_size }), result);
  },
});

/** What the sizes of the operands are, and have to be. */
function sizesOfNBits(
  { A, B, scales, bias }: { A: Operand; B: Operand; scales: Operand; bias: Operand | undefined },
  { K, N, bits, block_size }: { K: number; N: number; bits: number; block_size: number },
): readonly (readonly [Expr, Expr])[] {
  const blocks = Math.ceil(K / block_size);
  const table = scales.rank === 1 ? [N * blocks] : [N, blocks];
  return [
    [A.shape.at(-1)!, int(K)],
    ...pairsOf(B.shape, [N, blocks, (block_size * bits) / 8].map(int)),
    ...pairsOf(scales.shape, table.map(int)),
    ...(bias ? [[bias.shape[0]!, int(N)] as const] : []),
  ];
}

/** Packed like the codes, each row beginning a byte; or one float for each block. */
function zeroPoint(table: Operand, row: Expr, block: Expr, blocks: Expr, bits: number): Expr {
  if (table.dtype !== 'uint8') return cast(entry(table, row, block, blocks), 'float32');
  const rowBytes = simplify(ceilDiv(mul(blocks, int(bits)), int(8)));
  return cast(
    unpack((at) => entry(table, row, at, rowBytes), block, bits),
    'int32',
  );
}

/** Gather from a table that is quantized in blocks along another axis, dequantized. */
export const GatherBlockQuantized = op('GatherBlockQuantized', {
  domain,
  inputs: ['data', 'indices', 'scales', 'zero_points?'],
  attributes: {
    bits: intAttribute(4, [2, 4, 8]),
    block_size: intAttribute(128),
    gather_axis: intAttribute(0),
    quantize_axis: intAttribute(1),
  },
  types: {
    data: typeSet('T1', ['int4', 'uint4', 'uint8']),
    indices: indexType,
    scales: anyFloat,
    zero_points: typeSet('T1', ['int4', 'uint4', 'uint8']),
  },
  outputs: ['output'],
  type: ({ data, indices, scales }, { bits, gather_axis, quantize_axis }, context) => {
    const axis = normalizeAxis(gather_axis, data.rank, context, 'gather_axis');
    normalizeAxis(quantize_axis, data.rank, context, 'quantize_axis');
    if (scales.rank !== data.rank) context.fail(`scales must have rank ${data.rank}, got ${scales.rank}.`);
    const packing = isSubByte(data.dtype) ? 1 : 8 / bits;
    const logical = data.shape.map((extent, i) => (i === data.rank - 1 ? mul(extent, int(packing)) : extent));
    return tensorOf(scales.dtype, [...logical.slice(0, axis), ...indices.shape, ...logical.slice(axis + 1)]);
  },
  compute: ({ data, indices, scales, zero_points }, { bits, block_size, gather_axis, quantize_axis }, index) => {
    const axis = gather_axis < 0 ? gather_axis + data.rank : gather_axis;
    const blocked = quantize_axis < 0 ? quantize_axis + data.rank : quantize_axis;
    const own = fromEnd(cast(indices.at(...index.slice(axis, axis + indices.rank)), 'index'), data.shape[axis]!);
    const at = [...index.slice(0, axis), own, ...index.slice(axis + indices.rank)];
    const block = at.map((position, i) => (i === blocked ? div(position, int(block_size)) : position));
    const packed = !isSubByte(data.dtype);
    const read = (table: Operand, position: readonly Expr[]): Expr =>
      packed
        ? unpack((byte) => table.at(...position.slice(0, -1), byte), position.at(-1)!, bits)
        : table.at(...position);
    const zero = zero_points
      ? cast(read(zero_points, block), 'int32')
      : constant(packed ? 2 ** (bits - 1) : 0, 'int32');
    const wide = dtypes[scales.dtype].bits < 32 ? 'float32' : scales.dtype;
    const centered = cast(sub(cast(read(data, at), 'int32'), zero), wide);
    const value = cast(mul(centered, cast(scales.at(...block), wide)), scales.dtype);
    return checked(within(own, data.shape[axis]!), value);
  },
});
