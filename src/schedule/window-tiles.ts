// How the positions of a window are cut into tiles. Neighbouring windows share what they read, so a tile that is nearly
// square reads least; a tile of every size that occurs is a copy of the code, so a size that divides the extents evenly
// is preferred where it costs little.

import { type EvenTiles, evenTiles } from './widths.ts';

export interface PlaneTiles {
  readonly rows: readonly EvenTiles[];
  readonly columns: readonly EvenTiles[];
}

/**
 * Tiles of at most `most` positions, and at most `widest` in a row; of one row where rows have nothing in common (`height`
 * is absent).
 */
export function planeTiles(height: number | undefined, width: number, most: number, widest: number): PlaneTiles {
  let best: PlaneTiles | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const down of sizesUpTo(Math.min(height ?? 1, tallest, Math.floor(widest / 2)))) {
    for (const along of sizesUpTo(Math.min(width, widest, Math.floor(most / down)))) {
      const tiles = { rows: evenTiles(height ?? 1, down), columns: evenTiles(width, along) };
      const cost = costOf(tiles) * (1 + copyCost * (tiles.rows.length * tiles.columns.length - 1));
      if (cost >= least) continue;
      best = tiles;
      least = cost;
    }
  }
  return best ?? { rows: evenTiles(height ?? 1, 1), columns: evenTiles(width, 1) };
}

/** Rows of a tile at most: beyond that, neighbouring rows share little more. */
const tallest = 4;
/** The time that is given up for having one kind of tile less. */
const copyCost = 0.12;
/** Sums that an adder of usual latency needs at once to be always busy. */
const sumsAtOnce = 8;
/** A window is taken to be that much longer than the step to the next: three taps. */
const overlap = 2;

const sizesUpTo = (most: number): readonly number[] => Array.from({ length: Math.max(1, most) }, (_, i) => most - i);

/** In operations a tap. Loads go beside the sums, but not for nothing; so does the work around a tile. */
function costOf({ rows, columns }: PlaneTiles): number {
  let cost = 0;
  for (const row of rows) {
    for (const column of columns) {
      const sums = row.factor * column.factor;
      const loads = ((row.factor + overlap) * (column.factor + overlap)) / (overlap + 1) ** 2;
      cost += row.count * column.count * (Math.max(sums, sumsAtOnce, loads) + loads / 2 + 1);
    }
  }
  return cost;
}
