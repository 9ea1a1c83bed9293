// Prefix codes as the kernels that decompress read them: made from the lengths of the codes, read bit by bit. A table
// takes 16 counts of codes of each length, 16 places, and the symbols in the order of their codes.

import type { Expr } from '../../ir/expr.ts';
import { add, and, binary, cast, indexVar, int, le, load, lt, mul, ne, sub } from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, ifThen, loop, store, whileLoop } from '../../ir/kernel-walk.ts';
import { byteOf, expect, type Picture } from './picture-parts.ts';
import { grow, named, read, register, set, withRegisters } from './sequence-layout.ts';

const longest = 15;
const placesAt = 16;
export const symbolsAt = 32;

/** Bits that are read from the lowest of each byte on, or from the highest. Behind `end` they are zero. */
export interface Bits {
  readonly picture: Picture;
  readonly source: Buffer;
  readonly end: Expr;
  /** How many bits lie before the next one. */
  readonly position: Buffer;
  readonly highestFirst?: boolean;
}

export const tableAt = ({ tables }: Picture, at: Expr): Expr => cast(load(tables, [at]), 'index');
export const setTable = ({ tables }: Picture, at: Expr, value: Expr): Stmt => store(tables, [at], cast(value, 'int32'));
const growTable = (picture: Picture, at: Expr): Stmt => setTable(picture, at, add(tableAt(picture, at), int(1)));

const nextBit = ({ source, end, position, highestFirst }: Bits): Expr => {
  const byte = byteOf(source, binary('shr', read(position), int(3)), end);
  const place = binary('and', read(position), int(7));
  return binary('and', binary('shr', byte, highestFirst ? sub(int(7), place) : place), int(1));
};

/** value = the number in the next `count` bits, in the order in which bits are read. */
export function takeBits(bits: Bits, count: Expr, value: Buffer): Stmt {
  const place = indexVar('place', count);
  const bit = nextBit(bits);
  const take = bits.highestFirst
    ? set(value, add(mul(read(value), int(2)), bit))
    : grow(value, binary('shl', bit, place));
  const step = block([take, grow(bits.position, int(1))]);
  return block([set(value, int(0)), loop(place, step)]);
}

/** Makes the table at `base` from `count` lengths (0 to 15, 0 where a symbol has no code) that stand at `lengths`. */
export function makeCodes(picture: Picture, base: number, lengths: Expr, count: Expr): Stmt {
  const at = (place: number, length: Expr): Expr => add(int(base + place), length);
  const lengthOf = (symbol: Expr): Expr => tableAt(picture, add(lengths, symbol));
  const left = register('left');
  const [clear, counted, symbol] = [indexVar('clear', 32), indexVar('counted', count), indexVar('symbol', count)];
  const [free, before] = [indexVar('free', longest), indexVar('before', longest)];
  const places = named('length', add(before, int(1)), (length) => {
    const previous = add(tableAt(picture, at(placesAt, before)), tableAt(picture, at(0, before)));
    return setTable(picture, at(placesAt, length), previous);
  });
  const enter = named('length', lengthOf(symbol), (length) =>
    ifThen(
      lt(int(0), length),
      block([
        setTable(picture, at(symbolsAt, tableAt(picture, at(placesAt, length))), symbol),
        growTable(picture, at(placesAt, length)),
      ]),
    ),
  );
  const body = block([
    loop(clear, setTable(picture, at(0, clear), int(0))),
    loop(counted, growTable(picture, at(0, lengthOf(counted)))),
    // Symbols without a code take no place.
    setTable(picture, int(base), int(0)),
    set(left, int(1)),
    loop(
      free,
      block([
        set(left, sub(mul(read(left), int(2)), tableAt(picture, at(1, free)))),
        // More codes than there is room for.
        expect(picture, le(int(0), read(left))),
      ]),
    ),
    loop(before, places),
    loop(symbol, enter),
  ]);
  return withRegisters([left], body);
}

/** symbol = what the next code of the table at `base` stands for. */
export function takeSymbol(bits: Bits, base: Expr, symbol: Buffer, most = longest): Stmt {
  const { picture, position, end } = bits;
  const [code, first, offset, length] = [register('code'), register('first'), register('offset'), register('length')];
  const step = named('count', tableAt(picture, add(base, read(length))), (count) =>
    block([
      grow(code, nextBit(bits)),
      grow(position, int(1)),
      ifThen(
        lt(sub(read(code), count), read(first)),
        set(symbol, tableAt(picture, add(add(add(base, int(symbolsAt)), read(offset)), sub(read(code), read(first))))),
        block([
          grow(offset, count),
          set(first, mul(add(read(first), count), int(2))),
          set(code, mul(read(code), int(2))),
          grow(length, int(1)),
        ]),
      ),
    ]),
  );
  const body = block([
    set(code, int(0)),
    set(first, int(0)),
    set(offset, int(0)),
    set(length, int(1)),
    set(symbol, int(-1)),
    whileLoop(and(lt(read(symbol), int(0)), le(read(length), int(most))), step),
    expect(picture, and(ne(read(symbol), int(-1)), le(read(position), mul(end, int(8))))),
  ]);
  return withRegisters([code, first, offset, length], body);
}
