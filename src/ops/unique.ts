// Unique: the different elements of a tensor, or the different slices along an axis. Positions are sorted (merged
// bottom-up, so equal ones keep their order), then runs of equal ones become groups.

import type { Expr, Var } from '../../ir/expr.ts';
import {
  add,
  and,
  bool,
  cast,
  constantOf,
  eq,
  indexVar,
  int,
  load,
  lt,
  min,
  mul,
  not,
  or,
  product,
  sub,
  variable,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, ifThen, letIn, loop, loops, store, whileLoop } from '../../ir/kernel-walk.ts';
import { intAttribute, optionalInt } from './attributes.ts';
import { type Operator, op } from './define.ts';
import { unflatten } from './flat-index.ts';
import { rankTexts } from './string-order.ts';
import { normalizeAxis, scalarTypes, tensorOf, typeSet } from './types.ts';

const register = (name: string, dtype: 'index' | 'bool'): Buffer => ({ name, dtype, shape: [], memory: 'register' });

/** Things to be told apart: `count` of them, each with elements at `at(position, inside)`. */
interface Items {
  readonly X: Buffer;
  readonly count: Expr;
  readonly inside: readonly Expr[];
  at(position: Expr, inside: readonly Expr[]): readonly Expr[];
}

const itemsOf = (X: Buffer, axis: number | undefined): Items =>
  axis === undefined
    ? { X, count: product(X.shape), inside: [], at: (position) => unflatten(position, X.shape) }
    : {
        X,
        count: X.shape[axis]!,
        inside: X.shape.filter((_, i) => i !== axis),
        at: (position, inside) => [...inside.slice(0, axis), position, ...inside.slice(axis)],
      };

/** Sets two flags: whether item `a` comes before item `b`, and whether they differ. The first difference decides. */
function compare({ X, inside, at }: Items, a: Expr, b: Expr, before: Buffer, differs: Buffer): Stmt {
  const index = inside.map((extent, i) => indexVar(`e${i}`, extent));
  const [x, y] = [load(X, at(a, index)), load(X, at(b, index))];
  const decide = block([store(before, [], lt(x, y)), store(differs, [], bool(true))]);
  // A value that is not equal to itself would never end a group: order says that it differs.
  const different = or(lt(x, y), lt(y, x));
  const undecided = and(not(load(differs, [])), different);
  return block([
    store(before, [], bool(false)),
    store(differs, [], bool(false)),
    loops(index, ifThen(undecided, decide)),
  ]);
}

const positionAt = (buffer: Buffer, at: Expr): Expr => cast(load(buffer, [at]), 'index');
const setPosition = (buffer: Buffer, at: Expr, value: Expr): Stmt => store(buffer, [at], cast(value, buffer.dtype));

/** order = the positions of all items, sorted; `spare` is as large. */
function sortItems(items: Items, order: Buffer, spare: Buffer): Stmt {
  const { count } = items;
  const all = (name: string): Var => indexVar(name, count);
  const [before, differs] = [register('before', 'bool'), register('differs', 'bool')];
  const [width, left, right] = [register('width', 'index'), register('left', 'index'), register('right', 'index')];
  const [start, middle, end] = [variable('start', 'index'), variable('middle', 'index'), variable('end', 'index')];
  const read = (place: Buffer): Expr => load(place, []);
  const slot = indexVar('slot', sub(end, start));
  const takeFrom = (place: Buffer): Stmt =>
    block([
      setPosition(spare, add(start, slot), positionAt(order, read(place))),
      store(place, [], add(read(place), int(1))),
    ]);
  const contest = block([
    compare(items, positionAt(order, read(right)), positionAt(order, read(left)), before, differs),
    ifThen(load(before, []), takeFrom(right), takeFrom(left)),
  ]);
  const chooseRight = ifThen(lt(read(right), end), contest, takeFrom(left));
  const merge = block([
    store(left, [], start),
    store(right, [], middle),
    loop(slot, ifThen(lt(read(left), middle), chooseRight, takeFrom(right))),
  ]);
  const runStart = register('from', 'index');
  const mergeAll = block([
    store(runStart, [], int(0)),
    whileLoop(
      lt(read(runStart), count),
      letIn(
        start,
        read(runStart),
        letIn(
          middle,
          min(add(start, read(width)), count),
          letIn(
            end,
            min(add(start, mul(read(width), int(2))), count),
            block([merge, store(runStart, [], add(start, mul(read(width), int(2))))]),
          ),
        ),
      ),
    ),
  ]);
  const [fill, back] = [all('fill'), all('back')];
  const body = block([
    loop(fill, setPosition(order, fill, fill)),
    store(width, [], int(1)),
    whileLoop(
      lt(read(width), count),
      block([
        mergeAll,
        loop(back, store(order, [back], load(spare, [back]))),
        store(width, [], mul(read(width), int(2))),
      ]),
    ),
  ]);
  return [before, differs, width, left, right, runStart].reduceRight<Stmt>((inner, own) => allocate(own, inner), body);
}

