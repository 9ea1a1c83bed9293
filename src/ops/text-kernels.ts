// What kernels on strings do again and again: walk their bytes, compare them, copy them.

import type { Expr } from '../../ir/expr.ts';
import { add, and, div, eq, indexVar, int, load, lt, min, select } from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, ifThen, loop, loops, store, whileLoop } from '../../ir/kernel-walk.ts';
import { grow, named, read, set } from './sequence-layout.ts';
import { lengthOf, offsetOf } from './string-parts.ts';

/** A string in a kernel: where it begins, how long it is, and the bytes that it lies in. */
export interface Text {
  readonly bytes: Buffer;
  readonly start: Expr;
  readonly length: Expr;
}

/** Names the parts of a string for what follows. */
export const withText = (bytes: Buffer, span: Expr, name: string, body: (text: Text) => Stmt): Stmt =>
  named(`${name}_start`, offsetOf(span), (start) =>
    named(`${name}_length`, lengthOf(span), (length) => body({ bytes, start, length })),
  );

export const byteAt = ({ bytes, start }: Text, position: Expr): Expr => load(bytes, [add(start, position)]);

/** Every string of a tensor, with its index. */
export function forEachText(
  spans: Buffer,
  bytes: Buffer,
  body: (text: Text, index: readonly Expr[]) => Stmt,
  name = 'text',
): Stmt {
  const index = spans.shape.map((extent, axis) => indexVar(`i${axis}`, extent));
  return loops(
    index,
    withText(bytes, load(spans, index), name, (text) => body(text, index)),
  );
}

/** order = -1, 0 or 1 as `a` comes before `b`, is the same, or comes after; `at` is a register to count with. */
export function compareTexts(a: Text, b: Text, order: Buffer, at: Buffer): Stmt {
  const [x, y] = [byteAt(a, read(at)), byteAt(b, read(at))];
  const sign = (less: Expr, more: Expr): Expr => select(less, int(-1), select(more, int(1), int(0)));
  return named('shared', min(a.length, b.length), (shared) =>
    block([
      set(order, int(0)),
      set(at, int(0)),
      whileLoop(
        and(lt(read(at), shared), eq(read(order), int(0))),
        block([set(order, sign(lt(x, y), lt(y, x))), grow(at, int(1))]),
      ),
      ifThen(eq(read(order), int(0)), set(order, sign(lt(a.length, b.length), lt(b.length, a.length)))),
    ]),
  );
}

/** Appends a string to the bytes written so far, of which `end` says how many there are. */
export function appendText(target: Buffer, end: Buffer, text: Text): Stmt {
  const i = indexVar('k', text.length);
  return block([loop(i, store(target, [add(read(end), i)], byteAt(text, i))), grow(end, text.length)]);
}

export const appendByte = (target: Buffer, end: Buffer, byte: Expr): Stmt =>
  block([store(target, [read(end)], byte), grow(end, int(1))]);

/**
 * place = the least position in a sorted table from which on nothing comes before what is looked for. `compare` sets
 * `order` to how an entry stands to it.
 */
export function searchSorted(
  count: Expr,
  low: Buffer,
  high: Buffer,
  middleName: string,
  compare: (middle: Expr) => Stmt,
  order: Buffer,
): Stmt {
  const step = named(middleName, div(add(read(low), read(high)), int(2)), (middle) =>
    block([compare(middle), ifThen(lt(read(order), int(0)), set(low, add(middle, int(1))), set(high, middle))]),
  );
  return block([set(low, int(0)), set(high, count), whileLoop(lt(read(low), read(high)), step)]);
}
