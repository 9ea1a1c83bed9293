// Decompression of zlib streams (RFC 1950, RFC 1951), as PNG and TIFF hold them. Nothing is written beyond the target,
// and what was found is only used where the sum at the end of the stream agrees.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  binary,
  cast,
  constant,
  div,
  eq,
  indexVar,
  int,
  le,
  load,
  lt,
  mod,
  mul,
  ne,
  select,
  sub,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, ifThen, loop, store, whileLoop } from '../../ir/kernel-walk.ts';
import { byteOf, expect, inTurn, isFine, judge, type Picture } from './picture-parts.ts';
import { type Bits, makeCodes, setTable, tableAt, takeBits, takeSymbol } from './prefix-codes.ts';
import { grow, named, read, register, set, withRegisters } from './sequence-layout.ts';

/** Where lengths of codes and the two tables made from them lie among the picture's tables. */
const lengthsAt = 0;
const literalsAt = 400;
const distancesAt = 800;

interface Inflation extends Bits {
  readonly target: Buffer;
  /** Where the stream's bytes begin in the target, and how many of the target's bytes are written. */
  readonly start: Expr;
  readonly written: Buffer;
  readonly value: Buffer;
  readonly symbol: Buffer;
  readonly length: Buffer;
}

const bytePlace = ({ position }: Bits): Expr => binary('shr', read(position), int(3));
const hasRoom = ({ target, written }: Inflation, count: Expr): Expr => le(count, sub(target.shape[0]!, read(written)));

/** A block that is not compressed. */
function copyBlock(state: Inflation): Stmt {
  const { picture, source, end, target, written, position, value, length } = state;
  return inTurn(picture, [
    block([
      set(position, mul(div(add(read(position), int(7)), int(8)), int(8))),
      takeBits(state, int(16), length),
      takeBits(state, int(16), value),
      expect(picture, eq(add(read(length), read(value)), int(0xffff))),
      expect(picture, and(hasRoom(state, read(length)), le(add(bytePlace(state), read(length)), end))),
    ]),
    named('count', read(length), (count) =>
      named('from', bytePlace(state), (from) => {
        const i = indexVar('i', count);
        const copy = store(target, [add(read(written), i)], load(source, [add(from, i)]));
        return block([loop(i, copy), grow(written, count), grow(position, mul(count, int(8)))]);
      }),
    ),
  ]);
}

/** Lengths that each block with a code of its own may use. */
function setFixedLengths(picture: Picture): Stmt {
  const [literal, distance] = [indexVar('literal', 288), indexVar('distance', 30)];
  const bound = (limit: number, length: number, rest: Expr): Expr => select(lt(literal, int(limit)), int(length), rest);
  const length = bound(144, 8, bound(256, 9, bound(280, 7, int(8))));
  return block([
    loop(literal, setTable(picture, add(int(lengthsAt), literal), length)),
    loop(distance, setTable(picture, add(int(lengthsAt + 288), distance), int(5))),
    makeCodes(picture, literalsAt, int(lengthsAt), int(288)),
    makeCodes(picture, distancesAt, int(lengthsAt + 288), int(30)),
  ]);
}

/** Which symbol the length number `i` of the code of lengths belongs to: 16, 17, 18, 0, 8, 7, 9, 6, 10 … */
function orderOfLengths(i: Expr): Expr {
  const half = binary('shr', sub(i, int(4)), int(1));
  const isEven = eq(binary('and', i, int(1)), int(0));
  const later = select(isEven, add(int(8), half), sub(int(7), half));
  return select(lt(i, int(3)), add(i, int(16)), select(eq(i, int(3)), int(0), later));
}

