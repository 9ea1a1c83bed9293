// Cuts a kernel into what can be started at once: its outermost statements one after the other, each over the grid that
// its loops ask for, or on one thread. Between two launches all that was written is seen by all.

import type { Expr } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';
import type { Stmt } from '../../ir/kernel.ts';
import { block, innerStmts, isLoop } from '../../ir/kernel-walk.ts';

export interface Launch {
  readonly body: Stmt;
  /** Over the dims of the kernel. */
  readonly blocks?: Expr;
  /** Threads of a block; 1 where there is no grid. */
  readonly threads: number;
}

/** CUDA allows no more. */
const mostThreads = 1024;

export function launchesOf(body: Stmt): readonly Launch[] {
  const launches: Launch[] = [];
  let alone: Stmt[] = [];
  const flush = (): void => {
    if (alone.length > 0) launches.push({ body: block(alone), threads: 1 });
    alone = [];
  };
  for (const part of body.kind === 'block' ? body.body : [body]) {
    const threads = threadsOf(part);
    if (threads === undefined || !isLoop(part)) {
      alone.push(part);
      continue;
    }
    flush();
    launches.push({ body: part, blocks: part.extent, threads });
  }
  flush();
  return launches;
}

/** How many threads a loop over blocks is for: inside it everything is done by threads, in loops of a known length. */
function threadsOf(stmt: Stmt): number | undefined {
  if (!isLoop(stmt) || stmt.as !== 'block') return undefined;
  const counts = phasesIn(stmt.body).map((phase): number => {
    if (phase.kind === 'barrier') return 1;
    const count =
      isLoop(phase) && phase.as === 'thread' && !usesGrid(phase.body) ? constantOf(phase.extent) : undefined;
    return count ?? Number.POSITIVE_INFINITY;
  });
  const most = Math.max(1, ...counts);
  return most <= mostThreads ? most : undefined;
}

/** What the threads of a block do one after the other. */
function phasesIn(body: Stmt): readonly Stmt[] {
  if (body.kind === 'alloc' && body.buffer.memory === 'shared') return phasesIn(body.body);
  return body.kind === 'block' ? body.body.flatMap(phasesIn) : [body];
}

/** A barrier inside of a thread's own loop would be met by some threads only. */
const usesGrid = (stmt: Stmt): boolean =>
  stmt.kind === 'barrier' ||
  (isLoop(stmt) && (stmt.as === 'block' || stmt.as === 'thread')) ||
  innerStmts(stmt).some(usesGrid);
