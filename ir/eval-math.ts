// Math functions in double precision, with C99's special cases. The evaluator rounds the results for float32.

import type { MathFunction } from './expr.ts';

/** exp(x) / (1 + exp(x)) without overflow or loss on either side. */
function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const power = Math.exp(x);
  return power / (1 + power);
}

/** 2/sqrt(pi) exp(-x²) Σ 2ⁿ x^(2n+1) / (2n+1)!!: every term has the sign of x, so nothing cancels. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc for x >= 2 by its continued fraction, from the inside out. */
function erfcFraction(x: number): number {
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

function erf(x: number): number {
  if (Number.isNaN(x) || x === 0) return x;
  const size = Math.abs(x);
  if (size < 2) return erfSeries(x);
  const result = size > 6 ? 1 : 1 - erfcFraction(size);
  return x < 0 ? -result : result;
}

/** JavaScript gives NaN where C gives 1: pow(1, anything) and pow(-1, ±infinity). */
function power(base: number, exponent: number): number {
  if (base === 1) return 1;
  if (base === -1 && (exponent === Number.POSITIVE_INFINITY || exponent === Number.NEGATIVE_INFINITY)) return 1;
  return base ** exponent;
}

/** By name; `pow` and `fmod` take two arguments, the others one. */
export const mathFunctions: Readonly<Record<MathFunction, (x: number, y: number) => number>> = {
  exp: (x) => Math.exp(x),
  log: (x) => Math.log(x),
  tanh: (x) => Math.tanh(x),
  erf: (x) => erf(x),
  sigmoid: (x) => sigmoid(x),
  sin: (x) => Math.sin(x),
  cos: (x) => Math.cos(x),
  tan: (x) => Math.tan(x),
  asin: (x) => Math.asin(x),
  acos: (x) => Math.acos(x),
  atan: (x) => Math.atan(x),
  sinh: (x) => Math.sinh(x),
  cosh: (x) => Math.cosh(x),
  asinh: (x) => Math.asinh(x),
  acosh: (x) => Math.acosh(x),
  atanh: (x) => Math.atanh(x),
  log1p: (x) => Math.log1p(x),
  expm1: (x) => Math.expm1(x),
  pow: (x, y) => power(x, y),
  fmod: (x, y) => x % y,
};
