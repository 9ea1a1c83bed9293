// Shape-like operands (starts, pads, axes …) that only a run knows: the output's shape is then what the model declares,
// and each element reads what it needs. Also the reading of a list of known values by an index.

import type { Expr } from '../../ir/expr.ts';
import { add, all, and, cast, constantOf, eq, failure, int, lt, max, min, select } from '../../ir/expr-make.ts';
import { contains } from '../../ir/expr-walk.ts';
import type { Stmt } from '../../ir/kernel.ts';
import { block, check } from '../../ir/kernel-walk.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import type { Operand, TypeContext } from './define.ts';

/** The model's own word on the shape of an output; `operand` names the input that is not known at compile time. */
export function declaredShape(context: TypeContext, operand: string, output = 0): readonly Expr[] {
  const declared = context.declared[output];
  if (declared?.kind === 'tensor') return declared.shape;
  return context.fail(
    `the output's shape depends on ${operand}, which is only known at run time, and the model declares no shape for ` +
      `the output. Make ${operand} a constant, or declare the output's shape.`,
  );
}

/**
 * A shape that only a run knows: the value of each axis in terms of the inputs' elements, and its bound where one
 * follows from the inputs; else what the model declares is the bound, or sizes that the caller gives. `operand` names the input to blame.
 */
export function runTimeShape(
  context: TypeContext,
  operand: string,
  values: readonly Expr[],
  bounds: readonly (Expr | undefined)[] = [],
  output = 0,
): readonly Expr[] {
  return values.map((value, axis) => {
    const size = simplify(value);
    if (!contains(size, (node) => node.kind === 'load')) return size;
    return context.fresh(
      `${operand}_${axis}`,
      bounds[axis] ?? declaredExtent(context, operand, values, axis, output),
      size,
    );
  });
}

function declaredExtent(
  context: TypeContext,
  operand: string,
  values: readonly Expr[],
  axis: number,
  output: number,
): Expr {
  const limit = context.declared[output] ?? context.limits[output];
  const given = limit?.kind === 'tensor' ? undefined : context.givenBound(values[axis]!);
  if (given) return given;
  const declared = limit?.kind === 'tensor' ? limit.shape : declaredShape(context, operand, output);
  // What is known of a result that this one was broadcast to counts from the last axis.
  return (
    declared.at(axis - values.length) ??
    context.fail(`declares an output of rank ${declared.length}; expected ${values.length}.`)
  );
}

/** The elements of a list of sizes that only a run knows; how many there are must be known. */
export function listed(list: Operand, context: TypeContext, name: string): readonly Expr[] {
  const count = constantOf(list.shape[0] ?? int(1));
  if (count === undefined) return context.fail(`the number of entries of ${name} must be known at compile time.`);
  return Array.from({ length: count }, (_, i) => (list.rank === 0 ? sizeAt(list) : sizeAt(list, int(i))));
}

/** An element of an integer operand as a size or an index. */
export const sizeAt = (operand: Operand, ...index: readonly Expr[]): Expr => cast(operand.at(...index), 'index');

/** values[at], where `at` may be a variable; zero beyond the end. */
export function pick(values: readonly Expr[], at: Expr, fallback: Expr): Expr {
  const known = constantOf(at);
  if (known !== undefined) return values[known] ?? fallback;
  return values.reduceRight((rest, value, i) => select(eq(at, int(i)), value, rest), fallback);
}

/** A negative index counts from the end. */
export const fromEnd = (index: Expr, extent: Expr): Expr => select(lt(index, int(0)), add(index, extent), index);

/** 0 <= index < extent. */
export const within = (index: Expr, extent: Expr): Expr => simplify(and(lt(int(-1), index), lt(index, extent)));

/** low <= value <= high, by clamping. */
export const clamp = (value: Expr, low: Expr, high: Expr): Expr => min(max(value, low), high);

/** `value` where the condition holds; elsewhere the run reports an index out of range. */
export const checked = (condition: Expr, value: Expr): Expr => select(condition, value, failure('index', value.dtype));

/** A data axis's entry of a list that goes with `axes` (all axes in order where absent), or `fallback`. */
export function entryOf(axis: number, rank: number, axes: Operand | undefined, list: Operand, fallback: Expr): Expr {
  const count = Math.min(constantOf(list.shape[0]!) ?? 0, axes ? (constantOf(axes.shape[0]!) ?? 0) : rank);
  if (!axes) return axis < count ? sizeAt(list, int(axis)) : fallback;
  return Array.from({ length: count }, (_, i) => i).reduce((rest, i) => {
    const named = fromEnd(sizeAt(axes, int(i)), int(rank));
    return select(simplify(eq(named, int(axis))), sizeAt(list, int(i)), rest);
  }, fallback);
}

/** Sizes that must be equal, of which not all are provably so. */
const unproved = (pairs: readonly (readonly [Expr, Expr])[]): Expr =>
  all(pairs.filter(([a, b]) => !sameSize(a, b)).map(([a, b]) => eq(a, b)));

/** `value` where these sizes are equal; else the run reports that shapes do not fit. Nothing where that is proved. */
export const agreeing = (pairs: readonly (readonly [Expr, Expr])[], value: Expr): Expr =>
  select(unproved(pairs), value, failure('shape', value.dtype));

/** The same, for kernels. */
export const checkAgreeing = (pairs: readonly (readonly [Expr, Expr])[]): Stmt => {
  const condition = unproved(pairs);
  return constantOf(condition) === 1 ? block([]) : check(condition, 'shape');
};

/** Pairs of the extents of two shapes, axis by axis. */
export const pairsOf = (a: readonly Expr[], b: readonly Expr[]): readonly (readonly [Expr, Expr])[] =>
  a.map((extent, axis) => [extent, b[axis]!] as const);
