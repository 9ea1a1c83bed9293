// Operators of our own on sequences whose elements only a run knows. They take and give the parts of one: the shapes of
// its elements and their data. See sequence-layout.ts. Being moved only, the data may be of any type.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  cast,
  constant,
  eq,
  indexVar,
  int,
  le,
  load,
  lt,
  max,
  mul,
  product,
  select,
  sub,
} from '../../ir/expr-make.ts';
import type { Stmt } from '../../ir/kernel.ts';
import { block, check, loop, loops, store } from '../../ir/kernel-walk.ts';
import { requiredInts } from './attributes.ts';
import { op } from './define.ts';
import { sizesOf } from './elements.ts';
import { flatten } from './flat-index.ts';
import { pick } from './run-time-operands.ts';
import {
  atPosition,
  checkRank,
  clearFrom,
  copyRun,
  countIn,
  countRow,
  emptyEntry,
  entryOfRow,
  extentAt,
  extentsWithin,
  findExtents,
  findStart,
  rankAt,
  read,
  register,
  roomOf,
  set,
  withRegisters,
  writeRows,
} from './sequence-layout.ts';
import { anyType, indexType, sizeType, tensorOf } from './types.ts';

const domain = 'lapidary';
const parts = { shapes: sizeType, count: sizeType, data: anyType };
const locals = () => ({ start: register('start'), size: register('size'), total: register('total') });

/** The shapes that a caller gives, each checked to describe elements that lie in the data. */
export const CheckedShapes = op('CheckedShapes', {
  domain,
  inputs: ['shapes', 'most'],
  types: { shapes: sizeType, most: sizeType },
  type: ({ shapes }) => tensorOf('int64', shapes.shape),
  kernel: ({ shapes, most }, [Y]) => {
    const wide = (value: number): Expr => constant(BigInt(value), 'int64');
    const [size, total] = [register('size', 'int64'), register('total', 'int64')];
    const [row, axis] = [indexVar('row', shapes.shape[0]!), indexVar('axis', roomOf(shapes))];
    const limit = load(most, [int(0)]);
    const extent = load(shapes, [row, add(axis, int(1))]);
    const legal = (value: Expr): Stmt => check(and(le(wide(0), value), le(value, limit)), 'shape');
    const inRank = lt(axis, rankAt(shapes, row));
    const step = block([
      legal(extent),
      check(select(inRank, eq(extent, extent), eq(extent, wide(1))), 'shape'),
      set(size, mul(read(size), extent)),
      legal(read(size)),
    ]);
    const rank = rankAt(shapes, row);
    const rows = loop(
      row,
      block([
        check(and(le(int(0), rank), le(rank, roomOf(shapes))), 'shape'),
        set(size, wide(1)),
        loop(axis, step),
        set(total, add(read(total), read(size))),
        legal(read(total)),
      ]),
    );
    const copy = writeRows(Y!, (r, c) => load(shapes, [r, c]));
    return withRegisters([size, total], block([set(total, wide(0)), rows, copy]));
  },
});

/** One element. `dims` says what is known of its extents: -1 where nothing is. */
export const SequenceElement = op('SequenceElement', {
  domain,
  inputs: ['shapes', 'count', 'data', 'position'],
  attributes: { dims: requiredInts },
  types: { ...parts, position: indexType },
  type: ({ data }, { dims }, context) => tensorOf(data.dtype, extentsWithin(dims, data.shape[0]!, context)),
  kernel: ({ shapes, count, data, position }, [Y], { dims }, { sizes }) => {
    const { start, size } = locals();
    const index = Y!.shape.map((extent, axis) => indexVar(`i${axis}`, extent));
    const copy = loops(index, store(Y!, index, load(data, [add(read(start), flatten(index, Y!.shape))])));
    const body = atPosition(position, countIn(count), countIn(count), (row) =>
      block([
        checkRank(shapes, row, dims.length),
        findStart(shapes, row, start, size),
        findExtents(Y!.shape, sizes, (axis) => extentAt(shapes, row, int(axis)), copy),
      ]),
    );
    return withRegisters([start, size], body);
  },
});

