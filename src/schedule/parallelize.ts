// Marks loops whose iterations are independent.
//   for i { body }   →   parallel for i { body }

import type { Expr, Var } from '../../ir/expr.ts';
import { add, ceilDiv, constantOf, div, int, min, mod, mul, product, sub, variable } from '../../ir/expr-make.ts';
import { visitExpr } from '../../ir/expr-walk.ts';
import type { Kernel, Loop, Stmt } from '../../ir/kernel.ts';
import { innerStmts, isLoop, letIn, loop, mapStmt, ownExprs } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { requireIndependent } from './independent.ts';
import { aroundBody, blockOf, instantiate, onLoops, perfectNest, type Step, statementsOf } from './step.ts';

export const parallelize =
  (name: string): Step =>
  (kernel) =>
    onLoops(kernel, name, (loop) => {
      requireIndependent([loop], loop.body);
      return { ...loop, as: 'parallel' };
    });

/** Below this many operations, a microsecond or two, waking another thread costs more than it saves. */
const worthwhile = 150_000;
/** An iteration of joined loops does at least this many, so that finding its place, a few divisions, does not count. */
const turnOfJoined = 20_000;
/** What a symbolic extent is taken for. */
const usualExtent = 128;
/** As many iterations as keep a few threads evenly busy. */
const enough = 16;

/**
 * Marks the loops that a schedule made of independent ones: of `names`, and those over their tiles, down to where a sum
 * or a store begins.
 */
export function markIndependent(body: Stmt, names: ReadonlySet<string>): Stmt {
  const walk = (stmt: Stmt): Stmt => {
    if (stmt.kind === 'block') return blockOf(stmt.body.map(walk));
    if (!isLoop(stmt) || !names.has(stmt.index.name.replace(/\.o$/, ''))) return stmt;
    return loop(stmt.index, walk(stmt.body), 'parallel');
  };
  return walk(body);
}

/**
 * Keeps the marks of the outermost loops where sharing them out is worth while. Loops of few iterations, or of an
 * unknown number (a batch is mostly 1), are joined with those inside of them:
 *   for n < batch { for y < 56 { body } }   →   parallel for i < batch * 56 { body(i / 56, i % 56) }
 */
export const parallelizeOutermost = (kernel: Kernel): Kernel => ({
  ...kernel,
  body: blockOf(statementsOf(kernel.body).flatMap(shareOut)),
});

function shareOut(stmt: Stmt): readonly Stmt[] {
  if (!isLoop(stmt) || stmt.as !== 'parallel' || operations(stmt) < worthwhile) return [serial(stmt)];
  const nest = perfectNest(stmt);
  const independent = nest.loops.slice(0, nest.loops.findIndex(({ as }) => as !== 'parallel') >>> 0);
  const first = independent.findIndex((_, i) => !isScarce(independent.slice(0, i + 1)));
  if (first >= 0) return [joinInBlocks(independent.slice(0, first + 1))];
  const parts = statementsOf(nest.body);
  if (independent.length === nest.loops.length && parts.length > 1) {
    // Each part gets the loops for itself: then its own loops can be joined with them.
    return parts.flatMap((part) => shareOut(instantiate(aroundBody(independent, part))));
  }
  return [joinInBlocks(independent)];
}

/** Whether the loops may have too few iterations to share. */
const isScarce = (loops: readonly Loop[]): boolean =>
  loops.reduce((count, { extent }) => count * (constantOf(extent) ?? 1), 1) < enough;

function serial(stmt: Stmt): Stmt {
  const inner = mapStmt(stmt, serial);
  return isLoop(inner) && inner.as === 'parallel' ? { ...inner, as: 'serial' } : inner;
}

/**
 * Where the innermost of several loops does little, its iterations go in blocks:
 *   for n < batch { for i < size { body } }   →   parallel for j < batch * (size / 64) { … for i.i < 64 { body } }
 */
function joinInBlocks(loops: readonly Loop[]): Stmt {
  const last = loops.at(-1)!;
  const turns = Math.ceil(turnOfJoined / Math.max(1, operations(last.body)));
  if (loops.length === 1 || turns === 1) return join(loops);
  const size = constantOf(last.extent);
  if (size !== undefined && size <= turns) return joinInBlocks(loops.slice(0, -1));
  const inBlock = size === undefined ? turns : Math.ceil(size / Math.ceil(size / turns));
  const block = variable(`${last.index.name}.o`, 'index', { extent: simplify(ceilDiv(last.extent, int(inBlock))) });
  const start = mul(block, int(inBlock));
  const within = variable(`${last.index.name}.i`, 'index', {
    extent: simplify(min(int(inBlock), sub(last.extent, start))),
  });
  const body = loop(within, instantiate(last.body, new Map([[last.index, add(start, within)]])));
  return join([...loops.slice(0, -1), { ...last, index: block, extent: block.extent!, body }]);
}

function join(loops: readonly Loop[]): Stmt {
  const { body } = loops.at(-1)!;
  const [only] = loops;
  if (loops.length === 1 && only) return { ...only, body: serial(only.body), as: 'parallel' };
  const extent = simplify(product(loops.map((each) => each.extent)));
  const at = variable(loops.map(({ index }) => index.name).join('_'), 'index', { extent });
  const values = new Map<Var, Expr>();
  let inside: Expr = int(1);
  for (const { index, extent: own } of [...loops].reverse()) {
    const whole = div(at, inside);
    values.set(index, simplify(index === loops[0]!.index ? whole : mod(whole, own)));
    inside = simplify(mul(inside, own));
  }
  const named = loops.map(({ index, extent: own }) => variable(index.name, 'index', { extent: own }));
  const inner = instantiate(serial(body), new Map(loops.map(({ index }, i) => [index, named[i]!])));
  const bound = loops.reduceRight<Stmt>((rest, { index }, i) => letIn(named[i]!, values.get(index)!, rest), inner);
  return loop(at, bound, 'parallel');
}

/** A rough count of the operations that a statement performs. */
function operations(stmt: Stmt): number {
  let own = 1;
  for (const expr of ownExprs(stmt)) {
    visitExpr(expr, (node) => {
      if (node.dtype !== 'index') own += node.kind === 'call' ? 10 * node.lanes : node.lanes;
      return true;
    });
  }
  const inner = innerStmts(stmt).reduce((sum, child) => sum + operations(child), 0);
  return isLoop(stmt) ? (constantOf(stmt.extent) ?? usualExtent) * inner : own + inner;
}
