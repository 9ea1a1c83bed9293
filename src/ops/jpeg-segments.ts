// What stands before the scan of a JPEG: its segments, noted in registers and among the picture's tables.

import type { Expr } from '../../ir/expr.ts';
import { add, and, binary, eq, indexVar, int, le, lt, mul, not, or, select } from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, ifThen, loop, whileLoop } from '../../ir/kernel-walk.ts';
import { byteAt, expect, inTurn, isFine, judge, lengthOf, type Picture, setSize, wordAt } from './picture-parts.ts';
import { setTable, symbolsAt, tableAt } from './prefix-codes.ts';
import { grow, named, read, register, set, withRegisters } from './sequence-layout.ts';

// Places among the picture's tables.
export const quantizersAt = 0;
const componentsAt = 400;
export const blockAt = 500;
export const orderAt = 600;
export const codesAt = 1000;
export const codesRoom = 300;

const part = { id: 0, wide: 1, high: 2, quantizer: 3, direct: 4, alternating: 5, before: 6 } as const;
export type Part = keyof typeof part;
export const partPlace = (component: Expr, name: Part): Expr =>
  add(mul(component, int(8)), int(componentsAt + part[name]));

/** Codes number 0 to 3 are of the first value of a block, 4 to 7 of the others. */
export const codesOf = (kind: Expr): Expr => add(mul(kind, int(codesRoom)), int(codesAt));

export interface State {
  readonly at: Buffer;
  readonly components: Buffer;
  readonly interval: Buffer;
  readonly gathered: Buffer;
  readonly begun: Buffer;
  readonly value: Buffer;
  readonly symbol: Buffer;
  readonly place: Buffer;
}

const short = (picture: Picture, at: Expr): Expr => wordAt(picture, at, 2, 'greatest');
export const partOf = (picture: Picture, component: Expr, name: Part): Expr =>
  tableAt(picture, partPlace(component, name));
export const isHalfWide = (picture: Picture): Expr => eq(partOf(picture, int(0), 'wide'), int(2));
export const isHalfHigh = (picture: Picture): Expr => eq(partOf(picture, int(0), 'high'), int(2));

function takeQuantizers(picture: Picture, at: Expr, end: Expr): Stmt {
  const from = register('from');
  const i = indexVar('i', 64);
  const step = named('kind', byteAt(picture, read(from)), (kind) =>
    inTurn(picture, [
      expect(picture, lt(kind, int(4)), 'unsupported'),
      block([
        loop(
          i,
          setTable(
            picture,
            add(int(quantizersAt), add(mul(kind, int(64)), i)),
            byteAt(picture, add(add(read(from), int(1)), i)),
          ),
        ),
        grow(from, int(65)),
      ]),
    ]),
  );
  return withRegisters([from], block([set(from, at), whileLoop(and(isFine(picture), lt(read(from), end)), step)]));
}

function takeCodes(picture: Picture, at: Expr, end: Expr): Stmt {
  const [from, total] = [register('from'), register('total')];
  const length = indexVar('length', 16);
  const head = byteAt(picture, read(from));
  const step = named(
    'base',
    codesOf(add(mul(binary('shr', head, int(4)), int(4)), binary('and', head, int(3)))),
    (base) => {
      const i = indexVar('i', read(total));
      const count = byteAt(picture, add(add(read(from), int(1)), length));
      return inTurn(picture, [
        expect(picture, and(lt(head, int(0x20)), lt(binary('and', head, int(15)), int(4)))),
        block([
          set(total, int(0)),
          loop(length, block([setTable(picture, add(add(base, int(1)), length), count), grow(total, count)])),
          expect(picture, le(read(total), int(256))),
        ]),
        block([
          loop(
            i,
            setTable(picture, add(add(base, int(symbolsAt)), i), byteAt(picture, add(add(read(from), int(17)), i))),
          ),
          grow(from, add(int(17), read(total))),
        ]),
      ]);
    },
  );
  return withRegisters(
    [from, total],
    block([set(from, at), whileLoop(and(isFine(picture), lt(read(from), end)), step)]),
  );
}

