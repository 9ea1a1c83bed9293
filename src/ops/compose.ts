// What `expand` functions share: types of values, casts that may be nothing, constants of a value's type.

import type { DType } from '../../ir/dtype.ts';
import type { TensorType, Value } from '../../ir/graph.ts';
import { CompilerBug } from '../errors.ts';
import { accumulatorType } from './accumulate.ts';
import { Cast } from './cast.ts';
import type { Builder } from './define.ts';

export function tensorTypeOf(value: Value): TensorType {
  if (value.type.kind !== 'tensor') throw new CompilerBug(`${value.name} is a ${value.type.kind}, not a tensor`);
  return value.type;
}

export const castTo = (g: Builder, value: Value, to: DType): Value =>
  tensorTypeOf(value).dtype === to ? value : g.apply(Cast, [value], { to });

/** The value in the type in which sums of it are formed. */
export const widened = (g: Builder, value: Value): Value =>
  castTo(g, value, accumulatorType(tensorTypeOf(value).dtype));

/** A scalar of the value's element type. */
export const scalarLike = (g: Builder, value: Value, number: number): Value =>
  g.scalar(number, tensorTypeOf(value).dtype);
