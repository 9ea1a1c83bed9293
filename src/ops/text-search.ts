// Strings cut by a regular expression, which became a table when the model was compiled: into what matches it, or into
// what lies between. Of matches the leftmost counts, and of these the longest.

import { toBytes } from '../../ir/bytes.ts';
import type { Expr } from '../../ir/expr.ts';
import { add, and, cast, constant, eq, indexVar, int, le, load, lt, max, ne, or, sub } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, ifThen, letIn, loop, loops, store, whileLoop } from '../../ir/kernel-walk.ts';
import { intAttribute, requiredInt } from './attributes.ts';
import { type Builder, op } from './define.ts';
import { sizesOf } from './elements.ts';
import type { Automaton } from './regex-automaton.ts';
import { grow, read, register, set, withRegisters } from './sequence-layout.ts';
import { bytesType, spanOf } from './string-parts.ts';
import { byteAt, type Text, withText } from './text-kernels.ts';
import { sizeType, tensorOf, typeSet } from './types.ts';

const tableType = typeSet('table', ['int32']);

/** The tables of an automaton, in a kernel. */
interface Tables {
  readonly classes: Buffer;
  readonly table: Buffer;
  readonly accepts: Buffer;
  readonly acceptsBefore: Buffer;
  readonly starts: Buffer;
  readonly dead: number;
}

interface Places {
  /** Where the search goes on; a match is from `from` to `end`, none where `end` is not behind `from`. */
  readonly at: Buffer;
  readonly from: Buffer;
  readonly end: Buffer;
  readonly state: Buffer;
  readonly i: Buffer;
}

/** The longest match that begins at `from`: sets `end`. */
function matchHere(text: Text, tables: Tables, { from, end, state, i }: Places): Stmt {
  const { classes, table, accepts, acceptsBefore, starts, dead } = tables;
  const classAt = (place: Expr): Expr => cast(load(classes, [cast(byteAt(text, place), 'index')]), 'index');
  const isSet = (place: Buffer, index: readonly Expr[]): Expr => ne(load(place, index), constant(0, 'uint8'));
  const start = cast(load(starts, [classAt(sub(read(from), int(1)))]), 'index');
  const here = [read(state), classAt(read(i))];
  return block([
    set(end, read(from)),
    set(i, read(from)),
    ifThen(lt(int(0), read(from)), set(state, start), set(state, int(0))),
    whileLoop(
      and(lt(read(i), text.length), ne(read(state), int(dead))),
      block([
        ifThen(isSet(acceptsBefore, here), set(end, read(i))),
        set(state, cast(load(table, here), 'index')),
        grow(i, int(1)),
      ]),
    ),
    ifThen(and(eq(read(i), text.length), isSet(accepts, [read(state)])), set(end, text.length)),
  ]);
}

/** The first match from `at` on; where there is none, `from` is the end of the text. */
function findMatch(text: Text, tables: Tables, places: Places): Stmt {
  const { at, from, end } = places;
  const step = block([matchHere(text, tables, places), ifThen(le(read(end), read(from)), grow(from, int(1)))]);
  const goes = and(lt(read(from), text.length), le(read(end), read(from)));
  return block([set(from, read(at)), set(end, read(at)), whileLoop(goes, step)]);
}

type Emit = (start: Expr, length: Expr) => Stmt;

/** Emits a piece if it has at least so many characters; `otherwise` where it has not. */
function emitLong(text: Text, from: Expr, to: Expr, least: number, emit: Emit, otherwise: Stmt): Stmt {
  if (least === 1) return ifThen(lt(from, to), emit(from, sub(to, from)), otherwise);
  const count = register('count');
  const i = indexVar('character', max(sub(to, from), int(0)));
  const byte = byteAt(text, add(from, i));
  const begins = or(lt(byte, constant(0x80, 'uint8')), le(constant(0xc0, 'uint8'), byte));
  const counted = block([set(count, int(0)), loop(i, ifThen(begins, grow(count, int(1))))]);
  const emitted = ifThen(le(int(least), read(count)), emit(from, sub(to, from)), otherwise);
  return withRegisters([count], block([counted, emitted]));
}

