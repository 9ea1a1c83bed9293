// The one schedule behind matrix products, convolutions and windows: a tile of rows times vectors of accumulators in
// registers, the reduction outside of the tile, exact tails. `Tiling` says which loops and how large; see the recipes.
//   for m { for n { acc = 0; for k { acc = acc + A[m, k] * B[k, n] }; C[m, n] = acc } }
//     →   for n.o { for m.o { acc[r][v] = 0 for all; for k { acc[r][v] = acc[r][v] + A[m.o * rows + r, k] * B[k, …] };
//         C[m.o * rows + r, …] = acc[r][v] for all } }

import { constantOf, int } from '../../ir/expr-make.ts';
import type { Buffer, Kernel } from '../../ir/kernel.ts';
import { simplifyKernel } from '../../ir/simplify.ts';
import { accumulateOverTile } from './accumulate-over-tile.ts';
import { pad } from './pad.ts';
import { reorder } from './reorder.ts';
import { spill } from './spill.ts';
import { type Piece, split } from './split.ts';
import { applySteps, hasLoop, type Step } from './step.ts';
import { unroll } from './unroll.ts';
import { vectorize } from './vectorize.ts';

export interface Tiling {
  /** The loop along which vectors run, and the tiles it is cut into. */
  readonly columns: string;
  readonly columnPieces: readonly (number | Piece)[];
  readonly lanes: number;
  /** The loop of the tile's rows, if there is one. */
  readonly rows?: string;
  readonly rowPieces: readonly (number | Piece)[];
  /** Loops that stay outside of both, and loops between the first and the second. */
  readonly outside: readonly string[];
  readonly between: readonly string[];
  readonly first: 'columns' | 'rows';
  /** Reduction loops to write out. */
  readonly unrolled: readonly string[];
  /** What follows the reduction is not contiguous along the columns: let it read from a local array. */
  readonly scattered: boolean;
  /** Tiles that are no whole vectors may compute more columns than there are: the operand is padded. */
  readonly padded: boolean;
  /** Narrower vectors, for what must be exact. */
  readonly widths: readonly number[];
}

export function tile(kernel: Kernel, tiling: Tiling): Kernel {
  const { columns: n, rows: m, lanes } = tiling;
  const inTile = m ? [`${m}.i`, `${n}.i`] : [`${n}.i`];
  const accumulated = applySteps(kernel, [...outerSteps(tiling), accumulateOverTile(...inTile)]);
  const partial = (buffer: Buffer): boolean => constantOf(buffer.shape.at(-1) ?? int(0))! % lanes !== 0;
  const needs = (buffer: Buffer): boolean => lanes > 1 && (tiling.scattered || (tiling.padded && partial(buffer)));
  const renamed = new Map(inTile.map((name) => [name, name.replace(/\.i$/, '.e')]));
  const spilled = spill(renamed, needs)(accumulated);
  const after: Step[] = [];
  if (hasLoop(spilled, `${n}.e`)) {
    after.push(split(`${n}.e`, [...(tiling.scattered ? [] : tiling.widths), 1]), simplifyKernel, vectorize(`${n}.e.i`));
  }
  if (lanes > 1 && tiling.padded) after.push(pad(`${n}.i`, lanes));
  if (m) after.push(unroll(`${m}.i`));
  for (const name of tiling.unrolled) after.push(unroll(name));
  if (lanes > 1) after.push(split(`${n}.i`, lanes), unroll(`${n}.i.o`), simplifyKernel, vectorize(`${n}.i.i`));
  else after.push(unroll(`${n}.i`));
  return applySteps(spilled, [...after, simplifyKernel]);
}

/** Splits in such an order that every copy stays a perfect nest: outer loops first, tile loops innermost. */
function outerSteps(tiling: Tiling): readonly Step[] {
  const { columns: n, rows: m, outside, between } = tiling;
  const splitColumns = split(n, tiling.columnPieces);
  if (!m) {
    const inward = between.length > 0 ? [reorder(...between, `${n}.i`)] : [];
    return [reorder(...outside, n, ...between), splitColumns, ...inward, simplifyKernel];
  }
  const splitRows = split(m, tiling.rowPieces);
  if (tiling.first === 'columns') {
    return [
      reorder(...outside, n, ...between, m),
      splitColumns,
      reorder(...between, m, `${n}.i`),
      splitRows,
      simplifyKernel,
    ];
  }
  return [
    reorder(...outside, ...between, m, n),
    splitRows,
    reorder(n, `${m}.i`),
    splitColumns,
    reorder(`${m}.i`, `${n}.i`),
    simplifyKernel,
  ];
}
