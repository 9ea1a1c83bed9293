// Matrices of experts in few bits: integers or floats of 2 to 8 bits with scales for rows or blocks.

import type { Expr } from '../../ir/expr.ts';
import { cast, ceilDiv, constant, div, int, mul, sub } from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, stringAttribute } from './attributes.ts';
import { unpack } from './block-quantized.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { expertSum } from './experts.ts';
import { fp4Values, lookUp } from './microsoft-quantized-products.ts';
import { pairsOf } from './run-time-operands.ts';
import { anyFloat, differ, sizeType, tensorOf } from './types.ts';

export const formAttributes = {
  block_size: intAttribute(0),
  expert_weight_bits: intAttribute(4, [2, 4, 8]),
  quant_type: stringAttribute('int', ['int', 'fp4', 'nvfp4', 'fp8']),
};

interface Form {
  readonly block_size: number;
  readonly expert_weight_bits: number;
  readonly quant_type: string;
}

/** How many weights a byte holds. */
export const packing = ({ quant_type, expert_weight_bits }: Form): number =>
  quant_type === 'fp8' ? 1 : quant_type === 'int' ? 8 / expert_weight_bits : 2;

/** How many weights along a row share a scale; 0: all of them. */
const blockOf = ({ quant_type, block_size }: Form): number =>
  quant_type === 'fp4' ? 32 : quant_type === 'nvfp4' ? 16 : quant_type === 'fp8' ? 0 : block_size;

interface Matrices {
  readonly W: Operand;
  readonly scales: Operand | undefined;
  readonly zeros: Operand | undefined;
  readonly global: Operand | undefined;
}

/** One weight of an expert. */
function weightAt(
  { W, scales, zeros, global }: Matrices,
  form: Form,
  [expert, row, d]: readonly [Expr, Expr, Expr],
): Expr {
  const overall = global ? cast(global.at(expert), 'float32') : constant(1, 'float32');
  if (form.quant_type === 'fp8') return mul(cast(W.at(expert, row, d), 'float32'), overall);
  const block = blockOf(form);
  const own = block ? div(d, int(block)) : int(0);
  const scale = cast(scales!.rank === 3 ? scales!.at(expert, row, own) : scales!.at(expert, row), 'float32');
  const bits = form.quant_type === 'int' ? form.expert_weight_bits : 4;
  const code = unpack((byte) => W.at(expert, row, byte), d, bits);
  if (form.quant_type !== 'int') return mul(mul(lookUp(fp4Values, code), scale), overall);
  const zero = zeros
    ? unpack(
        (byte) => (zeros.rank === 3 ? zeros.at(expert, row, byte) : zeros.at(expert, byte)),
        zeros.rank === 3 ? own : row,
        bits,
      )
    : constant(2 ** (bits - 1), 'uint8');
  return mul(cast(sub(cast(code, 'int32'), cast(zero, 'int32')), 'float32'), scale);
}

type Pairs = readonly (readonly [Expr, Expr])[];

/** What the sizes of the operands of a matrix [experts, rows, size] are, and have to be. */
function sizesOfForm(
  { W, scales, zeros, global }: Matrices,
  [experts, rows, size]: readonly [Expr, Expr, Expr],
  form: Form,
): Pairs {
  const block = blockOf(form);
  const blocks = block ? simplify(ceilDiv(size, int(block))) : int(1);
  const packed = (count: Expr): Expr => simplify(ceilDiv(count, int(packing(form))));
  const last = zeros?.rank === 3 ? [experts, rows, packed(blocks)] : [experts, packed(rows)];
  return [
    ...pairsOf(W.shape, [experts, rows, packed(size)]),
    ...(scales ? pairsOf(scales.shape, [experts, rows, blocks]) : []),
    ...(zeros ? pairsOf(zeros.shape, last) : []),
    ...(global ? pairsOf(global.shape, [experts]) : []),
  ];
}

/** ExpertProduct with matrices in few bits. */
export const QuantizedExpertProduct = op('QuantizedExpertProduct', {
  domain: 'lapidary',
  inputs: ['X', 'experts', 'W', 'bias?', 'scales?', 'zeros?', 'global?'],
  attributes: formAttributes,
  types: { X: anyFloat, experts: sizeType, bias: anyFloat },
  type: ({ X, experts, W }) => tensorOf(X.dtype, [...experts.shape, W.shape[1]!]),
  compute: ({ X, experts, W, bias, scales, zeros, global }, form, index) =>
    expertSum(
      { X, experts, bias },
      W.shape[0]!,
      index,
      (expert, row, d) => weightAt({ W, scales, zeros, global }, form, [expert, row, d]),
      sizesOfForm({ W, scales, zeros, global }, [W.shape[0]!, W.shape[1]!, X.shape.at(-1)!], form),
    ),
});

/** Checks the scales and zero points of a matrix [experts, rows, size]. */
export function checkForm(
  name: string,
  { W, scales, zeros, global }: Matrices,
  shape: readonly [Expr, Expr, Expr],
  form: Form,
  context: TypeContext,
): void {
  const ranks = blockOf(form) ? [3] : [2, 3];
  const isFloat8 = form.quant_type === 'fp8';
  if (isFloat8 !== (W.dtype === 'float8e4m3fn'))
    context.fail(`${name} weights are ${W.dtype}; quant_type is ${form.quant_type}.`);
  if (!isFloat8 && !scales) context.fail(`${name}_scales is missing.`);
  if (form.quant_type !== 'int' && !global) context.fail(`quant_type ${form.quant_type} needs ${name}_global_scale.`);
  if (global && global.rank !== 1) context.fail(`${name}_global_scale must have one element for each expert.`);
  for (const [what, operand] of Object.entries({ scales, zero_points: zeros })) {
    if (operand && !ranks.includes(operand.rank))
      context.fail(`${name}_${what} has rank ${operand.rank}; expected ${ranks.join(' or ')}.`);
  }
  const wrong = sizesOfForm({ W, scales, zeros, global }, shape, form).some(([own, needed]) => differ(own, needed));
  if (wrong) context.fail(`the weights, scales and zero points of ${name} do not fit each other and the input.`);
}
