// Vector widths that a target has for given element types, and how an axis is cut into them.

import type { DType } from '../../ir/dtype.ts';
import type { Target } from '../../ir/target.ts';

/**
 * Lanes of the vectors to use where values of all these types occur, widest first; none if the target has no vectors
 * for one of them, or if there are no such values. Where the printer knows partial vectors (C), narrower ones follow.
 */
export function widthsFor(target: Target, dtypes: Iterable<DType>): readonly number[] {
  const all = [...dtypes];
  // A bool takes the width of the values beside it, and that of a byte where it is alone.
  const numbers = all.filter((dtype) => dtype !== 'bool');
  const sized: readonly DType[] = numbers.length === 0 && all.length > 0 ? ['int8'] : numbers;
  const widest = Math.min(...sized.map((dtype) => target.lanes[dtype] ?? 1));
  if (widest < 2 || sized.length === 0) return [];
  if (target.language !== 'c') return [widest];
  const widths: number[] = [];
  for (let width = widest; width >= Math.min(4, widest); width /= 2) widths.push(width);
  return widths;
}

export interface EvenTiles {
  readonly factor: number;
  readonly count: number;
}

/** An extent cut into tiles of at most `most`: all of one size where a divisor comes near, else of two neighbouring. */
export function evenTiles(extent: number, most: number): readonly EvenTiles[] {
  const divisor = divisorNear(extent, most);
  if (divisor) return [{ factor: divisor, count: extent / divisor }];
  const tiles = Math.ceil(extent / most);
  const size = Math.ceil(extent / tiles);
  const full = extent - tiles * (size - 1);
  const list = [
    { factor: size, count: full },
    { factor: size - 1, count: tiles - full },
  ];
  return list.filter(({ factor, count }) => factor > 0 && count > 0);
}

/** One size halves the code; a slightly smaller tile costs less than that. */
function divisorNear(extent: number, most: number): number | undefined {
  for (let size = Math.min(most, extent); size >= 0.7 * most; size--) if (extent % size === 0) return size;
  return undefined;
}
