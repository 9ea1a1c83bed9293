// Strings read as numbers, as C's `strtod` reads them: white space around, a sign, digits with a point and an exponent,
// or a word for infinity or not a number. Anything else ends the run. Up to 19 digits count; up to 15 digits and powers
// of ten up to 22 give the nearest number, others one within 2 ULP.

import { type DType, isFloat } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  all,
  and,
  bool,
  cast,
  constant,
  div,
  eq,
  int,
  le,
  lt,
  min,
  mul,
  neg,
  not,
  or,
  select,
  sub,
} from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, check, ifThen, store, whileLoop } from '../../ir/kernel-walk.ts';
import { requiredDtype } from './attributes.ts';
import { type Builder, op } from './define.ts';
import { grow, read, register, set, withRegisters } from './sequence-layout.ts';
import { powerAt, powersOfTen } from './string-numbers.ts';
import { bytesType } from './string-parts.ts';
import { textOf } from './structure.ts';
import { byteAt, forEachText, type Text } from './text-kernels.ts';
import { sizeType, tensorOf, typeSet } from './types.ts';

const code = (value: number | string): Expr =>
  constant(typeof value === 'string' ? value.charCodeAt(0) : value, 'uint8');
const within = (byte: Expr, low: string, high: string): Expr => and(le(code(low), byte), le(byte, code(high)));
const wide = (value: bigint): Expr => constant(value, 'uint64');

interface State {
  readonly at: Buffer;
  readonly digits: Buffer;
  readonly count: Buffer;
  readonly exponent: Buffer;
  readonly power: Buffer;
  readonly negative: Buffer;
  readonly down: Buffer;
  readonly seen: Buffer;
}

const makeState = (): State => ({
  at: register('at'),
  digits: register('digits', 'uint64'),
  count: register('count'),
  exponent: register('exponent'),
  power: register('power'),
  negative: register('negative', 'bool'),
  down: register('down', 'bool'),
  seen: register('seen', 'bool'),
});

/** The next byte, 0 at the end. */
const nextByte = (text: Text, at: Buffer): Expr => select(lt(read(at), text.length), byteAt(text, read(at)), code(0));

function skipSpaces(text: Text, at: Buffer): Stmt {
  const next = nextByte(text, at);
  const space = or(eq(next, code(' ')), and(le(code(9), next), le(next, code(13))));
  return whileLoop(space, grow(at, int(1)));
}

function takeSign(text: Text, at: Buffer, negative: Buffer): Stmt {
  const minus = eq(nextByte(text, at), code('-'));
  const step = block([set(negative, minus), grow(at, int(1))]);
  return block([set(negative, bool(false)), ifThen(or(minus, eq(nextByte(text, at), code('+'))), step)]);
}

/** Takes digits; each counts `scale` to the exponent where it is kept, `1 + scale` where there are too many. */
function takeDigits(text: Text, { at, digits, count, exponent, seen }: State, scale: number): Stmt {
  const next = nextByte(text, at);
  const value = cast(sub(next, code('0')), 'uint64');
  const keep = block([
    set(digits, add(mul(read(digits), wide(10n)), value)),
    ifThen(not(eq(read(digits), wide(0n))), grow(count, int(1))),
    grow(exponent, int(scale)),
  ]);
  const step = block([
    ifThen(lt(read(count), int(19)), keep, grow(exponent, int(scale + 1))),
    set(seen, bool(true)),
    grow(at, int(1)),
  ]);
  return whileLoop(within(next, '0', '9'), step);
}

function takeExponent(text: Text, { at, power, down, exponent, seen }: State): Stmt {
  const next = nextByte(text, at);
  const value = cast(sub(next, code('0')), 'index');
  const step = block([set(power, min(add(mul(read(power), int(10)), value), int(9999))), grow(at, int(1))]);
  const marked = and(or(eq(next, code('e')), eq(next, code('E'))), read(seen));
  return ifThen(
    marked,
    block([
      grow(at, int(1)),
      takeSign(text, at, down),
      set(power, int(0)),
      set(seen, within(next, '0', '9')),
      whileLoop(within(next, '0', '9'), step),
      grow(exponent, select(read(down), neg(read(power)), read(power))),
    ]),
  );
}

