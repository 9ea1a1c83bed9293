// Draws a digit as a picture of 28 × 28 grey values (0 is paper, 1 is ink), each time in another hand:
// slanted, turned, stretched, wobbly, thick or thin, off the middle, on noisy paper.

import { glyphs, type Point, type Stroke } from './glyphs.ts';
import { between, normal, oneOf, type Random } from './random.ts';

export const side = 28;
export const pixelsPerPicture = side * side;

export const digitNames: readonly string[] = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
];

export function render(digit: number, random: Random): Float32Array {
  const place = handwriting(random);
  const penRadius = between(random, 0.6, 1.6);
  const ink = between(random, 0.7, 1);
  const noise = between(random, 0, 0.12);

  const picture = new Float32Array(pixelsPerPicture);
  for (const stroke of oneOf(random, glyphs[digit])) drawStroke(picture, stroke.map(place), penRadius);
  return picture.map((coverage) => Math.min(1, Math.max(0, ink * coverage + noise * normal(random))));
}

/** A random map from the unit square of the glyphs to pixels: a wave for the unsteady hand, then an affine map. */
function handwriting(random: Random): (point: Point) => Point {
  const turn = between(random, -0.25, 0.25);
  const slant = between(random, -0.25, 0.25);
  const width = between(random, 13, 21);
  const height = between(random, 16, 23);
  const middle: Point = [side / 2 + between(random, -2.5, 2.5), side / 2 + between(random, -2, 2)];
  const wobble = between(random, 0, 0.05);
  const phase = between(random, 0, 2 * Math.PI);

  return ([unitX, unitY]) => {
    const x = (unitX - 0.5 + wobble * Math.sin(5 * unitY + phase)) * width;
    const y = (unitY - 0.5 + wobble * Math.sin(6 * unitX + phase)) * height;
    const slanted = x - slant * y;
    return [
      middle[0] + slanted * Math.cos(turn) - y * Math.sin(turn),
      middle[1] + slanted * Math.sin(turn) + y * Math.cos(turn),
    ];
  };
}

function drawStroke(picture: Float32Array, points: Stroke, penRadius: number): void {
  for (let piece = 1; piece < points.length; piece++) drawLine(picture, points[piece - 1], points[piece], penRadius);
}

/** Inks all pixels near the line from `a` to `b`; the edge of the pen is soft over one pixel. */
function drawLine(picture: Float32Array, a: Point, b: Point, penRadius: number): void {
  const reach = penRadius + 1;
  const [left, right] = pixelRange(Math.min(a[0], b[0]) - reach, Math.max(a[0], b[0]) + reach);
  const [top, bottom] = pixelRange(Math.min(a[1], b[1]) - reach, Math.max(a[1], b[1]) + reach);
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const distance = distanceToLine([column + 0.5, row + 0.5], a, b);
      const coverage = Math.min(1, Math.max(0, penRadius + 0.5 - distance));
      const pixel = row * side + column;
      picture[pixel] = Math.max(picture[pixel], coverage);
    }
  }
}

function pixelRange(low: number, high: number): readonly [first: number, end: number] {
  return [Math.max(0, Math.floor(low)), Math.min(side, Math.ceil(high))];
}

function distanceToLine(point: Point, a: Point, b: Point): number {
  const along: Point = [b[0] - a[0], b[1] - a[1]];
  const lengthSquared = along[0] ** 2 + along[1] ** 2;
  const projection = (point[0] - a[0]) * along[0] + (point[1] - a[1]) * along[1];
  const position = lengthSquared === 0 ? 0 : Math.min(1, Math.max(0, projection / lengthSquared));
  return Math.hypot(point[0] - a[0] - position * along[0], point[1] - a[1] - position * along[1]);
}
