// How the ten digits are drawn: each as strokes of a pen in a unit square, x to the right and y down.
// Most digits have several ways of writing them, as people do.

export type Point = readonly [x: number, y: number];

/** The pen goes straight from point to point; curves are many short pieces. */
export type Stroke = readonly Point[];

export type Glyph = readonly Stroke[];

/** Part of an ellipse. Angles are in degrees and run clockwise: 0 is right, 90 below, 180 left, 270 above. */
function arc(centre: Point, radius: Point, from: number, to: number): Stroke {
  const pieces = Math.ceil(Math.abs(to - from) / 20);
  return Array.from({ length: pieces + 1 }, (_, piece) => {
    const angle = ((from + ((to - from) * piece) / pieces) * Math.PI) / 180;
    return [centre[0] + radius[0] * Math.cos(angle), centre[1] + radius[1] * Math.sin(angle)];
  });
}

const zero: Glyph = [arc([0.5, 0.5], [0.3, 0.45], 0, 360)];

const one: Stroke = [
  [0.3, 0.25],
  [0.5, 0.05],
  [0.5, 0.95],
];

const foot: Stroke = [
  [0.3, 0.95],
  [0.7, 0.95],
];

const two: Glyph = [[...arc([0.5, 0.3], [0.28, 0.25], 200, 395), [0.2, 0.95], [0.82, 0.95]]];

const three: Glyph = [[...arc([0.47, 0.28], [0.27, 0.23], 200, 450), ...arc([0.47, 0.73], [0.32, 0.22], 270, 510)]];

const threeWithFlatTop: Glyph = [
  [[0.2, 0.06], [0.76, 0.06], [0.46, 0.42], ...arc([0.46, 0.69], [0.32, 0.27], 275, 510)],
];

const four: Glyph = [
  [
    [0.65, 0.95],
    [0.65, 0.05],
    [0.18, 0.65],
    [0.86, 0.65],
  ],
];

const openFour: Glyph = [
  [
    [0.26, 0.08],
    [0.2, 0.55],
    [0.84, 0.55],
  ],
  [
    [0.66, 0.12],
    [0.66, 0.95],
  ],
];

const five: Glyph = [[[0.78, 0.06], [0.29, 0.06], [0.26, 0.47], ...arc([0.48, 0.68], [0.3, 0.26], 230, 505)]];

const six: Glyph = [[...arc([0.72, 0.7], [0.5, 0.64], 258, 180), ...arc([0.5, 0.7], [0.28, 0.24], 180, 540)]];

const seven: Stroke = [
  [0.18, 0.07],
  [0.82, 0.07],
  [0.4, 0.95],
];

const crossbar: Stroke = [
  [0.38, 0.5],
  [0.78, 0.5],
];

const eight: Glyph = [arc([0.5, 0.27], [0.23, 0.21], 90, 450), arc([0.5, 0.72], [0.29, 0.24], 270, 630)];

const nine: Glyph = [[...arc([0.5, 0.3], [0.28, 0.24], 0, 360), [0.76, 0.6], [0.7, 0.95]]];

const nineWithHook: Glyph = [[...arc([0.5, 0.3], [0.28, 0.24], 0, 360), ...arc([0.48, 0.66], [0.3, 0.28], 0, 140)]];

/** `glyphs[digit]` lists the ways of writing that digit. */
export const glyphs: readonly (readonly Glyph[])[] = [
  [zero],
  [[one], [one, foot], [one.slice(1)]],
  [two],
  [three, threeWithFlatTop],
  [four, openFour],
  [five],
  [six],
  [[seven], [seven, crossbar]],
  [eight],
  [nine, nineWithHook],
];
