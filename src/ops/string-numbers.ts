// Numbers written as strings: integers in full, floats with as many digits as `%.8g` (float64: `%.15g`) of C gives.

import { toBytes } from '../../ir/bytes.ts';
import { isFloat, isWide } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  cast,
  constant,
  div,
  eq,
  indexVar,
  int,
  le,
  load,
  lt,
  max,
  mod,
  mul,
  ne,
  neg,
  not,
  or,
  product,
  select,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, ifThen, loop, loops, store, whileLoop } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { requiredInt } from './attributes.ts';
import { type Builder, op } from './define.ts';
import { grow, named, read, register, set, withRegisters } from './sequence-layout.ts';
import { spanOf } from './string-parts.ts';
import { stringsOf } from './structure.ts';
import { appendByte } from './text-kernels.ts';
import { scalarTypes, sizeType, tensorOf, typeSet } from './types.ts';

/** No number needs more bytes. */
const longest = 32;
const leastPower = -330;
const mostPower = 308;

const float64 = (value: number): Expr => constant(value, 'float64');
const letter = (text: string): Expr => constant(text.charCodeAt(0), 'uint8');
const digit = (value: Expr): Expr => add(letter('0'), cast(value, 'uint8'));

interface Places {
  readonly end: Buffer;
  readonly digits: Buffer;
  readonly count: Buffer;
  readonly exponent: Buffer;
}

export const powersOfTen = (g: Builder): Value =>
  g.constant(
    tensorOf('float64', [int(mostPower - leastPower + 1)]),
    toBytes(
      'float64',
      Array.from({ length: mostPower - leastPower + 1 }, (_, i) => Number(`1e${i + leastPower}`)),
    ),
  );

const wholePowers = (g: Builder): Value =>
  g.constant(
    tensorOf('int64', [int(19)]),
    toBytes(
      'int64',
      Array.from({ length: 19 }, (_, i) => 10n ** BigInt(i)),
    ),
  );

export const powerAt = (powers: Buffer, exponent: Expr): Expr => load(powers, [sub(exponent, int(leastPower))]);
const wordOf = (target: Buffer, end: Buffer, text: string): Stmt =>
  block([...text].map((own) => appendByte(target, end, letter(own))));

/** exponent, digits (an integer) and their count, of a positive number: `most` significant digits without zeros behind. */
function takeDigits(value: Expr, powers: Buffer, most: number, { digits, count, exponent }: Places): Stmt {
  const at = (step: number): Expr => powerAt(powers, add(read(exponent), int(step)));
  const shift = sub(int(most - 1), read(exponent));
  // A power beyond the greatest is taken in two steps.
  const raised = select(
    lt(int(mostPower), shift),
    mul(mul(value, float64(1e308)), powerAt(powers, sub(shift, int(mostPower)))),
    mul(value, powerAt(powers, shift)),
  );
  const scaled = select(lt(shift, int(0)), div(value, powerAt(powers, neg(shift))), raised);
  const ten = constant(10n, 'int64');
  const limit = constant(10n ** BigInt(most), 'int64');
  return block([
    set(exponent, int(0)),
    whileLoop(and(lt(read(exponent), int(mostPower)), le(at(1), value)), grow(exponent, int(1))),
    whileLoop(and(lt(int(leastPower), read(exponent)), lt(value, at(0))), grow(exponent, int(-1))),
    set(digits, cast(unary('rint', scaled), 'int64')),
    ifThen(le(limit, read(digits)), block([set(digits, div(read(digits), ten)), grow(exponent, int(1))])),
    set(count, int(most)),
    whileLoop(
      and(lt(int(1), read(count)), eq(mod(read(digits), ten), constant(0n, 'int64'))),
      block([set(digits, div(read(digits), ten)), grow(count, int(-1))]),
    ),
  ]);
}

/** Writes what was taken, as C's `%g` does. */
function writeDigits(target: Buffer, wholes: Buffer, most: number, { end, digits, count, exponent }: Places): Stmt {
  const digitAt = (i: Expr): Expr => {
    const power = load(wholes, [max(sub(sub(read(count), int(1)), i), int(0))]);
    return digit(mod(div(read(digits), power), constant(10n, 'int64')));
  };
  const run = (name: string, from: Expr, to: Expr, byte: (i: Expr) => Expr): Stmt =>
    named(`${name}_length`, max(sub(to, from), int(0)), (length) => {
      const i = indexVar(name, length);
      return loop(i, appendByte(target, end, byte(add(from, i))));
    });
  const point = appendByte(target, end, letter('.'));
  const size = select(lt(read(exponent), int(0)), neg(read(exponent)), read(exponent));
  const scientific = block([
    appendByte(target, end, digitAt(int(0))),
    ifThen(lt(int(1), read(count)), block([point, run('fraction', int(1), read(count), digitAt)])),
    appendByte(target, end, letter('e')),
    appendByte(target, end, select(lt(read(exponent), int(0)), letter('-'), letter('+'))),
    ifThen(le(int(100), size), appendByte(target, end, digit(div(size, int(100))))),
    appendByte(target, end, digit(mod(div(size, int(10)), int(10)))),
    appendByte(target, end, digit(mod(size, int(10)))),
  ]);
  const whole = add(read(exponent), int(1));
  const inside = (i: Expr): Expr => select(lt(i, read(count)), digitAt(i), letter('0'));
  const plain = block([
    run('whole', int(0), whole, inside),
    ifThen(lt(whole, read(count)), block([point, run('fraction', whole, read(count), digitAt)])),
  ]);
  const small = block([
    wordOf(target, end, '0.'),
    run('zeros', int(1), neg(read(exponent)), () => letter('0')),
    run('fraction', int(0), read(count), digitAt),
  ]);
  const far = or(lt(read(exponent), int(-4)), le(int(most), read(exponent)));
  return ifThen(far, scientific, ifThen(lt(read(exponent), int(0)), small, plain));
}

