// Values that are no plain tensors, made of plain ones (see `Structure` of ir/graph.ts): how they are put together, and
// taken apart into leaves where control flow or the model's border carries plain tensors only.

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { int, max } from '../../ir/expr-make.ts';
import type { Structure, TensorType, Type, Value } from '../../ir/graph.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import { CompilerBug } from '../errors.ts';
import { tensorOf } from './types.ts';

/** As `compose.ts` has it, which the conversions of strings cannot import. */
function tensorTypeOf({ name, type }: Value): TensorType {
  if (type.kind !== 'tensor') throw new CompilerBug(`${name} is a ${type.kind}, not a tensor`);
  return type;
}

export type Sequence = Extract<Structure, { kind: 'sequence' }>;
export type Strings = Extract<Structure, { kind: 'strings' }>;

const sequenceType = (dtype: DType): Type => ({ kind: 'sequence', element: tensorOf(dtype, []) });

export const stringsOf = (spans: Value, bytes: Value, longest: Expr, name = spans.name): Value => ({
  name,
  type: tensorOf('string', tensorTypeOf(spans).shape),
  structure: { kind: 'strings', spans, bytes, longest: simplify(longest) },
});

/** A sequence whose elements are known; `dtype` is that of an empty one. */
export const listOf = (items: readonly Value[], dtype: DType, name = 'sequence'): Value => ({
  name,
  type: sequenceType(dtype),
  structure: { kind: 'list', items },
});

export function sequenceOf(parts: Omit<Sequence, 'kind'>, name = 'sequence'): Value {
  countLimits.set(parts.count, tensorTypeOf(parts.shapes).shape[0]!);
  return {
    name,
    type: sequenceType(tensorTypeOf(parts.data).dtype),
    structure: { kind: 'sequence', ...parts },
  };
}

const countLimits = new WeakMap<Value, Expr>();
/** What bounds the length of a sequence that only a run knows: as many rows as it has. */
export const countLimit = (count: Value): Expr | undefined => countLimits.get(count);

export const optionalOf = (present: Value, value: Value | undefined, element: Type, name = 'optional'): Value => ({
  name,
  type: { kind: 'optional', element: value?.type ?? element },
  structure: { kind: 'optional', present, value },
});

export const mapOf = (keys: Value, values: Value, kind: 'map' | 'maps' = 'map', name = 'map'): Value => {
  const key = tensorTypeOf(keys).dtype;
  const map: Type = { kind: 'map', key, value: tensorOf(tensorTypeOf(values).dtype, []) };
  return {
    name,
    type: kind === 'map' ? map : { kind: 'sequence', element: map },
    structure: { kind, keys, values },
  };
};

/** The element type of a sequence of tensors. */
export const elementDtype = (value: Value): DType | undefined =>
  value.type.kind === 'sequence' && value.type.element.kind === 'tensor' ? value.type.element.dtype : undefined;

/** The values that it is made of, one level down. */
export function partsOf({ structure }: Value): readonly Value[] {
  switch (structure?.kind) {
    case undefined:
      return [];
    case 'strings':
      return [structure.spans, structure.bytes];
    case 'list':
      return structure.items;
    case 'sequence':
      return [structure.count, structure.shapes, structure.data];
    case 'optional':
      return [structure.present, ...(structure.value ? [structure.value] : [])];
    case 'map':
    case 'maps':
      return [structure.keys, structure.values];
  }
}

/** The plain tensors that a value is made of, in order. */
export const leavesOf = (value: Value): readonly Value[] =>
  value.structure ? partsOf(value).flatMap(leavesOf) : [value];

/** The same value with other parts. */
export function withParts(value: Value, parts: readonly Value[]): Value {
  const { structure, name } = value;
  switch (structure?.kind) {
    case undefined:
      return value;
    case 'strings':
      return stringsOf(parts[0]!, parts[1]!, structure.longest, name);
    case 'list':
      return listOf(parts, elementDtype(value) ?? 'float32', name);
    case 'sequence':
      return sequenceOf({ ...structure, count: parts[0]!, shapes: parts[1]!, data: parts[2]! }, name);
    case 'optional':
      return optionalOf(parts[0]!, parts[1], value.type.kind === 'optional' ? value.type.element : value.type, name);
    case 'map':
    case 'maps':
      return mapOf(parts[0]!, parts[1]!, structure.kind, name);
  }
}

/** The same value with each leaf replaced. */
export const mapLeaves = (value: Value, replace: (leaf: Value) => Value): Value =>
  value.structure
    ? withParts(
        value,
        partsOf(value).map((part) => mapLeaves(part, replace)),
      )
    : replace(value);

/** The extents that two kinds of elements have in common; `empty` stands for no elements at all. */
export function commonDims(a: Sequence['dims'], b: Sequence['dims']): Sequence['dims'] {
  if (a === 'empty') return b;
  if (b === 'empty') return a;
  if (!a || !b || a.length !== b.length) return undefined;
  return a.map((extent, axis) => {
    const other = b[axis];
    return extent && other && sameSize(extent, other) ? extent : undefined;
  });
}

export function textOf(value: Value): Strings {
  if (value.structure?.kind !== 'strings') throw new RangeError(`${value.name} is no string tensor`);
  return value.structure;
}

/** The greatest rank of these types. */
export const widest = (types: readonly TensorType[]): number => Math.max(0, ...types.map(({ shape }) => shape.length));

export const longestOf = (values: readonly Strings[]): Expr =>
  values.map(({ longest }) => longest).reduce((a, b) => simplify(max(a, b)), int(0) as Expr);
