// What the decoders of pictures share: the encoded bytes, the pixels they become, and how a stream is found to be bad.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  binary,
  cast,
  constant,
  eq,
  indexVar,
  int,
  le,
  load,
  lt,
  min,
  mul,
  not,
  select,
  sub,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, check, ifThen, loop, store } from '../../ir/kernel-walk.ts';
import { read, set } from './sequence-layout.ts';

/** A picture being decoded. Buffers are flat. */
export interface Picture {
  readonly stream: Buffer;
  /** The pixels row by row: red, green, blue. Room for `tallest` rows of `widest` pixels. */
  readonly canvas: Buffer;
  /** Bytes to work in: 8 for each pixel of a picture that has 32 more rows and columns. */
  readonly work: Buffer;
  /** As many bytes as the stream has. */
  readonly packed: Buffer;
  /** `tableRoom` integers to work with. */
  readonly tables: Buffer;
  readonly height: Buffer;
  readonly width: Buffer;
  /** A `Verdict`. */
  readonly verdict: Buffer;
  readonly tallest: Expr;
  readonly widest: Expr;
}

export const tableRoom = 12800;

export const verdicts = { fine: 0, broken: 1, unsupported: 2 } as const;
export type Verdict = keyof typeof verdicts;

export const judge = ({ verdict }: Picture, found: Verdict): Stmt => set(verdict, int(verdicts[found]));
export const isFine = ({ verdict }: Picture): Expr => eq(read(verdict), int(verdicts.fine));
export const expect = (picture: Picture, condition: Expr, otherwise: Verdict = 'broken'): Stmt =>
  ifThen(not(condition), judge(picture, otherwise));

/** Statements each of which is only reached while the stream is fine. */
export const inTurn = (picture: Picture, steps: readonly Stmt[]): Stmt =>
  steps.reduceRight((rest, step) => block([step, ifThen(isFine(picture), rest)]));

export const lengthOf = ({ stream }: Picture): Expr => stream.shape[0]!;

/** A byte of a buffer as an index; 0 before its beginning and behind `end`. */
export const byteOf = (buffer: Buffer, at: Expr, end: Expr = buffer.shape[0]!): Expr =>
  select(and(le(int(0), at), lt(at, end)), cast(load(buffer, [at]), 'index'), int(0));

export const byteAt = ({ stream }: Picture, at: Expr): Expr => byteOf(stream, at);

/** Larger numbers in a stream are read as this one, so that sums of two never overflow. */
const greatest = 2 ** 29;

/** A number of two or four bytes that begins at `at`, with the least or the greatest byte first. */
export function wordAt(picture: Picture, at: Expr, bytes: 2 | 4, order: 'least' | 'greatest'): Expr {
  const parts = Array.from({ length: bytes }, (_, i) => {
    const place = order === 'least' ? i : bytes - 1 - i;
    return mul(cast(byteAt(picture, add(at, int(i))), 'int64'), constant(256n ** BigInt(place), 'int64'));
  });
  return cast(min(parts.reduce(add), constant(BigInt(greatest), 'int64')), 'index');
}

/** Whether the bytes at `at` are these. */
export const hasBytes = (picture: Picture, at: number, bytes: readonly number[]): Expr =>
  bytes.map((byte, i) => eq(byteAt(picture, int(at + i)), int(byte))).reduce(and);

/** Takes the size of the picture: one without pixels is broken, one that is larger than its room ends the run. */
export function setSize(picture: Picture, height: Expr, width: Expr): Stmt {
  const { tallest, widest } = picture;
  const fits = and(
    le(read(picture.height), min(tallest, int(2 ** 24))),
    le(read(picture.width), min(widest, int(2 ** 24))),
  );
  return block([
    set(picture.height, height),
    set(picture.width, width),
    check(fits, 'shape'),
    expect(picture, and(lt(int(0), read(picture.height)), lt(int(0), read(picture.width)))),
  ]);
}

/** `count` rows of `stride` bytes from `start` on lie in the stream; the product is taken where it cannot overflow. */
export function rowsFit(picture: Picture, start: Expr, count: Expr, stride: Expr): Expr {
  const wide = (value: Expr): Expr => cast(value, 'int64');
  return le(add(wide(start), mul(wide(count), wide(stride))), wide(lengthOf(picture)));
}

/** Writes a channel (0 red, 1 green, 2 blue) of a pixel. */
export const putChannel = (picture: Picture, y: Expr, x: Expr, channel: Expr, value: Expr): Stmt =>
  store(picture.canvas, [add(mul(add(mul(y, read(picture.width)), x), int(3)), channel)], cast(value, 'uint8'));

/** Writes all channels of a pixel. */
export function putPixel(picture: Picture, y: Expr, x: Expr, value: (channel: Expr) => Expr): Stmt {
  const channel = indexVar('channel', 3);
  return loop(channel, putChannel(picture, y, x, channel, value(channel)));
}

/** Every pixel, row by row. */
export function forEachPixel(picture: Picture, body: (y: Expr, x: Expr) => Stmt): Stmt {
  const [y, x] = [indexVar('y', read(picture.height)), indexVar('x', read(picture.width))];
  return loop(y, loop(x, body(y, x)));
}

/** The field of `bits` bits (1, 2, 4 or 8) number `position` of bytes whose first field is in the highest bits. */
export function fieldOf(byte: (at: Expr) => Expr, position: Expr, bits: Expr): Expr {
  const bit = mul(position, bits);
  const shift = sub(sub(int(8), bits), binary('and', bit, int(7)));
  const mask = sub(binary('shl', int(1), bits), int(1));
  return binary('and', binary('shr', byte(binary('shr', bit, int(3))), shift), mask);
}
