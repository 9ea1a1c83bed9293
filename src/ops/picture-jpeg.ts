// JPEG, baseline: grey, or luma and chroma with chroma whole, half as wide, or half as wide and high, in one scan.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  binary,
  bool,
  cast,
  ceilDiv,
  div,
  eq,
  indexVar,
  int,
  le,
  lt,
  mul,
  ne,
  not,
  or,
  select,
  sub,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, ifThen, loop, store, whileLoop } from '../../ir/kernel-walk.ts';
import {
  blockAt,
  codesAt,
  codesOf,
  codesRoom,
  isHalfHigh,
  isHalfWide,
  orderAt,
  partOf,
  partPlace,
  quantizersAt,
  type State,
  takeSegments,
} from './jpeg-segments.ts';
import { colourOf, type Plane, sampleAt, transformBlock } from './jpeg-transform.ts';
import {
  byteAt,
  expect,
  forEachPixel,
  hasBytes,
  inTurn,
  isFine,
  judge,
  lengthOf,
  type Picture,
  putPixel,
} from './picture-parts.ts';
import { type Bits, setTable, tableAt, takeBits, takeSymbol } from './prefix-codes.ts';
import { grow, named, read, register, set, withRegisters } from './sequence-layout.ts';

export const isJpeg = (picture: Picture): Expr => hasBytes(picture, 0, [0xff, 0xd8, 0xff]);

/** The order of a block's values in a stream: along its diagonals. */
const diagonals: readonly number[] = Array.from({ length: 64 }, (_, i) => i).toSorted((a, b) => {
  const [sumA, sumB] = [(a >> 3) + (a & 7), (b >> 3) + (b & 7)];
  return sumA === sumB ? (sumA % 2 === 0 ? (a & 7) - (b & 7) : (b & 7) - (a & 7)) : sumA - sumB;
});

/** Copies the scan without what marks its parts: no marker, and no zero behind a byte of ones. */
function gather(picture: Picture, { at, gathered }: State): Stmt {
  const byte = byteAt(picture, read(at));
  const next = byteAt(picture, add(read(at), int(1)));
  const isMarker = and(eq(byte, int(0xff)), ne(next, int(0)));
  const isRestart = and(isMarker, eq(binary('and', next, int(0xf8)), int(0xd0)));
  const put = block([store(picture.packed, [read(gathered)], cast(byte, 'uint8')), grow(gathered, int(1))]);
  const step = block([ifThen(not(isMarker), put), grow(at, select(eq(byte, int(0xff)), int(2), int(1)))]);
  return whileLoop(and(lt(read(at), lengthOf(picture)), or(not(isMarker), isRestart)), step);
}

/** The number in `bits` bits; those that begin with a zero are negative. */
const signed = (value: Expr, bits: Expr): Expr =>
  select(
    and(lt(int(0), bits), lt(value, binary('shl', int(1), sub(bits, int(1))))),
    add(sub(value, binary('shl', int(1), bits)), int(1)),
    value,
  );

function takeBlock(picture: Picture, state: State, bits: Bits, component: Expr): Stmt {
  const { value, symbol, place } = state;
  const clear = indexVar('clear', 64);
  const quantizer = (k: Expr): Expr =>
    tableAt(picture, add(int(quantizersAt), add(mul(partOf(picture, component, 'quantizer'), int(64)), k)));
  const put = (k: Expr, level: Expr): Stmt =>
    setTable(picture, add(int(blockAt), tableAt(picture, add(int(orderAt), k))), mul(level, quantizer(k)));
  const size = binary('and', read(symbol), int(15));
  const before = partPlace(component, 'before');
  const first = block([
    takeBits(bits, read(symbol), value),
    setTable(picture, before, add(tableAt(picture, before), signed(read(value), read(symbol)))),
    put(int(0), tableAt(picture, before)),
    set(place, int(1)),
  ]);
  const isLong = eq(read(symbol), int(0xf0));
  const level = inTurn(picture, [
    block([grow(place, binary('shr', read(symbol), int(4))), expect(picture, lt(read(place), int(64)))]),
    block([takeBits(bits, size, value), put(read(place), signed(read(value), size)), grow(place, int(1))]),
  ]);
  const step = inTurn(picture, [
    takeSymbol(bits, codesOf(partOf(picture, component, 'alternating')), symbol, 16),
    ifThen(eq(size, int(0)), set(place, select(isLong, add(read(place), int(16)), int(64))), level),
  ]);
  return inTurn(picture, [
    block([
      loop(clear, setTable(picture, add(int(blockAt), clear), int(0))),
      takeSymbol(bits, codesOf(partOf(picture, component, 'direct')), symbol, 16),
    ]),
    expect(picture, le(read(symbol), int(11))),
    block([first, whileLoop(and(isFine(picture), lt(read(place), int(64))), step)]),
  ]);
}

