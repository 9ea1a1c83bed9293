// Values that are no plain tensors as states of a loop. A state keeps its shape through all turns, so its parts get room
// for what they may hold at the end (`rooms`); each turn's result is fitted into that, which the run checks.

import type { Expr, Var } from '../../ir/expr.ts';
import {
  add,
  constant,
  constantOf,
  failure,
  int,
  le,
  lt,
  max,
  mul,
  select,
  sub,
  variable,
} from '../../ir/expr-make.ts';
import { printExpr } from '../../ir/expr-print.ts';
import { substitute } from '../../ir/expr-walk.ts';
import type { Value } from '../../ir/graph.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import { upperBound } from '../../ir/upper-bound.ts';
import { tensorTypeOf } from './compose.ts';
import { type Builder, op } from './define.ts';
import { sizesOf } from './elements.ts';
import { SequenceFitted } from './sequence-kernels.ts';
import { asSequence } from './sequence-values.ts';
import { bytesType } from './string-parts.ts';
import { partsOf, sequenceOf, stringsOf, withParts } from './structure.ts';
import { sizeType, tensorOf } from './types.ts';

export interface Room {
  readonly size: Expr;
  /** Whether it may grow with the number of turns; the width of a table of shapes does not. */
  readonly grows: boolean;
}

const growing = (size: Expr): Room => ({ size, grows: true });
const extentOf = (value: Value, axis: number): Expr => tensorTypeOf(value).shape[axis]!;

/** A value in a form whose parts can be states: lists become sequences. */
export function asState(g: Builder, value: Value): Value {
  if (value.structure?.kind === 'list') return sequenceOf(asSequence(g, value), value.name);
  return value.structure
    ? withParts(
        value,
        partsOf(value).map((part) => asState(g, part)),
      )
    : value;
}

/** The room of each part that may need more in another turn, in order. */
export function roomsOf(value: Value): readonly Room[] {
  const { structure } = value;
  if (structure?.kind === 'strings') return [growing(extentOf(structure.bytes, 0)), growing(structure.longest)];
  if (structure?.kind !== 'sequence') return partsOf(value).flatMap(roomsOf);
  const { shapes, data } = structure;
  const width = { size: extentOf(shapes, 1), grows: false };
  return [growing(extentOf(shapes, 0)), width, growing(extentOf(data, 0)), ...roomsOf(data)];
}

/** What two forms have in common, in words that are equal where they are alike. */
export function formOf(value: Value): string {
  const { structure } = value;
  const dims = structure?.kind === 'sequence' ? structure.dims : undefined;
  const text = typeof dims === 'string' ? dims : dims?.map((extent) => (extent ? printExpr(extent) : '?')).join();
  return `${structure?.kind ?? 'tensor'}[${text ?? ''}](${partsOf(value).map(formOf).join()})`;
}

type Take = () => Expr;
const taker = (rooms: readonly Expr[]): Take => {
  let next = 0;
  return () => rooms[next++]!;
};

/** A state: inputs of a body, with this much room. */
export function stateLike(g: Builder, value: Value, rooms: readonly Expr[]): Value {
  return made(value, taker(rooms));

  function made(own: Value, take: Take): Value {
    const { structure, name } = own;
    const fresh = (part: Value, shape: readonly Expr[]): Value => g.input(part.name, { ...tensorTypeOf(part), shape });
    if (!structure) return g.input(name, own.type);
    if (structure.kind === 'strings') {
      const bytes = fresh(structure.bytes, [take()]);
      return stringsOf(g.input(`${name}_spans`, structure.spans.type), bytes, take(), name);
    }
    if (structure.kind !== 'sequence')
      return withParts(
        own,
        partsOf(own).map((part) => made(part, take)),
      );
    const shapes = fresh(structure.shapes, [take(), take()]);
    const room = take();
    const data = structure.data.structure ? withSpans(structure.data, room, take) : fresh(structure.data, [room]);
    return sequenceOf({ ...structure, count: g.input(`${name}_count`, structure.count.type), shapes, data }, name);
  }

  function withSpans(data: Value, room: Expr, take: Take): Value {
    if (data.structure?.kind !== 'strings') return data;
    const { spans, bytes } = data.structure;
    const own = g.input(`${data.name}_spans`, { ...tensorTypeOf(spans), shape: [room] });
    return stringsOf(
      own,
      g.input(`${data.name}_bytes`, { ...tensorTypeOf(bytes), shape: [take()] }),
      take(),
      data.name,
    );
  }
}

