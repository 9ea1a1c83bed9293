// Gives every buffer a place: constants in the weights, intermediate values in one arena, planned over the order of
// execution for a low peak. Buffers of symbolic size are arranged by an estimate; their offsets are expressions that
// keep the arrangement right for every size.

import { storedSize } from '../ir/dtype.ts';
import type { Expr } from '../ir/expr.ts';
import { add, constantOf, div, int, max, mul, product } from '../ir/expr-make.ts';
import { rewriteExpr } from '../ir/expr-walk.ts';
import type { Buffer } from '../ir/kernel.ts';
import type { Place, Program, Step } from '../ir/program.ts';
import { simplify } from '../ir/simplify.ts';
import { upperBound } from '../ir/upper-bound.ts';
import { arrangeBuffers } from './arrange-buffers.ts';
import { CompilerBug } from './errors.ts';
import { type Lowered, storageOf } from './lower/lowered.ts';

/** Every buffer starts at a multiple of this: the widest vector, and a cache line. */
const alignment = 64;
/** What a symbolic size counts as when buffers are arranged. */
const assumedSize = 64;

interface Range {
  first: number;
  last: number;
}
interface Item {
  readonly buffer: Buffer;
  readonly bytes: Expr;
  /** Bytes where sizes are assumed. */
  readonly estimate: number;
  readonly range: Range;
}
interface Placed extends Item {
  readonly offset: Expr;
  /** Whether it may reach to the end of the arena: false where another rests on it at every size. */
  readonly isTop: boolean;
}

export function planMemory(lowered: Lowered): Program {
  const places = new Map<Buffer, Place>();
  for (const [index, { buffer }] of lowered.inputs.entries())
    places.set(buffer, { kind: 'input', index, offset: int(0) });
  for (const [index, { buffer }] of lowered.outputs.entries()) {
    places.set(storageOf(buffer, lowered.views), { kind: 'output', index, offset: int(0) });
  }
  const weights = placeConstants(lowered, places);
  const items = arenaItems(lowered, places);
  const placed = arrange(items);
  for (const { buffer, offset } of placed) places.set(buffer, { kind: 'arena', offset });
  for (const buffer of buffersOf(lowered.body)) placeView(buffer, lowered, places);
  for (const { buffer } of lowered.outputs) placeView(buffer, lowered, places);
  return {
    name: lowered.name,
    inputs: lowered.inputs,
    outputs: lowered.outputs,
    ...(lowered.forms ? { forms: lowered.forms } : {}),
    dims: lowered.dims,
    computedDims: lowered.computedDims,
    body: lowered.body,
    weights,
    places,
    arenaBytes: arenaBytes(placed.filter(({ isTop }) => isTop)),
    arenaLowerBound: lowerBound(items),
  };
}

function placeConstants(lowered: Lowered, places: Map<Buffer, Place>): Uint8Array {
  const used = new Set([...buffersOf(lowered.body)].map((buffer) => storageOf(buffer, lowered.views)));
  let size = 0;
  const parts: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  for (const [buffer, bytes] of lowered.constants) {
    if (!used.has(buffer)) continue;
    places.set(buffer, { kind: 'constant', offset: size });
    parts.push({ at: size, bytes });
    size += Math.ceil(bytes.length / alignment) * alignment;
  }
  const weights = new Uint8Array(size);
  for (const { at, bytes } of parts) weights.set(bytes, at);
  return weights;
}

function placeView(buffer: Buffer, lowered: Lowered, places: Map<Buffer, Place>): void {
  const view = lowered.views.get(buffer);
  if (!view || places.has(buffer)) return;
  placeView(view.base, lowered, places);
  const base = places.get(view.base);
  if (!base) throw new CompilerBug(`view ${buffer.name} of ${view.base.name}, which has no place`);
  const bytes = simplify(mul(view.offset, int(storedSize(buffer.dtype, 1))));
  places.set(
    buffer,
    base.kind === 'constant'
      ? { kind: 'constant', offset: base.offset + (constantOf(bytes) ?? 0) }
      : { ...base, offset: simplify(add(base.offset, bytes)) },
  );
}

/** Every buffer that a step reads or writes, nested ones included. */
export function buffersOf(steps: readonly Step[]): ReadonlySet<Buffer> {
  const found = new Set<Buffer>();
  forEachUse(steps, (buffer) => found.add(buffer));
  return found;
}

