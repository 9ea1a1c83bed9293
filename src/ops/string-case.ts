// Strings in capitals or small letters, character by character as Unicode maps one to one. What has no single
// counterpart stays. Code points below 128 are computed, the others looked up in a table made at compile time.

import { toBytes } from '../../ir/bytes.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  binary,
  cast,
  constant,
  div,
  eq,
  int,
  le,
  load,
  lt,
  mul,
  or,
  product,
  select,
  sub,
} from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, ifThen, store, whileLoop } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { requiredInt } from './attributes.ts';
import { type Builder, op } from './define.ts';
import { sizesOf } from './elements.ts';
import { grow, named, read, register, set, withRegisters } from './sequence-layout.ts';
import { bytesType, spanOf } from './string-parts.ts';
import { stringsOf, textOf } from './structure.ts';
import { appendByte, byteAt, forEachText, searchSorted, type Text } from './text-kernels.ts';
import { sizeType, tensorOf, typeSet } from './types.ts';

export type Case = 'LOWER' | 'UPPER';

/** Pairs of a character and its counterpart, sorted, beyond the first 128. */
function casePairs(wanted: Case): readonly (readonly [number, number])[] {
  const pairs: (readonly [number, number])[] = [];
  for (let code = 128; code <= 0x1ffff; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const text = String.fromCodePoint(code);
    const other = wanted === 'LOWER' ? text.toLowerCase() : text.toUpperCase();
    const [own] = [...other];
    if (own !== undefined && [...other].length === 1 && other !== text) pairs.push([code, own.codePointAt(0)!]);
  }
  return pairs;
}

const small = (value: number): Expr => constant(value, 'uint8');

/** place = the character at `at`, and `at` moves behind it. A byte that begins no character stands for itself. */
function readCharacter(text: Text, at: Buffer, place: Buffer, length: Buffer): Stmt {
  const lead = byteAt(text, read(at));
  const left = sub(text.length, read(at));
  const reach = (from: number, count: number): Expr => and(le(small(from), lead), le(int(count), left));
  const size = select(reach(0xf0, 4), int(4), select(reach(0xe0, 3), int(3), select(reach(0xc0, 2), int(2), int(1))));
  const tail = (k: number): Expr => cast(and(byteAt(text, add(read(at), int(k))), small(63)), 'index');
  const bits = (mask: number): Expr => cast(and(lead, small(mask)), 'index');
  const join = (high: Expr, ...tails: readonly number[]): Expr =>
    tails.reduce((code, k) => add(mul(code, int(64)), tail(k)), high);
  const length4 = eq(read(length), int(4));
  const code = select(
    eq(read(length), int(1)),
    cast(lead, 'index'),
    select(eq(read(length), int(2)), join(bits(31), 1), select(length4, join(bits(7), 1, 2, 3), join(bits(15), 1, 2))),
  );
  return block([set(length, size), set(place, code), grow(at, read(length))]);
}

/** Writes a character as UTF-8; `raw` says that it is a byte that began no character. */
function writeCharacter(target: Buffer, end: Buffer, code: Expr, raw: Expr): Stmt {
  const part = (shift: number, mask: number, mark: number): Expr =>
    add(
      cast(and(binary('shr', cast(code, 'int32'), constant(shift, 'int32')), constant(mask, 'int32')), 'uint8'),
      small(mark),
    );
  const bytes = (...parts: readonly Expr[]): Stmt => block(parts.map((byte) => appendByte(target, end, byte)));
  const one = bytes(cast(code, 'uint8'));
  const two = bytes(part(6, 31, 0xc0), part(0, 63, 0x80));
  const three = bytes(part(12, 15, 0xe0), part(6, 63, 0x80), part(0, 63, 0x80));
  const four = bytes(part(18, 7, 0xf0), part(12, 63, 0x80), part(6, 63, 0x80), part(0, 63, 0x80));
  const below = (limit: number): Expr => lt(code, int(limit));
  return ifThen(or(raw, below(0x80)), one, ifThen(below(0x800), two, ifThen(below(0x10000), three, four)));
}

const pairType = typeSet('pairs', ['int32']);

const CasedTexts = op('CasedTexts', {
  domain: 'lapidary',
  inputs: ['spans', 'bytes', 'pairs', 'most'],
  outputs: ['cased', 'cased_bytes'],
  attributes: { upper: requiredInt },
  types: { spans: sizeType, bytes: bytesType, pairs: pairType, most: sizeType },
  type: ({ spans, most }, _, context) => [
    tensorOf('int64', spans.shape),
    tensorOf('uint8', [context.fresh('bytes', simplify(mul(product(spans.shape), sizesOf(most)![0]!)))]),
  ],
  kernel: ({ spans, bytes, pairs }, [Y, out], { upper }, { sizes }) => {
    const [end, at, code, length] = [register('end'), register('at'), register('code'), register('length')];
    const [low, high, order] = [register('low'), register('high'), register('order')];
    const [from, to] = upper === 1 ? [97, 65] : [65, 97];
    const isLetter = and(le(int(from), read(code)), le(read(code), int(from + 25)));
    const count = pairs.shape[0]!;
    const keyAt = (place: Expr): Expr => cast(load(pairs, [place, int(0)]), 'index');
    const compare = (middle: Expr): Stmt => set(order, select(lt(keyAt(middle), read(code)), int(-1), int(1)));
    const found = and(lt(read(low), count), eq(select(lt(read(low), count), keyAt(read(low)), int(-1)), read(code)));
    const lookUp = block([
      searchSorted(count, low, high, 'middle', compare, order),
      ifThen(found, set(code, cast(load(pairs, [read(low), int(1)]), 'index'))),
    ]);
    const raw = and(eq(read(length), int(1)), le(int(128), read(code)));
    const ascii = ifThen(isLetter, set(code, add(read(code), int(to - from))));
    const mapped = ifThen(lt(read(code), int(128)), ascii, ifThen(lt(int(1), read(length)), lookUp));
    const body = forEachText(spans, bytes, (text, index) =>
      named('began', read(end), (began) =>
        block([
          set(at, int(0)),
          whileLoop(
            lt(read(at), text.length),
            block([readCharacter(text, at, code, length), mapped, writeCharacter(out!, end, read(code), raw)]),
          ),
          store(Y!, index, spanOf(began, sub(read(end), began))),
        ]),
      ),
    );
    return withRegisters(
      [end, at, code, length, low, high, order],
      block([set(end, int(0)), body, store(sizes!, [int(0)], cast(read(end), 'int64'))]),
    );
  },
});

/** All strings in capitals or small letters. */
export function inCase(g: Builder, value: Value, wanted: Case): Value {
  const { spans, bytes, longest } = textOf(value);
  const pairs = casePairs(wanted);
  const table = g.constant(tensorOf('int32', [int(pairs.length), int(2)]), toBytes('int32', pairs.flat()));
  // The counterpart of two bytes may have three; nothing grows by more.
  const most = simplify(add(longest, div(add(longest, int(1)), int(2))));
  const inputs = [spans, bytes, table, g.sizes([most])];
  const attributes = { upper: wanted === 'UPPER' ? 1 : 0 };
  const [cased, casedBytes] = g.applyAll(CasedTexts, inputs, attributes, { outputs: [true, true] });
  return stringsOf(cased!, casedBytes!, most);
}
