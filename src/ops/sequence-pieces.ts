// Operators of our own between a tensor and a sequence of its pieces that only a run knows: joining the elements of one,
// cutting a tensor into one. The sequence is given by its parts: see sequence-layout.ts.

import type { Expr } from '../../ir/expr.ts';
import { add, and, cast, eq, indexVar, int, le, load, lt, product, select, sub } from '../../ir/expr-make.ts';
import type { Stmt } from '../../ir/kernel.ts';
import { block, check, ifThen, loop, loops, store } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, requiredInt, requiredInts } from './attributes.ts';
import { op } from './define.ts';
import { flatten } from './flat-index.ts';
import {
  checkRank,
  countIn,
  emptyEntry,
  extentAt,
  extentsWithin,
  findExtents,
  grow,
  named,
  read,
  register,
  set,
  withRegisters,
} from './sequence-layout.ts';
import { anyType, indexType, sizeType, tensorOf } from './types.ts';

const domain = 'lapidary';
const parts = { shapes: sizeType, count: sizeType, data: anyType };
const locals = () => ({ start: register('start'), size: register('size'), total: register('total') });

/** All elements joined along an axis, or stacked on a new one. `dims` are those of an element, -1 where not known. */
export const SequenceJoined = op('SequenceJoined', {
  domain,
  inputs: ['shapes', 'count', 'data'],
  attributes: { dims: requiredInts, axis: requiredInt, stack: intAttribute(0, [0, 1]) },
  types: parts,
  type: ({ data }, { dims, axis, stack }, context) => {
    const known = stack === 1 ? [...dims.slice(0, axis), -1, ...dims.slice(axis)] : dims.with(axis, -1);
    return tensorOf(data.dtype, extentsWithin(known, data.shape[0]!, context));
  },
  kernel: ({ shapes, count, data }, [Y], { dims, axis, stack }, { sizes }) => {
    const { start, size, total } = locals();
    const along = register('along');
    const number = countIn(count);
    const rank = dims.length;
    const own = (k: number, row: Expr): Expr => extentAt(shapes, row, int(k));
    const row = indexVar('row', number);
    const alike = Array.from({ length: rank }, (_, k) => k)
      .filter((k) => stack === 1 || k !== axis)
      .map((k) => check(eq(own(k, row), own(k, int(0))), 'shape'));
    const reach = stack === 1 ? int(1) : own(axis, row);
    const measure = loop(row, block([checkRank(shapes, row, rank), ...alike, grow(total, reach)]));
    const extent = (k: number): Expr => {
      if (k === axis) return read(total);
      return own(stack === 1 && k > axis ? k - 1 : k, int(0));
    };
    return withRegisters(
      [start, size, total, along],
      block([
        check(lt(int(0), number), 'shape'),
        set(total, int(0)),
        measure,
        findExtents(
          Y!.shape,
          sizes,
          extent,
          block([set(start, int(0)), set(along, int(0)), loop(row, copyElement(row))]),
        ),
      ]),
    );
    function copyElement(at: Expr): Stmt {
      const copy = (shape: readonly Expr[]): Stmt => {
        const index = shape.map((length, k) => indexVar(`i${k}`, length));
        const place =
          stack === 1
            ? [...index.slice(0, axis), read(along), ...index.slice(axis)]
            : index.map((i, k) => (k === axis ? add(read(along), i) : i));
        return block([
          loops(index, store(Y!, place, load(data, [add(read(start), flatten(index, shape))]))),
          grow(start, product(shape)),
          grow(along, stack === 1 ? int(1) : shape[axis]!),
        ]);
      };
      const build = (shape: readonly Expr[]): Stmt =>
        shape.length === rank
          ? copy(shape)
          : named(`n${shape.length}`, own(shape.length, at), (n) => build([...shape, n]));
      return build([]);
    }
  },
});

/** A tensor cut along an axis into pieces of these lengths; one length stands for as many pieces as there is room for. */
export const SequenceOfPieces = op('SequenceOfPieces', {
  domain,
  inputs: ['X', 'split'],
  outputs: ['shapes', 'count', 'data'],
  attributes: { axis: requiredInt },
  types: { X: anyType, split: indexType },
  type: ({ X, split }, { axis }) => [
    tensorOf('int64', [split.rank === 0 ? X.shape[axis]! : split.shape[0]!, int(X.rank + 1)]),
    tensorOf('int64', []),
    tensorOf(X.dtype, [simplify(product(X.shape))]),
  ],
  kernel: ({ X, split }, [rows, count, Y], { axis }) => {
    const [along, start, total] = [register('along'), register('start'), register('pieces')];
    const whole = X.shape[axis]!;
    const piece = indexVar('piece', rows!.shape[0]!);
    const left = sub(whole, read(along));
    const given = cast(load(split, split.shape.length === 0 ? [] : [piece]), 'index');
    const length = split.shape.length === 0 ? select(lt(left, given), left, given) : given;
    const copy = (own: Expr): Stmt => {
      const shape = X.shape.map((extent, k) => (k === axis ? own : extent));
      const index = shape.map((extent, k) => indexVar(`i${k}`, extent));
      const place = index.map((i, k) => (k === axis ? add(read(along), i) : i));
      const entry = [int(shape.length), ...shape];
      return block([
        check(and(le(int(0), own), le(own, left)), 'shape'),
        ...entry.map((value, k) => store(rows!, [piece, int(k)], cast(value, 'int64'))),
        loops(index, store(Y!, [add(read(start), flatten(index, shape))], load(X, place))),
        grow(start, product(shape)),
        grow(along, own),
        grow(total, int(1)),
      ]);
    };
    const none = block(
      Array.from({ length: X.shape.length + 1 }, (_, k) => store(rows!, [piece, int(k)], emptyEntry(int(k)))),
    );
    const turn =
      split.shape.length === 0
        ? ifThen(lt(int(0), left), named('own', length, copy), none)
        : named('own', length, copy);
    return withRegisters(
      [along, start, total],
      block([
        set(along, int(0)),
        set(start, int(0)),
        set(total, int(0)),
        ...(split.shape.length === 0 ? [check(lt(int(0), cast(load(split, []), 'index')), 'shape')] : []),
        loop(piece, turn),
        check(eq(read(along), whole), 'shape'),
        store(count!, [], cast(read(total), 'int64')),
      ]),
    );
  },
});