function forEachUse(steps: readonly Step[], use: (buffer: Buffer, position: number) => void, start = 0): number {
  let position = start;
  const see = (expr: Expr | undefined): void => {
    if (!expr) return;
    rewriteExpr(expr, (node) => {
      if (node.kind === 'load') use(node.buffer, position);
      return undefined;
    });
  };
  for (const step of steps) {
    position++;
    switch (step.kind) {
      case 'call':
        for (const buffer of step.arguments) use(buffer, position);
        break;
      case 'let':
        see(step.value);
        break;
      case 'check':
        see(step.condition);
        break;
      case 'if':
        see(step.condition);
        position = forEachUse(step.otherwise, use, forEachUse(step.then, use, position));
        break;
      case 'loop': {
        see(step.count);
        see(step.condition);
        const inside = new Set<Buffer>();
        const before = position;
        position = forEachUse(step.body, (buffer) => inside.add(buffer), position) + 1;
        // What a turn leaves behind the next may read: live all through the loop.
        for (const buffer of inside) {
          use(buffer, before);
          use(buffer, position);
        }
        break;
      }
    }
  }
  return position;
}

function arenaItems(lowered: Lowered, places: ReadonlyMap<Buffer, Place>): readonly Item[] {
  const ranges = new Map<Buffer, Range>();
  const sizes = new Map<Buffer, Expr>();
  forEachUse(lowered.body, (buffer, position) => {
    const storage = storageOf(buffer, lowered.views);
    if (places.has(storage)) return;
    const range = ranges.get(storage);
    if (range) {
      range.first = Math.min(range.first, position);
      range.last = Math.max(range.last, position);
    } else {
      ranges.set(storage, { first: position, last: position });
      sizes.set(storage, paddedBytes(storage));
    }
  });
  return [...ranges].map(([buffer, range]) => {
    const bytes = sizes.get(buffer)!;
    return { buffer, bytes, estimate: estimate(bytes), range };
  });
}

/** Run-time sizes count with their bound. */
function paddedBytes(buffer: Buffer): Expr {
  const count = upperBound(product(buffer.shape));
  const known = constantOf(count);
  if (known !== undefined) return int(Math.ceil(storedSize(buffer.dtype, known) / alignment) * alignment);
  const bytes = mul(count, int(storedSize(buffer.dtype, 1)));
  return simplify(mul(div(add(bytes, int(alignment - 1)), int(alignment)), int(alignment)));
}

/** Bytes in the arena, where sizes are assumed. */
export const estimatedBytes = (buffer: Buffer): number => estimate(paddedBytes(buffer));

function estimate(size: Expr): number {
  const value = simplify(
    rewriteExpr(size, (node) =>
      node.kind === 'var' ? int(Math.min(node.max ?? assumedSize, assumedSize)) : undefined,
    ),
  );
  return constantOf(value) ?? assumedSize;
}

const overlaps = (a: Range, b: Range): boolean => a.first <= b.last && b.first <= a.last;

/** Arranged by their sizes, or by estimates where sizes are symbolic. */
function arrange(items: readonly Item[]): readonly Placed[] {
  const symbolic = items.some(({ bytes }) => constantOf(bytes) === undefined);
  const found = arrangeBuffers(
    items.map(({ estimate: size, range }) => ({ size, first: range.first, last: range.last })),
  );
  const offsets = new Map(items.map((item, i) => [item, found[i]!] as const));
  if (symbolic) return symbolicOffsets(items, offsets);
  return items.map((item) => ({ ...item, offset: int(offsets.get(item)!), isTop: true }));
}

/** A buffer begins where those that lie below it, and are live with it, end. */
function symbolicOffsets(items: readonly Item[], offsets: ReadonlyMap<Item, number>): readonly Placed[] {
  const upwards = [...items].sort((a, b) => offsets.get(a)! - offsets.get(b)! || a.estimate - b.estimate);
  const placed: Placed[] = [];
  for (const [position, item] of upwards.entries()) {
    const below = placed.filter((other) => overlaps(item.range, other.range));
    const tight = below.filter((lower) => !below.some((upper) => upper !== lower && restsOn(upper, lower, placed)));
    const offset = tight
      .map((other) => add(other.offset, other.bytes))
      .reduce((a, b) => simplify(max(a, b)), int(0) as Expr);
    const isTop = !upwards.slice(position + 1).some((upper) => overlaps(item.range, upper.range));
    placed.push({ ...item, offset, isTop });
  }
  return placed;
}

/** Whether `upper` begins where `lower` ends or later, because both are live at some time and `lower` came first. */
const restsOn = (upper: Placed, lower: Placed, order: readonly Placed[]): boolean =>
  overlaps(upper.range, lower.range) && order.indexOf(lower) < order.indexOf(upper);

const arenaBytes = (placed: readonly Placed[]): Expr =>
  placed.map(({ offset, bytes }) => simplify(add(offset, bytes))).reduce((a, b) => simplify(max(a, b)), int(0) as Expr);

/** The largest sum of live buffers at any step. */
function lowerBound(items: readonly Item[]): Expr {
  const steps = [...new Set(items.map(({ range }) => range.first))];
  const sums = steps.map((step) =>
    items
      .filter(({ range }) => range.first <= step && step <= range.last)
      .map(({ bytes }) => bytes)
      .reduce(add, int(0) as Expr),
  );
  return sums.reduce((a, b) => simplify(max(a, b)), int(0) as Expr);
}
