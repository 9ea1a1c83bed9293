// Finds values that can be computed right inside of the value that is made of them, so that no copy is left:
//   Y = Concat(A, B)   →   A and B are written to their parts of Y
//   Y = Pad(X)         →   X is written to the inside of Y; only the border is filled
// Read off the element expression (selects over boxes), so every operator of that form profits.

import type { Const, Expr, Load, Var } from '../../ir/expr.ts';
import { add, and, bool, constantOf, int, le, not, product, sub, variable } from '../../ir/expr-make.ts';
import { contains, freeVars, substitute } from '../../ir/expr-walk.ts';
import type { Value } from '../../ir/graph.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import type { Access } from '../fuse/access.ts';
import { valueBehind } from '../ops/elements.ts';
import { tensorType } from './definition.ts';

/** A part of the host: `source` lies at `offset`, covering its whole shape. */
export interface Part {
  readonly source: Value;
  readonly offset: readonly Expr[];
}

export interface Hosting {
  readonly parts: readonly Part[];
  /** What fills the rest of the host; absent where the parts cover it. */
  readonly fill?: Const;
}

interface Leaf {
  readonly condition: Expr;
  readonly value: Expr;
}

function leavesOf(expr: Expr, condition: Expr): readonly Leaf[] {
  if (expr.kind !== 'select') return [{ condition, value: expr }];
  return [
    ...leavesOf(expr.whenTrue, and(condition, expr.condition)),
    ...leavesOf(expr.whenFalse, and(condition, not(expr.condition))),
  ];
}

/** More parts than this are data movement of another kind. */
const mostLeaves = 64;

export function hostingOf(access: Access): Hosting | undefined {
  if (access.definition.kind !== 'select' || access.reduces) return undefined;
  const leaves = leavesOf(access.definition, bool(true));
  if (leaves.length > mostLeaves) return undefined;
  const parts: Part[] = [];
  const fills: Const[] = [];
  for (const { condition, value } of leaves) {
    if (value.kind === 'const') fills.push(value);
    else {
      const part = value.kind === 'load' ? partOf(value, condition, access) : undefined;
      if (!part) return undefined;
      parts.push(part);
    }
  }
  if (fills.length > 0) {
    const same = fills.every(({ value }) => Object.is(value, fills[0]!.value));
    return parts.length === 1 && same ? { parts, fill: fills[0]! } : undefined;
  }
  return coversHost(parts, access.value) ? { parts } : undefined;
}

/** A load of the element `index - offset`, taken wherever that is inside of the source. */
function partOf(load: Load, condition: Expr, access: Access): Part | undefined {
  const source = valueBehind(load.buffer);
  if (!source || load.indices.length !== access.indices.length) return undefined;
  const offset: Expr[] = [];
  for (const [axis, index] of load.indices.entries()) {
    const own = access.indices[axis]!;
    const distance = simplify(sub(constantOf(own.extent!) === 1 ? int(0) : own, index));
    // A place that is data is known only when the kernel runs.
    if (intersects(freeVars(distance), access.indices) || contains(distance, isLoad)) return undefined;
    offset.push(distance);
  }
  const { shape } = tensorType(source);
  const inside = access.indices.map((_, axis) => variable(`p${axis}`, 'index', { extent: shape[axis]! }));
  const shifted = new Map(access.indices.map((own, axis) => [own, add(inside[axis]!, offset[axis]!)] as const));
  const taken = isAlways(substitute(condition, shifted));
  return taken && liesInside(offset, shape, access.indices) ? { source, offset } : undefined;
}

const isAlways = (condition: Expr): boolean => constantOf(simplify(condition)) === 1;

/** A source that is cut has elements without a place in the host. */
const liesInside = (offset: readonly Expr[], shape: readonly Expr[], host: readonly Var[]): boolean =>
  host.every((own, axis) => {
    const begin = offset[axis]!;
    return isAlways(and(le(int(0), begin), le(add(begin, shape[axis]!), own.extent!)));
  });

const isLoad = (expr: Expr): boolean => expr.kind === 'load';
const intersects = (set: ReadonlySet<Var>, vars: readonly Var[]): boolean => vars.some((item) => set.has(item));

function coversHost(parts: readonly Part[], host: Value): boolean {
  const volumes = parts.map(({ source }) => product(tensorType(source).shape));
  return sameSize(
    volumes.reduce((a, b) => add(a, b), int(0) as Expr),
    product(tensorType(host).shape),
  );
}
