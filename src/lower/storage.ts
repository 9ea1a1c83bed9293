// The buffers that values get: strides from the layout, and views of other values' storage.

import type { Expr, Var } from '../../ir/expr.ts';
import { add, constantOf, int, mul } from '../../ir/expr-make.ts';
import { contains, substitute } from '../../ir/expr-walk.ts';
import type { Value } from '../../ir/graph.ts';
import type { Buffer } from '../../ir/kernel.ts';
import { addressOf, stridesOf } from '../../ir/kernel-walk.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import type { Layouts } from '../fuse/choose-layout.ts';
import { tensorType } from './definition.ts';
import type { View } from './lowered.ts';

export interface Storage {
  readonly layouts: Layouts;
  readonly buffers: Map<Value, Buffer>;
  readonly values: Map<Buffer, Value>;
  readonly views: Map<Buffer, View>;
}

export const createStorage = (layouts: Layouts): Storage => ({
  layouts,
  buffers: new Map(),
  values: new Map(),
  views: new Map(),
});

/** A value's axes, outermost in memory first. */
export const physicalOrder = (value: Value, layouts: Layouts): readonly number[] =>
  layouts.get(value) ?? tensorType(value).shape.map((_, axis) => axis);

/** The value's buffer, in its layout. */
export function storageFor(value: Value, storage: Storage): Buffer {
  const known = storage.buffers.get(value);
  if (known) return known;
  const { dtype, shape } = tensorType(value);
  const layout = storage.layouts.get(value);
  const made: Buffer = {
    name: value.name,
    dtype,
    shape,
    memory: 'argument',
    ...(layout ? { strides: stridesIn(shape, layout) } : {}),
  };
  remember(value, made, storage);
  return made;
}

export function remember(value: Value, buffer: Buffer, storage: Storage): void {
  storage.buffers.set(value, buffer);
  storage.values.set(buffer, value);
}

function stridesIn(shape: readonly Expr[], layout: readonly number[]): readonly Expr[] {
  const strides: Expr[] = [];
  let step: Expr = int(1);
  for (const axis of [...layout].reverse()) {
    strides[axis] = step;
    step = simplify(mul(step, shape[axis]!));
  }
  return strides;
}

export function rootOf(buffer: Buffer, storage: Storage): Buffer {
  const view = storage.views.get(buffer);
  return view ? rootOf(view.base, storage) : buffer;
}

/** Makes the value a window into another buffer: `offset` elements in, with these strides. */
export function addView(value: Value, base: Buffer, offset: Expr, strides: readonly Expr[], storage: Storage): void {
  const { dtype, shape } = tensorType(value);
  const view: Buffer = { name: value.name, dtype, shape, memory: 'argument', strides };
  const dense = stridesOf({ name: '', dtype, shape, memory: 'argument' });
  const plain = strides.every((stride, axis) => sameSize(stride, dense[axis]!));
  const buffer: Buffer = plain ? { name: value.name, dtype, shape, memory: 'argument' } : view;
  remember(value, buffer, storage);
  storage.views.set(buffer, { base, offset });
}

export interface Affine {
  readonly offset: Expr;
  readonly strides: readonly Expr[];
}

/** An address as offset + sum of stride * index, if it is one. */
export function affineAddress(buffer: Buffer, indices: readonly Expr[], over: readonly Var[]): Affine | undefined {
  const address = simplify(addressOf(buffer, indices));
  // An index that is data is known only when the kernel runs.
  if (contains(address, (node) => node.kind === 'load')) return undefined;
  const at = (set: Var | undefined): Expr =>
    simplify(substitute(address, new Map(over.map((index) => [index, int(index === set ? 1 : 0)]))));
  const offset = at(undefined);
  const strides = over.map((index) => simplify(add(at(index), mul(offset, int(-1)))));
  const rebuilt = over.reduce((sum, index, i) => add(sum, mul(index, strides[i]!)), offset);
  if (!sameSize(address, rebuilt)) return undefined;
  return strides.every((stride) => (constantOf(stride) ?? 0) >= 0) ? { offset, strides } : undefined;
}
