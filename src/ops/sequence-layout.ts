// How kernels walk a sequence whose elements only a run knows: rows of `shapes` (rank, extents, 1 beyond the rank) and
// the elements' data one after another. Rows were checked where they came in, so sums of their products are in range.

import type { Expr, Var } from '../../ir/expr.ts';
import {
  add,
  and,
  cast,
  constantOf,
  div,
  eq,
  indexVar,
  int,
  le,
  load,
  lt,
  max,
  mul,
  select,
  sub,
  variable,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, check, letIn, loop, loops, store } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import type { TypeContext } from './define.ts';

export const register = (name: string, dtype: Buffer['dtype'] = 'index'): Buffer => ({
  name,
  dtype,
  shape: [],
  memory: 'register',
});

export const read = (place: Buffer): Expr => load(place, []);
export const set = (place: Buffer, value: Expr): Stmt => store(place, [], value);
/** Nothing where it grows by nothing: C compilers warn of a variable that is set to itself. */
export const grow = (place: Buffer, by: Expr): Stmt =>
  constantOf(by) === 0 ? block([]) : set(place, add(read(place), by));

/** Names a value for what follows. */
export function named(name: string, value: Expr, body: (value: Var) => Stmt): Stmt {
  const own = variable(name, 'index');
  return letIn(own, value, body(own));
}

export const rankAt = (shapes: Buffer, row: Expr): Expr => cast(load(shapes, [row, int(0)]), 'index');
export const extentAt = (shapes: Buffer, row: Expr, axis: Expr): Expr =>
  cast(load(shapes, [row, add(axis, int(1))]), 'index');

/** How many extents a row has room for. */
export const roomOf = (shapes: Buffer): Expr => simplify(sub(shapes.shape[1]!, int(1)));

/** place = the number of elements in a row. */
export function countRow(shapes: Buffer, row: Expr, place: Buffer): Stmt {
  const axis = indexVar('axis', roomOf(shapes));
  return block([set(place, int(1)), loop(axis, set(place, mul(read(place), extentAt(shapes, row, axis))))]);
}

/** Where row `row` begins in the data, in the registers `start` and `size` (of the last row before it). */
export function findStart(shapes: Buffer, row: Expr, start: Buffer, size: Buffer): Stmt {
  const before = indexVar('before', row);
  return block([set(start, int(0)), loop(before, block([countRow(shapes, before, size), grow(start, read(size))]))]);
}

/** A position that may count from the end, checked to be below `limit`. */
export function atPosition(position: Buffer, count: Expr, limit: Expr, body: (row: Var) => Stmt): Stmt {
  const given = cast(
    load(
      position,
      position.shape.map(() => int(0)),
    ),
    'index',
  );
  const row = select(lt(given, int(0)), add(given, count), given);
  return named('row', row, (own) => block([check(and(le(int(0), own), lt(own, limit)), 'index'), body(own)]));
}

export const countIn = (count: Buffer): Expr => cast(load(count, []), 'index');

/** A copy of `length` elements. */
export function copyRun(to: Buffer, from: Buffer, target: Expr, source: Expr, length: Expr): Stmt {
  return named('length', length, (own) => {
    const i = indexVar('i', own);
    return loop(i, store(to, [add(target, i)], load(from, [add(source, i)])));
  });
}

/** Zeros from `start` to the end. */
export function clearFrom(to: Buffer, start: Expr): Stmt {
  return named('rest', max(sub(to.shape[0]!, start), int(0)), (rest) => {
    const i = indexVar('i', rest);
    return loop(i, store(to, [add(start, i)], cast(int(0), to.dtype)));
  });
}

/** Every entry of a table of shapes; rows that do not count are those of a scalar. */
export function writeRows(to: Buffer, entry: (row: Expr, column: Expr) => Expr): Stmt {
  const [row, column] = [indexVar('r', to.shape[0]!), indexVar('c', to.shape[1]!)];
  return loops([row, column], store(to, [row, column], entry(row, column)));
}

export const emptyEntry = (column: Expr): Expr =>
  select(eq(column, int(0)), cast(int(0), 'int64'), cast(int(1), 'int64'));

/** An entry of a row, 1 where the table is too narrow to hold it. */
export const entryOfRow = (shapes: Buffer, row: Expr, column: Expr): Expr =>
  select(lt(column, shapes.shape[1]!), load(shapes, [row, column]), cast(int(1), 'int64'));

/** Checks that a row has this rank, and room for it. */
export const checkRank = (shapes: Buffer, row: Expr, rank: number): Stmt =>
  block([check(le(int(rank), roomOf(shapes)), 'shape'), check(eq(rankAt(shapes, row), int(rank)), 'shape')]);

/**
 * Extents of a tensor all of whose elements lie in `most` places: together, not each by itself. Known ones (not negative)
 * are constants. Where there are no elements, an extent can still not be greater than `most`.
 */
export function extentsWithin(dims: readonly number[], most: Expr, context: TypeContext): readonly Expr[] {
  let before: Expr = int(1);
  return dims.map((known, axis) => {
    const extent = known >= 0 ? int(known) : context.fresh(`extent_${axis}`, shareOf(most, before));
    before = simplify(mul(before, extent));
    return extent;
  });
}

/** `upperBound` knows this form: such an extent times `before` is at most `most`. */
const shareOf = (most: Expr, before: Expr): Expr =>
  constantOf(before) === 1 ? most : simplify(div(most, max(before, int(1))));

/** Checks and names the extents that `extent` gives for a shape made by `extentsWithin`, notes them in `sizes`. */
export function findExtents(
  shape: readonly Expr[],
  sizes: Buffer | undefined,
  extent: (axis: number) => Expr,
  body: Stmt,
): Stmt {
  const steps = shape.map((own, axis) => (inner: Stmt): Stmt => {
    const found = extent(axis);
    if (own.kind !== 'var' || !sizes) return block([check(eq(found, own), 'shape'), inner]);
    const position = shape.slice(0, axis).filter(({ kind }) => kind === 'var').length;
    const fits = and(le(int(0), own), lt(own, own.extent!));
    const note = store(sizes, [int(position)], cast(own, 'int64'));
    return letIn(own, found, block([check(fits, 'shape'), note, inner]));
  });
  return steps.reduceRight((inner, step) => step(inner), body);
}

export const withRegisters = (places: readonly Buffer[], body: Stmt): Stmt =>
  places.reduceRight((inner, place) => allocate(place, inner), body);
