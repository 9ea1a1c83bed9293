// A heap of positions inside of a kernel: what must leave first stands at its root.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  bool,
  cast,
  constantOf,
  div,
  indexVar,
  int,
  load,
  lt,
  mul,
  sub,
  variable,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, ifThen, letIn, loop, store, whileLoop } from '../../ir/kernel-walk.ts';

export interface Heap {
  /** Where the positions lie; `at` are the indices of a slot. */
  readonly buffer: Buffer;
  at(slot: Expr): readonly Expr[];
  /** Whether position `a` stands nearer to the root than `b`: a total order. */
  above(a: Expr, b: Expr): Expr;
}

const register = (name: string, dtype: 'index' | 'bool'): Buffer => ({ name, dtype, shape: [], memory: 'register' });

/** The position in a slot. */
export const slotOf = ({ buffer, at }: Heap, slot: Expr): Expr => cast(load(buffer, at(slot)), 'index');
const write = ({ buffer, at }: Heap, slot: Expr, position: Expr): Stmt =>
  store(buffer, at(slot), cast(position, buffer.dtype));

/** Puts a position at `from` or below, moving up what stands above it, in a heap of `size` slots. */
export function siftDown(heap: Heap, from: Expr, size: Expr, position: Expr): Stmt {
  const hole = register('hole', 'index');
  const going = register('going', 'bool');
  const here = load(hole, []);
  const left = add(mul(here, int(2)), int(1));
  const first = variable('first', 'index');
  const second = variable('second', 'index');
  const moving = variable('moving', 'index');
  const next = register('next', 'index');
  const chosen = load(next, []);
  const child = variable('child', 'index');
  const turn = block([
    store(next, [], left),
    ifThen(
      lt(add(left, int(1)), size),
      letIn(
        first,
        slotOf(heap, left),
        letIn(
          second,
          slotOf(heap, add(left, int(1))),
          ifThen(heap.above(second, first), store(next, [], add(left, int(1)))),
        ),
      ),
    ),
    letIn(
      child,
      slotOf(heap, chosen),
      ifThen(
        heap.above(child, moving),
        block([write(heap, here, child), store(hole, [], chosen)]),
        store(going, [], bool(false)),
      ),
    ),
  ]);
  const body = block([
    store(hole, [], from),
    store(going, [], bool(true)),
    whileLoop(and(load(going, []), lt(left, size)), turn),
    write(heap, here, moving),
  ]);
  return letIn(moving, position, allocate(hole, allocate(going, allocate(next, body))));
}

/** Orders slots 0 … size - 1 so that they are a heap. */
export function heapify(heap: Heap, size: Expr): Stmt {
  const turn = indexVar('turn', div(size, int(2)));
  const slot = variable('slot', 'index');
  const from = sub(sub(div(size, int(2)), int(1)), turn);
  return loop(turn, letIn(slot, from, siftDown(heap, slot, size, slotOf(heap, slot))));
}

/** Takes the root out to the last slot, again and again: the slots end up in the opposite order of leaving. */
export function sortHeap(heap: Heap, size: Expr): Stmt {
  const turns = constantOf(size) === undefined ? sub(size, int(1)) : int(Math.max(0, constantOf(size)! - 1));
  const turn = indexVar('turn', turns);
  const last = variable('last', 'index');
  const moved = variable('moved', 'index');
  const swap = letIn(
    moved,
    slotOf(heap, last),
    block([write(heap, last, slotOf(heap, int(0))), siftDown(heap, int(0), last, moved)]),
  );
  return loop(turn, letIn(last, sub(sub(size, int(1)), turn), swap));
}
