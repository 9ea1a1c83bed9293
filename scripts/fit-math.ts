// Fits the polynomials of `ir/math` and writes them to `ir/math/coefficients.ts`. Run: npx tsx scripts/fit-math.ts, then
// npx biome format --write ir/math/coefficients.ts.
// Each line of the table is a function on its reduced range. The weight turns a difference in the polynomial into an
// error relative to the function's result, so the printed errors compare with 2^-24 and 2^-53.

import { writeFileSync } from 'node:fs';
import {
  acosh,
  asin,
  asinh,
  atan,
  cos,
  erf,
  exp,
  fromNumber,
  log,
  one,
  over,
  pi,
  ratio,
  sin,
  squareRoot,
  tan,
  times,
} from './fit/fixed-point.ts';
import { minimax, type Problem } from './fit/minimax.ts';

type Function = (x: bigint) => bigint;
interface Family extends Omit<Problem, 'terms' | 'round' | 'high'> {
  readonly terms: { readonly float32: number; readonly float64: number };
  readonly high: number | { readonly float32: number; readonly float64: number };
}

const identity: Function = (x) => x;
const square: Function = (x) => times(x, x);
const cube: Function = (x) => times(x, square(x));
const fourth: Function = (x) => square(square(x));
const fourthRoot: Function = (x) => squareRoot(squareRoot(x));
const ln2 = log(2n * one);
/** Just above zero, where quotients of vanishing series are still accurate. */
const tiny = 1e-4;

/** f(x) = x + x^3 P(x^2). */
const odd = (f: Function, high: number, float32: number, float64: number): Family => ({
  low: tiny,
  high,
  variable: square,
  target: (x) => over(f(x) - x, cube(x)),
  weight: (x) => over(cube(x), f(x)),
  terms: { float32, float64 },
});

/** Where erf changes from its odd polynomial to the complement's. */
const erfSplit = 1;
const erfTail: Function = (t) => fourthRoot(one - erf(fromNumber(erfSplit) + t));
const artanh2: Function = (s) => log(over(one + s, one - s));

const families: Readonly<Record<string, Family>> = {
  // e^r = 1 + r + r^2 P(r), good for e^r - 1 and so for e^r
  expm1: {
    low: -0.3468,
    high: 0.3468,
    variable: identity,
    target: (r) => over(exp(r) - one - r, square(r)),
    weight: (r) => over(square(r), exp(r) - one),
    terms: { float32: 5, float64: 11 },
  },
  // 2^r = 1 + r P(r)
  exp2: {
    low: -0.5002,
    high: 0.5002,
    variable: identity,
    target: (r) => over(exp(times(r, ln2)) - one, r),
    weight: (r) => over(r, exp(times(r, ln2))),
    terms: { float32: 6, float64: 12 },
  },
  // log(1 + f) = 2 s + s^3 P(s^2), s = f / (2 + f)
  log: {
    low: tiny,
    high: 0.17158,
    variable: square,
    target: (s) => over(artanh2(s) - 2n * s, cube(s)),
    weight: (s) => over(cube(s), artanh2(s)),
    terms: { float32: 3, float64: 7 },
  },
  // log2(1 + f) = s (2 / ln 2 + s^2 (2 / (3 ln 2) + s^2 P(s^2))), the given terms in twice the precision
  log2: {
    low: 1e-2,
    high: 0.17158,
    variable: square,
    target: (s) => over(over(artanh2(s) - 2n * s - (2n * cube(s)) / 3n, ln2), times(s, fourth(s))),
    weight: (s) => over(times(s, fourth(s)), over(artanh2(s), ln2)),
    terms: { float32: 4, float64: 8 },
  },
  sin: odd(sin, 0.7855, 3, 6),
  // cos(x) = 1 - x^2 / 2 + x^4 P(x^2)
  cos: {
    low: 1e-3,
    high: 0.7855,
    variable: square,
    target: (x) => over(cos(x) - one + square(x) / 2n, fourth(x)),
    weight: (x) => over(fourth(x), cos(x)),
    terms: { float32: 3, float64: 6 },
  },
  tan: odd(tan, 0.7855, 7, 14),
  sinh: odd((x) => (exp(x) - exp(-x)) / 2n, 1, 4, 8),
  asin: odd(asin, 0.5, 5, 12),
  // Up to tan of 1/2 and a little: see the thresholds there.
  atan: odd(atan, 0.5502, 5, 13),
  // Up to where the result passes 1, as its last place then doubles.
  asinh: odd(asinh, 1.1753, 9, 22),
  atanh: odd((x) => artanh2(x) / 2n, 0.3334, 4, 10),
  // acosh(1 + t) = sqrt(2 t) (1 + t P(t))
  acosh: {
    low: tiny,
    high: 1,
    variable: identity,
    target: (t) => over(over(acosh(one + t), squareRoot(2n * t)) - one, t),
    weight: (t) => over(times(t, squareRoot(2n * t)), acosh(one + t)),
    terms: { float32: 6, float64: 15 },
  },
  // erf(x) = x + x P(x^2)
  erf: {
    low: tiny,
    high: erfSplit,
    variable: square,
    target: (x) => over(erf(x) - x, x),
    weight: (x) => over(x, erf(x)),
    terms: { float32: 7, float64: 13 },
  },
  // erf(split + t) = 1 - P(t)^4: the weight falls quickly, so few terms do.
  erfTail: {
    low: 0,
    high: { float32: 2.95, float64: 4.98 },
    variable: identity,
    target: erfTail,
    weight: (t) => 4n * cube(erfTail(t)),
    terms: { float32: 9, float64: 22 },
  },
};

