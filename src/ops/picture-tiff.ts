// TIFF: the first picture of a file, in strips, with 1, 2, 4 or 8 bits a sample: grey, of a palette, or of colours. The
// strips may be plain, PackBits, LZW or deflated. Its fields are noted in the picture's tables before they are used.

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
  min,
  mul,
  not,
  or,
  select,
  sub,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, ifThen, loop, store, whileLoop } from '../../ir/kernel-walk.ts';
import { inflate } from './inflate.ts';
import { unpackLzw } from './lzw.ts';
import {
  byteAt,
  byteOf,
  expect,
  fieldOf,
  forEachPixel,
  hasBytes,
  inTurn,
  isFine,
  lengthOf,
  type Picture,
  putPixel,
  setSize,
  wordAt,
} from './picture-parts.ts';
import { setTable, tableAt } from './prefix-codes.ts';
import { copyRun, grow, named, read, register, set, withRegisters } from './sequence-layout.ts';

export const isTiff = (picture: Picture): Expr =>
  or(hasBytes(picture, 0, [0x49, 0x49, 42, 0]), hasBytes(picture, 0, [0x4d, 0x4d, 0, 42]));

/** The fields that are read, by their numbers, with what counts where there is none. */
const fields = {
  width: [256, 0],
  height: [257, 0],
  bits: [258, 1],
  compression: [259, 1],
  photometric: [262, 1],
  fillOrder: [266, 1],
  stripOffsets: [273, 0],
  orientation: [274, 1],
  samples: [277, 1],
  rowsPerStrip: [278, 2 ** 29],
  stripBytes: [279, 0],
  planar: [284, 1],
  predictor: [317, 1],
  palette: [320, 0],
  tileWidth: [322, 0],
  sampleFormat: [339, 1],
} as const;
type Field = keyof typeof fields;
const fieldNames = Object.keys(fields) as readonly Field[];

/** Each field has a place in the stream and the width of its values among the tables. */
const fieldsAt = 12300;
const slotOf = (field: Field): number => fieldsAt + 2 * fieldNames.indexOf(field);

function word(picture: Picture, at: Expr, bytes: 2 | 4): Expr {
  const isGreatestFirst = eq(byteAt(picture, int(0)), int(0x4d));
  return select(isGreatestFirst, wordAt(picture, at, bytes, 'greatest'), wordAt(picture, at, bytes, 'least'));
}

/** Value number `i` of a field. */
function fieldValue(picture: Picture, field: Field, i: Expr = int(0)): Expr {
  const place = tableAt(picture, int(slotOf(field)));
  const isShort = eq(tableAt(picture, int(slotOf(field) + 1)), int(2));
  const value = select(
    isShort,
    word(picture, add(place, mul(i, int(2))), 2),
    word(picture, add(place, mul(i, int(4))), 4),
  );
  return select(lt(place, int(0)), int(fields[field][1]), value);
}

/** Notes where the values of the fields stand: in the entry itself where they fit, else where it says. */
function noteFields(picture: Picture): Stmt {
  const directory = word(picture, int(4), 4);
  const entry = indexVar('entry', word(picture, directory, 2));
  const note = named('at', add(add(directory, int(2)), mul(entry, int(12))), (at) =>
    named('bytes', select(eq(word(picture, add(at, int(2)), 2), int(3)), int(2), int(4)), (bytes) => {
      const isInside = le(word(picture, add(at, int(4)), 4), div(int(4), bytes));
      const inside = add(at, int(8));
      const place = select(isInside, inside, word(picture, inside, 4));
      const own = (field: Field): Stmt =>
        ifThen(
          eq(word(picture, at, 2), int(fields[field][0])),
          block([setTable(picture, int(slotOf(field)), place), setTable(picture, int(slotOf(field) + 1), bytes)]),
        );
      return block(fieldNames.map(own));
    }),
  );
  return block([...fieldNames.map((field) => setTable(picture, int(slotOf(field)), int(-1))), loop(entry, note)]);
}

/** Runs of bytes, each behind a number: up to 127 as they are, more as one byte repeated. */
function unpackRuns(picture: Picture, from: Expr, end: Expr, written: Buffer, goal: Expr): Stmt {
  const at = register('at');
  const step = named('head', byteAt(picture, read(at)), (head) => {
    const isRun = lt(int(128), head);
    const count = select(isRun, sub(int(257), head), select(eq(head, int(128)), int(0), add(head, int(1))));
    return named('count', min(count, sub(goal, read(written))), (own) => {
      const i = indexVar('i', own);
      const value = byteAt(picture, add(add(read(at), int(1)), select(isRun, int(0), i)));
      return block([
        loop(i, store(picture.work, [add(read(written), i)], cast(value, 'uint8'))),
        grow(written, own),
        grow(at, add(select(isRun, int(1), count), int(1))),
      ]);
    });
  });
  const goesOn = and(lt(read(at), end), lt(read(written), goal));
  return withRegisters([at], block([set(at, from), whileLoop(goesOn, step)]));
}

