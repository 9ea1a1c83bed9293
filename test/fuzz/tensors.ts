// Shapes and contents of tensors. Contents come from a seed: shrinking never goes through single elements.

import { toBytes } from '../../ir/bytes.ts';
import { type DType, dtypes, integerRange } from '../../ir/dtype.ts';
import { elementCount, isFloatType, type Tensor } from './case.ts';
import { type Draw, randomNumbers } from './draw.ts';

/**
 * grid: small multiples of 1/4, whose sums and products are exact in any order; real: any digits;
 * positive: real and above 0; special: with infinities, NaN, zeros of both signs and very large and small numbers;
 * small: integers near zero; full: any integer of the type.
 */
export type Contents = 'grid' | 'real' | 'positive' | 'unit' | 'special' | 'small' | 'full';

const pickSize = (draw: Draw, most: number): number =>
  Math.min(
    most,
    draw.pick([
      () => draw.integer(1, 5),
      () => draw.integer(1, 5),
      () => draw.integer(6, 20),
      () => 1,
      () => draw.integer(21, 70),
    ])(),
  );

/** Sizes whose product stays small; now and then one of them is zero. */
export function drawDims(draw: Draw, rank: number, { zero = 3, most = 3000 } = {}): readonly number[] {
  const dims: number[] = [];
  let room = most;
  for (let axis = 0; axis < rank; axis++) {
    const size = draw.chance(zero) ? 0 : pickSize(draw, Math.max(1, room));
    dims.push(size);
    room = Math.floor(room / Math.max(size, 1));
  }
  return dims;
}

export const drawShape = (draw: Draw, least = 0, most = 5, options = {}): readonly number[] =>
  drawDims(draw, draw.integer(least, most), options);

/** A shape that broadcasts to another: leading axes left out, single axes of size 1. */
export function drawNarrower(draw: Draw, dims: readonly number[]): readonly number[] {
  const kept = dims.slice(draw.chance(40) ? draw.integer(0, dims.length) : 0);
  return kept.map((size) => (draw.chance(25) ? 1 : size));
}

/** Two shapes, and what they broadcast to. */
export function drawBroadcast(draw: Draw, most = 5): readonly [readonly number[], readonly number[]] {
  const dims = drawShape(draw, 0, most);
  const one = draw.chance(50) ? drawNarrower(draw, dims) : dims;
  const other = draw.chance(50) ? drawNarrower(draw, dims) : dims;
  return draw.chance(50) ? [one, other] : [other, one];
}

const specials = [
  Number.NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1e-40,
  -1e-40,
  3e38,
  -3e38,
  0.5,
  -0.5,
  1.5,
  2.5,
  1e10,
  -1e10,
  1,
  -1,
];

function floatElement(contents: Contents, random: () => number): number {
  switch (contents) {
    case 'grid':
    case 'small':
      return Math.floor(random() * 33 - 16) / 4;
    case 'positive':
      return random() * 3 + 0.01;
    case 'unit':
      return random() * 2 - 1;
    case 'special':
      return random() < 0.5 ? specials[Math.floor(random() * specials.length)]! : (random() - 0.5) * 20;
    default:
      return (random() - 0.5) * 6;
  }
}

function integerElement(dtype: DType, contents: Contents, random: () => number): bigint {
  const { min, max } = integerRange(dtype);
  if (contents === 'full') {
    if (random() < 0.2) return [min, max, 0n, 1n, max - 1n][Math.floor(random() * 5)]!;
    const wide = (BigInt(Math.floor(random() * 2 ** 32)) << 32n) | BigInt(Math.floor(random() * 2 ** 32));
    return min + (wide % (max - min + 1n));
  }
  const value = contents === 'positive' ? Math.floor(random() * 8) + 1 : Math.floor(random() * 17) - 8;
  return min < 0n || value >= 0 ? BigInt(value) : BigInt(value + 16);
}

export function tensorFrom(dtype: DType, dims: readonly number[], values: readonly (number | bigint)[]): Tensor {
  return { dtype, dims, bytes: toBytes(dtype, values) };
}

export function drawTensor(draw: Draw, dtype: DType, dims: readonly number[], contents: Contents = 'real'): Tensor {
  const random = randomNumbers(draw.seed());
  const make = (): number | bigint => {
    if (dtype === 'bool') return random() < 0.5 ? 1 : 0;
    return isFloatType(dtype) ? floatElement(contents, random) : integerElement(dtype, contents, random);
  };
  return tensorFrom(dtype, dims, Array.from({ length: elementCount(dims) }, make));
}

/** Integers of a range, for indices. */
export function drawIntegers(draw: Draw, dtype: DType, dims: readonly number[], min: number, max: number): Tensor {
  const random = randomNumbers(draw.seed());
  const values = Array.from({ length: elementCount(dims) }, () => min + Math.floor(random() * (max - min + 1)));
  return tensorFrom(
    dtype,
    dims,
    values.map((value) => (dtypes[dtype].class === 'float' ? value : BigInt(value))),
  );
}

export const int64s = (values: readonly number[]): Tensor => tensorFrom('int64', [values.length], values.map(BigInt));
export const scalar = (dtype: DType, value: number): Tensor =>
  tensorFrom(dtype, [], [isFloatType(dtype) ? value : BigInt(value)]);