/** inverse[item] = the group of each, first[group] = its first item; `groups` counts them. */
function groupItems(items: Items, order: Buffer, inverse: Buffer, first: Buffer, groups: Buffer): Stmt {
  const rank = indexVar('rank', items.count);
  const [before, differs] = [register('before', 'bool'), register('differs', 'bool')];
  const own = variable('own', 'index');
  const found = load(groups, []);
  const open = block([setPosition(first, found, own), store(groups, [], add(found, int(1)))]);
  const turn = letIn(
    own,
    positionAt(order, rank),
    block([
      store(differs, [], bool(true)),
      ifThen(lt(int(0), rank), compare(items, positionAt(order, sub(rank, int(1))), own, before, differs)),
      ifThen(load(differs, []), open),
      setPosition(inverse, own, sub(found, int(1))),
    ]),
  );
  return block([store(groups, [], int(0)), allocate(before, allocate(differs, loop(rank, turn)))]);
}

/** Numbers the groups anew by the order in which they first appear. `first` keeps its meaning for the new numbers. */
function renumber(items: Items, order: Buffer, spare: Buffer, inverse: Buffer, first: Buffer): Stmt {
  const next = register('next', 'index');
  const [item, again] = [indexVar('item', items.count), indexVar('again', items.count)];
  const group = variable('group', 'index');
  const isFirst = eq(positionAt(first, group), item);
  // spare: new number of each old group; order: first item of each new group.
  const open = block([
    setPosition(spare, group, load(next, [])),
    setPosition(order, load(next, []), item),
    store(next, [], add(load(next, []), int(1))),
  ]);
  const turn = letIn(group, positionAt(inverse, item), ifThen(isFirst, open));
  const copy = indexVar('copy', load(next, []));
  const apply = block([
    loop(again, setPosition(inverse, again, positionAt(spare, positionAt(inverse, again)))),
    loop(copy, store(first, [copy], load(order, [copy]))),
  ]);
  return allocate(next, block([store(next, [], int(0)), loop(item, turn), apply]));
}

/** The outputs beyond the fourth are memory to work in. */
export const Unique: Operator = op('Unique', {
  inputs: ['X'],
  outputs: ['Y', 'indices?', 'inverse_indices?', 'counts?', 'order?', 'spare?', 'first?'],
  room: 3,
  attributes: { axis: optionalInt, sorted: intAttribute(1, [0, 1]) },
  types: { X: typeSet('T', [...scalarTypes, 'string']) },
  since: 11,
  build: ({ X }, attributes, g, { options }) => {
    const { ranks, texts } = rankTexts(g, X);
    const [Y, ...others] = g.applyAll(Unique, [ranks], attributes, options);
    return [texts(Y!), ...others];
  },
  type: ({ X }, { axis }, context) => {
    const at = axis === undefined ? undefined : normalizeAxis(axis, X.rank, context);
    const count = at === undefined ? product(X.shape) : X.shape[at]!;
    const groups = context.fresh('unique', count);
    const shape = at === undefined ? [groups] : X.shape.map((own, i) => (i === at ? groups : own));
    const each = tensorOf('int64', [groups]);
    const work = tensorOf('int64', [count]);
    return [tensorOf(X.dtype, shape), each, work, each, work, work, work];
  },
  kernel: ({ X }, outputs, { axis, sorted }, { sizes }) => {
    const [Y, indices, inverse, counts, order, spare, first] = outputs as readonly Buffer[] & { length: 7 };
    const at = axis === undefined ? undefined : axis < 0 ? axis + X.shape.length : axis;
    const items = itemsOf(X, at);
    // Of nothing there are no groups, and no loop that would write what the others read.
    if (constantOf(items.count) === 0) return store(sizes!, [int(0)], cast(int(0), 'int64'));
    const groups = register('groups', 'index');
    const extent = counts!.shape[0]!;
    const [g, item] = [indexVar('g', extent), indexVar('item', items.count)];
    const inside = items.inside.map((size, i) => indexVar(`y${i}`, size));
    const own = variable('own', 'index');
    const group = variable('group', 'index');
    const target = at === undefined ? [g] : [...inside.slice(0, at), g, ...inside.slice(at)];
    const copyItem = loops(inside, store(Y!, target, load(X, items.at(own, inside))));
    const describe = block([setPosition(indices!, g, own), store(counts!, [g], cast(int(0), 'int64')), copyItem]);
    const count = letIn(
      group,
      positionAt(inverse!, item),
      setPosition(counts!, group, add(positionAt(counts!, group), int(1))),
    );
    const fill = block([loop(g, letIn(own, positionAt(first!, g), describe)), loop(item, count)]);
    const body = block([
      sortItems(items, order!, spare!),
      groupItems(items, order!, inverse!, first!, groups),
      ...(sorted === 1 ? [] : [renumber(items, order!, spare!, inverse!, first!)]),
      store(sizes!, [int(0)], cast(load(groups, []), 'int64')),
      extent.kind === 'var' ? letIn(extent, load(groups, []), fill) : fill,
    ]);
    return allocate(groups, body);
  },
});
