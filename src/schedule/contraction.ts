// Matrix products and convolutions: sums of products in which one operand varies along the columns (vectors) and the
// other does not (broadcast). A tile of rows and columns of accumulators stays in registers for the whole reduction.
// A constant operand is packed in panels that hold the columns of one tile (`panel.ts`), the last one padded.

import { byteSize } from '../../ir/dtype.ts';
import type { Load } from '../../ir/expr.ts';
import { div, indexVar, int, mul } from '../../ir/expr-make.ts';
import { isInside } from '../../ir/inside.ts';
import type { Kernel, Loop } from '../../ir/kernel.ts';
import { substituteStmt } from '../../ir/kernel-walk.ts';
import { sameSize, simplifyStmt } from '../../ir/simplify.ts';
import type { Target } from '../../ir/target.ts';
import { uses } from './affine.ts';
import { type Columns, columnsOf } from './columns.ts';
import { accessesOf, requireIndependent } from './independent.ts';
import { type Accumulation, accumulationOf, extentOf } from './nest.ts';
import { nestOver, type Range, wholeRange } from './range.ts';
import type { Piece } from './split.ts';
import { aroundBody, blockOf, ScheduleError } from './step.ts';
import { type TiledLoop, tile } from './tile.ts';
import { evenTiles, widthsFor } from './widths.ts';

/** The kernel has flat buffers and merged loops. */
export function scheduleContraction(kernel: Kernel, target: Target): Kernel {
  const { accumulation, columns } = matched(kernel);
  const { outer, body } = accumulation;
  const rows = rowLoops(accumulation, columns).at(-1);
  if (!rows || extentOf(rows) !== undefined) return tileContraction(kernel, target);
  requireIndependent(outer, body);
  // A few rows may be left over, and often there are no others: then wide tiles of single rows.
  const border = mul(div(rows.extent, int(fewRows)), int(fewRows));
  const part = (range: Range): Kernel => ({
    ...kernel,
    body: nestOver(
      outer,
      body,
      outer.map((loop) => (loop === rows ? range : wholeRange(loop))),
    ),
  });
  if (sameSize(border, rows.extent)) return tileContraction(kernel, target);
  const many = tileContraction(part({ start: int(0), end: border }), target);
  const single = tileContraction(part({ start: border, end: rows.extent }), target, true);
  return { ...kernel, body: blockOf([many.body, single.body]) };
}

/** Rows of the smallest tile where their number is not known; fewer are computed one by one. */
const fewRows = 4;

function matched(kernel: Kernel): { readonly accumulation: Accumulation; readonly columns: Columns } {
  const accumulation = accumulationOf(kernel.body);
  const columns = accumulation && columnsOf(accumulation);
  if (!accumulation || !columns) throw new ScheduleError('no loop for vectors');
  return { accumulation, columns };
}

function tileContraction(kernel: Kernel, target: Target, singleRows = false): Kernel {
  const { accumulation, columns } = matched(kernel);
  const { tiles } = target;
  const widths = widthsFor(target, columns.dtypes);
  const panel = columns.panel ?? paddedPanel(accumulation, columns, widths);
  const lanes = lanesFor(panel ?? extentOf(columns.loop), panel !== undefined, widths);
  const candidates = singleRows ? [] : rowLoops(accumulation, columns);
  const alone = candidates.length === 0;
  const pieces = columnTiles(columns, panel, lanes, (alone ? tiles.vectorsOfOneRow : tiles.vectors) * lanes, widths);
  const width = alone ? pieces[0]! : (panel ?? pieces[0]!);
  const rowsOfTile = Math.max(1, Math.floor((tiles.rows * tiles.vectors * lanes) / width));
  const rows = tileRows(candidates, rowsOfTile);
  const others = accumulation.outer.filter(
    (loop) => loop !== columns.loop && !rows.some((row) => row.loop === nameOf(loop)),
  );
  const outside = others.filter((loop) => columns.vectors.some((load) => dependsOn(load, loop)));
  const between = others.filter((loop) => !outside.includes(loop));
  const inner = [...between.map(nameOf), ...rows.map(({ loop }) => loop)];
  const n = nameOf(columns.loop);
  const first = columnsFirst(accumulation, columns, width, rowsOfTile, target);
  return tile(kernel, {
    order: [...outside.map(nameOf), ...(first ? [n, ...inner] : [...inner, n])],
    rows,
    columns: { loop: n, pieces },
    lanes,
    unrolled: [],
    scattered: columns.scattered,
    padded: panel !== undefined,
    widths,
  });
}

/** Tiles at most `most` wide: as many whole panels as fit, or vectors of any width. */
function columnTiles(
  { loop }: Columns,
  panel: number | undefined,
  lanes: number,
  most: number,
  widths: readonly number[],
): readonly number[] {
  const extent = extentOf(loop);
  if (panel === undefined) {
    return columnPieces(Math.min(most, roundUp(extent ?? most, lanes)), lanes, widths, extent);
  }
  const panels = Math.floor(Math.min(most, extent ?? most) / panel);
  return panels > 1 ? [panels * panel, panel] : [panel];
}

const nameOf = (loop: Loop): string => loop.index.name;

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

/** The loops whose iterations share the vectors that are loaded, outermost first. */
function rowLoops({ outer }: Accumulation, columns: Columns): readonly Loop[] {
  return outer.filter(
    (loop) => loop !== columns.loop && extentOf(loop) !== 1 && !columns.vectors.some((load) => dependsOn(load, loop)),
  );
}

/** Tiles of the innermost of the loops; where that is short, of the next one too. */
function tileRows(candidates: readonly Loop[], most: number): readonly TiledLoop[] {
  const inner = candidates.at(-1);
  if (!inner) return [];
  const own = { loop: nameOf(inner), pieces: rowPieces(extentOf(inner), most) };
  const largest =
    extentOf(inner) === undefined ? most : Math.max(...evenTiles(extentOf(inner)!, most).map(({ factor }) => factor));
  const next = candidates.at(-2);
  const left = Math.floor(most / largest);
  if (!next || left < 2 || extentOf(next) === undefined) return [own];
  return [{ loop: nameOf(next), pieces: rowPieces(extentOf(next), left) }, own];
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
  return most > fewRows ? [most, fewRows] : [fewRows];
}

/**
 * Which of the two tile loops is outside. Columns first reads the left operand once for each panel; rows first reads all
 * panels once for each tile of rows, which costs little if they fit in the first cache.
 */
function columnsFirst(
  { outer, reduction }: Accumulation,
  columns: Columns,
  width: number,
  rowsOfTile: number,
  { cacheBytes }: Target,
): boolean {
  const sizes = (loops: readonly Loop[]): number => loops.reduce((all, loop) => all * (extentOf(loop) ?? 128), 1);
  const count = extentOf(columns.loop) ?? 128;
  const depth = sizes(reduction);
  const positions = sizes(outer.filter((loop) => loop !== columns.loop));
  const bytes = (elements: number): number => byteSize(columns.vectors[0]!.dtype, elements);
  const right = bytes(depth * count);
  const left = bytes(depth * positions);
  const tiles = Math.ceil(positions / rowsOfTile);
  const costOf = (size: number): number => (size <= cacheBytes.l1 / 2 ? 0.25 : size <= cacheBytes.l2 / 2 ? 1 : 4);
  const whenFirst = costOf(left) * left * (count / width) + costOf(right / (count / width)) * right * tiles;
  return whenFirst <= costOf(left) * left + costOf(right) * right * tiles;
}
