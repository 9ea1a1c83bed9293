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
import type { Piece } from './split.ts';
import { ScheduleError } from './step.ts';
import { type TiledLoop, tile } from './tile.ts';
import { widthsFor } from './widths.ts';
import { planeTiles } from './window-tiles.ts';

/** The kernel has flat buffers and merged loops. */
export function scheduleWindow(kernel: Kernel, target: Target): Kernel {
  const accumulation = accumulationOf(kernel.body);
  const columns = accumulation && columnsOf(accumulation);
  if (!accumulation || !columns) throw new ScheduleError('no loop for vectors');
  const { outer, reduction } = accumulation;
  const extent = extentOf(columns.loop);
  const widths = widthsFor(target, columns.dtypes);
  const lanes = widths.find((width) => extent === undefined || width <= extent) ?? 1;
  const positions = positionsOf(accumulation, columns);
  const { windowPositions, vectorsOfOneRow, unrollLimit } = target.tiles;
  // Without positions that share loads, several vectors side by side keep the adders busy.
  const alone = positions.length === 0;
  const vectors = alone ? Math.max(1, Math.min(vectorsOfOneRow, Math.floor((extent ?? lanes) / lanes))) : 1;
  const rows = tilePositions(positions, windowPositions, Math.floor(target.registers / 2));
  const n = columns.loop.index.name;
  const others = outer.map(({ index }) => index.name).filter((name) => name !== n);
  const size = rows.reduce((product, { pieces }) => product * largest(pieces), vectors);
  return tile(kernel, {
    // Channels inside positions: memory is then read in the order in which it lies.
    order: [...others, n],
    rows,
    columns: { loop: n, pieces: columnPieces(vectors * lanes, lanes, widths, extent) },
    lanes,
    unrolled: unrolledTaps(reduction, size, unrollLimit),
    scattered: columns.scattered,
    padded: false,
    widths,
  });
}

const largest = (pieces: readonly (number | Piece)[]): number =>
  Math.max(...pieces.map((piece) => (typeof piece === 'number' ? piece : piece.factor)));

interface Position {
  readonly loop: Loop;
  /** Neighbouring windows have elements in common. */
  readonly overlaps: boolean;
}

/** Loops along which windows follow each other, or along which a load is the same; outermost first. */
function positionsOf({ outer, reduction }: Accumulation, columns: Columns): readonly Position[] {
  const found: Position[] = [];
  for (const loop of outer) {
    if (loop === columns.loop || (extentOf(loop) ?? 2) < 2) continue;
    const steps = columns.vectors.map((load) => stepAlong(load, loop, reduction));
    if (steps.every((step) => step === undefined)) continue;
    found.push({ loop, overlaps: steps.includes('overlapping') });
  }
  return found;
}

/** How the windows of neighbouring iterations lie to each other. */
function stepAlong(load: Load, loop: Loop, reduction: readonly Loop[]): 'same' | 'overlapping' | 'apart' | undefined {
  const step = constantOf(strideOf(load, loop.index) ?? loop.extent);
  if (step === 0) return 'same';
  for (const tap of reduction) {
    const stride = constantOf(strideOf(load, tap.index) ?? tap.extent);
    if (step === undefined || stride === undefined || stride === 0 || step % stride !== 0) continue;
    return step / stride < (extentOf(tap) ?? 2) ? 'overlapping' : 'apart';
  }
  return undefined;
}

/** Tiles of the innermost loop, and of a second one whose windows overlap, as far as registers go. */
function tilePositions(positions: readonly Position[], most: number, registers: number): readonly TiledLoop[] {
  const inner = positions.at(-1);
  if (!inner) return [];
  const name = inner.loop.index.name;
  const width = extentOf(inner.loop);
  if (width === undefined) return [{ loop: name, pieces: [most, 1] }];
  const next = inner.overlaps ? positions.at(-2) : undefined;
  const height = next?.overlaps ? extentOf(next.loop) : undefined;
  const tiles = planeTiles(height, width, registers, most);
  const own = { loop: name, pieces: tiles.columns };
  return next && height !== undefined ? [{ loop: next.loop.index.name, pieces: tiles.rows }, own] : [own];
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
