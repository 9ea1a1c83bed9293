// Windows over channels: depthwise convolution, pooling, sums over outer axes. Everything that the reduction reads varies
// along the channels, so vectors run there; a tile of neighbouring positions shares the taps that overlap.

import type { Load } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';
import type { Kernel, Loop } from '../../ir/kernel.ts';
import type { Target } from '../../ir/target.ts';
import { strideOf } from './affine.ts';
import { type Columns, columnsOf } from './columns.ts';
import { columnPieces } from './contraction.ts';
import { type Accumulation, accumulationOf, extentOf } from './nest.ts';
import { ScheduleError } from './step.ts';
import { tile } from './tile.ts';
import { evenTiles, widthsFor } from './widths.ts';

/** The kernel has flat buffers and merged loops. */
export function scheduleWindow(kernel: Kernel, target: Target): Kernel {
  const accumulation = accumulationOf(kernel.body);
  const columns = accumulation && columnsOf(accumulation);
  if (!accumulation || !columns) throw new ScheduleError('no loop for vectors');
  const { outer, reduction } = accumulation;
  const extent = extentOf(columns.loop);
  const widths = widthsFor(target, columns.dtypes);
  const lanes = widths.find((width) => extent === undefined || width <= extent) ?? 1;
  const rows = positionsOf(accumulation, columns);
  const { windowPositions, vectorsOfOneRow } = target.tiles;
  // Without positions that share loads, several vectors side by side keep the adders busy.
  const vectors = rows ? 1 : Math.max(1, Math.min(vectorsOfOneRow, Math.floor((extent ?? lanes) / lanes)));
  const others = outer.filter((loop) => loop !== columns.loop && loop !== rows).map(({ index }) => index.name);
  const positions = rows ? rowTiles(extentOf(rows), windowPositions) : [];
  const largest = Math.max(1, ...positions.map((piece) => (typeof piece === 'number' ? piece : piece.factor)));
  return tile(kernel, {
    columns: columns.loop.index.name,
    columnPieces: columnPieces(vectors * lanes, lanes, widths, extent),
    lanes,
    ...(rows ? { rows: rows.index.name } : {}),
    rowPieces: positions,
    outside: others,
    between: [],
    first: 'columns',
    unrolled: unrolledTaps(reduction, largest * vectors, target.tiles.unrollLimit),
    scattered: columns.scattered,
    padded: false,
    widths,
  });
}

const rowTiles = (extent: number | undefined, most: number) =>
  extent === undefined ? [most, 1] : evenTiles(extent, most);

/** The innermost loop along which windows follow each other, or along which a load is the same. */
function positionsOf({ outer, reduction }: Accumulation, columns: Columns): Loop | undefined {
  const shares = (load: Load, loop: Loop): boolean => {
    const step = constantOf(strideOf(load, loop.index) ?? loop.extent);
    if (step === 0) return true;
    const taps = reduction.map((tap) => constantOf(strideOf(load, tap.index) ?? tap.extent));
    return step !== undefined && taps.some((tap) => tap !== undefined && tap !== 0 && step % tap === 0);
  };
  return outer.findLast(
    (loop) => loop !== columns.loop && (extentOf(loop) ?? 2) > 1 && columns.vectors.some((load) => shares(load, loop)),
  );
}

/** Innermost loops of the reduction, as long as the written-out tile stays within the limit. */
function unrolledTaps(reduction: readonly Loop[], tileSize: number, limit: number): readonly string[] {
  const names: string[] = [];
  let size = tileSize;
  for (const loop of [...reduction].reverse()) {
    const extent = extentOf(loop);
    if (extent === undefined || size * extent > limit) break;
    size *= extent;
    names.push(loop.index.name);
  }
  return names.reverse();
}
