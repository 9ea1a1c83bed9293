// Operators that look into strings: StringConcat, StringSplit, and what Equal is for strings.

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
  indexVar,
  int,
  le,
  load,
  lt,
  max,
  min,
  mul,
  not,
  or,
  product,
  sub,
} from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, ifThen, letIn, loop, store, whileLoop } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, optionalInt, optionalString, requiredInts } from './attributes.ts';
import { tensorTypeOf } from './compose.ts';
import { type Builder, op, type TypeContext } from './define.ts';
import { sizesOf } from './elements.ts';
import { Expand } from './repeat.ts';
import { grow, read, register, set, withRegisters } from './sequence-layout.ts';
import { bytesType, encodeText, spanOf } from './string-parts.ts';
import { stringsOf, textOf } from './structure.ts';
import { appendText, byteAt, compareTexts, forEachText, type Text, withText } from './text-kernels.ts';
import { broadcastShapes, sizeType, tensorOf, typeSet } from './types.ts';

/** The sets of declarations. */
export const stringType = typeSet('S', ['string']);
const twoTexts = { a: sizeType, a_bytes: bytesType, b: sizeType, b_bytes: bytesType };

/** Spans of two string tensors, repeated to the shape that both broadcast to. */
export function repeated(g: Builder, values: readonly Value[], fail: (rule: string) => never): readonly Value[] {
  const shapes = values.map((value) => tensorTypeOf(value).shape);
  const context = { fail } as TypeContext;
  const shape = broadcastShapes(shapes, context);
  return values.map((value, i) => {
    const { spans } = textOf(value);
    return shapes[i] === shape || sameList(shapes[i]!, shape) ? spans : g.apply(Expand, [spans, g.sizes(shape)]);
  });
}

const sameList = (a: readonly Expr[], b: readonly Expr[]): boolean =>
  a.length === b.length && a.every((extent, axis) => extent === b[axis]);

const EqualTexts = op('EqualTexts', {
  domain: 'lapidary',
  inputs: ['a', 'a_bytes', 'b', 'b_bytes'],
  types: twoTexts,
  type: ({ a }) => tensorOf('bool', a.shape),
  kernel: ({ a, a_bytes: aBytes, b, b_bytes: bBytes }, [Y]) => {
    const [order, at] = [register('order'), register('at')];
    const body = forEachText(a, aBytes, (x, index) =>
      withText(bBytes, load(b, index), 'other', (y) =>
        block([compareTexts(x, y, order, at), store(Y!, index, eq(read(order), int(0)))]),
      ),
    );
    return withRegisters([order, at], body);
  },
});

/** Equal of two string tensors. */
export function equalTexts(g: Builder, a: Value, b: Value, fail: (rule: string) => never): Value {
  const [x, y] = repeated(g, [a, b], fail);
  return g.apply(EqualTexts, [x!, textOf(a).bytes, y!, textOf(b).bytes]);
}

/** Sums of lengths are bounded by the number of strings and the longest of each. */
const ConcatenatedTexts = op('ConcatenatedTexts', {
  domain: 'lapidary',
  inputs: ['a', 'a_bytes', 'b', 'b_bytes', 'most'],
  outputs: ['spans', 'bytes'],
  types: { ...twoTexts, most: sizeType },
  type: ({ a, most }, _, context) => [
    tensorOf('int64', a.shape),
    tensorOf('uint8', [context.fresh('bytes', simplify(mul(product(a.shape), sizesOf(most)![0]!)))]),
  ],
  kernel: ({ a, a_bytes: aBytes, b, b_bytes: bBytes }, [spans, Y], _, { sizes }) => {
    const end = register('end');
    const body = forEachText(a, aBytes, (x, index) =>
      withText(bBytes, load(b, index), 'other', (y) =>
        block([
          store(spans!, index, spanOf(read(end), add(x.length, y.length))),
          appendText(Y!, end, x),
          appendText(Y!, end, y),
        ]),
      ),
    );
    return withRegisters([end], block([set(end, int(0)), body, store(sizes!, [int(0)], cast(read(end), 'int64'))]));
  },
});

export const StringConcat = op('StringConcat', {
  inputs: ['X', 'Y'],
  outputs: ['Z'],
  types: { X: stringType, Y: stringType },
  since: 20,
  build: ({ X, Y }, _, g, { fail }) => {
    const [x, y] = repeated(g, [X, Y], fail);
    const longest = simplify(add(textOf(X).longest, textOf(Y).longest));
    const inputs = [x!, textOf(X).bytes, y!, textOf(Y).bytes, g.sizes([longest])];
    const [spans, bytes] = g.applyAll(ConcatenatedTexts, inputs, {}, { outputs: [true, true] });
    return stringsOf(spans!, bytes!, longest);
  },
});

const [yes, no] = [bool(true), bool(false)];

const isSpace = (byte: Expr): Expr => {
  const code = (value: number): Expr => constant(value, 'uint8');
  return or(eq(byte, code(32)), and(le(code(9), byte), le(byte, code(13))));
};

