// What JPEG does behind its codes: the inverse cosine transform in whole numbers (13 bits of fraction, as libjpeg's
// accurate one), colours that were halved brought back to full size, and the way from luma and chroma to colours.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  binary,
  cast,
  constant,
  eq,
  indexVar,
  int,
  le,
  load,
  max,
  min,
  mul,
  select,
  sub,
  variable,
} from '../../ir/expr-make.ts';
import type { Stmt } from '../../ir/kernel.ts';
import { block, letIn, loop, store } from '../../ir/kernel-walk.ts';
import { byteOf, type Picture } from './picture-parts.ts';
import { read } from './sequence-layout.ts';

const whole = (value: number): Expr => constant(value, 'int32');
const times = (value: Expr, factor: number): Expr => mul(value, whole(factor));
const scaled = (value: Expr, bits: number): Expr => binary('shr', add(value, whole(2 ** (bits - 1))), whole(bits));

/** Names each value for what follows. */
function withNames(values: readonly Expr[], body: (names: readonly Expr[]) => Stmt): Stmt {
  const names = values.map((_, i) => variable(`v${i}`, 'int32'));
  return names.reduceRight<Stmt>((inner, name, i) => letIn(name, values[i]!, inner), body(names));
}

/** Eight values through the transform; `put` takes each sum, still with 13 bits of fraction. */
function transformEight(inputs: readonly Expr[], put: (place: number, sum: Expr) => Stmt): Stmt {
  return withNames(inputs, (x) => {
    const [i0, i1, i2, i3, i4, i5, i6, i7] = x as readonly Expr[] & { length: 8 };
    const rotated = times(add(i2!, i6!), 4433);
    const [low, high] = [sub(rotated, times(i6!, 15137)), add(rotated, times(i2!, 6270))];
    const [plus, minus] = [times(add(i0!, i4!), 8192), times(sub(i0!, i4!), 8192)];
    const z5 = times(add(add(i7!, i3!), add(i5!, i1!)), 9633);
    const [z1, z2] = [times(add(i7!, i1!), -7373), times(add(i5!, i3!), -20995)];
    const z3 = add(times(add(i7!, i3!), -16069), z5);
    const z4 = add(times(add(i5!, i1!), -3196), z5);
    const odd = [
      add(times(i1!, 12299), add(z1, z4)),
      add(times(i3!, 25172), add(z2, z3)),
      add(times(i5!, 16819), add(z2, z4)),
      add(times(i7!, 2446), add(z1, z3)),
    ];
    const even = [add(plus, high), add(minus, low), sub(minus, low), sub(plus, high)];
    return withNames([...even, ...odd], (named) =>
      block(
        [0, 1, 2, 3].flatMap((k) => [put(k, add(named[k]!, named[k + 4]!)), put(7 - k, sub(named[k]!, named[k + 4]!))]),
      ),
    );
  });
}

/** Transforms the 64 values at `from` of the tables, in place, and puts the samples to the work bytes at `to`. */
export function transformBlock({ tables, work }: Picture, from: number, to: Expr, stride: Expr): Stmt {
  const [column, row] = [indexVar('column', 8), indexVar('row', 8)];
  const at = (y: Expr, x: Expr): Expr => add(int(from), add(mul(y, int(8)), x));
  const eight = [0, 1, 2, 3, 4, 5, 6, 7].map(int);
  const columns = transformEight(
    eight.map((y) => load(tables, [at(y, column)])),
    (y, sum) => store(tables, [at(int(y), column)], scaled(sum, 11)),
  );
  const rows = transformEight(
    eight.map((x) => load(tables, [at(row, x)])),
    (x, sum) => {
      const sample = min(max(add(scaled(sum, 18), whole(128)), whole(0)), whole(255));
      return store(work, [add(add(to, mul(row, stride)), int(x))], cast(sample, 'uint8'));
    },
  );
  return block([loop(column, columns), loop(row, rows)]);
}

/** A plane of samples in the work bytes, whole or halved along an axis. */
export interface Plane {
  readonly start: Expr;
  readonly stride: Expr;
  readonly isHalfWide: Expr;
  readonly isHalfHigh: Expr;
}

/** The sample of a plane at a pixel. Halved ones are three quarters the nearest sample, one the next nearest. */
export function sampleAt({ work, width, height }: Picture, plane: Plane, y: Expr, x: Expr): Expr {
  const half = (value: Expr): Expr => binary('shr', value, int(1));
  const [columns, rows] = [half(add(read(width), int(1))), half(add(read(height), int(1)))];
  const isOdd = (value: Expr): Expr => eq(binary('and', value, int(1)), int(1));
  const neighbour = (at: Expr, count: Expr): Expr =>
    max(min(add(half(at), select(isOdd(at), int(1), int(-1))), sub(count, int(1))), int(0));
  const byte = (row: Expr, column: Expr): Expr => byteOf(work, add(add(plane.start, mul(row, plane.stride)), column));
  const own = select(plane.isHalfHigh, half(y), y);
  const other = select(plane.isHalfHigh, neighbour(y, rows), y);
  const sum = (column: Expr): Expr => add(mul(byte(own, column), int(3)), byte(other, column));
  const [near, next] = [half(x), neighbour(x, columns)];
  const both = add(add(mul(sum(near), int(3)), sum(next)), select(isOdd(x), int(7), int(8)));
  const wide = add(add(mul(byte(own, near), int(3)), byte(own, next)), select(isOdd(x), int(2), int(1)));
  const smooth = select(plane.isHalfHigh, binary('shr', both, int(4)), binary('shr', wide, int(2)));
  // So narrow ones are only repeated.
  const halved = select(le(columns, int(2)), byte(own, near), smooth);
  return select(plane.isHalfWide, halved, byte(y, x));
}

/** Red, green or blue of luma and chroma, in parts of 65536. */
export function colourOf(channel: Expr, luma: Expr, blue: Expr, red: Expr): Expr {
  const [b, r] = [sub(blue, int(128)), sub(red, int(128))];
  const rounded = (value: Expr): Expr => binary('shr', add(value, int(32768)), int(16));
  const ofRed = rounded(mul(r, int(91881)));
  const ofGreen = rounded(sub(mul(b, int(-22554)), mul(r, int(46802))));
  const ofBlue = rounded(mul(b, int(116130)));
  const more = select(eq(channel, int(0)), ofRed, select(eq(channel, int(1)), ofGreen, ofBlue));
  return max(min(add(luma, more), int(255)), int(0));
}