function fit(name: string, family: Family, format: 'float32' | 'float64'): string {
  const high = typeof family.high === 'number' ? family.high : family.high[format];
  const round = format === 'float32' ? Math.fround : Number;
  const { coefficients, error } = minimax({ ...family, high, terms: family.terms[format], round });
  process.stderr.write(`${name} ${format}: ${coefficients.length} terms, error 2^${Math.log2(error).toFixed(1)}\n`);
  return `    ${format}: [${coefficients.join(', ')}],`;
}

/** 2 / pi as an integer, times 2^bits: from Machin's formula with more bits than the fits need. */
function twoOverPi(bits: number): bigint {
  const unit = 1n << BigInt(bits + 64);
  const atanInverse = (n: bigint): bigint => {
    let sum = 0n;
    let sign = 1n;
    for (let term = unit / n, k = 1n; term > 0n; k += 2n, term /= n * n, sign = -sign) sum += (sign * term) / k;
    return sum;
  };
  const quarter = 4n * atanInverse(5n) - atanInverse(239n);
  return ((unit << BigInt(bits)) / quarter) >> 1n;
}

const table = Object.entries(families).map(
  ([name, family]) => `  ${name}: {\n${fit(name, family, 'float32')}\n${fit(name, family, 'float64')}\n  },`,
);
const constants = Object.entries({
  ln2,
  pi,
  // 2 / ln 2 and its third: the leading terms of log2.
  twoOverLn2: over(2n * one, ln2),
  twoThirdsOverLn2: times(over(2n * one, ln2), ratio(1, 3)),
}).map(([name, value]) => `  ${name}: 0x${((value << 256n) / one).toString(16)}n,`);

writeFileSync(
  new URL('../ir/math/coefficients.ts', import.meta.url),
  `// Written by scripts/fit-math.ts: minimax polynomials, lowest power first, rounded to the format that evaluates them.
// What each polynomial stands for is said beside its fit.
// biome-ignore-all lint/suspicious/noApproximativeNumericConstant: a coefficient may come close to one.

export type Family = keyof typeof coefficients;

export const coefficients = {
${table.join('\n')}
} as const;

/** Where erf changes from one polynomial to the other. */
export const erfSplit = ${erfSplit};

/** Fixed point, times 2^256. */
export const constants = {
${constants.join('\n')}
} as const;

/** 2 / pi times 2^1280. */
export const twoOverPi =
  0x${twoOverPi(1280).toString(16)}n;
`,
);
