// Products with matrices of 4 and 8 bits in further formats of ONNX Runtime's own domain: codes of 4-bit floats with a
// scale for each block (bitsandbytes, NVFP4), float8 with scales, blobs of blocks, and plain 16-bit integers.

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  binary,
  bitcast,
  cast,
  ceilDiv,
  constant,
  constantOf,
  div,
  eq,
  indexVar,
  int,
  mod,
  mul,
  reduce,
  select,
  sub,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { accumulatorType } from './accumulate.ts';
import { intAttribute, requiredInt } from './attributes.ts';
import { unpack } from './block-quantized.ts';
import { convert } from './cast.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { sizesOf } from './elements.ts';
import { productShape, productTerm } from './matmul.ts';
import { agreeing, declaredShape, pairsOf } from './run-time-operands.ts';
import { anyFloat, differ, requireOneElement, scalarOf, sizeType, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';
const bytes = typeSet('T1', ['uint8']);
const float32 = typeSet('T3', ['float32']);

/** table[code], as a chain of choices: the codes are few and the table is no tensor of the model. */
export const lookUp = (table: readonly number[], code: Expr): Expr =>
  table.reduceRight<Expr>(
    (rest, value, i) => select(eq(code, constant(i, code.dtype)), constant(value, 'float32'), rest),
    constant(0, 'float32'),
  );

const withSigns = (magnitudes: readonly number[]): readonly number[] => [
  ...magnitudes,
  ...magnitudes.map((value) => -value),
];

/** The values of bitsandbytes' FP4 and NF4; the largest is 1. */
const bnbTables: readonly (readonly number[])[] = [
  withSigns([0, 5.208333333e-3, 0.66666667, 1, 0.33333333, 0.5, 0.16666667, 0.25]),
  [
    -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
  ],
];

/** A × B' (or A × B), where B [N, K] holds codes of 4-bit floats, the first of each byte in its upper half. */
export const MatMulBnb4 = op('MatMulBnb4', {
  domain,
  inputs: ['A', 'B', 'absmax'],
  attributes: {
    K: requiredInt,
    N: requiredInt,
    block_size: requiredInt,
    quant_type: { ...requiredInt, oneOf: [0, 1] },
    training_mode: intAttribute(0),
    transB: intAttribute(1),
  },
  types: { A: anyFloat, B: typeSet('T2', ['uint8']), absmax: anyFloat },
  type: ({ A, B, absmax }, { K, N, block_size, transB }, context) => {
    if (K < 1 || N < 1 || block_size < 2) context.fail('K and N must be positive, and block_size at least 2.');
    const [depth, columns] = transB ? [K, N] : [N, K];
    if (A.rank === 0 || differ(A.shape.at(-1)!, int(depth)))
      context.fail(`A has ${constantOf(A.shape.at(-1) ?? int(0))} columns; expected ${depth}.`);
    const expected = { B: Math.ceil((N * K) / 2), absmax: Math.ceil((N * K) / block_size) };
    for (const [name, operand] of Object.entries({ B, absmax })) {
      const count = expected[name as 'B' | 'absmax'];
      if (operand.rank !== 1 || differ(operand.shape[0]!, int(count)))
        context.fail(`${name} must have the shape [${count}].`);
    }
    return tensorOf(A.dtype, [...A.shape.slice(0, -1), int(columns)]);
  },
  compute: ({ A, B, absmax }, { K, N, block_size, quant_type, transB }, index) => {
    const k = indexVar('k', transB ? K : N);
    const column = index.at(-1)!;
    const wide = accumulatorType(A.dtype);
    const flat = simplify(transB ? add(mul(column, int(K)), k) : add(mul(k, int(K)), column));
    const byte = B.at(div(flat, int(2)));
    const isFirst = eq(mod(flat, int(2)), int(0));
    const four = constant(4, 'uint8');
    const code = select(isFirst, binary('shr', byte, four), binary('and', byte, constant(15, 'uint8')));
    const scale = cast(absmax.at(div(flat, int(block_size))), wide);
    const weight = mul(cast(lookUp(bnbTables[quant_type]!, code), wide), scale);
    const sum = cast(reduce('sum', [k], mul(cast(A.at(...index.slice(0, -1), k), wide), weight)), A.dtype);
    const sizes = [transB ? K : N, Math.ceil((N * K) / 2), Math.ceil((N * K) / block_size)];
    return agreeing(pairsOf([A.shape.at(-1)!, B.shape[0]!, absmax.shape[0]!], sizes.map(int)), sum);
  },
});

interface BlobForm {
  readonly block: number;
  /** A byte for the zero point follows the scale; without it the zero point is 8. */
  readonly offset: boolean;
}
const blobForms: readonly BlobForm[] = [
  { block: 32, offset: false },
  { block: 32, offset: true },
  { block: 64, offset: false },
];

/** How many bytes the blob of a matrix [depth, columns] has. */
function blobSize(depth: Expr, columns: Expr, form: number): Expr {
  const { block, offset } = blobForms[form]!;
  return simplify(mul(columns, mul(ceilDiv(depth, int(block)), int(4 + (offset ? 1 : 0) + block / 2))));
}

/**
 * Element (k, n) of a blob: the columns one after the other, each in blocks of a float32 scale, perhaps a zero point, and
 * codes; of 32 codes, the second 16 stand in the upper halves of the bytes of the first.
 */
function blobElement(B: Operand, { block, offset }: BlobForm, k: Expr, n: Expr, depth: Expr): Expr {
  const head = 4 + (offset ? 1 : 0);
  const blocks = simplify(ceilDiv(depth, int(block)));
  const start = mul(add(mul(n, blocks), div(k, int(block))), int(head + block / 2));
  const byte = (at: Expr | number): Expr => B.at(simplify(add(start, typeof at === 'number' ? int(at) : at)));
  const shifted = (at: number): Expr => binary('shl', cast(byte(at), 'uint32'), constant(8 * at, 'uint32'));
  const scale = bitcast(
    [1, 2, 3].map(shifted).reduce((a, b) => binary('or', a, b), shifted(0)),
    'float32',
  );
  const inside = mod(k, int(block));
  const place = mod(inside, int(32));
  const pair = byte(add(int(head), add(mul(div(inside, int(32)), int(16)), mod(place, int(16)))));
  const isLow = eq(div(place, int(16)), int(0));
  const low = binary('and', pair, constant(15, 'uint8'));
  const code = cast(select(isLow, low, binary('shr', pair, constant(4, 'uint8'))), 'int32');
  const zero = offset ? cast(byte(4), 'int32') : constant(8, 'int32');
  return mul(cast(sub(code, zero), 'float32'), scale);
}

/** A × B, where B is a blob of blocks and the last input says its shape [K, N]. */
export const MatMulFpQ4 = op('MatMulFpQ4', {
  domain,
  inputs: ['A', 'B', 'B_shape'],
  attributes: { blk_quant_type: intAttribute(1, [0, 1, 2]) },
  types: { A: typeSet('T1', ['float32']), B: typeSet('T2', ['uint8']), B_shape: sizeType },
  type: ({ A, B, B_shape }, { blk_quant_type }, context) => {
    if (A.rank < 1 || B.rank !== 1)
      context.fail(`A and B have ranks ${A.rank} and ${B.rank}; expected at least 1, and 1.`);
    if (B_shape.rank !== 1 || differ(B_shape.shape[0]!, int(2))) context.fail('B_shape must have two elements.');
    const sizes = sizesOf(B_shape);
    const columns = sizes ? sizes[1]! : (declaredShape(context, 'B_shape').at(-1) ?? int(1));
    const depth = A.shape.at(-1)!;
    if (sizes && differ(sizes[0]!, depth))
      context.fail(`A has ${constantOf(depth)} columns; B_shape says ${constantOf(sizes[0]!)} rows.`);
    const count = blobSize(depth, columns, blk_quant_type);
    if (differ(B.shape[0]!, count))
      context.fail(`B has ${constantOf(B.shape[0]!)} bytes; expected ${constantOf(count)}.`);
    return tensorOf('float32', [...A.shape.slice(0, -1), columns]);
  },
  compute: ({ A, B, B_shape }, { blk_quant_type }, index, { types }) => {
    const depth = A.shape.at(-1)!;
    const k = indexVar('k', depth);
    const given = cast(B_shape.at(int(0)), 'index');
    const element = blobElement(B, blobForms[blk_quant_type]!, k, index.at(-1)!, depth);
    const sum = reduce('sum', [k], mul(A.at(...index.slice(0, -1), k), agreeing([[given, depth]], element)));
    return agreeing([[B.shape[0]!, blobSize(depth, types[0]!.shape.at(-1)!, blk_quant_type)]], sum);
  },
});

/** Checks weights [N, depth], their scales for each block, and a bias; gives the type of the product. */
function blockedProduct(
  A: Operand,
  { rows, depth }: { readonly rows: Expr; readonly depth: Expr },
  scales: Operand,
  bias: Operand | undefined,
  blockSize: number,
  context: TypeContext,
) {
  if (blockSize < 1) context.fail(`block_size must be positive, got ${blockSize}.`);
  if (A.rank < 1 || differ(A.shape.at(-1)!, depth))
    context.fail(`A has ${constantOf(A.shape.at(-1) ?? int(0))} columns; the weights have ${constantOf(depth)}.`);
  const expected = [rows, simplify(ceilDiv(depth, int(blockSize)))];
  if (scales.rank !== 2 || scales.shape.some((extent, i) => differ(extent, expected[i]!)))
    context.fail('the scales of the weights must have the shape [N, ceil(K / block_size)].');
  if (bias && (bias.rank !== 1 || differ(bias.shape[0]!, rows)))
    context.fail('bias must have one element for each row of the weights.');
  return tensorOf(A.dtype, [...A.shape.slice(0, -1), rows]);
}

interface Blocked {
  readonly A: Operand;
  readonly scales: Operand;
  readonly bias: Operand | undefined;
  /** Of the weights. */
  readonly rows: Expr;
  readonly depth: Expr;
  readonly blockSize: number;
}

/** The sum over the depth of an element of A times a weight, plus the bias, rounded once. */
function summed(
  { A, scales, bias, rows, depth, blockSize }: Blocked,
  index: readonly Expr[],
  weight: (k: Expr) => Expr,
  change: (a: Expr) => Expr = (a) => a,
): Expr {
  const wide = accumulatorType(A.dtype);
  const k = indexVar('k', depth);
  const a = change(cast(A.at(...index.slice(0, -1), k), wide));
  const sum = reduce('sum', [k], mul(a, cast(weight(k), wide)));
  const result = cast(bias ? add(sum, cast(bias.at(index.at(-1)!), wide)) : sum, A.dtype);
  const blocks = simplify(ceilDiv(depth, int(blockSize)));
  const sizes = pairsOf([A.shape.at(-1)!, ...scales.shape], [depth, rows, blocks]);
  return agreeing([...sizes, ...(bias ? [[bias.shape[0]!, rows] as const] : [])], result);
}

export const fp4Values = withSigns([0, 0.5, 1, 1.5, 2, 3, 4, 6]);

/** A × B' + bias; B holds two 4-bit floats a byte, with a float8 scale for each block and one scale for all. */
export const MatMulBlockQuantizedFp4Weight = op('MatMulBlockQuantizedFp4Weight', {
  domain,
  inputs: ['A', 'B', 'weight_scale', 'weight_scale_2', 'input_scale?', 'bias?'],
  attributes: { block_size: intAttribute(16) },
  types: { A: anyFloat, B: bytes, weight_scale: bytes, weight_scale_2: float32, input_scale: float32, bias: anyFloat },
  type: ({ A, B, weight_scale, weight_scale_2, bias }, { block_size }, context) => {
    if (B.rank !== 2) context.fail(`B has rank ${B.rank}; expected 2.`);
    requireOneElement(weight_scale_2, 'weight_scale_2', context);
    const weights = { rows: B.shape[0]!, depth: simplify(mul(B.shape[1]!, int(2))) };
    return blockedProduct(A, weights, weight_scale, bias, block_size, context);
  },
  compute: ({ A, B, weight_scale, weight_scale_2, bias }, { block_size }, index) => {
    const row = index.at(-1)!;
    const weight = (k: Expr): Expr => {
      const value = lookUp(
        fp4Values,
        unpack((byte) => B.at(row, byte), k, 4),
      );
      const own = cast(bitcast(weight_scale.at(row, div(k, int(block_size))), 'float8e4m3fn'), 'float32');
      return cast(mul(value, mul(scalarOf(weight_scale_2), own)), A.dtype);
    };
    const depth = simplify(mul(B.shape[1]!, int(2)));
    const blocked = { A, scales: weight_scale, bias, rows: B.shape[0]!, depth, blockSize: block_size };
    return summed(blocked, index, weight);
  },
});

/** A × B' + bias; B is of float8 with a scale for each block. With a_scale, A is rounded to float8 as well. */
export const MatMulBlockQuantizedFp8Weight = op('MatMulBlockQuantizedFp8Weight', {
  domain,
  inputs: ['A', 'B', 'b_scale', 'a_scale?', 'bias?'],
  attributes: { block_size: intAttribute(128) },
  types: { A: anyFloat, B: typeSet('T1', ['float8e4m3fn']), b_scale: float32, a_scale: float32, bias: anyFloat },
  type: ({ A, B, b_scale, a_scale, bias }, { block_size }, context) => {
    if (B.rank !== 2) context.fail(`B has rank ${B.rank}; expected 2.`);
    if (a_scale) requireOneElement(a_scale, 'a_scale', context);
    return blockedProduct(A, { rows: B.shape[0]!, depth: B.shape[1]! }, b_scale, bias, block_size, context);
  },
  compute: ({ A, B, b_scale, a_scale, bias }, { block_size }, index) => {
    const row = index.at(-1)!;
    const weight = (k: Expr): Expr => mul(cast(B.at(row, k), 'float32'), b_scale.at(row, div(k, int(block_size))));
    const narrowed = (a: Expr): Expr => {
      const scale = cast(scalarOf(a_scale!), a.dtype);
      return mul(cast(convert(div(a, scale), 'float8e4m3fn'), a.dtype), scale);
    };
    const [rows, depth] = B.shape as readonly [Expr, Expr];
    const blocked = { A, scales: b_scale, bias, rows, depth, blockSize: block_size };
    return summed(blocked, index, weight, a_scale ? narrowed : undefined);
  },
});

const shorts = (name: string) => typeSet(name, ['int16', 'uint16']);
const sumOfShorts = (A: Operand, B: Operand): DType =>
  A.dtype === 'uint16' && B.dtype === 'uint16' ? 'uint32' : 'int32';

/** The product of matrices of 16-bit integers, in 32 bits. */
export const MatMulInteger16 = op('MatMulInteger16', {
  domain,
  inputs: ['A', 'B'],
  types: { A: shorts('T1'), B: shorts('T2') },
  type: ({ A, B }, _, context) => tensorOf(sumOfShorts(A, B), productShape(A, B, context)),
  compute: ({ A, B }, _, index, { types }) => {
    const { k, a, b } = productTerm(A, B, index, types[0]!.shape);
    const wide = types[0]!.dtype;
    return reduce('sum', [k], mul(cast(a, wide), cast(b, wide)));
  },
});
