// BMP: pictures of 1, 4, 8, 24 or 32 bits a pixel that are not compressed.

import type { Expr } from '../../ir/expr.ts';
import { add, and, binary, eq, int, le, lt, mul, or, select, sub } from '../../ir/expr-make.ts';
import type { Stmt } from '../../ir/kernel.ts';
import { block } from '../../ir/kernel-walk.ts';
import {
  byteAt,
  expect,
  fieldOf,
  forEachPixel,
  hasBytes,
  inTurn,
  type Picture,
  putPixel,
  rowsFit,
  setSize,
  wordAt,
} from './picture-parts.ts';
import { named, read, register, set, withRegisters } from './sequence-layout.ts';

export const isBmp = (picture: Picture): Expr => hasBytes(picture, 0, [0x42, 0x4d]);

const isOneOf = (value: Expr, ...numbers: readonly number[]): Expr =>
  numbers.map((number) => eq(value, int(number))).reduce(or);

/** How channels lie in a pixel of 32 bits that says so itself: only the usual order is read. */
const hasUsualMasks = (picture: Picture): Expr => hasBytes(picture, 54, [0, 0, 0xff, 0, 0, 0xff, 0, 0, 0xff, 0, 0, 0]);

export function decodeBmp(picture: Picture): Stmt {
  const word = (at: number, bytes: 2 | 4): Expr => wordAt(picture, int(at), bytes, 'least');
  const header = word(14, 4);
  const [pixels, bits, stride] = [register('pixels'), register('bits'), register('stride')];
  // A height that is negative says that the top row comes first.
  const downwards = register('downwards', 'bool');
  const lowBits = binary('and', sub(int(0), word(22, 2)), int(0xffff));
  const isShort = eq(word(24, 2), int(0xffff));
  const plain = eq(word(30, 4), int(0));
  const masked = and(and(eq(word(30, 4), int(3)), eq(read(bits), int(32))), hasUsualMasks(picture));
  const rowBytes = mul(binary('shr', add(mul(read(picture.width), read(bits)), int(31)), int(5)), int(4));
  const steps = [
    expect(picture, le(int(40), header), 'unsupported'),
    block([
      set(downwards, le(int(128), byteAt(picture, int(25)))),
      set(pixels, word(10, 4)),
      set(bits, word(28, 2)),
      expect(picture, or(isShort, lt(byteAt(picture, int(25)), int(128)))),
    ]),
    expect(picture, and(isOneOf(read(bits), 1, 4, 8, 24, 32), or(plain, masked)), 'unsupported'),
    setSize(picture, select(read(downwards), lowBits, word(22, 4)), word(18, 4)),
    block([set(stride, rowBytes), expect(picture, rowsFit(picture, read(pixels), read(picture.height), read(stride)))]),
    forEachPixel(picture, (y, x) => {
      const row = select(read(downwards), y, sub(sub(read(picture.height), int(1)), y));
      return named('row', add(read(pixels), mul(row, read(stride))), (start) => {
        const palette = add(int(14), header);
        const field = fieldOf((at) => byteAt(picture, add(start, at)), x, read(bits));
        const direct = add(start, mul(x, binary('shr', read(bits), int(3))));
        // Blue comes first.
        return named('colour', select(le(read(bits), int(8)), add(palette, mul(field, int(4))), direct), (colour) =>
          putPixel(picture, y, x, (channel) => byteAt(picture, add(colour, sub(int(2), channel)))),
        );
      });
    }),
  ];
  return withRegisters([pixels, bits, stride, downwards], inTurn(picture, steps));
}
