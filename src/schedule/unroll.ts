// Replaces a loop of constant extent by copies of its body.
//   for i < 3 { body(i) }   →   body(0); body(1); body(2)

import { constantOf, int } from '../../ir/expr-make.ts';
import type { Kernel, Loop, Stmt } from '../../ir/kernel.ts';
import { isLoop, mapStmt } from '../../ir/kernel-walk.ts';
import { atValues, bindsNothing } from './at-values.ts';
import { operationsOf } from './operations.ts';
import { blockOf, constantExtent, instantiate, onLoops, type Step, statementsOf } from './step.ts';

export const unroll =
  (name: string): Step =>
  (kernel) =>
    onLoops(kernel, name, copies);

function copies(loop: Loop): Stmt {
  const extent = constantExtent(loop);
  if (bindsNothing(loop.body)) return blockOf(atValues(loop.body, loop.index, extent));
  const turns = Array.from({ length: extent }, (_, turn) => turn);
  return blockOf(turns.map((turn) => instantiate(loop.body, new Map([[loop.index, int(turn)]]))));
}

/** Operations of a statement that is short itself. */
const fewOperations = 4;

/** Unrolls innermost loops that are so short that turning costs as much as their bodies, up to `most` short statements. */
export const unrollShortLoops =
  (most: number): Step =>
  (kernel: Kernel): Kernel => {
    const walk = (stmt: Stmt): Stmt => {
      const mapped = mapStmt(stmt, walk);
      if (!isLoop(mapped) || mapped.as !== 'serial') return mapped;
      const turns = constantOf(mapped.extent);
      const statements = statementsOf(mapped.body);
      const stores = statements.filter((inner) => inner.kind === 'store');
      if (turns === undefined || stores.length < statements.length) return mapped;
      const operations = stores.reduce((sum, store) => sum + operationsOf(store), 0);
      const length = Math.max(stores.length, operations / fewOperations);
      return turns * length <= most ? copies(mapped) : mapped;
    };
    return { ...kernel, body: walk(kernel.body) };
  };
