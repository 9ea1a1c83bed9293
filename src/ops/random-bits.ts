// Random numbers without state: a mixing function of a seed and a position. The same on every target.

import type { Expr } from '../../ir/expr.ts';
import { add, binary, cast, constant, mul } from '../../ir/expr-make.ts';

const word = (value: number): Expr => constant(value, 'uint32');

/** Every output bit depends on every input bit: alternating shifts and odd multipliers. */
function mixed(x: Expr): Expr {
  const folded = (value: Expr, by: number): Expr => binary('xor', value, binary('shr', value, word(by)));
  const first = mul(folded(x, 16), word(0x21f0aaad));
  const second = mul(folded(first, 15), word(0x735a2d97));
  return folded(second, 15);
}

/** 32 random bits for a position (dtype index). */
export function randomBits(seed: number, position: Expr): Expr {
  // Zero is the one number that the mixing leaves alone.
  const start = mixed(word((Math.floor(Math.abs(seed)) + 0x6a09e667) % 2 ** 32));
  const counter = add(mul(cast(position, 'uint32'), word(0x9e3779b1)), start);
  return mixed(binary('xor', mixed(counter), start));
}

/** A float32 in 0 (included) … 1 (excluded). */
export const uniform = (seed: number, position: Expr): Expr =>
  mul(cast(binary('shr', randomBits(seed, position), word(8)), 'float32'), constant(2 ** -24, 'float32'));