function takeFrame(picture: Picture, { components }: State, at: Expr): Stmt {
  const c = indexVar('c', read(components));
  const entry = add(add(at, int(6)), mul(c, int(3)));
  const sampling = byteAt(picture, add(entry, int(1)));
  const put = (name: Part, value: Expr): Stmt => setTable(picture, partPlace(c, name), value);
  const isAlone = eq(read(components), int(1));
  const is = (component: number, wide: Expr, high: Expr): Expr =>
    and(eq(partOf(picture, int(component), 'wide'), wide), eq(partOf(picture, int(component), 'high'), high));
  const whole = (component: number): Expr => is(component, int(1), int(1));
  const luma = or(whole(0), or(is(0, int(2), int(1)), is(0, int(2), int(2))));
  return inTurn(picture, [
    block([
      set(components, byteAt(picture, add(at, int(5)))),
      expect(picture, eq(byteAt(picture, at), int(8)), 'unsupported'),
      expect(picture, or(isAlone, eq(read(components), int(3))), 'unsupported'),
    ]),
    setSize(picture, short(picture, add(at, int(1))), short(picture, add(at, int(3)))),
    block([
      loop(
        c,
        block([
          put('id', byteAt(picture, entry)),
          put('wide', select(isAlone, int(1), binary('shr', sampling, int(4)))),
          put('high', select(isAlone, int(1), binary('and', sampling, int(15)))),
          put('quantizer', binary('and', byteAt(picture, add(entry, int(2))), int(3))),
        ]),
      ),
      ifThen(not(isAlone), expect(picture, and(luma, and(whole(1), whole(2))), 'unsupported')),
    ]),
  ]);
}

function takeScanHead(picture: Picture, { components, begun }: State, at: Expr): Stmt {
  const c = indexVar('c', read(components));
  const entry = add(add(at, int(1)), mul(c, int(2)));
  const kinds = byteAt(picture, add(entry, int(1)));
  return inTurn(picture, [
    expect(picture, lt(int(0), read(components))),
    expect(picture, eq(byteAt(picture, at), read(components)), 'unsupported'),
    block([
      loop(
        c,
        block([
          expect(picture, eq(byteAt(picture, entry), partOf(picture, c, 'id'))),
          setTable(picture, partPlace(c, 'direct'), binary('and', binary('shr', kinds, int(4)), int(3))),
          setTable(picture, partPlace(c, 'alternating'), add(int(4), binary('and', kinds, int(3)))),
          setTable(picture, partPlace(c, 'before'), int(0)),
        ]),
      ),
      set(begun, int(1)),
    ]),
  ]);
}

/** Reads segments up to the head of the scan. */
export function takeSegments(picture: Picture, state: State): Stmt {
  const { at, interval, begun } = state;
  const marker = byteAt(picture, add(read(at), int(1)));
  const is = (...codes: readonly number[]): Expr => codes.map((code) => eq(marker, int(code))).reduce(or);
  const isFrame = and(eq(binary('and', marker, int(0xf0)), int(0xc0)), not(is(0xc4, 0xc8, 0xcc)));
  const data = add(read(at), int(4));
  const adobe = add(data, int(11));
  const use = named('size', short(picture, add(read(at), int(2))), (size) => {
    const end = add(add(read(at), int(2)), size);
    return inTurn(picture, [
      expect(picture, and(le(int(2), size), le(end, lengthOf(picture)))),
      block([
        ifThen(is(0xdb), takeQuantizers(picture, data, end)),
        ifThen(is(0xc4), takeCodes(picture, data, end)),
        ifThen(isFrame, ifThen(is(0xc0, 0xc1), takeFrame(picture, state, data), judge(picture, 'unsupported'))),
        ifThen(is(0xdd), set(interval, short(picture, data))),
        // Three components of which Adobe says that they are colours already.
        ifThen(
          and(is(0xee), and(eq(size, int(14)), eq(byteAt(picture, adobe), int(0)))),
          judge(picture, 'unsupported'),
        ),
        ifThen(is(0xda), takeScanHead(picture, state, data)),
        set(at, end),
      ]),
    ]);
  });
  const step = inTurn(picture, [
    expect(picture, and(eq(byteAt(picture, read(at)), int(0xff)), not(is(0xd9)))),
    ifThen(is(0xff), grow(at, int(1)), use),
  ]);
  return block([set(at, int(2)), whileLoop(and(isFine(picture), eq(read(begun), int(0))), step)]);
}