interface Grid {
  readonly columns: Expr;
  readonly stride: Expr;
  readonly room: Expr;
}

function takeScan(picture: Picture, state: State, bits: Bits, { columns, stride, room }: Grid, rows: Expr): Stmt {
  const { components, interval } = state;
  const [y, x, c] = [indexVar('y', rows), indexVar('x', columns), indexVar('c', read(components))];
  const each = indexVar('each', read(components));
  const [wide, high] = [partOf(picture, c, 'wide'), partOf(picture, c, 'high')];
  const [v, h] = [indexVar('v', high), indexVar('h', wide)];
  const row = mul(add(mul(y, high), v), int(8));
  const column = mul(add(mul(x, wide), h), int(8));
  const to = add(mul(c, room), add(mul(row, stride), column));
  const one = inTurn(picture, [takeBlock(picture, state, bits, c), transformBlock(picture, blockAt, to, stride)]);
  const restart = block([
    set(bits.position, mul(div(add(read(bits.position), int(7)), int(8)), int(8))),
    loop(each, setTable(picture, partPlace(each, 'before'), int(0))),
  ]);
  const turn = named('turn', add(mul(y, columns), x), (number) => {
    const divisor = select(lt(int(0), read(interval)), read(interval), int(1));
    const isNew = and(lt(int(0), read(interval)), eq(binary('mod', number, divisor), int(0)));
    return block([ifThen(isNew, restart), loop(c, loop(v, loop(h, ifThen(isFine(picture), one))))]);
  });
  return loop(y, loop(x, ifThen(isFine(picture), turn)));
}

function writePixels(picture: Picture, { components }: State, { stride, room }: Grid): Stmt {
  const plane = (component: number, halves: boolean): Plane => ({
    start: mul(int(component), room),
    stride,
    isHalfWide: halves ? isHalfWide(picture) : bool(false),
    isHalfHigh: halves ? isHalfHigh(picture) : bool(false),
  });
  return forEachPixel(picture, (y, x) => {
    const luma = sampleAt(picture, plane(0, false), y, x);
    const grey = putPixel(picture, y, x, () => luma);
    const coloured = named('luma', luma, (own) =>
      named('blue', sampleAt(picture, plane(1, true), y, x), (blue) =>
        named('red', sampleAt(picture, plane(2, true), y, x), (red) =>
          putPixel(picture, y, x, (channel) => colourOf(channel, own, blue, red)),
        ),
      ),
    );
    return ifThen(eq(read(components), int(1)), grey, coloured);
  });
}

export function decodeJpeg(picture: Picture): Stmt {
  const names = ['at', 'components', 'interval', 'gathered', 'begun', 'value', 'symbol', 'place'];
  const state = Object.fromEntries(names.map((name) => [name, register(name)])) as unknown as State;
  const position = register('position');
  const bits: Bits = { picture, source: picture.packed, end: read(state.gathered), position, highestFirst: true };
  const clear = indexVar('clear', codesAt + 8 * codesRoom);
  const unit = (isHalf: Expr): Expr => select(isHalf, int(16), int(8));
  const scan = named('columns', ceilDiv(read(picture.width), unit(isHalfWide(picture))), (columns) =>
    named('rows', ceilDiv(read(picture.height), unit(isHalfHigh(picture))), (rows) =>
      named('stride', mul(columns, unit(isHalfWide(picture))), (stride) =>
        named('room', mul(stride, mul(rows, unit(isHalfHigh(picture)))), (room) =>
          inTurn(picture, [
            takeScan(picture, state, bits, { columns, stride, room }, rows),
            writePixels(picture, state, { columns, stride, room }),
          ]),
        ),
      ),
    ),
  );
  const steps = [
    block([
      ...[...Object.values(state), position].map((place: Buffer) => set(place, int(0))),
      loop(clear, setTable(picture, clear, int(0))),
      ...diagonals.map((value, i) => setTable(picture, int(orderAt + i), int(value))),
      takeSegments(picture, state),
    ]),
    // Positions of bits are sizes too.
    ifThen(lt(int(2 ** 27), lengthOf(picture)), judge(picture, 'unsupported')),
    block([gather(picture, state), scan]),
  ];
  return withRegisters([...Object.values(state), position], inTurn(picture, steps));
}
