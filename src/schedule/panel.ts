// The width of the panels in which the constant right operand of a contraction is packed: W[n / width, k, n % width].
// The schedule computes a panel at a time, so this is also the width of its tile.

import type { DType } from '../../ir/dtype.ts';
import type { Target } from '../../ir/target.ts';
import { widthsFor } from './widths.ts';

export interface ContractionShape {
  /** Rows of the result (all output positions together) and terms of each sum; undefined where symbolic. */
  readonly rows: number | undefined;
  readonly columns: number;
  readonly depth: number | undefined;
  /** Type of the accumulators; float32 unless said. */
  readonly dtype?: DType;
  /** Whether sums may be reordered; only if all are fast. */
  readonly math?: 'fast' | 'strict';
}

export function panelWidth(target: Target, shape: ContractionShape): number {
  const { rows, columns } = shape;
  const widths = widthsFor(target, [shape.dtype ?? 'float32']);
  const vectors = rows === 1 ? target.tiles.vectorsOfOneRow : target.tiles.vectors;
  const widest = widths[0];
  if (widest === undefined) return Math.max(1, Math.min(vectors, columns));
  if (prefersRowsOfOperand(widest, shape)) return 1;
  // One narrow vector where the columns do not fill a wide one.
  const narrow = widths.findLast((width) => width >= columns);
  if (narrow !== undefined) return narrow;
  return Math.min(vectors, Math.ceil(columns / widest)) * widest;
}

/** Very few columns and long sums: vectors run along the sum instead, and each column of the operand is contiguous. */
const prefersRowsOfOperand = (lanes: number, { columns, depth, math }: ContractionShape): boolean =>
  math === 'fast' && columns * 4 <= lanes && depth !== undefined && depth >= 2 * lanes;