/** Whether a word stands here, in any case. */
function hasWord(text: Text, at: Buffer, word: string): Expr {
  const letters = [...word].map((letter, k) => {
    const own = byteAt(text, add(read(at), int(k)));
    return or(eq(own, code(letter)), eq(own, code(letter.toUpperCase())));
  });
  const fits = le(add(read(at), int(word.length)), text.length);
  return select(fits, all(letters), bool(false));
}

function takeWords(text: Text, { at, seen }: State, result: Buffer, otherwise: Stmt): Stmt {
  const words: readonly (readonly [string, number])[] = [
    ['infinity', Number.POSITIVE_INFINITY],
    ['inf', Number.POSITIVE_INFINITY],
    ['nan', Number.NaN],
  ];
  return words.reduceRight(
    (rest, [word, value]) =>
      ifThen(
        hasWord(text, at, word),
        block([set(result, constant(value, 'float64')), grow(at, int(word.length)), set(seen, bool(true))]),
        rest,
      ),
    otherwise,
  );
}

/** digits * 10 ^ exponent */
function scaled({ digits, exponent }: State, powers: Buffer): Expr {
  const value = cast(read(digits), 'float64');
  const up = read(exponent);
  const down = neg(up);
  const upTo = (power: Expr, most: number): Expr => powerAt(powers, min(power, int(most)));
  const far = (power: Expr): Expr => powerAt(powers, min(sub(power, int(308)), int(308)));
  const large = select(le(up, int(308)), mul(value, upTo(up, 308)), mul(mul(value, upTo(int(308), 308)), far(up)));
  const small = select(
    le(down, int(308)),
    div(value, upTo(down, 308)),
    div(div(value, upTo(int(308), 308)), far(down)),
  );
  return select(le(int(0), up), large, small);
}

const ReadNumbers = op('ReadNumbers', {
  domain: 'lapidary',
  inputs: ['spans', 'bytes', 'powers'],
  attributes: { to: requiredDtype },
  types: { spans: sizeType, bytes: bytesType, powers: typeSet('P', ['float64']) },
  type: ({ spans }, { to }) => tensorOf(to, spans.shape),
  kernel: ({ spans, bytes, powers }, [Y], { to }) => {
    const state = makeState();
    const { at, negative, seen, exponent, digits, count } = state;
    const result = register('result', 'float64');
    const body = forEachText(spans, bytes, (text, index) => {
      const point = ifThen(eq(nextByte(text, at), code('.')), block([grow(at, int(1)), takeDigits(text, state, -1)]));
      const number = block([
        takeDigits(text, state, 0),
        point,
        takeExponent(text, state),
        set(result, scaled(state, powers)),
      ]);
      return block([
        set(at, int(0)),
        set(digits, wide(0n)),
        set(count, int(0)),
        set(exponent, int(0)),
        set(seen, bool(false)),
        skipSpaces(text, at),
        takeSign(text, at, negative),
        takeWords(text, state, result, number),
        skipSpaces(text, at),
        check(and(read(seen), eq(read(at), text.length)), 'index'),
        store(Y!, index, resultIn(to, state, read(result))),
      ]);
    });
    return withRegisters([...Object.values(state), result], body);
  },
});

/** Whole numbers are exact; a fraction is cut off. */
function resultIn(to: DType, { digits, exponent, negative }: State, value: Expr): Expr {
  const float = select(read(negative), neg(value), value);
  if (isFloat(to)) return cast(float, to);
  if (to === 'bool') return not(eq(value, constant(0, 'float64')));
  const whole = select(read(negative), neg(read(digits)), read(digits));
  return select(eq(read(exponent), int(0)), cast(whole, to), cast(float, to));
}

/** Each string as a number. */
export function textToNumbers(g: Builder, X: Value, to: DType): Value {
  const { spans, bytes } = textOf(X);
  return g.apply(ReadNumbers, [spans, bytes, powersOfTen(g)], { to });
}
