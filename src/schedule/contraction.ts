// Matrix products and convolutions: sums of products in which one operand varies along the columns (vectors) and the
// other does not (broadcast). A tile of rows and columns of accumulators stays in registers for the whole reduction.
// A constant operand is packed in panels that hold the columns of one tile (`panel.ts`), the last one padded.

import { byteSize } from '../../ir/dtype.ts';
import type { Load } from '../../ir/expr.ts';
import { indexVar } from '../../ir/expr-make.ts';
import type { Kernel, Loop } from '../../ir/kernel.ts';
import { substituteStmt } from '../../ir/kernel-walk.ts';
import { simplifyStmt } from '../../ir/simplify.ts';
import type { Target } from '../../ir/target.ts';
import { uses } from './affine.ts';
import { type Columns, columnsOf } from './columns.ts';
import { accessesOf } from './independent.ts';
import { isInside } from './inside.ts';
import { type Accumulation, accumulationOf, extentOf } from './nest.ts';
import type { Piece } from './split.ts';
import { aroundBody, blockOf, ScheduleError } from './step.ts';
import { tile } from './tile.ts';
import { evenTiles, widthsFor } from './widths.ts';

/** The kernel has flat buffers and merged loops. */
export function scheduleContraction(kernel: Kernel, target: Target): Kernel {
  const accumulation = accumulationOf(kernel.body);
  const columns = accumulation && columnsOf(accumulation);
  if (!accumulation || !columns) throw new ScheduleError('no loop for vectors');
  const widths = widthsFor(target, columns.dtypes);
  const panel = columns.panel ?? paddedPanel(accumulation, columns, widths);
  const lanes = lanesFor(panel ?? extentOf(columns.loop), panel !== undefined, widths);
  const rows = rowsOf(accumulation, columns);
  const { tiles } = target;
  const many = rows && (extentOf(rows) ?? 2) > 1;
  const most = (many ? tiles.vectors : tiles.vectorsOfOneRow) * lanes;
  const width = panel ?? Math.min(most, roundUp(extentOf(columns.loop) ?? most, lanes));
  const rowsOfTile = Math.max(1, Math.floor((tiles.rows * tiles.vectors * lanes) / width));
  const others = accumulation.outer.filter((loop) => loop !== columns.loop && loop !== rows);
  const outside = others.filter((loop) => columns.vectors.some((load) => dependsOn(load, loop)));
  const between = others.filter((loop) => !outside.includes(loop));
  return tile(kernel, {
    columns: columns.loop.index.name,
    columnPieces: panel ? [panel] : columnPieces(width, lanes, widths, extentOf(columns.loop)),
    lanes,
    ...(rows ? { rows: rows.index.name } : {}),
    rowPieces: rows ? rowPieces(extentOf(rows), rowsOfTile) : [],
    outside: outside.map(({ index }) => index.name),
    between: between.map(({ index }) => index.name),
    first: rows ? firstLoop(accumulation, columns, rows, width, rowsOfTile, target) : 'columns',
    unrolled: [],
    scattered: columns.scattered,
    padded: panel !== undefined,
    widths,
  });
}

/** The widest vector that the columns fill; whole panels are cut evenly. */
const lanesFor = (extent: number | undefined, even: boolean, widths: readonly number[]): number =>
  widths.find((width) => extent === undefined || (even ? extent % width === 0 : width <= extent)) ?? 1;

/** The width of a single panel, which shows only by the operand being longer than its columns need. */
function paddedPanel(
  { reduction, updates }: Accumulation,
  { loop }: Columns,
  widths: readonly number[],
): number | undefined {
  const extent = extentOf(loop);
  const widest = widths[0];
  if (extent === undefined || widest === undefined) return undefined;
  const narrow = [...widths].reverse().filter((width) => width > extent);
  const candidates = [...narrow, roundUp(extent, widest)].filter((width) => width !== extent);
  return candidates.find((width) => {
    const index = indexVar('within', width);
    const padded = simplifyStmt(
      substituteStmt(aroundBody(reduction, blockOf(updates)), new Map([[loop.index, index]])),
    );
    const { loads } = accessesOf(padded);
    const along = loads.filter(({ indices }) => indices.some((at) => uses(at, index)));
    return along.every(({ buffer, indices }) => isInside(buffer, indices));
  });
}

/** The loop whose iterations share the vectors that are loaded: the innermost one that no vector load depends on. */
export function rowsOf({ outer }: Accumulation, columns: Columns): Loop | undefined {
  const shares = (loop: Loop): boolean =>
    loop !== columns.loop && extentOf(loop) !== 1 && !columns.vectors.some((load) => dependsOn(load, loop));
  return outer.findLast(shares);
}

export const dependsOn = (load: Load, loop: Loop): boolean => load.indices.some((index) => uses(index, loop.index));

export const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;

/** Full tiles, then single vectors, then narrower ones; few kinds where the extent is not known. */
export function columnPieces(
  width: number,
  lanes: number,
  widths: readonly number[],
  extent: number | undefined,
): readonly number[] {
  const narrower = widths.filter((other) => other < lanes);
  const kept = extent === undefined ? narrower.slice(-1) : narrower;
  return [...new Set([width, lanes, ...kept, 1])];
}

export function rowPieces(extent: number | undefined, most: number): readonly (number | Piece)[] {
  if (extent !== undefined) return evenTiles(extent, most);
  return most > 4 ? [most, 4, 1] : [most, 1];
}

/**
 * Which of the two tile loops is outside. Columns first reads the left operand once for each panel; rows first reads all
 * panels once for each tile of rows, which costs little if they fit in the first cache.
 */
function firstLoop(
  { outer, reduction }: Accumulation,
  columns: Columns,
  rows: Loop,
  width: number,
  rowsOfTile: number,
  { cacheBytes }: Target,
): 'columns' | 'rows' {
  const sizes = (loops: readonly Loop[]): number => loops.reduce((all, loop) => all * (extentOf(loop) ?? 128), 1);
  const count = extentOf(columns.loop) ?? 128;
  const depth = sizes(reduction);
  const positions = sizes(outer.filter((loop) => loop !== columns.loop));
  const bytes = (elements: number): number => byteSize(columns.vectors[0]!.dtype, elements);
  const right = bytes(depth * count);
  const left = bytes(depth * positions);
  const tiles = positions / Math.min(rowsOfTile, extentOf(rows) ?? rowsOfTile);
  const costOf = (size: number): number => (size <= cacheBytes.l1 / 2 ? 0.25 : size <= cacheBytes.l2 / 2 ? 1 : 4);
  const columnsFirst = costOf(left) * left * (count / width) + costOf(right / (count / width)) * right * tiles;
  const rowsFirst = costOf(left) * left + costOf(right) * right * tiles;
  return columnsFirst <= rowsFirst ? 'columns' : 'rows';
}
