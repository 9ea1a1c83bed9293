// LZW as TIFF has it: codes of 9 to 12 bits, the highest first, that grow one code early.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  binary,
  cast,
  eq,
  indexVar,
  int,
  le,
  lt,
  min,
  mul,
  ne,
  or,
  select,
  sub,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, ifThen, loop, store, whileLoop } from '../../ir/kernel-walk.ts';
import { byteAt, byteOf, expect, inTurn, isFine, judge, type Picture } from './picture-parts.ts';
import { setTable, tableAt } from './prefix-codes.ts';
import { grow, named, read, register, set, withRegisters } from './sequence-layout.ts';

const entries = 4096;
const clearCode = 256;
const endCode = 257;

interface State {
  readonly position: Buffer;
  readonly bits: Buffer;
  readonly code: Buffer;
  readonly next: Buffer;
  /** The code before, -1 where there is none. */
  readonly previous: Buffer;
  readonly cursor: Buffer;
}

/** A string of the table is that of its prefix and one more byte. */
const prefixOf = (picture: Picture, code: Expr): Expr => tableAt(picture, code);
const suffixOf = (picture: Picture, code: Expr): Expr => tableAt(picture, add(code, int(entries)));
const lengthOf = (picture: Picture, code: Expr): Expr => tableAt(picture, add(code, int(2 * entries)));

const setEntry = (picture: Picture, code: Expr, prefix: Expr, suffix: Expr, length: Expr): Stmt =>
  block([
    setTable(picture, code, prefix),
    setTable(picture, add(code, int(entries)), suffix),
    setTable(picture, add(code, int(2 * entries)), length),
  ]);

function takeCode(picture: Picture, { position, bits, code }: State): Stmt {
  const place = indexVar('place', read(bits));
  const shift = sub(int(7), binary('and', read(position), int(7)));
  const bit = binary('and', binary('shr', byteAt(picture, binary('shr', read(position), int(3))), shift), int(1));
  const step = block([set(code, add(mul(read(code), int(2)), bit)), grow(position, int(1))]);
  return block([set(code, int(0)), loop(place, step)]);
}

/** Writes what the code stands for, and enters the string before with the first byte of this one. */
function useCode(picture: Picture, { bits, code, next, previous, cursor }: State, written: Buffer): Stmt {
  const { work } = picture;
  const isNew = eq(read(code), read(next));
  const hasPrevious = le(int(0), read(previous));
  const known = select(isNew, read(previous), read(code));
  const put = (at: Expr, value: Expr): Stmt => store(work, [at], cast(value, 'uint8'));
  const first = byteOf(work, read(written));
  const write = named('known', known, (source) =>
    named('length', lengthOf(picture, source), (length) => {
      const k = indexVar('k', length);
      const at = sub(sub(add(read(written), length), int(1)), k);
      const copy = block([put(at, suffixOf(picture, read(cursor))), set(cursor, prefixOf(picture, read(cursor)))]);
      const enter = block([
        setEntry(picture, read(next), read(previous), first, add(lengthOf(picture, read(previous)), int(1))),
        grow(next, int(1)),
      ]);
      const grows = and(lt(read(bits), int(12)), le(sub(binary('shl', int(1), read(bits)), int(1)), read(next)));
      return inTurn(picture, [
        expect(picture, lt(add(read(written), length), work.shape[0]!)),
        block([
          set(cursor, source),
          loop(k, copy),
          ifThen(isNew, put(add(read(written), length), first)),
          ifThen(and(hasPrevious, lt(read(next), int(entries))), block([enter, ifThen(grows, grow(bits, int(1)))])),
          grow(written, lengthOf(picture, read(code))),
          set(previous, read(code)),
        ]),
      ]);
    }),
  );
  const isKnown = or(lt(read(code), int(clearCode)), and(hasPrevious, or(lt(read(code), read(next)), isNew)));
  return inTurn(picture, [expect(picture, and(isKnown, lt(read(code), int(entries)))), write]);
}

/** Decompresses the stream's bytes from `from` to `end` to where `written` stands, until it is `goal`. */
export function unpackLzw(picture: Picture, from: Expr, end: Expr, written: Buffer, goal: Expr): Stmt {
  const names = ['position', 'bits', 'code', 'next', 'previous', 'cursor'];
  const state = Object.fromEntries(names.map((name) => [name, register(name)])) as unknown as State;
  const { position, bits, code, next, previous } = state;
  const plain = indexVar('plain', clearCode);
  const clear = block([set(next, int(endCode + 1)), set(bits, int(9)), set(previous, int(-1))]);
  const use = ifThen(eq(read(code), int(clearCode)), clear, useCode(picture, state, written));
  const step = block([
    takeCode(picture, state),
    expect(picture, le(read(position), mul(end, int(8)))),
    ifThen(and(isFine(picture), ne(read(code), int(endCode))), use),
  ]);
  const goesOn = and(and(isFine(picture), lt(read(written), goal)), ne(read(code), int(endCode)));
  const body = inTurn(picture, [
    // Positions of bits are sizes too.
    ifThen(lt(int(2 ** 27), end), judge(picture, 'unsupported')),
    block([
      loop(plain, setEntry(picture, plain, int(0), plain, int(1))),
      set(position, mul(min(from, end), int(8))),
      set(code, int(0)),
      clear,
      whileLoop(goesOn, step),
    ]),
  ]);
  return withRegisters(Object.values(state), body);
}