const WrittenNumbers = op('WrittenNumbers', {
  domain: 'lapidary',
  inputs: ['X', 'powers', 'wholes'],
  outputs: ['spans', 'bytes'],
  attributes: { digits: requiredInt },
  types: { X: typeSet('X', scalarTypes), powers: typeSet('P', ['float64']), wholes: sizeType },
  type: ({ X }, _, context) => [
    tensorOf('int64', X.shape),
    tensorOf('uint8', [context.fresh('bytes', simplify(mul(product(X.shape), int(longest))))]),
  ],
  kernel: ({ X, powers, wholes }, [spans, Y], { digits: most }, { sizes }) => {
    const [end, digits] = [register('end'), register('digits', 'int64')];
    const places: Places = { end, digits, count: register('count'), exponent: register('exponent') };
    const index = X.shape.map((extent, axis) => indexVar(`i${axis}`, extent));
    const value = load(X, index);
    const word = (text: string): Stmt => wordOf(Y!, end, text);
    const write = isFloat(X.dtype)
      ? writeFloat(cast(value, 'float64'), Y!, powers, wholes, most, places, word)
      : X.dtype === 'bool'
        ? ifThen(value, word('True'), word('False'))
        : writeWhole(value, Y!, places);
    const one = named('began', read(end), (began) =>
      block([write, store(spans!, index, spanOf(began, sub(read(end), began)))]),
    );
    return withRegisters(
      [end, digits, places.count, places.exponent],
      block([set(end, int(0)), loops(index, one), store(sizes!, [int(0)], cast(read(end), 'int64'))]),
    );
  },
});

function writeFloat(
  value: Expr,
  target: Buffer,
  powers: Buffer,
  wholes: Buffer,
  most: number,
  places: Places,
  word: (text: string) => Stmt,
): Stmt {
  const size = unary('abs', value);
  const number = block([takeDigits(size, powers, most, places), writeDigits(target, wholes, most, places)]);
  const infinite = eq(size, float64(Number.POSITIVE_INFINITY));
  const magnitude = ifThen(infinite, word('INF'), ifThen(eq(size, float64(0)), word('0'), number));
  const signed = block([ifThen(lt(value, float64(0)), word('-')), magnitude]);
  return ifThen(ne(value, value), word('NaN'), signed);
}

function writeWhole(value: Expr, target: Buffer, { end, count }: Places): Stmt {
  const rest = register('rest', 'uint64');
  const ten = constant(10n, 'uint64');
  const negative = lt(value, constant(isWide(value.dtype) ? 0n : 0, value.dtype));
  const wide = cast(value, 'uint64');
  const size = select(negative, neg(wide), wide);
  const place = add(read(end), sub(read(count), int(1)));
  return withRegisters(
    [rest],
    block([
      ifThen(negative, appendByte(target, end, letter('-'))),
      set(rest, div(size, ten)),
      set(count, int(1)),
      whileLoop(
        not(eq(read(rest), constant(0n, 'uint64'))),
        block([set(rest, div(read(rest), ten)), grow(count, int(1))]),
      ),
      named('width', read(count), (width) =>
        block([
          set(rest, size),
          whileLoop(
            lt(int(0), read(count)),
            block([
              store(target, [place], digit(mod(read(rest), ten))),
              set(rest, div(read(rest), ten)),
              grow(count, int(-1)),
            ]),
          ),
          grow(end, width),
        ]),
      ),
    ]),
  );
}

/** Each number as a string. */
export function numbersToText(g: Builder, X: Value): Value {
  const digits = X.type.kind === 'tensor' && X.type.dtype === 'float64' ? 15 : 8;
  const inputs = [X, powersOfTen(g), wholePowers(g)];
  const [spans, bytes] = g.applyAll(WrittenNumbers, inputs, { digits }, { outputs: [true, true] });
  return stringsOf(spans!, bytes!, int(longest));
}
