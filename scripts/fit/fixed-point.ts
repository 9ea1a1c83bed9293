// Elementary functions of fixed-point BigInts, good to about 380 bits: what the fits in `fit-math.ts` aim at.
// Slow and plain on purpose: argument halving and Taylor series.

const fractionBits = 420n;
export const one = 1n << fractionBits;

export const fromNumber = (value: number): bigint => {
  // Every double is an integer times 2^-1074 or larger; split it so that no bit is lost.
  let scaled = value;
  let exponent = 0;
  while (scaled !== 0 && !Number.isInteger(scaled)) {
    scaled *= 2 ** 52;
    exponent += 52;
  }
  return (BigInt(scaled) << fractionBits) >> BigInt(exponent);
};

export function toNumber(value: bigint): number {
  const negative = value < 0n;
  const magnitude = negative ? -value : value;
  const excess = magnitude.toString(2).length - 64;
  const top = excess > 0 ? magnitude >> BigInt(excess) : magnitude;
  // BigInt to Number rounds to nearest; 64 bits leave eleven guard bits.
  const result = Number(top) * 2 ** (Math.max(excess, 0) - Number(fractionBits));
  return negative ? -result : result;
}

export const times = (a: bigint, b: bigint): bigint => (a * b) >> fractionBits;
export const over = (a: bigint, b: bigint): bigint => (a << fractionBits) / b;
export const ratio = (numerator: number, denominator: number): bigint =>
  (BigInt(numerator) << fractionBits) / BigInt(denominator);

export function squareRoot(value: bigint): bigint {
  const target = value << fractionBits;
  if (target === 0n) return 0n;
  let guess = 1n << BigInt((target.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (guess + target / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** Sum of terms made one from the other, until they vanish. */
function series(first: bigint, next: (term: bigint, index: number) => bigint): bigint {
  let sum = 0n;
  for (let index = 1, term = first; term !== 0n && term !== -1n; index += 1) {
    sum += term;
    term = next(term, index);
  }
  return sum;
}

export function exp(x: bigint): bigint {
  const halvings = 24;
  const small = x >> BigInt(halvings);
  let result = series(one, (term, index) => times(term, small) / BigInt(index));
  for (let i = 0; i < halvings; i += 1) result = times(result, result);
  return result;
}

/** 2 (s + s^3 / 3 + s^5 / 5 …) with s = (x - 1) / (x + 1), after square roots bring x near 1. */
export function log(x: bigint): bigint {
  const roots = 12;
  let near = x;
  for (let i = 0; i < roots; i += 1) near = squareRoot(near);
  const s = over(near - one, near + one);
  const square = times(s, s);
  let sum = 0n;
  for (let power = s, n = 1n; power !== 0n && power !== -1n; n += 2n, power = times(power, square)) sum += power / n;
  return sum << BigInt(roots + 1);
}

const oddSeries = (x: bigint, sign: bigint, divisor: (index: number) => bigint, first = x): bigint => {
  const square = times(x, x);
  return series(first, (term, index) => (sign * times(term, square)) / divisor(index));
};

export const sin = (x: bigint): bigint => oddSeries(x, -1n, (index) => BigInt(2 * index * (2 * index + 1)));
export const cos = (x: bigint): bigint => oddSeries(x, -1n, (index) => BigInt(2 * index * (2 * index - 1)), one);
export const tan = (x: bigint): bigint => over(sin(x), cos(x));

export function atan(x: bigint): bigint {
  const halvings = 12;
  let small = x;
  for (let i = 0; i < halvings; i += 1) small = over(small, one + squareRoot(one + times(small, small)));
  const square = times(small, small);
  let sum = 0n;
  let sign = 1n;
  for (let power = small, n = 1n; power !== 0n && power !== -1n; n += 2n, power = times(power, square)) {
    sum += (sign * power) / n;
    sign = -sign;
  }
  return sum << BigInt(halvings);
}

export const asin = (x: bigint): bigint => atan(over(x, squareRoot(one - times(x, x))));
export const asinh = (x: bigint): bigint => log(x + squareRoot(one + times(x, x)));
export const acosh = (x: bigint): bigint => log(x + squareRoot(times(x, x) - one));
export const pi = 4n * atan(one);

/** The series with positive terms only, 2 / sqrt(pi) exp(-x^2) (x + 2 x^3 / 3 + 4 x^5 / 15 …): nothing cancels. */
export function erf(x: bigint): bigint {
  const square = times(x, x);
  const sum = series(x, (term, index) => (2n * times(term, square)) / BigInt(2 * index + 1));
  return times(times(2n * exp(-square), sum), over(one, squareRoot(pi)));
}
