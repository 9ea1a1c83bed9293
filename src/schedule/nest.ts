// What recipes ask of a kernel: its outer loops, what is inside them, and along which loop vectors may run.

import type { DType } from '../../ir/dtype.ts';
import type { Expr, Load, Var } from '../../ir/expr.ts';
import { constantOf, variable } from '../../ir/expr-make.ts';
import { contains, visitExpr } from '../../ir/expr-walk.ts';
import type { Buffer, Kernel, Loop, Stmt, Store } from '../../ir/kernel.ts';
import { isLoop, loop, mapStmt, ownExprs, substituteStmt, visitStmt } from '../../ir/kernel-walk.ts';
import { readUpdate } from './accumulate-over-lanes.ts';
import { strideOf, uses } from './affine.ts';
import { accessesOf } from './independent.ts';
import { mergeLoops } from './merge.ts';
import { perfectNest, statementsOf } from './step.ts';

/** Gives every loop a name of its own, in order of appearance: steps address loops by name. */
export function nameLoops(kernel: Kernel): Kernel {
  let count = 0;
  const walk = (stmt: Stmt): Stmt => {
    if (!isLoop(stmt)) return mapStmt(stmt, walk);
    const index = variable(`l${count++}`, 'index', { extent: stmt.extent });
    return loop(index, walk(substituteStmt(stmt.body, new Map<Var, Expr>([[stmt.index, index]]))), stmt.as);
  };
  return { ...kernel, body: walk(kernel.body) };
}

/** Loops around one reduction with what comes before and after it: `for outer { acc = …; for reduction { update }; … }`. */
export interface Accumulation {
  readonly outer: readonly Loop[];
  /** Everything inside the outer loops. */
  readonly body: Stmt;
  readonly reduction: readonly Loop[];
  readonly updates: readonly Store[];
}

export function accumulationOf(stmt: Stmt): Accumulation | undefined {
  const { loops: outer, body } = perfectNest(stmt);
  const nests = statementsInside(body).filter(isLoop);
  if (nests.length !== 1) return undefined;
  const { loops: reduction, body: leaf } = perfectNest(nests[0]!);
  const updates: Store[] = [];
  for (const part of statementsOf(leaf)) {
    if (part.kind !== 'store' || !readUpdate(part)) return undefined;
    updates.push(part);
  }
  return { outer, body, reduction, updates };
}

/** The statements of a body with allocations, lets and blocks opened. */
export function statementsInside(stmt: Stmt): readonly Stmt[] {
  switch (stmt.kind) {
    case 'block':
      return stmt.body.flatMap(statementsInside);
    case 'alloc':
    case 'let':
      return statementsInside(stmt.body);
    default:
      return [stmt];
  }
}

export const hasLoops = (stmt: Stmt): boolean => statementsInside(stmt).some(isLoop);

/** Joins neighbouring loops of perfect nests from the inside outward, wherever their indices are used as one. */
export function mergeNests(kernel: Kernel): Kernel {
  const walk = (stmt: Stmt): Stmt => {
    const mapped = mapStmt(stmt, walk);
    if (!isLoop(mapped) || !isLoop(mapped.body)) return mapped;
    return mergeLoops(mapped, mapped.body, mapped.index.name) ?? mapped;
  };
  return { ...kernel, body: walk(kernel.body) };
}

/** Whether every access of arguments is contiguous along the index or does not depend on it. */
export function isContiguousAlong(body: Stmt, index: Var): boolean {
  const { loads, stores } = accessesOf(body);
  return [...loads, ...stores].every((access) => {
    if (!access.indices.some((at) => uses(at, index))) return true;
    const stride = strideOf(access, index);
    return stride !== undefined && (constantOf(stride) === 1 || constantOf(stride) === 0);
  });
}

/** The divisor of `index / d` and `index % d` in a load: the width of panels in which an operand is packed. */
export function panelAlong(body: Stmt, index: Var): number | undefined {
  let width: number | undefined;
  for (const access of accessesOf(body).loads) {
    for (const at of access.indices) {
      visitExpr(at, (node) => {
        if (node.kind === 'binary' && (node.op === 'div' || node.op === 'mod') && node.left === index) {
          width ??= constantOf(node.right);
        }
        return true;
      });
    }
  }
  return width;
}

/** Element types of the values that would become vectors along the index. */
export function dtypesAlong(body: Stmt, index: Var): ReadonlySet<DType> {
  const found = new Set<DType>();
  const varying = new Set<Buffer>();
  const memo = new Map<Expr, boolean>();
  const varies = (expr: Expr): boolean => {
    const known = memo.get(expr);
    if (known !== undefined) return known;
    const result = contains(expr, (node) => node === index || (node.kind === 'load' && varying.has(node.buffer)));
    memo.set(expr, result);
    return result;
  };
  for (let before = -1; before !== varying.size; ) {
    before = varying.size;
    memo.clear();
    visitStmt(body, (stmt) => {
      if (stmt.kind === 'store' && [...stmt.indices, stmt.value].some(varies)) {
        if (stmt.buffer.memory !== 'argument') varying.add(stmt.buffer);
        found.add(stmt.buffer.dtype);
      }
    });
  }
  visitStmt(body, (stmt) => {
    for (const expr of ownExprs(stmt)) {
      visitExpr(expr, (node) => {
        if (node.dtype !== 'index' && node.kind !== 'const' && varies(node)) found.add(node.dtype);
        return true;
      });
    }
  });
  return found;
}

/** Loads inside the statement that do not depend on the index although they depend on `along`. */
export const sharedLoads = (body: Stmt, along: Var, index: Var): readonly Load[] =>
  accessesOf(body).loads.filter(
    ({ indices }) => indices.some((at) => uses(at, along)) && !indices.some((at) => uses(at, index)),
  );

export const extentOf = (stmt: Loop): number | undefined => constantOf(stmt.extent);