/** The parts of the sequence with a tensor inserted before a position. */
export const SequenceWith = op('SequenceWith', {
  domain,
  inputs: ['shapes', 'count', 'data', 'tensor', 'position'],
  outputs: ['shapes_after', 'data_after'],
  types: { ...parts, tensor: anyType, position: indexType },
  type: ({ shapes, data, tensor }) => [
    tensorOf('int64', [add(shapes.shape[0]!, int(1)), max(shapes.shape[1]!, int(tensor.rank + 1))]),
    tensorOf(data.dtype, [add(data.shape[0]!, product(tensor.shape))]),
  ],
  kernel: ({ shapes, count, data, tensor, position }, [rows, Y]) => {
    const { start, size, total } = locals();
    const number = countIn(count);
    const added = product(tensor.shape);
    const index = tensor.shape.map((extent, axis) => indexVar(`i${axis}`, extent));
    const one = constant(1n, 'int64');
    const own = [int(tensor.shape.length), ...tensor.shape].map((extent) => cast(extent, 'int64'));
    const body = atPosition(position, number, add(number, int(1)), (at) => {
      const entry = (row: Expr, column: Expr): Expr => {
        const moved = select(le(row, number), entryOfRow(shapes, sub(row, int(1)), column), emptyEntry(column));
        const after = select(eq(row, at), pick(own, column, one), moved);
        return select(lt(row, at), entryOfRow(shapes, row, column), after);
      };
      return block([
        findStart(shapes, number, total, size),
        findStart(shapes, at, start, size),
        writeRows(rows!, entry),
        copyRun(Y!, data, int(0), int(0), read(start)),
        loops(index, store(Y!, [add(read(start), flatten(index, tensor.shape))], load(tensor, index))),
        copyRun(Y!, data, add(read(start), added), read(start), sub(read(total), read(start))),
        clearFrom(Y!, add(read(total), added)),
      ]);
    });
    return withRegisters([start, size, total], body);
  },
});

/** The parts of the sequence without one element. */
export const SequenceWithout = op('SequenceWithout', {
  domain,
  inputs: ['shapes', 'count', 'data', 'position'],
  outputs: ['shapes_after', 'data_after'],
  types: { ...parts, position: indexType },
  type: ({ shapes, data }) => [tensorOf('int64', shapes.shape), tensorOf(data.dtype, data.shape)],
  kernel: ({ shapes, count, data, position }, [rows, Y]) => {
    const { start, size, total } = locals();
    const number = countIn(count);
    const body = atPosition(position, number, number, (at) => {
      const entry = (row: Expr, column: Expr): Expr => {
        const inside = lt(row, sub(number, int(1)));
        const after = select(inside, entryOfRow(shapes, add(row, int(1)), column), emptyEntry(column));
        return select(lt(row, at), entryOfRow(shapes, row, column), after);
      };
      return block([
        findStart(shapes, number, total, size),
        findStart(shapes, at, start, size),
        countRow(shapes, at, size),
        writeRows(rows!, entry),
        copyRun(Y!, data, int(0), int(0), read(start)),
        copyRun(Y!, data, read(start), add(read(start), read(size)), sub(sub(read(total), read(start)), read(size))),
        clearFrom(Y!, sub(read(total), read(size))),
      ]);
    });
    return withRegisters([start, size, total], body);
  },
});

/** The parts in other room: `most` says for how many rows, of which width, and for how much data. */
export const SequenceFitted = op('SequenceFitted', {
  domain,
  inputs: ['shapes', 'count', 'data', 'most'],
  outputs: ['shapes_after', 'data_after'],
  types: { ...parts, most: sizeType },
  type: ({ data, most }, _, context) => {
    const [rows, width, room] = sizesOf(most) ?? context.fail('most must be known.');
    return [tensorOf('int64', [rows!, width!]), tensorOf(data.dtype, [room!])];
  },
  kernel: ({ shapes, count, data }, [rows, Y]) => {
    const { size, total } = locals();
    const number = countIn(count);
    const fits = le(number, rows!.shape[0]!);
    const row = indexVar('row', number);
    const wideEnough = loop(row, check(lt(rankAt(shapes, row), rows!.shape[1]!), 'shape'));
    const entry = (at: Expr, column: Expr): Expr =>
      select(lt(at, number), entryOfRow(shapes, at, column), emptyEntry(column));
    return withRegisters(
      [size, total],
      block([
        check(fits, 'shape'),
        wideEnough,
        findStart(shapes, number, total, size),
        check(le(read(total), Y!.shape[0]!), 'shape'),
        writeRows(rows!, entry),
        copyRun(Y!, data, int(0), int(0), read(total)),
        clearFrom(Y!, read(total)),
      ]),
    );
  },
});
