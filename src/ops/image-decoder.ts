// ImageDecoder: an encoded picture as bytes of pixels. A stream that cannot be decoded gives an empty picture, as the
// standard asks for; one of a kind that the standard knows and we do not ends the run ('index'), and so does a picture
// that is larger than the model declares ('shape'). One file for each format decodes to red, green and blue.

import type { Expr } from '../../ir/expr.ts';
import { add, and, binary, cast, indexVar, int, load, mul, ne, or } from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, check, ifThen, loops, store } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { upperBound } from '../../ir/upper-bound.ts';
import { stringAttribute } from './attributes.ts';
import { op, type TypeContext } from './define.ts';
import { decodeBmp, isBmp } from './picture-bmp.ts';
import { decodeJpeg, isJpeg } from './picture-jpeg.ts';
import { hasBytes, isFine, judge, type Picture, tableRoom, verdicts } from './picture-parts.ts';
import { decodePng, isPng } from './picture-png.ts';
import { decodePnm, isPnm } from './picture-pnm.ts';
import { decodeTiff, isTiff } from './picture-tiff.ts';
import { declaredShape } from './run-time-operands.ts';
import { findExtents, read, register, set, withRegisters } from './sequence-layout.ts';
import { differ, tensorOf, typeSet } from './types.ts';

interface Format {
  recognize(picture: Picture): Expr;
  decode(picture: Picture): Stmt;
}

const unsupported = (picture: Picture): Stmt => judge(picture, 'unsupported');

const isJpeg2000 = (picture: Picture): Expr =>
  or(hasBytes(picture, 0, [0, 0, 0, 12, 0x6a, 0x50, 0x20, 0x20]), hasBytes(picture, 0, [0xff, 0x4f, 0xff, 0x51]));
const isWebp = (picture: Picture): Expr =>
  and(hasBytes(picture, 0, [0x52, 0x49, 0x46, 0x46]), hasBytes(picture, 8, [0x57, 0x45, 0x42, 0x50]));

const formats: readonly Format[] = [
  { recognize: isBmp, decode: decodeBmp },
  { recognize: isPnm, decode: decodePnm },
  { recognize: isTiff, decode: decodeTiff },
  { recognize: isPng, decode: decodePng },
  { recognize: isJpeg, decode: decodeJpeg },
  { recognize: isJpeg2000, decode: unsupported },
  { recognize: isWebp, decode: unsupported },
];

const decodeAny = (picture: Picture): Stmt =>
  formats.reduceRight(
    (rest, { recognize, decode }) => ifThen(recognize(picture), decode(picture), rest),
    judge(picture, 'broken'),
  );

/** What the model declares bounds the picture. */
function pictureShape(channels: number, context: TypeContext): readonly Expr[] {
  const declared = declaredShape(context, 'encoded_stream');
  if (declared.length !== 3 || differ(declared[2]!, int(channels))) {
    return context.fail(`the output must have the shape [height, width, ${channels}].`);
  }
  const [height, width] = declared as readonly [Expr, Expr];
  return [context.fresh('height', height), context.fresh('width', width), int(channels)];
}

/** A channel of a pixel; grey is as ITU-R 601-2 weighs the colours, in parts of 65536. */
function channelOf({ canvas, width }: Picture, y: Expr, x: Expr, channel: Expr, format: string): Expr {
  const pixel = mul(add(mul(y, read(width)), x), int(3));
  if (format === 'RGB') return load(canvas, [add(pixel, channel)]);
  if (format === 'BGR') return load(canvas, [add(pixel, binary('sub', int(2), channel))]);
  const weighted = [19595, 38470, 7471].map((weight, i) =>
    mul(cast(load(canvas, [add(pixel, int(i))]), 'index'), int(weight)),
  );
  return cast(binary('shr', add(weighted.reduce(add), int(0x8000)), int(16)), 'uint8');
}

function writeImage(image: Buffer, picture: Picture, sizes: Buffer | undefined, format: string): Stmt {
  const index = image.shape.map((extent, axis) => indexVar(`i${axis}`, extent));
  const [y, x, channel] = index as [Expr, Expr, Expr];
  const write = loops(index, store(image, index, channelOf(picture, y, x, channel, format)));
  return findExtents(
    image.shape.slice(0, 2),
    sizes,
    (axis) => read(axis === 0 ? picture.height : picture.width),
    write,
  );
}

/** The outputs beyond the first are memory to work in. */
export const ImageDecoder = op('ImageDecoder', {
  inputs: ['encoded_stream'],
  outputs: ['image', 'canvas?', 'work?', 'packed?', 'tables?'],
  attributes: { pixel_format: stringAttribute('RGB', ['RGB', 'BGR', 'Grayscale']) },
  types: { encoded_stream: typeSet('T1', ['uint8']) },
  since: 20,
  type: ({ encoded_stream }, { pixel_format }, context) => {
    if (encoded_stream.rank !== 1) context.fail(`encoded_stream has rank ${encoded_stream.rank}; expected 1.`);
    const shape = pictureShape(pixel_format === 'Grayscale' ? 1 : 3, context);
    const [height, width] = shape.map(upperBound) as [Expr, Expr];
    const padded = (size: Expr): Expr => add(size, int(32));
    const bytes = (count: Expr) => tensorOf('uint8', [simplify(count)]);
    return [
      tensorOf('uint8', shape),
      bytes(mul(mul(height, width), int(3))),
      bytes(mul(mul(padded(height), padded(width)), int(8))),
      bytes(encoded_stream.shape[0]!),
      tensorOf('int32', [int(tableRoom)]),
    ];
  },
  kernel: ({ encoded_stream: stream }, outputs, { pixel_format }, { sizes }) => {
    const [image, canvas, work, packed, tables] = outputs as readonly Buffer[] & { length: 5 };
    const [height, width, verdict] = [register('height'), register('width'), register('verdict')];
    const [tallest, widest] = image!.shape.map(upperBound) as [Expr, Expr];
    const rooms = { canvas: canvas!, work: work!, packed: packed!, tables: tables! };
    const picture: Picture = { stream, ...rooms, height, width, verdict, tallest, widest };
    const body = block([
      set(height, int(0)),
      set(width, int(0)),
      judge(picture, 'fine'),
      decodeAny(picture),
      check(ne(read(verdict), int(verdicts.unsupported)), 'index'),
      ifThen(isFine(picture), block([]), block([set(height, int(0)), set(width, int(0))])),
      writeImage(image!, picture, sizes, pixel_format),
    ]);
    return withRegisters([height, width, verdict], body);
  },
});
