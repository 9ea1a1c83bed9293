// Operators that repeat elements: Tile, Expand.

import type { Expr } from '../../ir/expr.ts';
import { all, constantOf, eq, int, lt, mod, mul, select } from '../../ir/expr-make.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import { type Operand, op } from './define.ts';
import { elementsOf, numbersOf, sizesOf } from './elements.ts';
import { checked, listed, runTimeShape } from './run-time-operands.ts';
import { anyType, broadcastShapes, readBroadcast, sizeType, tensorOf } from './types.ts';

/** Y[i] = X[i % extent of X] */
export const Tile = op('Tile', {
  inputs: ['input', 'repeats'],
  outputs: ['output'],
  types: { input: anyType, repeats: sizeType },
  since: 13,
  // Opset 1 repeated along a single axis: inputs `tiles` and `axis`, scalars.
  upgrade: (node, opset) => {
    const [input, tiles, axis] = node.inputs;
    if (opset >= 6 || input?.type.kind !== 'tensor' || !tiles || !axis) return node;
    const count = constantOf(elementsOf(tiles)?.[0] ?? input.type.shape[0]!);
    const at = constantOf(elementsOf(axis)?.[0] ?? input.type.shape[0]!);
    if (count === undefined || at === undefined) return node;
    const repeats = input.type.shape.map((_, position) => (position === at ? count : 1));
    return { ...node, inputs: [input, node.constant(repeats, 'int64')] };
  },
  type: ({ input, repeats }, _, context) => {
    const counts = sizesOf(repeats);
    if (!counts) {
      const times = listed(repeats, context, 'repeats');
      if (times.length !== input.rank)
        context.fail(`repeats has ${times.length} entries; input has rank ${input.rank}.`);
      const values = input.shape.map((extent, axis) => mul(extent, times[axis]!));
      return tensorOf(input.dtype, runTimeShape(context, 'repeats', values));
    }
    if (counts.length !== input.rank) {
      context.fail(`repeats has ${counts.length} entries; input has rank ${input.rank}.`);
    }
    const negative = numbersOf(repeats)?.find((count) => count < 0);
    if (negative !== undefined) context.fail(`repeats contains ${negative}; expected no negative count.`);
    return tensorOf(
      input.dtype,
      input.shape.map((extent, axis) => mul(extent, counts[axis]!)),
    );
  },
  compute: ({ input, repeats }, _, index, { types }) => {
    const source = index.map((own, axis) => {
      const extent = input.shape[axis]!;
      if (constantOf(extent) === 1) return int(0);
      return sameSize(types[0]!.shape[axis]!, extent) ? own : mod(own, extent);
    });
    // A declared output may promise copies of nothing.
    const some = repeats.elements ? [] : input.shape.map((extent) => simplify(lt(int(0), extent)));
    return checked(all(some), input.at(...source));
  },
});

/** The sizes of the result where a run decides: an axis of the input that has not one element keeps its own. */
function expanded(input: Operand, wanted: readonly Expr[]): readonly Expr[] {
  const rank = Math.max(input.rank, wanted.length);
  return Array.from({ length: rank }, (_, axis) => {
    const own = input.shape[axis - rank + input.rank] ?? int(1);
    const given = wanted[axis - rank + wanted.length] ?? int(1);
    if (constantOf(own) === 1) return given;
    // What does not fit is no size at all.
    const joined = select(eq(own, given), own, select(eq(own, int(1)), given, int(-1)));
    return select(eq(given, int(1)), own, joined);
  });
}

/** Broadcasting of one operand with a shape (ONNX Broadcasting.md, multidirectional). */
export const Expand = op('Expand', {
  inputs: ['input', 'shape'],
  outputs: ['output'],
  types: { input: anyType, shape: sizeType },
  since: 13,
  type: ({ input, shape }, _, context) => {
    const sizes = sizesOf(shape);
    if (sizes) return tensorOf(input.dtype, broadcastShapes([input.shape, sizes], context));
    return tensorOf(input.dtype, runTimeShape(context, 'shape', expanded(input, listed(shape, context, 'shape'))));
  },
  compute: ({ input }, _, index, { types }) => readBroadcast(input, index, types[0]!.shape),
});
