// Which axes a reduction runs over: known at compile time, or chosen at run time among the sets of axes that agree with
// the output shape that the model declares.

import type { Expr } from '../../ir/expr.ts';
import { add, and, cast, constantOf, eq, indexVar, int, lt, not, or, product, select } from '../../ir/expr-make.ts';
import { sameSize } from '../../ir/simplify.ts';
import type { Operand, TypeContext } from './define.ts';
import { numbersOf } from './elements.ts';
import { declaredShape } from './run-time-operands.ts';
import { normalizeAxis } from './types.ts';

/** The elements that one output element is made of. */
export interface Reduced {
  /** New variables each time: a formula may reduce more than once. */
  readonly axes: ReturnType<typeof indexVar>[];
  readonly element: Expr;
}
export interface Slice {
  read(): Reduced;
  /** The number of elements, of dtype index. */
  readonly count: Expr;
}

const isUnit = (extent: Expr): boolean => constantOf(extent) === 1;

/** The reduced axes where they are known: undefined means that only a run knows them. */
export function knownAxes(X: Operand, axes: Operand | undefined, noop: boolean): readonly number[] | undefined {
  const everything = (): readonly number[] => (noop ? [] : X.shape.map((_, axis) => axis));
  if (!axes || constantOf(axes.shape[0]!) === 0) return everything();
  const known = numbersOf(axes);
  return known?.map((axis) => (axis < 0 ? axis + X.rank : axis));
}

export const shapeWithout = (shape: readonly Expr[], reduced: readonly number[], keepdims: boolean): readonly Expr[] =>
  keepdims
    ? shape.map((extent, axis) => (reduced.includes(axis) ? int(1) : extent))
    : shape.filter((_, axis) => !reduced.includes(axis));

/** The output's shape, or a refusal. */
export function reducedShape(
  X: Operand,
  axes: Operand | undefined,
  noop: boolean,
  keepdims: boolean,
  context: TypeContext,
): readonly Expr[] {
  if (axes && axes.rank !== 1) context.fail(`axes must have rank 1, got ${axes.rank}.`);
  const known = knownAxes(X, axes, noop);
  if (!known) {
    const shape = declaredShape(context, 'axes');
    if (candidates(X.shape, shape, axes, keepdims).length === 0)
      context.fail('no set of axes gives the shape that the model declares for the output.');
    return shape;
  }
  for (const axis of numbersOf(axes) ?? []) normalizeAxis(axis, X.rank, context, 'axes');
  const repeated = known.find((axis, position) => known.indexOf(axis) !== position);
  if (repeated !== undefined) context.fail(`axes name axis ${repeated} twice.`);
  return shapeWithout(X.shape, known, keepdims);
}

/** Every set of axes that turns the input shape into the output shape, one for each set of axes longer than 1. */
function candidates(
  shape: readonly Expr[],
  output: readonly Expr[],
  axes: Operand | undefined,
  keepdims: boolean,
): readonly (readonly number[])[] {
  const count = axes && constantOf(axes.shape[0]!);
  const found = new Map<string, readonly number[]>();
  for (let bits = 0; bits < 2 ** shape.length; bits++) {
    const set = shape.map((_, axis) => axis).filter((axis) => Math.floor(bits / 2 ** axis) % 2 === 1);
    if (count !== undefined && set.length > count) continue;
    const result = shapeWithout(shape, set, keepdims);
    if (result.length !== output.length || !result.every((extent, axis) => sameSize(extent, output[axis]!))) continue;
    const key = set.filter((axis) => !isUnit(shape[axis]!)).join();
    if (!found.has(key)) found.set(key, set);
  }
  return [...found.values()];
}

/** Whether the run-time axes name exactly this set, as far as axes longer than 1 go. */
function names(X: Operand, axes: Operand, set: readonly number[]): Expr {
  const conditions = X.shape.flatMap((extent, axis) => {
    if (isUnit(extent)) return [];
    const mentioned = mentions(axes, axis, X.rank);
    return [set.includes(axis) ? mentioned : not(mentioned)];
  });
  return conditions.reduce(and);
}

function mentions(axes: Operand, axis: number, rank: number): Expr {
  const count = constantOf(axes.shape[0]!) ?? 0;
  const entries = Array.from({ length: count }, (_, i) => {
    const entry = cast(axes.at(int(i)), 'index');
    return eq(select(lt(entry, int(0)), add(entry, int(rank)), entry), int(axis));
  });
  return entries.reduce(or);
}

/** The elements of X that belong to the output element at `index`. */
export function sliceOf(X: Operand, reduced: readonly number[], keepdims: boolean, index: readonly Expr[]): Slice {
  const kept = X.shape.map((_, axis) => axis).filter((axis) => !reduced.includes(axis));
  const count = product(reduced.map((axis) => X.shape[axis]!));
  const read = (): Reduced => {
    const axes: ReturnType<typeof indexVar>[] = [];
    const at = X.shape.map((extent, axis): Expr => {
      if (isUnit(extent)) return int(0);
      if (!reduced.includes(axis)) return index[keepdims ? axis : kept.indexOf(axis)]!;
      const variable = indexVar(`r${axis}`, extent);
      axes.push(variable);
      return variable;
    });
    return { axes, element: X.at(...at) };
  };
  return { read, count };
}

/** Applies a formula to the slice of the output element at `index`, whatever the axes turn out to be. */
export function overAxes(
  X: Operand,
  axes: Operand | undefined,
  noop: boolean,
  keepdims: boolean,
  index: readonly Expr[],
  output: readonly Expr[],
  formula: (slice: Slice) => Expr,
): Expr {
  const known = knownAxes(X, axes, noop);
  if (known) return formula(sliceOf(X, known, keepdims, index));
  const [first, ...others] = candidates(X.shape, output, axes, keepdims);
  const meaning = (set: readonly number[]): Expr => formula(sliceOf(X, set, keepdims, index));
  return others.reduce((rest, set) => select(names(X, axes!, set), meaning(set), rest), meaning(first!));
}
