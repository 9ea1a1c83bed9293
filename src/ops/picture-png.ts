// PNG: all colour types and depths (of 16 bits the upper 8 count, transparency is left out), interlaced or not.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  binary,
  cast,
  ceilDiv,
  div,
  eq,
  indexVar,
  int,
  le,
  lt,
  max,
  mul,
  or,
  select,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, ifThen, loop, store, whileLoop } from '../../ir/kernel-walk.ts';
import { inflate } from './inflate.ts';
import {
  byteAt,
  byteOf,
  expect,
  fieldOf,
  hasBytes,
  inTurn,
  isFine,
  lengthOf,
  type Picture,
  putPixel,
  setSize,
  wordAt,
} from './picture-parts.ts';
import { pick } from './run-time-operands.ts';
import { copyRun, grow, named, read, register, set, withRegisters } from './sequence-layout.ts';

export const isPng = (picture: Picture): Expr => hasBytes(picture, 0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

const codes = (text: string): readonly number[] => [...text].map((letter) => letter.charCodeAt(0));

interface State {
  readonly depth: Buffer;
  readonly colour: Buffer;
  readonly interlaced: Buffer;
  readonly channels: Buffer;
  /** Where the palette's colours begin, and how many bytes they take. */
  readonly palette: Buffer;
  readonly paletteBytes: Buffer;
  /** How many bytes the parts of the compressed data have together; then how many there are without compression. */
  readonly gathered: Buffer;
  readonly written: Buffer;
  /** Where the next row begins. */
  readonly row: Buffer;
}

/** Goes through the chunks: notes the palette, and puts the parts of the compressed data one after another. */
function gather(picture: Picture, { palette, paletteBytes, gathered }: State): Stmt {
  const [at, ended] = [register('at'), register('ended', 'bool')];
  const size = wordAt(picture, read(at), 4, 'greatest');
  const isChunk = (name: string): Expr =>
    codes(name)
      .map((code, i) => eq(byteAt(picture, add(read(at), int(4 + i))), int(code)))
      .reduce(and);
  const data = add(read(at), int(8));
  const take = block([copyRun(picture.packed, picture.stream, read(gathered), data, size), grow(gathered, size)]);
  const use = block([
    ifThen(isChunk('PLTE'), block([set(palette, data), set(paletteBytes, size)])),
    ifThen(isChunk('IEND'), set(ended, eq(int(0), int(0)))),
    ifThen(isChunk('IDAT'), take),
    set(at, add(add(read(at), int(12)), size)),
  ]);
  const step = block([
    expect(picture, le(add(data, add(size, int(4))), lengthOf(picture))),
    ifThen(isFine(picture), use),
  ]);
  const goesOn = and(isFine(picture), unary('not', read(ended)));
  return withRegisters([at, ended], block([set(at, int(8)), set(ended, lt(int(1), int(0))), whileLoop(goesOn, step)]));
}

/** What of the bytes before foretells a byte, by the number of a row's filter. */
function foretold(filter: Expr, left: Expr, above: Expr, corner: Expr): Expr {
  const distance = (to: Expr): Expr => unary('abs', sub(sub(add(left, above), corner), to));
  const [a, b, c] = [distance(left), distance(above), distance(corner)];
  const nearest = select(and(le(a, b), le(a, c)), left, select(le(b, c), above, corner));
  return pick([int(0), left, above, div(add(left, above), int(2))], filter, nearest);
}

/** Undoes the filter of a row of `bytes` bytes, in place. */
function unfilterRow(picture: Picture, { depth, channels, row, written }: State, bytes: Expr, isFirst: Expr): Stmt {
  const { work } = picture;
  const pixelBytes = max(div(mul(read(depth), read(channels)), int(8)), int(1));
  const i = indexVar('i', bytes);
  const own = add(add(read(row), int(1)), i);
  const before = (place: Expr): Expr => byteOf(work, place);
  const filter = byteOf(work, read(row));
  const hasLeft = le(pixelBytes, i);
  const up = sub(own, add(bytes, int(1)));
  const left = select(hasLeft, before(sub(own, pixelBytes)), int(0));
  const above = select(isFirst, int(0), before(up));
  const corner = select(and(hasLeft, unary('not', isFirst)), before(sub(up, pixelBytes)), int(0));
  const value = add(before(own), foretold(filter, left, above, corner));
  return inTurn(picture, [
    expect(picture, le(add(add(read(row), int(1)), bytes), read(written))),
    expect(picture, le(filter, int(4))),
    loop(i, store(work, [own], cast(binary('and', value, int(255)), 'uint8'))),
  ]);
}

/** The pixel number `x` of the row that begins at `row`, put to (`toY`, `toX`). */
function writePixel(picture: Picture, state: State, x: Expr, toY: Expr, toX: Expr): Stmt {
  const { depth, colour, channels, palette, paletteBytes, row } = state;
  const byte = (at: Expr): Expr => byteOf(picture.work, add(add(read(row), int(1)), at));
  const isDeep = eq(read(depth), int(16));
  const channelAt = (channel: Expr): Expr => {
    const position = add(mul(x, read(channels)), channel);
    return select(isDeep, byte(mul(position, int(2))), fieldOf(byte, position, select(isDeep, int(8), read(depth))));
  };
  const brightest = sub(binary('shl', int(1), select(isDeep, int(8), read(depth))), int(1));
  const grey = div(mul(channelAt(int(0)), int(255)), brightest);
  const isPalette = eq(read(colour), int(3));
  const entry = mul(channelAt(int(0)), int(3));
  const isColoured = le(int(3), read(channels));
  return block([
    ifThen(isPalette, expect(picture, lt(entry, read(paletteBytes)))),
    putPixel(picture, toY, toX, (channel) => {
      const ofPalette = byteAt(picture, add(read(palette), add(entry, channel)));
      return select(isPalette, ofPalette, select(isColoured, channelAt(channel), grey));
    }),
  ]);
}

/** The passes of an interlaced picture, each with every so many rows and columns; any other has one. */
function takePasses(picture: Picture, state: State): Stmt {
  const { depth, channels, interlaced, row } = state;
  const isInterlaced = eq(read(interlaced), int(1));
  const pass = indexVar('pass', select(isInterlaced, int(7), int(1)));
  const ofPass = (values: readonly number[], otherwise: number): Expr =>
    select(isInterlaced, pick(values.map(int), pass, int(1)), int(otherwise));
  const [firstY, firstX] = [ofPass([0, 0, 4, 0, 2, 0, 1], 0), ofPass([0, 4, 0, 2, 0, 1, 0], 0)];
  const [stepY, stepX] = [ofPass([8, 8, 8, 4, 4, 2, 2], 1), ofPass([8, 8, 4, 4, 2, 2, 1], 1)];
  const count = (size: Buffer, first: Expr, step: Expr): Expr => ceilDiv(max(sub(read(size), first), int(0)), step);
  const takeRows = named('rows', count(picture.height, firstY, stepY), (rows) =>
    named('columns', count(picture.width, firstX, stepX), (columns) =>
      named('bytes', ceilDiv(mul(mul(columns, read(depth)), read(channels)), int(8)), (bytes) => {
        const [y, x] = [indexVar('y', rows), indexVar('x', columns)];
        const toY = add(firstY, mul(y, stepY));
        const toX = add(firstX, mul(x, stepX));
        const turn = inTurn(picture, [
          unfilterRow(picture, state, bytes, eq(y, int(0))),
          block([loop(x, writePixel(picture, state, x, toY, toX)), grow(row, add(bytes, int(1)))]),
        ]);
        return ifThen(lt(int(0), columns), loop(y, ifThen(isFine(picture), turn)));
      }),
    ),
  );
  return block([set(row, int(0)), loop(pass, takeRows)]);
}

export function decodePng(picture: Picture): Stmt {
  const names = ['depth', 'colour', 'interlaced', 'channels', 'palette', 'paletteBytes', 'gathered', 'written', 'row'];
  const state = Object.fromEntries(names.map((name) => [name, register(name)])) as unknown as State;
  const { depth, colour, interlaced, channels, palette, paletteBytes, gathered, written } = state;
  const isOneOf = (place: Buffer, ...numbers: readonly number[]): Expr =>
    numbers.map((number) => eq(read(place), int(number))).reduce(or);
  const allowed = or(
    and(isOneOf(depth, 1, 2, 4), isOneOf(colour, 0, 3)),
    or(and(isOneOf(depth, 8), isOneOf(colour, 0, 2, 3, 4, 6)), and(isOneOf(depth, 16), isOneOf(colour, 0, 2, 4, 6))),
  );
  const header = block([
    set(depth, byteAt(picture, int(24))),
    set(colour, byteAt(picture, int(25))),
    set(interlaced, byteAt(picture, int(28))),
    set(channels, pick([int(1), int(1), int(3), int(1), int(2), int(1)], read(colour), int(4))),
    set(palette, int(0)),
    set(paletteBytes, int(0)),
    set(gathered, int(0)),
    set(written, int(0)),
    expect(picture, and(hasBytes(picture, 8, [0, 0, 0, 13, ...codes('IHDR')]), allowed)),
    expect(picture, and(hasBytes(picture, 26, [0, 0]), le(read(interlaced), int(1)))),
  ]);
  const steps = [
    header,
    setSize(picture, wordAt(picture, int(20), 4, 'greatest'), wordAt(picture, int(16), 4, 'greatest')),
    gather(picture, state),
    inflate(picture, picture.packed, int(0), read(gathered), written),
    takePasses(picture, state),
  ];
  return withRegisters(Object.values(state), inTurn(picture, steps));
}
