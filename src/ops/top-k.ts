// TopK: the k largest or smallest elements along an axis, equal ones in the order of their positions.
// A heap of k positions keeps the best so far, the worst of them at its root.

import type { Expr } from '../../ir/expr.ts';
import { add, and, cast, constantOf, eq, indexVar, int, le, load, lt, or, sub, variable } from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, check, ifThen, letIn, loop, loops, store } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute } from './attributes.ts';
import { type KernelContext, op } from './define.ts';
import { sizesOf } from './elements.ts';
import { type Heap, heapify, siftDown, slotOf, sortHeap } from './heap.ts';
import { withInput, without } from './legacy.ts';
import { anyNumeric, normalizeAxis, requireOneElement, sizeType, tensorOf } from './types.ts';

export const TopK = op('TopK', {
  inputs: ['X', 'K'],
  outputs: ['Values', 'Indices'],
  attributes: { axis: intAttribute(-1), largest: intAttribute(1, [0, 1]), sorted: intAttribute(1, [0, 1]) },
  types: { X: anyNumeric, K: sizeType },
  since: 24,
  // Before opset 10 k was an attribute.
  until: { k: 10 },
  upgrade: (node) => {
    const { k } = node.attributes;
    return typeof k === 'number' ? withInput(without(node, 'k'), 1, node.constant([k], 'int64')) : node;
  },
  type: ({ X, K }, attributes, context) => {
    const axis = normalizeAxis(attributes.axis, X.rank, context);
    if (X.rank === 0) context.fail('X must have at least rank 1, got a scalar.');
    requireOneElement(K, 'K', context);
    const extent = X.shape[axis]!;
    const k = sizesOf(K)?.[0] ?? context.fresh('k', extent);
    const [wanted, most] = [constantOf(k), constantOf(extent)];
    if (wanted !== undefined && (wanted < 0 || (most !== undefined && wanted > most))) {
      context.fail(`K is ${wanted}; axis ${axis} has ${most ?? 'an unknown number of'} elements.`);
    }
    const shape = X.shape.map((own, position) => (position === axis ? k : own));
    return [tensorOf(X.dtype, shape), tensorOf('int64', shape)];
  },
  kernel: ({ X, K }, [values, indices], attributes, context) => {
    const axis = attributes.axis < 0 ? attributes.axis + X.shape.length : attributes.axis;
    const extent = X.shape[axis]!;
    const k = values!.shape[axis]!;
    const outer = X.shape.flatMap((size, position) => (position === axis ? [] : [indexVar(`i${position}`, size)]));
    const rows = loops(outer, selectRow(X, values!, indices!, outer, axis, attributes));
    const fits = constantOf(simplify(le(k, extent))) === 1 ? [] : [check(le(k, extent), 'index')];
    const body = block([...fits, rows]);
    return bindSize(K, k, extent, body, context);
  },
});

/** A size that is an input of this very node becomes known here. */
function bindSize(K: Buffer, k: Expr, limit: Expr, body: Stmt, { sizes }: KernelContext): Stmt {
  if (!sizes || k.kind !== 'var') return body;
  const given = cast(
    load(
      K,
      K.shape.map(() => int(0)),
    ),
    'index',
  );
  const legal = check(and(le(int(0), given), le(given, limit)), 'index');
  return block([legal, store(sizes, [int(0)], cast(given, 'int64')), letIn(k, given, body)]);
}

/** Whether element `a` of a row comes before element `b` in the result. */
export function comesBefore(X: Buffer, place: (at: Expr) => readonly Expr[], largest: boolean, a: Expr, b: Expr): Expr {
  const [x, y] = [load(X, place(a)), load(X, place(b))];
  return or(largest ? lt(y, x) : lt(x, y), and(eq(x, y), lt(a, b)));
}

function selectRow(
  X: Buffer,
  values: Buffer,
  indices: Buffer,
  outer: readonly Expr[],
  axis: number,
  { largest, sorted }: { readonly largest: number; readonly sorted: number },
): Stmt {
  const place = (at: Expr): readonly Expr[] => [...outer.slice(0, axis), at, ...outer.slice(axis)];
  const k = values.shape[axis]!;
  const rest = sub(X.shape[axis]!, k);
  const before = (a: Expr, b: Expr): Expr => comesBefore(X, place, largest === 1, a, b);
  const heap: Heap = { buffer: indices, at: place, above: (a, b) => before(b, a) };
  const first = indexVar('first', k);
  const later = indexVar('later', rest);
  const candidate = variable('candidate', 'index');
  const replace = ifThen(before(candidate, slotOf(heap, int(0))), siftDown(heap, int(0), k, candidate));
  const slot = indexVar('slot', k);
  const steps = [
    loop(first, store(indices, place(first), cast(first, 'int64'))),
    heapify(heap, k),
    ifThen(lt(int(0), k), loop(later, letIn(candidate, add(later, k), replace))),
    ...(sorted === 1 ? [sortHeap(heap, k)] : []),
    loop(slot, store(values, place(slot), load(X, place(slotOf(heap, slot))))),
  ];
  return block(steps);
}
