// Vector widths that a target has for given element types, and how an axis is cut into them.

import type { DType } from '../../ir/dtype.ts';
import type { Target } from '../../ir/target.ts';

/**
 * Lanes of the vectors to use where values of all these types occur, widest first; none if the target has no vectors
 * for one of them. Where the printer knows partial vectors (C), narrower ones follow.
 */
export function widthsFor(target: Target, dtypes: Iterable<DType>): readonly number[] {
  const lanes = [...dtypes].filter((dtype) => dtype !== 'bool').map((dtype) => target.lanes[dtype] ?? 1);
  const widest = lanes.length === 0 ? (target.lanes.int8 ?? 1) : Math.min(...lanes);
  if (widest < 2) return [];
  if (target.language !== 'c') return [widest];
  const widths: number[] = [];
  for (let width = widest; width >= Math.min(4, widest); width /= 2) widths.push(width);
  return widths;
}

/** An extent cut into tiles of at most `most`, all of one or two neighbouring sizes. */
export function evenTiles(
  extent: number,
  most: number,
): readonly { readonly factor: number; readonly count: number }[] {
  const tiles = Math.ceil(extent / most);
  const size = Math.ceil(extent / tiles);
  const full = extent - tiles * (size - 1);
  const list = [
    { factor: size, count: full },
    { factor: size - 1, count: tiles - full },
  ];
  return list.filter(({ factor, count }) => factor > 0 && count > 0);
}

/** Vectors of the widest kind that fits, then narrower ones, then single elements. */
export function widthPieces(widths: readonly number[], extent: number | undefined): readonly number[] {
  const fitting = extent === undefined ? widths : widths.filter((width) => width <= extent);
  return [...fitting, 1];
}
