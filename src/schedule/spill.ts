// Hands the finished accumulators of a tile to the rest of the kernel through a local array, so that what follows the
// reduction may run over fewer elements, or in another order, than the accumulators have.
//   alloc acc[T]; for i { acc[i] = 0 }; for k { for i { acc[i] = … } }; for i { y[i] = acc[i] }
//     →   alloc acc[T]; …; alloc done[T]; for i { done[i] = acc[i] }; for e { y[e] = done[e] }
// `after` names the loops of the statements after the reduction anew, one new name for each tile loop.

import type { Expr, Var } from '../../ir/expr.ts';
import { load, variable } from '../../ir/expr-make.ts';
import type { Alloc, Buffer, Kernel, Loop, Stmt } from '../../ir/kernel.ts';
import { allocate, isLoop, loop, mapStmt, rewriteStmtExprs, store, substituteStmt } from '../../ir/kernel-walk.ts';
import { accessesOf } from './independent.ts';
import { blockOf, perfectNest, ScheduleError, type Step, statementsOf } from './step.ts';

/** `renamed` maps the names of the tile's loops to their names after the reduction; only tiles that `needs` it. */
export const spill =
  (renamed: ReadonlyMap<string, string>, needs: (accumulators: Buffer) => boolean): Step =>
  (kernel: Kernel): Kernel => {
    const walk = (stmt: Stmt): Stmt => {
      if (
        stmt.kind === 'alloc' &&
        stmt.buffer.memory === 'register' &&
        stmt.buffer.shape.length > 0 &&
        needs(stmt.buffer)
      ) {
        return spillOne(stmt, renamed);
      }
      return mapStmt(stmt, walk);
    };
    return { ...kernel, body: walk(kernel.body) };
  };

function spillOne(stmt: Alloc, renamed: ReadonlyMap<string, string>): Stmt {
  const { buffer } = stmt;
  const parts = statementsOf(stmt.body);
  const writes = (part: Stmt): boolean => accessesOf(part).stores.some((access) => access.buffer === buffer);
  const last = parts.findLastIndex(writes);
  const source = last < 0 ? undefined : leafStore(parts[last]!, buffer);
  if (!source) throw new ScheduleError(`the reduction of ${buffer.name} has no plain store`);
  const done: Buffer = { ...buffer, name: `${buffer.name}_done`, memory: 'stack' };
  const indices = source.loops.map(({ index }) => variable(index.name, 'index', { extent: index.extent! }));
  const copy = indices.reduceRight<Stmt>(
    (inner, index) => loop(index, inner),
    store(done, indices, load(buffer, indices)),
  );
  const rest = parts.slice(last + 1).map((part) => renameLoops(readFrom(part, buffer, done), renamed));
  return allocate(buffer, blockOf([...parts.slice(0, last + 1), allocate(done, blockOf([copy, ...rest]))]));
}

/** The loops of the tile around the store that updates the accumulators. */
function leafStore(stmt: Stmt, buffer: Buffer): { readonly loops: readonly Loop[] } | undefined {
  const { loops, body } = perfectNest(stmt);
  if (body.kind !== 'store' || body.buffer !== buffer) return undefined;
  const tile = loops.slice(loops.length - buffer.shape.length);
  return tile.every((inner, i) => body.indices[i] === inner.index) ? { loops: tile } : undefined;
}

const readFrom = (stmt: Stmt, from: Buffer, to: Buffer): Stmt =>
  rewriteStmtExprs(stmt, (node) => (node.kind === 'load' && node.buffer === from ? load(to, node.indices) : undefined));

function renameLoops(stmt: Stmt, renamed: ReadonlyMap<string, string>): Stmt {
  const walk = (inner: Stmt): Stmt => {
    const mapped = mapStmt(inner, walk);
    const name = isLoop(mapped) ? renamed.get(mapped.index.name) : undefined;
    if (!isLoop(mapped) || !name) return mapped;
    const index = variable(name, 'index', { extent: mapped.extent });
    return loop(index, substituteStmt(mapped.body, new Map<Var, Expr>([[mapped.index, index]])), mapped.as);
  };
  return walk(stmt);
}
