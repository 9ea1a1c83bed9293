// Puts the loops of perfect nests into the given order, outermost first.
//   reorder('k', 'i'):   for i { for j { for k { body } } }   →   for k { for j { for i { body } } }
// The named loops take each other's places; loops between them that are not named stay where they are.
// All iterations of the loops must be independent.

import type { Loop, Stmt } from '../../ir/kernel.ts';
import { isLoop, mapStmt } from '../../ir/kernel-walk.ts';
import { uses } from './affine.ts';
import { requireIndependent } from './independent.ts';
import { aroundBody, perfectNest, ScheduleError, type Step } from './step.ts';

export const reorder =
  (...names: readonly string[]): Step =>
  (kernel) => {
    let found = false;
    const walk = (stmt: Stmt): Stmt => {
      if (isLoop(stmt) && names.includes(stmt.index.name)) {
        found = true;
        return reorderNest(stmt, names);
      }
      return mapStmt(stmt, walk);
    };
    const body = walk(kernel.body);
    if (!found) throw new ScheduleError(`no loops ${names.join(', ')} in ${kernel.name}`);
    return { ...kernel, body };
  };

function reorderNest(stmt: Stmt, names: readonly string[]): Stmt {
  const nest = perfectNest(stmt);
  const isNamed = (loop: Loop): boolean => names.includes(loop.index.name);
  const end = nest.loops.findLastIndex(isNamed) + 1;
  const loops = nest.loops.slice(0, end);
  const body = aroundBody(nest.loops.slice(end), nest.body);
  const named = names.map((name) => loops.find((loop) => loop.index.name === name));
  if (named.includes(undefined)) throw new ScheduleError(`loops ${names.join(', ')} are not one perfect nest`);
  if (loops.some((outer) => loops.some((inner) => uses(inner.extent, outer.index)))) {
    throw new ScheduleError(`extents in the nest of ${names.join(', ')} depend on its loops`);
  }
  const queue = named.filter((loop) => loop !== undefined);
  const ordered = loops.map((loop) => (isNamed(loop) ? queue.shift()! : loop));
  if (ordered.every((loop, i) => loop === loops[i])) return stmt;
  requireIndependent(loops, body);
  return aroundBody(ordered, body);
}
