// Col2Im: adds up blocks (columns) into the image that they were cut from; overlaps are summed.
//   Y[n, c, y…] = sum over k… of input[n, c * K + k, l]     l: the block whose tap k lies on y

import type { DType } from '../../ir/dtype.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import {
  add,
  all,
  cast,
  constant,
  constantOf,
  div,
  indexVar,
  int,
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
import { agreeing, listed, runTimeShape, sizeAt } from './run-time-operands.ts';
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

interface Layout {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

const alreadyChecked = (rule: string): never => {
  throw new RangeError(rule);
};

function layoutOf(
  attributes: {
    readonly strides: readonly number[] | undefined;
    readonly dilations: readonly number[] | undefined;
    readonly pads: readonly number[] | undefined;
  },
  count: number,
  fail: (rule: string) => never = alreadyChecked,
): Layout {
  const strides = perAxis(attributes.strides, count, 1, 'strides', fail);
  const dilations = perAxis(attributes.dilations, count, 1, 'dilations', fail);
  const pads = perAxis(attributes.pads, 2 * count, 0, 'pads', fail);
  if ([...strides, ...dilations].some((value) => value < 1)) fail('strides and dilations must be at least 1.');
  if (pads.some((value) => value < 0)) fail(`pads are ${pads.join(', ')}; they must be at least 0.`);
  return { strides, dilations, pads };
}

/** How many blocks fit along each axis of the image. */
const blockCounts = (
  image: readonly Expr[],
  block: readonly Expr[],
  { strides, dilations, pads }: Layout,
): readonly Expr[] =>
  image.map((extent, axis) => {
    const [stride, padding] = [strides[axis]!, pads[axis]! + pads[axis + image.length]!];
    const room = sub(add(extent, int(padding)), reach(block[axis]!, dilations[axis]!));
    return simplify(max(div(add(room, int(stride)), int(stride)), int(0)));
  });

/** Sizes that are known must be legal, whatever the others are. */
function checkSizes(sizes: readonly Expr[], name: string, least: number, fail: (rule: string) => never): void {
  const wrong = sizes.map((size) => constantOf(size)).find((size) => size !== undefined && size < least);
  if (wrong !== undefined) fail(`${name} has an entry of ${wrong}; each must be at least ${least}.`);
}

export const Col2Im = op('Col2Im', {
  inputs: ['input', 'image_shape', 'block_shape'],
  outputs: ['output'],
  attributes: { dilations: optionalInts, pads: optionalInts, strides: optionalInts },
  types: { input: anyNumeric, image_shape: sizeType, block_shape: sizeType },
  since: 18,
  type: ({ input, image_shape, block_shape }, attributes, context) => {
    const fail = context.fail;
    if (input.rank !== 3) fail(`input has rank ${input.rank}; expected 3 (N, C * block, blocks).`);
    const image = sizesOf(image_shape) ?? listed(image_shape, context, 'image_shape');
    const block = sizesOf(block_shape) ?? listed(block_shape, context, 'block_shape');
    if (block.length !== image.length) fail(`block_shape has ${block.length} entries, image_shape ${image.length}.`);
    const layout = layoutOf(attributes, image.length, fail);
    checkSizes(image, 'image_shape', 0, fail);
    checkSizes(block, 'block_shape', 1, fail);
    const [batch, columns, blocks] = input.shape.map((extent) => constantOf(extent));
    const taps = constantOf(product(block));
    if (columns !== undefined && taps !== undefined && columns % taps !== 0)
      fail(`axis 1 of input is ${columns}, no multiple of the ${taps} elements of a block.`);
    const fitting = constantOf(product(blockCounts(image, block, layout)));
    if (blocks !== undefined && fitting !== undefined && blocks !== fitting && batch !== 0 && columns !== 0)
      fail(`input has ${blocks} blocks; ${fitting} fit into the image.`);
    const channels = div(input.shape[1]!, max(product(block), int(1)));
    const shape = runTimeShape(context, 'image_shape or block_shape', [channels, ...image], [input.shape[1]!], 0);
    return tensorOf(input.dtype, [input.shape[0]!, ...shape]);
  },
  compute: ({ input, block_shape }, attributes, index, { types }) => {
    const [n, c, ...outputs] = index;
    const [, channels, ...image] = types[0]!.shape;
    const layout = layoutOf(attributes, image.length);
    const { axes, taps, number, sizes } = blockTaps(block_shape, image.length, max(channels!, int(1)), input);
    const blocks = blockCounts(image, sizes, layout);
    const places = image.map((output, axis) =>
      spreadPosition(
        {
          input: blocks[axis]!,
          stride: layout.strides[axis]!,
          dilation: layout.dilations[axis]!,
          padBegin: int(layout.pads[axis]!),
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
    const row = add(mul(c!, product(sizes)), number);
    const wide = accumulatorType(input.dtype);
    const value = select(all(places.map((place) => place.present)), cast(input.at(n!, row, block), wide), zero(wide));
    const fits = [
      [input.shape[1]!, mul(channels!, product(sizes))],
      [input.shape[2]!, product(blocks)],
    ] as const;
    return agreeing(fits, cast(reduce('sum', axes, value), input.dtype));
  },
});

const zero = (dtype: DType): Expr => constant(0, dtype);
