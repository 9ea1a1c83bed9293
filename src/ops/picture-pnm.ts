// The portable formats: bits (P1, P4), grey (P2, P5) and colours (P3, P6), as text or as bytes.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  bool,
  div,
  eq,
  indexVar,
  int,
  le,
  lt,
  max,
  min,
  mul,
  ne,
  not,
  or,
  select,
  sub,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, ifThen, loop, whileLoop } from '../../ir/kernel-walk.ts';
import {
  byteAt,
  expect,
  fieldOf,
  forEachPixel,
  inTurn,
  lengthOf,
  type Picture,
  putChannel,
  rowsFit,
  setSize,
} from './picture-parts.ts';
import { grow, read, register, set, withRegisters } from './sequence-layout.ts';

const codeOf = (letter: string): Expr => int(letter.charCodeAt(0));
const within = (value: Expr, low: Expr, high: Expr): Expr => and(le(low, value), le(value, high));

export const isPnm = (picture: Picture): Expr =>
  and(eq(byteAt(picture, int(0)), codeOf('P')), within(byteAt(picture, int(1)), codeOf('1'), codeOf('6')));

interface State {
  readonly at: Buffer;
  readonly number: Buffer;
  /** How many digits it has. */
  readonly taken: Buffer;
  readonly kind: Buffer;
  readonly most: Buffer;
}

/** Moves over white space and comments, which end with their line. */
function skipSpace(picture: Picture, { at }: State): Stmt {
  const next = byteAt(picture, read(at));
  const isSpace = or(eq(next, int(32)), within(next, int(9), int(13)));
  const inLine = and(lt(read(at), lengthOf(picture)), ne(next, int(10)));
  const comment = whileLoop(inLine, grow(at, int(1)));
  return whileLoop(or(isSpace, eq(next, codeOf('#'))), block([ifThen(isSpace, grow(at, int(1)), comment)]));
}

/** number = the decimal number that comes next, or only its first digit. */
function takeNumber(picture: Picture, state: State, isDigitAlone: Expr): Stmt {
  const { at, number, taken } = state;
  const next = byteAt(picture, read(at));
  const isDigit = within(next, codeOf('0'), codeOf('9'));
  const isDone = and(isDigitAlone, lt(int(0), read(taken)));
  const take = block([
    set(number, min(add(mul(read(number), int(10)), sub(next, codeOf('0'))), int(10 ** 8))),
    grow(at, int(1)),
    grow(taken, int(1)),
  ]);
  return block([
    skipSpace(picture, state),
    set(taken, int(0)),
    set(number, int(0)),
    expect(picture, isDigit),
    whileLoop(and(isDigit, not(isDone)), take),
  ]);
}

/** number = the value that comes next in a file of bytes: one or two of them. */
function takeBytes(picture: Picture, { at, number, most }: State): Stmt {
  const isWide = lt(int(255), read(most));
  const high = byteAt(picture, read(at));
  return block([
    set(number, select(isWide, add(mul(high, int(256)), byteAt(picture, add(read(at), int(1)))), high)),
    grow(at, select(isWide, int(2), int(1))),
    expect(picture, le(read(at), lengthOf(picture))),
  ]);
}

function takePixels(picture: Picture, state: State): Stmt {
  const { at, number, kind, most } = state;
  const isKind = (wanted: number): Expr => eq(read(kind), int(wanted));
  const rowBytes = div(add(read(picture.width), int(7)), int(8));
  return forEachPixel(picture, (y, x) => {
    const row = add(read(at), mul(y, rowBytes));
    const bit = fieldOf((place) => byteAt(picture, add(row, place)), x, int(1));
    const ofBytes = ifThen(isKind(4), set(number, bit), takeBytes(picture, state));
    const take = ifThen(le(read(kind), int(3)), takeNumber(picture, state, isKind(1)), ofBytes);
    const channel = indexVar('channel', 3);
    const isNew = or(eq(channel, int(0)), or(isKind(3), isKind(6)));
    // A bit that is set is black.
    const bright = select(or(isKind(1), isKind(4)), sub(int(1), read(number)), read(number));
    const level = max(min(bright, read(most)), int(0));
    const value = div(add(mul(level, int(2 * 255)), read(most)), mul(read(most), int(2)));
    const checked = block([take, expect(picture, le(read(number), read(most)))]);
    return loop(channel, block([ifThen(isNew, checked), putChannel(picture, y, x, channel, value)]));
  });
}

export function decodePnm(picture: Picture): Stmt {
  const state: State = {
    at: register('at'),
    number: register('number'),
    taken: register('taken'),
    kind: register('kind'),
    most: register('most'),
  };
  const { at, number, kind, most } = state;
  const columns = register('columns');
  const takeMost = block([takeNumber(picture, state, bool(false)), set(most, read(number))]);
  const rowBytes = div(add(read(picture.width), int(7)), int(8));
  const steps = [
    block([
      set(kind, sub(byteAt(picture, int(1)), codeOf('0'))),
      set(at, int(2)),
      takeNumber(picture, state, bool(false)),
      set(columns, read(number)),
    ]),
    takeNumber(picture, state, bool(false)),
    setSize(picture, read(number), read(columns)),
    block([
      set(most, int(1)),
      ifThen(and(ne(read(kind), int(1)), ne(read(kind), int(4))), takeMost),
      expect(picture, within(read(most), int(1), int(65535))),
      // One byte of white space stands before the pixels.
      grow(at, int(1)),
    ]),
    ifThen(eq(read(kind), int(4)), expect(picture, rowsFit(picture, read(at), read(picture.height), rowBytes))),
    takePixels(picture, state),
  ];
  return withRegisters([...Object.values(state), columns], inTurn(picture, steps));
}