/** A vector in other room, zeros behind it. What does not fit ends the run. */
const FittedVector = op('FittedVector', {
  domain: 'lapidary',
  inputs: ['X', 'room'],
  types: { X: bytesType, room: sizeType },
  type: ({ X, room }, _, context) => tensorOf(X.dtype, sizesOf(room) ?? context.fail('room must be known.')),
  compute: ({ X }, _, [i], { types }) => {
    const value = select(lt(i!, X.shape[0]!), X.at(i!), constant(0, X.dtype));
    return select(le(X.shape[0]!, types[0]!.shape[0]!), value, failure('shape', X.dtype));
  },
});

/** A value of the form of a state, in this much room. */
export function fitted(g: Builder, value: Value, rooms: readonly Expr[]): Value {
  return fit(value, taker(rooms));

  function fit(own: Value, take: Take): Value {
    const { structure, name } = own;
    if (!structure) return own;
    if (structure.kind === 'strings') {
      const room = take();
      const bytes = sameSize(extentOf(structure.bytes, 0), room)
        ? structure.bytes
        : g.apply(FittedVector, [structure.bytes, g.sizes([room])]);
      return stringsOf(structure.spans, bytes, take(), name);
    }
    if (structure.kind !== 'sequence')
      return withParts(
        own,
        partsOf(own).map((part) => fit(part, take)),
      );
    const { shapes, count, data } = structure;
    const target = [take(), take(), take()];
    const same = [extentOf(shapes, 0), extentOf(shapes, 1), extentOf(data, 0)];
    const fits = same.every((size, i) => sameSize(size, target[i]!));
    const [table, moved] = fits
      ? [shapes, data]
      : g.applyAll(SequenceFitted, [shapes, count, data, g.sizes(target)], {}, { outputs: [true, true] });
    return sequenceOf({ ...structure, shapes: table!, data: fit(moved!, take) }, name);
  }
}

/** Variables that stand for rooms while it is found out how a turn changes them. */
export const unknownRooms = (rooms: readonly Room[]): readonly Var[] =>
  rooms.map((_, i) => variable(`room_${i}`, 'index', { min: 0 }));

/**
 * The rooms that hold all turns: what a turn makes of them (`after`, in terms of `unknown`) applied again and again.
 * `turns` bounds how often; undefined where nothing does, which is legal only for what does not grow.
 */
export function roomsForAll(
  initial: readonly Room[],
  unknown: readonly Var[],
  after: readonly Room[],
  turns: Expr | undefined,
  fail: (rule: string) => never,
): readonly Expr[] {
  const once = (sizes: readonly Expr[]): readonly Expr[] => {
    const known = new Map(unknown.map((own, i) => [own, sizes[i]!] as const));
    return after.map(({ size }) => simplify(substitute(upperBound(size), known)));
  };
  const first = once(initial.map(({ size }) => size));
  const second = once(first);
  const third = once(second);
  return initial.map(({ size, grows }, i) => {
    const least = simplify(max(size, first[i]!));
    if (!grows) return least;
    const step = simplify(sub(second[i]!, first[i]!));
    if (constantOf(step) === 0 || sameSize(second[i]!, first[i]!)) return least;
    if (!sameSize(sub(third[i]!, second[i]!), step))
      fail('what a turn adds to a loop-carried value grows from turn to turn; nothing bounds it.');
    if (!turns)
      fail('the number of turns is known only at run time, and nothing bounds what a loop-carried value grows to.');
    return simplify(add(least, mul(turns ?? int(0), step)));
  });
}
