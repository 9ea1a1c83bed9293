// Col2Im: adds up blocks (columns) into the image that they were cut from; overlaps are summed.
//   Y[n, c, y…] = sum over k… of input[n, c * K + k, l]     l: the block whose tap k lies on y

import type { Expr, Var } from '../../ir/expr.ts';
import {
  add,
  all,
  cast,
  constant,
  div,
  indexVar,
  int,
  le,
  lt,
  max,
  mod,
  mul,
  product,
  reduce,
  select,
  sub,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { accumulatorType } from './accumulate.ts';
import { optionalInts } from './attributes.ts';
import { spreadPosition } from './conv-transpose.ts';
import { type Operand, op } from './define.ts';
import { sizesOf } from './elements.ts';
import { flatten } from './flat-index.ts';
import { declaredShape, sizeAt } from './run-time-operands.ts';
import { anyNumeric, sizeType, tensorOf } from './types.ts';
import { perAxis, reach } from './window.ts';

interface Blocks {
  readonly axes: readonly Var[];
  /** The tap on each axis, and its number among all taps. */
  readonly taps: readonly Expr[];
  readonly number: Expr;
  readonly sizes: readonly Expr[];
}

/** Loops over the taps of a block. Where its sizes are only known at run time, one loop counts all taps. */
function blockTaps(block_shape: Operand, count: number, channels: Expr, input: Operand): Blocks {
  const known = sizesOf(block_shape);
  if (known) {
    const axes = known.map((size, axis) => indexVar(`k${axis}`, size));
    return { axes, taps: axes, number: flatten(axes, known), sizes: known };
  }
  // A size below 1 cannot be; it must not be divided by either.
  const sizes = Array.from({ length: count }, (_, axis) => max(sizeAt(block_shape, int(axis)), int(1)));
  const k = indexVar('k', simplify(div(input.shape[1]!, channels)));
  const digits = sizes.map((size, axis) => mod(div(k, product(sizes.slice(axis + 1))), size));
  return { axes: [k], taps: digits, number: k, sizes };
}

const alreadyChecked = (rule: string): never => {
  throw new RangeError(rule);
};

export const Col2Im = op('Col2Im', {
  inputs: ['input', 'image_shape', 'block_shape'],
  outputs: ['output'],
  attributes: { dilations: optionalInts, pads: optionalInts, strides: optionalInts },
  types: { input: anyNumeric, image_shape: sizeType, block_shape: sizeType },
  since: 18,
  type: ({ input, image_shape, block_shape }, attributes, context) => {
    if (input.rank !== 3) context.fail(`input has rank ${input.rank}; expected 3 (N, C * block, blocks).`);
    const image = sizesOf(image_shape);
    const block = sizesOf(block_shape);
    if (!image || !block) {
      const shape = declaredShape(context, 'image_shape or block_shape');
      if (image) return tensorOf(input.dtype, [...shape.slice(0, 2), ...image]);
      return tensorOf(input.dtype, shape);
    }
    const count = image.length;
    if (block.length !== count) context.fail(`block_shape has ${block.length} entries, image_shape ${count}.`);
    for (const name of ['dilations', 'strides'] as const) {
      perAxis(attributes[name], count, 1, name, (rule) => context.fail(rule));
    }
    perAxis(attributes.pads, 2 * count, 0, 'pads', (rule) => context.fail(rule));
    return tensorOf(input.dtype, [input.shape[0]!, div(input.shape[1]!, product(block)), ...image]);
  },
  compute: ({ input, block_shape }, attributes, index, { types }) => {
    const [n, c, ...outputs] = index;
    const [, channels, ...image] = types[0]!.shape;
    const count = image.length;
    const strides = perAxis(attributes.strides, count, 1, 'strides', alreadyChecked);
    const dilations = perAxis(attributes.dilations, count, 1, 'dilations', alreadyChecked);
    const pads = perAxis(attributes.pads, 2 * count, 0, 'pads', alreadyChecked);
    const { axes, taps, number, sizes } = blockTaps(block_shape, count, channels!, input);
    const blocks = image.map((extent, axis) => {
      const room = sub(add(extent, int(pads[axis]! + pads[axis + count]!)), reach(sizes[axis]!, dilations[axis]!));
      return simplify(div(add(room, int(strides[axis]!)), int(strides[axis]!)));
    });
    const places = image.map((output, axis) =>
      spreadPosition(
        {
          input: blocks[axis]!,
          stride: strides[axis]!,
          dilation: dilations[axis]!,
          padBegin: int(pads[axis]!),
          output,
        },
        outputs[axis]!,
        taps[axis]!,
      ),
    );
    const block = flatten(
      places.map(({ at }) => at),
      blocks,
    );
    const row = add(mul(c!, simplify(div(input.shape[1]!, channels!))), number);
    const wide = accumulatorType(input.dtype);
    const inRange = simplify(lt(block, input.shape[2]!));
    const present = all([...places.map((place) => place.present), inRange, simplify(le(int(0), block))]);
    const value = select(present, cast(input.at(n!, row, block), wide), constant(0, wide));
    return cast(reduce('sum', axes, value), input.dtype);
  },
});
