// The one schedule behind matrix products, convolutions and windows: a tile of rows times vectors of accumulators in
// registers, the reduction outside of the tile, exact tails. `Tiling` says which loops and how large; see the recipes.
//   for m { for n { acc = 0; for k { acc = acc + A[m, k] * B[k, n] }; C[m, n] = acc } }
//     →   for n.o { for m.o { acc[r][v] = 0 for all; for k { acc[r][v] = acc[r][v] + A[m.o * rows + r, k] * B[k, …] };
//         C[m.o * rows + r, …] = acc[r][v] for all } }

import { constantOf, int } from '../../ir/expr-make.ts';
import type { Buffer, Kernel } from '../../ir/kernel.ts';
import { visitStmt } from '../../ir/kernel-walk.ts';
import { simplifyKernel } from '../../ir/simplify.ts';
import { accumulateOverTile } from './accumulate-over-tile.ts';
import { operationsOf } from './operations.ts';
import { pad } from './pad.ts';
import { reorder } from './reorder.ts';
import { spill } from './spill.ts';
import { type Piece, split } from './split.ts';
import { applySteps, hasLoop, type Step } from './step.ts';
import { unroll } from './unroll.ts';
import { vectorize } from './vectorize.ts';

export interface TiledLoop {
  readonly loop: string;
  readonly pieces: readonly (number | Piece)[];
}

export interface Tiling {
  /** All outer loops, in the order in which they, or the loops over their tiles, shall stand. */
  readonly order: readonly string[];
  /** The loops of the tile's rows. */
  readonly rows: readonly TiledLoop[];
  /** The loop along which vectors run. */
  readonly columns: TiledLoop;
  readonly lanes: number;
  /** Reduction loops to write out. */
  readonly unrolled: readonly string[];
  /** What follows the reduction is not contiguous along the columns: let it read from a local array. */
  readonly scattered: boolean;
  /** Tiles that are no whole vectors may compute more columns than there are: the operand is padded. */
  readonly padded: boolean;
  /** All vector widths, for what must be exact. */
  readonly widths: readonly number[];
}

export function tile(kernel: Kernel, tiling: Tiling): Kernel {
  const { lanes, rows } = tiling;
  const n = tiling.columns.loop;
  const inTile = [...rows, tiling.columns].map(({ loop }) => `${loop}.i`);
  const accumulated = applySteps(kernel, [...outerSteps(tiling), accumulateOverTile(...inTile)]);
  const partial = (buffer: Buffer): boolean => constantOf(buffer.shape.at(-1) ?? int(0))! % lanes !== 0;
  const costly = hasCostlyEnd(kernel);
  const needs = (buffer: Buffer): boolean =>
    lanes > 1 && (tiling.scattered || costly || (tiling.padded && partial(buffer)));
  const renamed = new Map(inTile.map((name) => [name, name.replace(/\.i$/, '.e')]));
  const spilled = spill(renamed, needs)(accumulated);
  const after: Step[] = [];
  if (hasLoop(spilled, `${n}.e`)) {
    // Then the rows are most likely neighbours in memory.
    const ends = rows.map(({ loop }) => `${loop}.e`);
    if (tiling.scattered && ends.length > 0) after.push(reorder(`${n}.e`, ...ends));
    after.push(split(`${n}.e`, [...(tiling.scattered ? [] : tiling.widths), 1]), simplifyKernel, vectorize(`${n}.e.i`));
  }
  if (lanes > 1 && tiling.padded) after.push(pad(`${n}.i`, lanes));
  if (lanes > 1) after.push(split(`${n}.i`, lanes), simplifyKernel, vectorize(`${n}.i.i`), unroll(`${n}.i.o`));
  else after.push(unroll(`${n}.i`));
  // Copies come last: until then every step sees one row.
  for (const { loop } of rows) after.push(unroll(`${loop}.i`));
  for (const name of tiling.unrolled) after.push(unroll(name));
  return applySteps(spilled, after);
}

/** More operations than this for each result are not written out for every accumulator of a tile. */
const mostOperations = 10;

/**
 * Whether what follows the reduction is long (an activation with an exponential, say). Then it runs as a loop over the
 * tile, read from a local array: that costs little beside the reduction, and saves most of the code.
 */
function hasCostlyEnd(kernel: Kernel): boolean {
  let operations = 0;
  visitStmt(kernel.body, (stmt) => {
    if (stmt.kind === 'store' && stmt.buffer.memory === 'argument') operations += operationsOf(stmt);
  });
  return operations > mostOperations;
}

/** Splits from the outside inward and moves each loop within tiles inward, so that every copy stays a perfect nest. */
function outerSteps({ order, rows, columns }: Tiling): readonly Step[] {
  const tiled = new Map([...rows, columns].map(({ loop, pieces }) => [loop, pieces]));
  const steps: Step[] = [reorder(...order)];
  const inside: string[] = [];
  for (const [position, name] of order.entries()) {
    const pieces = tiled.get(name);
    if (!pieces) continue;
    const rest = [...order.slice(position + 1), ...inside];
    steps.push(split(name, pieces));
    if (rest.length > 0) steps.push(reorder(...rest, `${name}.i`));
    inside.push(`${name}.i`);
  }
  const wanted = [...rows, columns].map(({ loop }) => `${loop}.i`);
  return [...steps, ...(wanted.length > 1 ? [reorder(...wanted)] : []), simplifyKernel];
}