function unpackStrip(picture: Picture, strip: Expr, written: Buffer, goal: Expr): Stmt {
  const is = (...kinds: readonly number[]): Expr =>
    kinds.map((kind) => eq(fieldValue(picture, 'compression'), int(kind))).reduce(or);
  return named('from', fieldValue(picture, 'stripOffsets', strip), (from) =>
    named('end', add(from, fieldValue(picture, 'stripBytes', strip)), (end) => {
      const wanted = sub(goal, read(written));
      const plain = block([
        expect(picture, le(wanted, sub(end, from))),
        ifThen(
          isFine(picture),
          block([copyRun(picture.work, picture.stream, read(written), from, wanted), set(written, goal)]),
        ),
      ]);
      const deflated = ifThen(
        is(8, 32946),
        inflate(picture, picture.stream, from, end, written),
        unpackRuns(picture, from, end, written, goal),
      );
      const packed = ifThen(is(5), unpackLzw(picture, from, end, written, goal), deflated);
      return inTurn(picture, [
        expect(picture, le(end, lengthOf(picture))),
        ifThen(is(1), plain, packed),
        expect(picture, le(goal, read(written))),
        // A strip may hold more than its rows.
        set(written, goal),
      ]);
    }),
  );
}

function unpackStrips(picture: Picture, rowBytes: Expr): Stmt {
  const written = register('written');
  const rows = min(fieldValue(picture, 'rowsPerStrip'), read(picture.height));
  const body = named('rows', rows, (perStrip) => {
    const strip = indexVar('strip', ceilDiv(read(picture.height), perStrip));
    const last = min(mul(add(strip, int(1)), perStrip), read(picture.height));
    const unpack = named('goal', mul(last, rowBytes), (goal) =>
      ifThen(isFine(picture), unpackStrip(picture, strip, written, goal)),
    );
    return inTurn(picture, [expect(picture, lt(int(0), perStrip)), block([set(written, int(0)), loop(strip, unpack)])]);
  });
  return withRegisters([written], body);
}

/** Where each sample is the difference to that of the pixel before. */
function undoDifferences(picture: Picture, rowBytes: Expr): Stmt {
  const { work } = picture;
  const samples = fieldValue(picture, 'samples');
  const [y, i] = [indexVar('y', read(picture.height)), indexVar('i', sub(rowBytes, samples))];
  const at = add(add(mul(y, rowBytes), samples), i);
  const value = add(byteOf(work, at), byteOf(work, sub(at, samples)));
  return loop(y, loop(i, store(work, [at], cast(binary('and', value, int(255)), 'uint8'))));
}

function writePixels(picture: Picture, rowBytes: Expr, bits: Expr, samples: Expr): Stmt {
  const kind = fieldValue(picture, 'photometric');
  const brightest = sub(binary('shl', int(1), bits), int(1));
  return forEachPixel(picture, (y, x) => {
    const sample = (channel: Expr): Expr =>
      fieldOf((at) => byteOf(picture.work, add(mul(y, rowBytes), at)), add(mul(x, samples), channel), bits);
    const level = sample(int(0));
    const grey = div(mul(select(eq(kind, int(0)), sub(brightest, level), level), int(255)), brightest);
    return putPixel(picture, y, x, (channel) => {
      const entry = add(mul(channel, add(brightest, int(1))), level);
      const ofPalette = binary('shr', fieldValue(picture, 'palette', entry), int(8));
      return select(eq(kind, int(2)), sample(channel), select(eq(kind, int(3)), ofPalette, grey));
    });
  });
}

/** Whether the fields say nothing that is not read here. */
function isSupported(picture: Picture, bits: Expr, samples: Expr): Expr {
  const isOneOf = (value: Expr, ...numbers: readonly number[]): Expr =>
    numbers.map((number) => eq(value, int(number))).reduce(or);
  const is = (field: Field, ...numbers: readonly number[]): Expr => isOneOf(fieldValue(picture, field), ...numbers);
  const isByte = eq(bits, int(8));
  return [
    isOneOf(bits, 1, 2, 4, 8),
    isOneOf(samples, 1, 2, 3, 4),
    is('compression', 1, 5, 8, 32946, 32773),
    is('photometric', 0, 1, 2, 3),
    or(not(is('photometric', 2)), and(isByte, le(int(3), samples))),
    is('fillOrder', 1),
    is('orientation', 1),
    is('planar', 1),
    or(is('predictor', 1), and(is('predictor', 2), isByte)),
    is('tileWidth', 0),
    is('sampleFormat', 1),
  ].reduce(and);
}

export function decodeTiff(picture: Picture): Stmt {
  const [bits, samples, rowBytes] = [register('bits'), register('samples'), register('rowBytes')];
  const stride = ceilDiv(mul(mul(read(picture.width), read(bits)), read(samples)), int(8));
  const steps = [
    block([
      noteFields(picture),
      set(bits, fieldValue(picture, 'bits')),
      set(samples, fieldValue(picture, 'samples')),
      expect(picture, isSupported(picture, read(bits), read(samples)), 'unsupported'),
    ]),
    setSize(picture, fieldValue(picture, 'height'), fieldValue(picture, 'width')),
    block([set(rowBytes, stride), unpackStrips(picture, read(rowBytes))]),
    ifThen(eq(fieldValue(picture, 'predictor'), int(2)), undoDifferences(picture, read(rowBytes))),
    writePixels(picture, read(rowBytes), read(bits), read(samples)),
  ];
  return withRegisters([bits, samples, rowBytes], inTurn(picture, steps));
}