/** Calls `emit` for each piece between runs of white space; all that follows `most` cuts is one piece. */
function splitAtSpaces(text: Text, most: number, pieces: Buffer, at: Buffer, from: Buffer, emit: Emit): Stmt {
  const rest = lt(read(at), text.length);
  const here = byteAt(text, read(at));
  const skip = (spaces: boolean): Stmt => {
    const going = register('going', 'bool');
    const step = ifThen(
      rest,
      ifThen(spaces ? isSpace(here) : not(isSpace(here)), grow(at, int(1)), set(going, no)),
      set(going, no),
    );
    return withRegisters([going], block([set(going, yes), whileLoop(read(going), step)]));
  };
  const whole = most < 0 ? undefined : ifThen(lt(read(pieces), int(most)), skip(false), set(at, text.length));
  const piece = block([set(from, read(at)), whole ?? skip(false), emit(read(from), sub(read(at), read(from)))]);
  return block([set(at, int(0)), skip(true), whileLoop(rest, block([piece, skip(true)]))]);
}

type Emit = (start: Expr, length: Expr) => Stmt;

function splitAtDelimiter(
  text: Text,
  delimiter: Uint8Array,
  most: number,
  pieces: Buffer,
  at: Buffer,
  from: Buffer,
  emit: Emit,
): Stmt {
  const width = int(delimiter.length);
  const matches = all(
    [...delimiter].map((byte, k) => eq(byteAt(text, add(read(at), int(k))), constant(byte, 'uint8'))),
  );
  const inside = le(add(read(at), width), text.length);
  const going = most < 0 ? inside : and(inside, lt(read(pieces), int(most)));
  const cut = block([emit(read(from), sub(read(at), read(from))), grow(at, width), set(from, read(at))]);
  return block([
    set(at, int(0)),
    set(from, int(0)),
    whileLoop(going, ifThen(matches, cut, grow(at, int(1)))),
    emit(read(from), sub(text.length, read(from))),
  ]);
}

const SplitTexts = op('SplitTexts', {
  domain: 'lapidary',
  inputs: ['spans', 'bytes', 'most'],
  outputs: ['pieces', 'counts'],
  attributes: { delimiter: requiredInts, maxsplit: intAttribute(-1) },
  types: { spans: sizeType, bytes: bytesType, most: sizeType },
  type: ({ spans, most }, _, context) => [
    tensorOf('int64', [...spans.shape, context.fresh('pieces', sizesOf(most)![0]!)]),
    tensorOf('int64', spans.shape),
  ],
  kernel: ({ spans, bytes }, [Y, counts], { delimiter, maxsplit }, { sizes }) => {
    const [pieces, at, from, most] = [register('pieces'), register('at'), register('from'), register('most')];
    const split = (text: Text, emit: Emit): Stmt => {
      const counted: Emit = (start, length) => block([emit(start, length), grow(pieces, int(1))]);
      const parts =
        delimiter.length === 0
          ? splitAtSpaces(text, maxsplit, pieces, at, from, counted)
          : splitAtDelimiter(text, Uint8Array.from(delimiter), maxsplit, pieces, at, from, counted);
      return block([set(pieces, int(0)), parts]);
    };
    const count = forEachText(spans, bytes, (text, index) =>
      block([
        split(text, () => block([])),
        store(counts!, index, cast(read(pieces), 'int64')),
        set(most, max(read(most), read(pieces))),
      ]),
    );
    const width = Y!.shape.at(-1)!;
    const write = forEachText(spans, bytes, (text, index) => {
      const k = indexVar('piece', width);
      const clear = loop(k, store(Y!, [...index, k], constant(0n, 'int64')));
      const emit: Emit = (start, length) => store(Y!, [...index, read(pieces)], spanOf(add(text.start, start), length));
      return block([clear, split(text, emit)]);
    });
    const found = block([set(most, int(0)), count, store(sizes!, [int(0)], cast(read(most), 'int64'))]);
    const rest = width.kind === 'var' ? letIn(width, read(most), write) : write;
    return withRegisters([pieces, at, from, most], block([found, rest]));
  },
});

export const StringSplit = op('StringSplit', {
  inputs: ['X'],
  outputs: ['Y', 'Z'],
  attributes: { delimiter: optionalString, maxsplit: optionalInt },
  types: { X: stringType },
  since: 20,
  build: ({ X }, { delimiter = '', maxsplit = -1 }, g) => {
    const { spans, bytes, longest } = textOf(X);
    const cuts = encodeText(delimiter);
    // Between two pieces lies a delimiter, or at least one space and no empty piece.
    const pieces = cuts.length === 0 ? div(add(longest, int(1)), int(2)) : add(div(longest, int(cuts.length)), int(1));
    const most = maxsplit < 0 ? pieces : min(pieces, int(maxsplit + 1));
    const attributes = { delimiter: [...cuts], maxsplit };
    const inputs = [spans, bytes, g.sizes([simplify(most)])];
    const [found, counts] = g.applyAll(SplitTexts, inputs, attributes, { outputs: [true, true] });
    return [stringsOf(found!, bytes, longest), counts];
  },
});
