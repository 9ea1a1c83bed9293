// LongformerAttention of ONNX Runtime's own domain: tokens see a window around them, and the global tokens, which see all.

import type { Expr } from '../../ir/expr.ts';
import { all, constant, constantOf, int, le, lt, or, sub } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { Add, Min } from './arithmetic.ts';
import { attend, MaskScores } from './attention-core.ts';
import { packHeads, unpackHeads } from './attention-heads.ts';
import { requiredInt } from './attributes.ts';
import { scalarLike, tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { Greater, Where } from './logic.ts';
import { MatMul } from './matmul.ts';
import { columnsOf } from './microsoft-attention.ts';
import { Unsqueeze } from './reshape.ts';
import { anyFloat, differ, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';

/** [batch, 1, rows, columns]: whether a column is near the row, or seen by all. */
const SeesNear = op('SeesNear', {
  domain: 'lapidary',
  inputs: ['global'],
  attributes: { window: requiredInt },
  types: { global: typeSet('G', ['int32']) },
  type: ({ global }) => tensorOf('bool', [global.shape[0]!, int(1), global.shape[1]!, global.shape[1]!]),
  compute: ({ global }, { window }, index) => {
    const [batch, , row, column] = index as readonly [Expr, Expr, Expr, Expr];
    const near = all([le(sub(row, column), int(window)), le(sub(column, row), int(window))]);
    return or(near, lt(constant(0, 'int32'), global.at(batch, column)));
  },
});

interface Longformer {
  readonly num_heads: number;
  readonly window: number;
}

/** Checks the shapes of all inputs against that of the first. */
export function checkLongformer(
  {
    input,
    weight,
    bias,
    mask,
    global_weight,
    global_bias,
    global,
  }: Readonly<Record<'input' | 'weight' | 'bias' | 'mask' | 'global_weight' | 'global_bias' | 'global', Operand>>,
  { num_heads, window }: Longformer,
  context: TypeContext,
): void {
  if (input.rank !== 3) context.fail(`input has rank ${input.rank}; expected 3 (batch, length, size).`);
  const [batch, length, width] = input.shape as readonly [Expr, Expr, Expr];
  const columns = constantOf(width) ?? context.fail('the size of a head must be known.');
  if (num_heads < 1 || columns % num_heads !== 0)
    context.fail(`input has ${columns} columns; expected a multiple of ${num_heads} heads.`);
  if (window < 1) context.fail(`window must be positive, got ${window}.`);
  const expected: Readonly<Record<string, readonly Expr[]>> = {
    weight: [width, int(3 * columns)],
    global_weight: [width, int(3 * columns)],
    bias: [int(3 * columns)],
    global_bias: [int(3 * columns)],
    mask: [batch, length],
    global: [batch, length],
  };
  for (const [name, operand] of Object.entries({ weight, global_weight, bias, global_bias, mask, global })) {
    const shape = expected[name]!;
    if (operand.rank !== shape.length || operand.shape.some((extent, i) => differ(extent, shape[i]!)))
      context.fail(`${name} does not fit the shape of input.`);
  }
}

/** The attention, from the products [batch, length, 3 * size] with the weights of near and of global tokens. */
export function longformer(
  g: Builder,
  { local, global, mask, isGlobal }: Readonly<Record<'local' | 'global' | 'mask' | 'isGlobal', Value>>,
  { num_heads, window }: Longformer,
): Value {
  const columns = constantOf(tensorTypeOf(local).shape[2]!)! / 3;
  const heads = (product: Value): readonly Value[] =>
    [0, 1, 2].map((i) => unpackHeads(g, columnsOf(g, product, int(i * columns), int((i + 1) * columns)), num_heads));
  const padding = g.apply(Unsqueeze, [g.apply(Min, [mask, scalarLike(g, mask, 0)]), g.ints([1, 2])]);
  const near = g.apply(SeesNear, [isGlobal], { window });
  const attended = ([Q, K, V]: readonly Value[], isNear: boolean): Value => {
    const masked = (scores: Value): Value => {
      const padded = g.apply(MaskScores, [scores, padding]);
      return isNear ? g.apply(MaskScores, [padded, near]) : padded;
    };
    return packHeads(g, attend(g, { Q: Q!, K: K!, V: V!, scale: undefined, softcap: 0, mask: masked }).Y);
  };
  const isSet = g.apply(Unsqueeze, [g.apply(Greater, [isGlobal, g.scalar(0, 'int32')]), g.ints([2])]);
  return g.apply(Where, [isSet, attended(heads(global), false), attended(heads(local), true)]);
}

/** Tokens see their neighbours and the global tokens; global tokens see all, through projections of their own. */
export const LongformerAttention = op('LongformerAttention', {
  domain,
  inputs: ['input', 'weight', 'bias', 'mask', 'global_weight', 'global_bias', 'global'],
  outputs: ['output'],
  attributes: { num_heads: requiredInt, window: requiredInt },
  types: {
    input: anyFloat,
    weight: anyFloat,
    bias: anyFloat,
    mask: anyFloat,
    global_weight: anyFloat,
    global_bias: anyFloat,
    global: typeSet('G', ['int32']),
  },
  type: (inputs, attributes, context) => {
    checkLongformer(inputs, attributes, context);
    return tensorOf(inputs.input.dtype, inputs.input.shape);
  },
  expand: ({ input, weight, bias, mask, global_weight, global_bias, global }, attributes, g) => {
    const product = (matrix: Value, vector: Value): Value => g.apply(Add, [g.apply(MatMul, [input, matrix]), vector]);
    const products = { local: product(weight, bias), global: product(global_weight, global_bias) };
    return longformer(g, { ...products, mask, isGlobal: global }, attributes);
  },
});
