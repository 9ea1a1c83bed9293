// Lets a tile loop run further than it must, so that a full vector covers what is left of an axis.
//   alloc acc[10]; for i < 10 { acc[i] = acc[i] + W[k, i] }   →   alloc acc[16]; for i < 16 { acc[i] = acc[i] + W[k, i] }
// Allowed where the loops only fill local arrays, of which the further elements are never read elsewhere, and where all
// that the further iterations read is inside its buffer.

import type { Expr, Var } from '../../ir/expr.ts';
import { constantOf, int, variable } from '../../ir/expr-make.ts';
import { contains } from '../../ir/expr-walk.ts';
import { isInside } from '../../ir/inside.ts';
import type { Buffer, Loop, Stmt } from '../../ir/kernel.ts';
import { loop, replaceBuffers, substituteStmt } from '../../ir/kernel-walk.ts';
import { simplifyStmt } from '../../ir/simplify.ts';
import { accessesOf } from './independent.ts';
import { constantExtent, onLoops, ScheduleError, type Step } from './step.ts';

/** Extents of the loops grow to the next multiple of `multiple`. */
export const pad =
  (name: string, multiple: number): Step =>
  (kernel) => {
    const grown = onLoops(kernel, name, (stmt) => padLoop(stmt, multiple));
    return { ...grown, body: growBuffers(grown.body, name) };
  };

function padLoop(stmt: Loop, multiple: number): Stmt {
  const extent = constantExtent(stmt);
  const target = Math.ceil(extent / multiple) * multiple;
  // A single iteration has lost its index when it was simplified; it stays single.
  if (target === extent || extent === 1) return stmt;
  const index = variable(stmt.index.name, 'index', { extent: int(target) });
  const body = simplifyStmt(substituteStmt(stmt.body, new Map<Var, Expr>([[stmt.index, index]])));
  const { loads, stores } = accessesOf(body);
  if (stores.some(({ buffer }) => buffer.memory === 'argument' || buffer.memory === 'shared')) {
    throw new ScheduleError(`loop ${stmt.index.name} stores outside of the tile`);
  }
  for (const { buffer, indices } of loads) {
    if (buffer.memory !== 'argument' || !indices.some((at) => contains(at, (node) => node === index))) continue;
    if (!isInside(buffer, indices)) throw new ScheduleError(`a load of ${buffer.name} may leave it`);
  }
  return loop(index, body, stmt.as);
}

/** Local arrays indexed by the padded loops get their extent. */
function growBuffers(body: Stmt, name: string): Stmt {
  const grown = new Map<Buffer, Buffer>();
  const see = (buffer: Buffer, indices: readonly Expr[]): void => {
    if (buffer.memory === 'argument') return;
    indices.forEach((at, axis) => {
      const least = at.kind === 'var' && at.name === name ? constantOf(at.extent!) : undefined;
      const current = grown.get(buffer) ?? buffer;
      if (least === undefined || least <= (constantOf(current.shape[axis]!) ?? least)) return;
      grown.set(buffer, { ...current, shape: current.shape.map((extent, i) => (i === axis ? int(least) : extent)) });
    });
  };
  const { loads, stores } = accessesOf(body);
  for (const { buffer, indices } of [...loads, ...stores]) see(buffer, indices);
  return grown.size === 0 ? body : replaceBuffers(body, grown);
}
