// Whether the iterations of loops may run in any order, interleaved or at once.

import type { Expr, Load, Var } from '../../ir/expr.ts';
import { exprKey, sameExpr } from '../../ir/expr-key.ts';
import { constantOf, int, sub } from '../../ir/expr-make.ts';
import { substitute, visitExpr } from '../../ir/expr-walk.ts';
import type { Buffer, Loop, Stmt, Store } from '../../ir/kernel.ts';
import { ownExprs, visitStmt } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { flatAddress, isInjective, linearIn, uses } from './affine.ts';
import { ScheduleError } from './step.ts';

export interface Accesses {
  readonly loads: readonly Load[];
  readonly stores: readonly Store[];
  /** Buffers that live inside the statement only. */
  readonly local: ReadonlySet<Buffer>;
}

/** Every access of a statement tree, each load object once. */
export function accessesOf(stmt: Stmt): Accesses {
  const loads: Load[] = [];
  const stores: Store[] = [];
  const local = new Set<Buffer>();
  const seen = new Set<Expr>();
  visitStmt(stmt, (inner) => {
    if (inner.kind === 'store') stores.push(inner);
    if (inner.kind === 'alloc') local.add(inner.buffer);
    for (const expr of ownExprs(inner)) {
      visitExpr(
        expr,
        (node) => {
          if (node.kind === 'load') loads.push(node);
          return true;
        },
        seen,
      );
    }
  });
  return { loads, stores, local };
}

/**
 * Iterations are independent if each writes its own elements and reads, of the buffers written, only those. Buffers
 * allocated inside belong to one iteration.
 */
export function areIndependent(indices: readonly Var[], body: Stmt): boolean {
  const { loads, stores, local } = accessesOf(body);
  const written = new Map<Buffer, Map<string, Expr>>();
  for (const { buffer } of stores) if (!local.has(buffer)) written.set(buffer, new Map());
  for (const { buffer, indices: at } of [...stores, ...loads]) {
    const address = flatAddress(buffer, at);
    written.get(buffer)?.set(exprKey(address), address);
  }
  const inner = innerIndices(body);
  return [...written.values()].every((addresses) => areDisjoint(indices, inner, [...addresses.values()]));
}

/** Whether no two iterations share one of the addresses. */
function areDisjoint(indices: readonly Var[], inner: readonly Var[], addresses: readonly Expr[]): boolean {
  const first = addresses[0]!;
  if (addresses.length === 1) {
    // Two iterations must differ whatever the inner indices are.
    return isInjective(first, [...indices, ...inner.filter((index) => uses(first, index))]);
  }
  const zero = new Map<Var, Expr>(indices.map((index) => [index, int(0)]));
  const rests = addresses.map((address) => simplify(substitute(address, zero)));
  const own = addresses.map((address, i) => simplify(sub(address, rests[i]!)));
  if (own.some((part) => !sameExpr(part, own[0]!))) return false;
  return isInjective(own[0]!, indices, rests) || areApart(own[0]!, indices, rests);
}

/** One loop whose addresses are a constant distance apart, and none of the distances a whole number of its steps. */
function areApart(own: Expr, indices: readonly Var[], rests: readonly Expr[]): boolean {
  const [index] = indices;
  const step = index && indices.length === 1 ? constantOf(linearIn(own, index)?.coefficient ?? own) : undefined;
  const turns = constantOf(index?.extent ?? own);
  if (!step || turns === undefined) return false;
  const distances = rests.map((rest) => constantOf(simplify(sub(rest, rests[0]!))));
  if (distances.includes(undefined)) return false;
  const sorted = [...new Set(distances.map((distance) => distance!))].sort((a, b) => a - b);
  return sorted.every((distance, i) =>
    sorted.slice(i + 1).every((other) => (other - distance) % step !== 0 || other - distance >= step * turns),
  );
}

function innerIndices(body: Stmt): readonly Var[] {
  const found: Var[] = [];
  visitStmt(body, (stmt) => {
    if (stmt.kind === 'loop') found.push(stmt.index);
  });
  return found;
}

export function requireIndependent(loops: readonly Loop[], body: Stmt): void {
  const indices = loops.map(({ index }) => index);
  if (!areIndependent(indices, body)) {
    throw new ScheduleError(`iterations of ${indices.map(({ name }) => name).join(', ')} are not independent`);
  }
}
