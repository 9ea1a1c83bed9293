// Sequences as values while a graph is made: lists, whose elements are known one by one, and sequences whose elements only
// a run knows; how the one becomes the other, and how two values become alike where control flow joins them.

import { byteSize } from '../../ir/dtype.ts';
import { constantOf, int } from '../../ir/expr-make.ts';
import type { Type, Value } from '../../ir/graph.ts';
import { tensorTypeOf } from './compose.ts';
import type { Builder } from './define.ts';
import { Concat } from './join.ts';
import { Reshape } from './reshape.ts';
import { constantStrings } from './string-parts.ts';
import {
  commonDims,
  elementDtype,
  listOf,
  mapLeaves,
  optionalOf,
  partsOf,
  type Sequence,
  sequenceOf,
  widest,
  withParts,
} from './structure.ts';
import { tensorOf } from './types.ts';

/** What the elements have in common; `empty` where there is none. */
export function dimsOf(value: Value): Sequence['dims'] {
  const { structure } = value;
  if (structure?.kind === 'sequence') return structure.dims;
  const items = structure?.kind === 'list' ? structure.items : [];
  return items.map((item): Sequence['dims'] => tensorTypeOf(item).shape).reduce(commonDims, 'empty');
}

/** A list as a sequence of the form that a run knows. */
export function asSequence(g: Builder, value: Value): Sequence {
  const { structure } = value;
  if (structure?.kind === 'sequence') return structure;
  const items = structure?.kind === 'list' ? structure.items : [];
  const dtype = items[0] ? tensorTypeOf(items[0]).dtype : (elementDtype(value) ?? 'float32');
  const types = items.map(tensorTypeOf);
  const width = widest(types) + 1;
  const rows = types.flatMap(({ shape }) => [
    int(shape.length),
    ...shape,
    ...Array.from({ length: width - 1 - shape.length }, () => int(1)),
  ]);
  const table = tensorOf('int64', [int(items.length), int(width)]);
  const shapes =
    items.length === 0
      ? g.constant(table, new Uint8Array(0))
      : g.apply(Reshape, [g.sizes(rows), g.ints([items.length, width])]);
  const flat = items.map((item) => g.apply(Reshape, [item, g.ints([-1])]));
  const none = (): Value =>
    dtype === 'string' ? constantStrings(g, [], [int(0)]) : g.constant(tensorOf(dtype, [int(0)]), new Uint8Array(0));
  const data = flat.length === 0 ? none() : flat.length === 1 ? flat[0]! : g.apply(Concat, flat, { axis: 0 });
  const dims = dimsOf(value);
  return {
    kind: 'sequence',
    count: g.scalar(BigInt(items.length), 'int64'),
    shapes,
    data,
    dims,
  };
}

/** Something of the same kind for where there is nothing: zeros, and no more of them than must be. */
export function filler(g: Builder, value: Value): Value {
  const { structure } = value;
  if (structure?.kind === 'optional') return optionalOf(g.scalar(0, 'bool'), undefined, value.type);
  return mapLeaves(value, (leaf) => {
    const type = tensorTypeOf(leaf);
    const shape = type.shape.map((extent) => int(constantOf(extent) ?? 0));
    const count = shape.reduce((product, extent) => product * (constantOf(extent) ?? 0), 1);
    return g.constant({ ...type, shape }, new Uint8Array(byteSize(type.dtype, count)));
  });
}

export type Pair = readonly [Value, Value];

/** Two values that become one, in forms whose leaves go together one by one. */
export function alike(g: Builder, a: Value, b: Value, fail: (rule: string) => never): Pair {
  const [x, y] = [a.structure?.kind, b.structure?.kind];
  if (x === undefined && y === undefined) return [a, b];
  if (x === 'optional' || y === 'optional') return alikeOptionals(g, a, b, fail);
  if ((x === 'list' || x === 'sequence') && (y === 'list' || y === 'sequence')) return alikeSequences(g, a, b, fail);
  if (x !== y) fail(`one side is ${formName(a.type)} and the other is ${formName(b.type)}.`);
  const pairs = partsOf(a).map((part, i) => alike(g, part, partsOf(b)[i]!, fail));
  return [
    withParts(
      a,
      pairs.map(([own]) => own),
    ),
    withParts(
      b,
      pairs.map(([, own]) => own),
    ),
  ];
}

export const formName = (type: Type): string =>
  type.kind === 'tensor'
    ? type.dtype === 'string'
      ? 'a string tensor'
      : `a tensor of ${type.dtype}`
    : `of kind ${type.kind}`;

function alikeOptionals(g: Builder, a: Value, b: Value, fail: (rule: string) => never): Pair {
  const [x, y] = [asOptional(g, a), asOptional(g, b)];
  const [own, other] = [x.value, y.value];
  if (!own && !other) return [a, b];
  const [left, right] = alike(g, own ?? filler(g, other!), other ?? filler(g, own!), fail);
  return [optionalOf(x.present, left, a.type, a.name), optionalOf(y.present, right, b.type, b.name)];
}

export const asOptional = (
  g: Builder,
  value: Value,
): { readonly present: Value; readonly value?: Value | undefined } =>
  value.structure?.kind === 'optional' ? value.structure : { present: g.scalar(1, 'bool'), value };

function alikeSequences(g: Builder, a: Value, b: Value, fail: (rule: string) => never): Pair {
  const [x, y] = [a.structure, b.structure];
  if (x?.kind === 'list' && y?.kind === 'list' && samePlaces(x.items, y.items)) {
    const pairs = x.items.map((item, i) => alike(g, item, y.items[i]!, fail));
    const dtype = elementDtype(a) ?? 'float32';
    return [
      listOf(
        pairs.map(([own]) => own),
        dtype,
        a.name,
      ),
      listOf(
        pairs.map(([, own]) => own),
        dtype,
        b.name,
      ),
    ];
  }
  const [left, right] = [asSequence(g, a), asSequence(g, b)];
  const dims = commonDims(dimsOf(a), dimsOf(b));
  const make = (own: Sequence, name: string): Value => sequenceOf({ ...own, dims }, name);
  const [p, q] = [make(left, a.name), make(right, b.name)];
  const pairs = alike(g, left.data, right.data, fail);
  return [withParts(p, [left.count, left.shapes, pairs[0]]), withParts(q, [right.count, right.shapes, pairs[1]])];
}

/** Whether elements may be joined one by one: an If can join tensors of one type and rank. */
const samePlaces = (a: readonly Value[], b: readonly Value[]): boolean =>
  a.length === b.length &&
  a.every((item, i) => {
    const [x, y] = [tensorTypeOf(item), tensorTypeOf(b[i]!)];
    return x.dtype === y.dtype && x.shape.length === y.shape.length;
  });
