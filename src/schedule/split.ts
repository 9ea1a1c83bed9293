// Cuts a loop into tiles, exactly: what is left over becomes a copy with the same loop names.
//   for i < n { body(i) }
//     →   for i.o < n / f { for i.i < f { body(i.o * f + i.i) } }
//         for i.o < 1 { for i.i < n % f { body((n / f) * f + i.i) } }
// Several pieces cut one after the other: what the first factor leaves goes to the second, and so on. A piece with a
// count takes just so many tiles. What is left in the end is one smaller tile, or single iterations if n is symbolic.

import type { Expr } from '../../ir/expr.ts';
import { add, constantOf, div, int, mul, sub } from '../../ir/expr-make.ts';
import type { Loop, Stmt } from '../../ir/kernel.ts';
import { simplify } from '../../ir/simplify.ts';
import { blockOf, instantiate, makeLoop, onLoops, type Step } from './step.ts';

export interface Piece {
  readonly factor: number;
  readonly count?: number;
}

export const split =
  (name: string, pieces: number | readonly (number | Piece)[]): Step =>
  (kernel) => {
    const list = typeof pieces === 'number' ? [pieces] : pieces;
    const normal = list.map((piece) => (typeof piece === 'number' ? { factor: piece } : piece));
    return onLoops(kernel, name, (loop) => splitLoop(loop, normal));
  };

function splitLoop(loop: Loop, pieces: readonly Piece[]): Stmt {
  const parts: Stmt[] = [];
  let start: Expr = int(0);
  let left: Expr = simplify(loop.extent);
  for (const { factor, count } of pieces) {
    const tiles = count === undefined ? simplify(div(left, int(factor))) : int(count);
    const begin = start;
    if (constantOf(tiles) !== 0) parts.push(tileLoops(loop, begin, tiles, int(factor)));
    const taken = mul(tiles, int(factor));
    start = simplify(add(start, taken));
    left = simplify(sub(left, taken));
  }
  const rest = constantOf(left);
  if (rest === undefined) {
    const last = pieces.at(-1);
    if (last?.factor !== 1) parts.push(tileLoops(loop, start, left, int(1)));
  } else if (rest > 0) {
    parts.push(tileLoops(loop, start, int(1), int(rest)));
  }
  return blockOf(parts);
}

function tileLoops(loop: Loop, start: Expr, tiles: Expr, factor: Expr): Stmt {
  const { name } = loop.index;
  return makeLoop(`${name}.o`, tiles, (outer) =>
    makeLoop(`${name}.i`, factor, (inner) =>
      instantiate(loop.body, new Map([[loop.index, add(start, add(mul(outer, factor), inner))]])),
    ),
  );
}