/** Reads the lengths of codes of a block, which are compressed themselves. */
function takeLengths(state: Inflation): Stmt {
  const { picture, value, symbol, length } = state;
  const [literals, distances, given, at] = [
    register('literals'),
    register('distances'),
    register('given'),
    register('at'),
  ];
  const [clear, i] = [indexVar('clear', 19), indexVar('i', read(given))];
  const total = add(read(literals), read(distances));
  const field = (bits: number, place: Buffer, least: number): Stmt =>
    block([takeBits(state, int(bits), value), set(place, add(read(value), int(least)))]);
  const takeOne = block([takeBits(state, int(3), value), setTable(picture, orderOfLengths(i), read(value))]);
  const previous = tableAt(picture, add(int(lengthsAt - 1), read(at)));
  const again = (bits: number, least: number): Stmt => field(bits, length, least);
  const repeat = named('run', read(length), (run) => {
    const k = indexVar('k', run);
    return named('again', select(eq(read(symbol), int(16)), previous, int(0)), (own) =>
      block([loop(k, setTable(picture, add(add(int(lengthsAt), read(at)), k), own)), grow(at, run)]),
    );
  });
  const repeated = block([
    ifThen(eq(read(symbol), int(16)), again(2, 3), ifThen(eq(read(symbol), int(17)), again(3, 3), again(7, 11))),
    ifThen(eq(read(symbol), int(16)), expect(picture, lt(int(0), read(at)))),
    expect(picture, le(add(read(at), read(length)), total)),
    ifThen(isFine(picture), repeat),
  ]);
  const plain = block([setTable(picture, add(int(lengthsAt), read(at)), read(symbol)), grow(at, int(1))]);
  const step = block([
    takeSymbol(state, int(literalsAt), symbol),
    ifThen(isFine(picture), ifThen(lt(read(symbol), int(16)), plain, repeated)),
  ]);
  const steps = [
    block([
      field(5, literals, 257),
      field(5, distances, 1),
      field(4, given, 4),
      loop(clear, setTable(picture, add(int(lengthsAt), clear), int(0))),
      loop(i, takeOne),
      expect(picture, and(le(read(literals), int(286)), le(read(distances), int(30)))),
      makeCodes(picture, literalsAt, int(lengthsAt), int(19)),
    ]),
    block([set(at, int(0)), whileLoop(and(isFine(picture), lt(read(at), total)), step)]),
    makeCodes(picture, literalsAt, int(lengthsAt), read(literals)),
    makeCodes(picture, distancesAt, add(int(lengthsAt), read(literals)), read(distances)),
  ];
  return withRegisters([literals, distances, given, at], inTurn(picture, steps));
}

/** Copies what was written before: how much, and how far back, is said by symbols and the bits behind them. */
function copyMatch(state: Inflation): Stmt {
  const { picture, target, start, written, value, symbol, length } = state;
  const distance = register('distance');
  /** Symbols in groups of `size`; those of each group after the first two have one more bit. */
  const withExtra = (own: Buffer, place: Expr, size: number, least: number): Stmt =>
    named('extra', select(lt(place, int(2 * size)), int(0), sub(div(place, int(size)), int(1))), (extra) => {
      const head = select(lt(place, int(size)), place, add(int(size), mod(place, int(size))));
      return block([
        takeBits(state, extra, value),
        set(own, add(add(binary('shl', head, extra), int(least)), read(value))),
      ]);
    });
  const place = sub(read(symbol), int(257));
  const isLongest = eq(read(symbol), int(285));
  const k = indexVar('k', read(length));
  const copy = store(target, [add(read(written), k)], load(target, [sub(add(read(written), k), read(distance))]));
  const steps = [
    expect(picture, le(read(symbol), int(285))),
    block([
      ifThen(
        isLongest,
        set(length, int(258)),
        named('place', place, (own) => withExtra(length, own, 4, 3)),
      ),
      takeSymbol(state, int(distancesAt), symbol),
    ]),
    expect(picture, lt(read(symbol), int(30))),
    block([
      named('place', read(symbol), (own) => withExtra(distance, own, 2, 1)),
      expect(picture, and(hasRoom(state, read(length)), le(read(distance), sub(read(written), start)))),
    ]),
    block([loop(k, copy), grow(written, read(length))]),
    // What was a distance must not be taken for the end.
    set(symbol, int(0)),
  ];
  return withRegisters([distance], inTurn(picture, steps));
}

