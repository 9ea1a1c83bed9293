// Weighted minimax polynomials: Remez' exchange on a grid, in fixed point, with coefficients rounded one after the
// other to the format that will hold them, each followed by a new fit of the rest.

import { fromNumber, one, over, times, toNumber } from './fixed-point.ts';

export interface Problem {
  /** Seeks sum c_i t^i ≈ target with the least weight * |difference|, for `variable` in [low, high]. */
  readonly low: number;
  readonly high: number;
  readonly variable: (x: bigint) => bigint;
  readonly target: (x: bigint) => bigint;
  readonly weight: (x: bigint) => bigint;
  readonly terms: number;
  readonly round: (value: number) => number;
}

export interface Fit {
  readonly coefficients: readonly number[];
  /** The largest weighted error on the grid. */
  readonly error: number;
}

interface Sample {
  readonly t: bigint;
  readonly target: bigint;
  readonly weight: bigint;
}

function sample(problem: Problem): readonly Sample[] {
  const count = 24 * problem.terms + 64;
  const middle = (problem.low + problem.high) / 2;
  const radius = (problem.high - problem.low) / 2;
  return Array.from({ length: count + 1 }, (_, i) => {
    const x = fromNumber(middle - radius * Math.cos((Math.PI * i) / count));
    const weight = problem.weight(x);
    return { t: problem.variable(x), target: problem.target(x), weight: weight < 0n ? -weight : weight };
  }).filter(({ weight }) => weight !== 0n);
}

/** Gaussian elimination with partial pivoting; the last column is the right-hand side. */
function solve(rows: bigint[][]): bigint[] {
  const size = rows.length;
  const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);
  for (let column = 0; column < size; column += 1) {
    let pivot = column;
    for (let row = column + 1; row < size; row += 1) {
      if (magnitude(rows[row]![column]!) > magnitude(rows[pivot]![column]!)) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    for (let row = 0; row < size; row += 1) {
      if (row === column) continue;
      const factor = over(rows[row]![column]!, rows[column]![column]!);
      for (let k = column; k <= size; k += 1) rows[row]![k]! -= times(factor, rows[column]![k]!);
    }
  }
  return rows.map((row, i) => over(row[size]!, row[i]!));
}

const power = (t: bigint, exponent: number): bigint => {
  let result = one;
  for (let i = 0; i < exponent; i += 1) result = times(result, t);
  return result;
};

function errors(samples: readonly Sample[], coefficients: readonly bigint[]): readonly number[] {
  return samples.map(({ t, target, weight }) => {
    let value = 0n;
    for (let i = coefficients.length - 1; i >= 0; i -= 1) value = times(value, t) + coefficients[i]!;
    return toNumber(times(weight, value - target));
  });
}

/** The extremum of each run of errors of one sign. */
function alternation(values: readonly number[]): readonly number[] {
  const found: number[] = [];
  values.forEach((value, i) => {
    const last = found.at(-1);
    if (last === undefined || Math.sign(values[last]!) !== Math.sign(value)) found.push(i);
    else if (Math.abs(value) > Math.abs(values[last]!)) found[found.length - 1] = i;
  });
  return found;
}

/** Drops the smallest extrema from the ends until `count` are left. */
function trim(extrema: readonly number[], values: readonly number[], count: number): readonly number[] {
  const kept = [...extrema];
  while (kept.length > count) {
    const first = Math.abs(values[kept[0]!]!);
    const last = Math.abs(values[kept.at(-1)!]!);
    if (first < last) kept.shift();
    else kept.pop();
  }
  return kept;
}

/** Fits coefficients `fixed.length` and up, the lower ones being given. */
function exchange(samples: readonly Sample[], terms: number, fixed: readonly bigint[]): readonly bigint[] {
  const free = terms - fixed.length;
  if (free === 0) return fixed;
  const last = samples.length - 1;
  let points: readonly number[] = Array.from({ length: free + 1 }, (_, i) =>
    Math.round((last * (1 - Math.cos((Math.PI * i) / free))) / 2),
  );
  let best = { coefficients: fixed, worst: Number.POSITIVE_INFINITY };
  for (let turn = 0; turn < 30; turn += 1) {
    const rows = points.map((point, i) => {
      const { t, target, weight } = samples[point]!;
      const known = fixed.reduce((sum, value, k) => sum + times(value, power(t, k)), 0n);
      const basis = Array.from({ length: free }, (_, k) => times(weight, power(t, k + fixed.length)));
      return [...basis, i % 2 === 0 ? one : -one, times(weight, target - known)];
    });
    const coefficients = [...fixed, ...solve(rows).slice(0, free)];
    const values = errors(samples, coefficients);
    const worst = Math.max(...values.map(Math.abs));
    if (worst < best.worst) best = { coefficients, worst };
    const extrema = trim(alternation(values), values, free + 1);
    if (extrema.length < free + 1 || extrema.every((point, i) => point === points[i])) break;
    points = extrema;
  }
  return best.coefficients;
}

/** `given` are leading coefficients that the formula fixes. */
export function minimax(problem: Problem, given: readonly number[] = []): Fit {
  const samples = sample(problem);
  const fixed = given.map(fromNumber);
  while (fixed.length < problem.terms) {
    const fitted = exchange(samples, problem.terms, fixed);
    fixed.push(fromNumber(problem.round(toNumber(fitted[fixed.length]!))));
  }
  const error = Math.max(...errors(samples, fixed).map(Math.abs));
  return { coefficients: fixed.map(toNumber), error };
}
