// Gives each element of a tile its own accumulator and moves the reduction outside the tile: the one idea behind
// matrix products, convolutions and windows.
//   for i < 4 { alloc acc; acc = 0; for k { acc = acc + A[i, k] }; y[i] = acc }
//     →   alloc acc[4]; for i < 4 { acc[i] = 0 }; for k { for i < 4 { acc[i] = acc[i] + A[i, k] } }; for i < 4 { y[i] = acc[i] }
// The named loops are one perfect nest, outermost first, of constant extents and independent iterations. Whatever does
// not depend on them goes outside; what remains around each statement are copies of the loops with the same names.

import type { Expr, Var } from '../../ir/expr.ts';
import { load, variable } from '../../ir/expr-make.ts';
import type { Buffer, Loop, Stmt } from '../../ir/kernel.ts';
import { allocate, ifThen, loop, mapStmt, rewriteStmtExprs, store, substituteStmt } from '../../ir/kernel-walk.ts';
import { uses } from './affine.ts';
import { requireIndependent } from './independent.ts';
import { aroundBody, blockOf, constantExtent, onLoops, perfectNest, ScheduleError, type Step } from './step.ts';

export const accumulateOverTile =
  (...names: readonly string[]): Step =>
  (kernel) =>
    onLoops(kernel, names[0]!, (outermost) => {
      const nest = perfectNest(outermost);
      const tile = nest.loops.slice(0, names.length);
      if (tile.length < names.length || tile.some((loop, i) => loop.index.name !== names[i])) {
        throw new ScheduleError(`loops ${names.join(', ')} are not one perfect nest`);
      }
      tile.forEach(constantExtent);
      const body = aroundBody(nest.loops.slice(names.length), nest.body);
      requireIndependent(tile, body);
      return distribute(body, tile);
    });

/** The statement for all iterations of the tile, with as much as possible outside of the tile's loops. */
function distribute(stmt: Stmt, tile: readonly Loop[]): Stmt {
  const depends = (expr: Expr): boolean => tile.some((loop) => uses(expr, loop.index));
  switch (stmt.kind) {
    case 'block':
      return blockOf(stmt.body.map((inner) => distribute(inner, tile)));
    case 'loop':
      if (depends(stmt.extent)) break;
      return loop(stmt.index, distribute(stmt.body, tile), stmt.as);
    case 'alloc': {
      const expanded = expand(stmt.buffer, tile);
      return allocate(expanded, distribute(atTile(stmt.body, stmt.buffer, expanded, tile), tile));
    }
    case 'let': {
      if (!depends(stmt.value)) return { ...stmt, body: distribute(stmt.body, tile) };
      return distribute(substituteStmt(stmt.body, new Map([[stmt.variable, stmt.value]])), tile);
    }
    case 'if':
      if (depends(stmt.condition)) break;
      return ifThen(stmt.condition, distribute(stmt.then, tile), stmt.otherwise && distribute(stmt.otherwise, tile));
    case 'barrier':
    case 'while':
    case 'check':
      throw new ScheduleError(`a ${stmt.kind} inside a tile`);
    case 'store':
      break;
  }
  return aroundLeaf(stmt, tile);
}

/** Own loops around one statement. */
function aroundLeaf(stmt: Stmt, tile: readonly Loop[]): Stmt {
  const fresh = tile.map((loop) => variable(loop.index.name, 'index', { extent: loop.extent }));
  const body = substituteStmt(stmt, new Map<Var, Expr>(tile.map((loop, i) => [loop.index, fresh[i]!])));
  return fresh.reduceRight<Stmt>((inner, index, i) => loop(index, inner, tile[i]!.as), body);
}

function expand(buffer: Buffer, tile: readonly Loop[]): Buffer {
  if (buffer.strides || (buffer.lanes ?? 1) !== 1) throw new ScheduleError(`${buffer.name} cannot be expanded`);
  return { ...buffer, shape: [...buffer.shape, ...tile.map(({ extent }) => extent)] };
}

/** Accesses to `buffer` become accesses to this iteration's element of `expanded`. */
function atTile(body: Stmt, buffer: Buffer, expanded: Buffer, tile: readonly Loop[]): Stmt {
  const own = tile.map(({ index }) => index);
  const loads = rewriteStmtExprs(body, (node) =>
    node.kind === 'load' && node.buffer === buffer ? load(expanded, [...node.indices, ...own]) : undefined,
  );
  const walk = (stmt: Stmt): Stmt => {
    if (stmt.kind === 'store' && stmt.buffer === buffer) return store(expanded, [...stmt.indices, ...own], stmt.value);
    return mapStmt(stmt, walk);
  };
  return walk(loads);
}