/** The symbols of a block up to its end. */
function takeBlock(state: Inflation): Stmt {
  const { picture, target, written, symbol } = state;
  const isEnd = int(256);
  const put = block([store(target, [read(written)], cast(read(symbol), 'uint8')), grow(written, int(1))]);
  const literal = inTurn(picture, [expect(picture, hasRoom(state, int(1))), put]);
  const use = ifThen(lt(read(symbol), isEnd), literal, ifThen(lt(isEnd, read(symbol)), copyMatch(state)));
  const step = block([takeSymbol(state, int(literalsAt), symbol), ifThen(isFine(picture), use)]);
  return block([set(symbol, int(0)), whileLoop(and(isFine(picture), ne(read(symbol), isEnd)), step)]);
}

function takeBlocks(state: Inflation): Stmt {
  const { picture, position, end, value } = state;
  const [last, kind] = [register('last'), register('kind')];
  const isKind = (wanted: number): Expr => eq(read(kind), int(wanted));
  const coded = inTurn(picture, [ifThen(isKind(1), setFixedLengths(picture), takeLengths(state)), takeBlock(state)]);
  const step = block([
    takeBits(state, int(1), last),
    takeBits(state, int(2), kind),
    expect(picture, and(ne(read(kind), int(3)), le(read(position), mul(end, int(8))))),
    ifThen(isFine(picture), ifThen(isKind(0), copyBlock(state), coded)),
  ]);
  const goesOn = and(isFine(picture), eq(read(last), int(0)));
  return withRegisters([last, kind], block([set(last, int(0)), set(value, int(0)), whileLoop(goesOn, step)]));
}

/** Checks what was written against the sum behind the stream (Adler-32). */
function checkSum(state: Inflation): Stmt {
  const { picture, source, end, target, start, written, position } = state;
  const [low, high] = [register('low'), register('high')];
  const modulus = int(65521);
  const i = indexVar('i', sub(read(written), start));
  const step = block([
    set(low, mod(add(read(low), byteOf(target, add(start, i))), modulus)),
    set(high, mod(add(read(high), read(low)), modulus)),
  ]);
  const half = (from: Expr): Expr => {
    const byte = (k: number): Expr => byteOf(source, add(from, int(k)), end);
    return add(mul(byte(0), int(256)), byte(1));
  };
  const compare = named('sum', div(add(read(position), int(7)), int(8)), (sum) =>
    expect(picture, and(eq(half(sum), read(high)), eq(half(add(sum, int(2))), read(low)))),
  );
  return withRegisters([low, high], block([set(low, int(1)), set(high, int(0)), loop(i, step), compare]));
}

/** Decompresses the bytes from `from` to `end` of the source to where `written` stands, and moves that on. */
export function inflate(picture: Picture, source: Buffer, from: Expr, end: Expr, written: Buffer): Stmt {
  const [position, value, symbol, length] = ['position', 'value', 'symbol', 'length'].map((name) => register(name)) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  const target = picture.work;
  const [method, flags] = [byteOf(source, from, end), byteOf(source, add(from, int(1)), end)];
  const isZlib = and(
    eq(binary('and', method, int(15)), int(8)),
    eq(mod(add(mul(method, int(256)), flags), int(31)), int(0)),
  );
  const hasDictionary = ne(binary('and', flags, int(32)), int(0));
  return withRegisters(
    [position, value, symbol, length],
    named('start', read(written), (start) => {
      const state: Inflation = { picture, source, end, position, target, start, written, value, symbol, length };
      return inTurn(picture, [
        expect(picture, and(isZlib, eq(hasDictionary, constant(0, 'bool')))),
        // Positions of bits are sizes too.
        ifThen(lt(int(2 ** 27), end), judge(picture, 'unsupported')),
        block([set(position, mul(add(from, int(2)), int(8))), takeBlocks(state)]),
        checkSum(state),
      ]);
    }),
  );
}