/** Emits what matches, or what lies between matches. */
function cutText(text: Text, tables: Tables, matching: boolean, least: number, emit: Emit): Stmt {
  const places: Places = {
    at: register('at'),
    from: register('from'),
    end: register('end'),
    state: register('state'),
    i: register('place'),
  };
  const { at, from, end } = places;
  const next = set(at, max(read(end), read(from)));
  const between = block([emitLong(text, read(at), read(from), least, emit, block([])), next]);
  const emitMatch: Emit = (start, length) => block([emit(start, length), next]);
  // A match too short: the search goes on behind its first character, of which other bytes begin no match.
  const behind = set(at, add(read(from), int(1)));
  const match = ifThen(
    lt(read(from), read(end)),
    emitLong(text, read(from), read(end), least, emitMatch, behind),
    set(at, text.length),
  );
  const step = block([findMatch(text, tables, places), matching ? match : between]);
  const body = block([set(at, int(0)), whileLoop(lt(read(at), text.length), step)]);
  return withRegisters(Object.values(places), body);
}

export const PiecesOfTexts = op('PiecesOfTexts', {
  domain: 'lapidary',
  inputs: ['spans', 'bytes', 'most', 'classes', 'table', 'accepts', 'accepts_before', 'starts'],
  // 1: what matches; 0: what lies between matches. Pieces have at least `least` characters.
  attributes: { matching: intAttribute(0, [0, 1]), least: intAttribute(1), dead: requiredInt },
  types: {
    spans: sizeType,
    bytes: bytesType,
    most: sizeType,
    classes: bytesType,
    table: tableType,
    accepts: bytesType,
    accepts_before: bytesType,
    starts: tableType,
  },
  // Strings along the last axis become pieces along it; behind the last there are empty ones.
  type: ({ spans, most }, _, context) =>
    tensorOf('int64', [...spans.shape.slice(0, -1), context.fresh('pieces', sizesOf(most)![0]!)]),
  kernel: (inputs, [Y], { matching, least, dead }, { sizes }) => {
    const { spans, bytes, classes, table, accepts, accepts_before: acceptsBefore, starts } = inputs;
    const tables = { classes, table, accepts, acceptsBefore, starts, dead };
    const [pieces, most] = [register('pieces'), register('most')];
    const outer = spans.shape.slice(0, -1).map((extent, axis) => indexVar(`i${axis}`, extent));
    const eachRow = (before: Stmt, emitOf: (text: Text) => Emit, behind: Stmt): Stmt => {
      const column = indexVar('column', spans.shape.at(-1)!);
      const cut = withText(bytes, load(spans, [...outer, column]), 'text', (text) => {
        const emit = emitOf(text);
        const counted: Emit = (start, length) => block([emit(start, length), grow(pieces, int(1))]);
        return cutText(text, tables, matching === 1, least, counted);
      });
      return loops(outer, block([set(pieces, int(0)), before, loop(column, cut), behind]));
    };
    const counting = eachRow(block([]), () => () => block([]), set(most, max(read(most), read(pieces))));
    const width = Y!.shape.at(-1)!;
    const k = indexVar('piece', width);
    const writing = eachRow(
      loop(k, store(Y!, [...outer, k], constant(0n, 'int64'))),
      (text) => (start, length) => store(Y!, [...outer, read(pieces)], spanOf(add(text.start, start), length)),
      block([]),
    );
    const found = block([set(most, int(0)), counting, store(sizes!, [int(0)], cast(read(most), 'int64'))]);
    const rest = width.kind === 'var' ? letIn(width, read(most), writing) : writing;
    return withRegisters([pieces, most], block([found, rest]));
  },
});

/** The tables as constants, in the order in which PiecesOfTexts takes them. */
export function tablesOf(g: Builder, automaton: Automaton): readonly Value[] {
  const { classOf, classes, table, accepts, acceptsBefore, starts } = automaton;
  const [states, kinds] = [int(accepts.length), int(classes)];
  const truths = (values: readonly boolean[]): Uint8Array => toBytes('uint8', values.map(Number));
  return [
    g.constant(tensorOf('uint8', [int(256)]), toBytes('uint8', classOf)),
    g.constant(tensorOf('int32', [states, kinds]), toBytes('int32', table)),
    g.constant(tensorOf('uint8', [states]), truths(accepts)),
    g.constant(tensorOf('uint8', [states, kinds]), truths(acceptsBefore)),
    g.constant(tensorOf('int32', [kinds]), toBytes('int32', starts)),
  ];
}
