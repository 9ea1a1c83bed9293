// |x| = quadrant * pi/2 + angle with |angle| <= pi/4, for any finite x, however large, in integer words alone.
// |x| 2/pi = M 2^e 2/pi, of which only the value modulo 4 counts: three words of the bits of 2/pi suffice, starting
// where the first product bit is worth 2. They are picked at byte steps (no per-lane shifts: SIMD sets lack them), and
// the remaining shift of up to eleven bits goes into M.

import type { Expr } from '../expr.ts';
import { add, and, bitcast, cast, constant, eq, lt, mul, or, select, sub } from '../expr-make.ts';
import { twoOverPi } from './coefficients.ts';
import { normalized, upperHalf } from './double-word.ts';
import {
  absolute,
  bitsOf,
  type Format,
  fractionMask,
  fromBits,
  mask,
  number,
  shiftLeft,
  shiftRight,
  splitConstant,
  unsigned,
  xor,
} from './format.ts';

export interface Angle {
  /** The multiple of pi/2, modulo 4, in an unsigned word. */
  readonly quadrant: Expr;
  /** Whether the angle is to be negated: all ones or all zeros, in an unsigned word. */
  readonly negative: Expr;
  /** The angle's magnitude, as a sum of two floats. */
  readonly high: Expr;
  readonly low: Expr;
}

/** The bit string that windows are cut from: `lead` zeros, then 2/pi; its words from the first. */
function wordOfTwoOverPi(format: Format, lead: number, index: number): bigint {
  const end = BigInt((index + 1) * format.width - lead);
  const shifted = end >= 0n ? twoOverPi >> (1280n - end) : 0n;
  return BigInt.asUintN(format.width, shifted);
}

/** Words `start`, start + 1, … of the string at a byte position given by the bits of `byte`. */
function window(format: Format, lead: number, byte: Expr, byteBits: number): readonly Expr[] {
  const bit = (i: number): Expr => eq(and(byte, unsigned(format, 1n << BigInt(i))), unsigned(format, 0));
  const bytesInWord = Math.log2(format.width / 8);
  const wordBits = byteBits - bytesInWord;
  let words: readonly Expr[] = Array.from({ length: 2 ** wordBits + 3 }, (_, i) =>
    unsigned(format, wordOfTwoOverPi(format, lead, i)),
  );
  for (let i = byteBits - 1; i >= bytesInWord; i -= 1) {
    const step = 2 ** (i - bytesInWord);
    const clear = bit(i);
    words = words.slice(0, words.length - step).map((word, k) => select(clear, word, words[k + step]!));
  }
  for (let i = bytesInWord - 1; i >= 0; i -= 1) {
    const amount = 8 * 2 ** i;
    const clear = bit(i);
    const count = i === 0 ? 3 : 4;
    words = words.slice(0, count).map((word, k) => {
      const next = words[k + 1];
      const moved = shiftLeft(word, amount);
      return select(clear, word, next ? or(moved, shiftRight(next, format.width - amount)) : moved);
    });
  }
  return words;
}

/** The upper word of a product. `exact: false` drops carries out of the lower word. */
function highProduct(format: Format, a: Expr, b: Expr, exact: boolean): Expr {
  const half = format.width / 2;
  const low = mask(format, 0, half);
  const [aLow, aHigh, bLow, bHigh] = [and(a, low), shiftRight(a, half), and(b, low), shiftRight(b, half)];
  const top = mul(aHigh, bHigh);
  const outer = mul(aLow, bHigh);
  const inner = mul(aHigh, bLow);
  if (!exact) return add(top, add(shiftRight(outer, half), shiftRight(inner, half)));
  const middle = add(outer, shiftRight(mul(aLow, bLow), half));
  const carry = add(inner, and(middle, low));
  return add(top, add(shiftRight(middle, half), shiftRight(carry, half)));
}

/** |x| 2/pi modulo 4: two bits of integer, then fraction, in two words. */
function turns(format: Format, x: Expr): readonly [Expr, Expr] {
  const { fraction, bias, width } = format;
  const bits = bitsOf(format, absolute(x));
  // e = exponent + lead - 2 of M; never negative from pi/4 on, and clipped where M takes more than seven bits of it.
  const lead = 8 * Math.ceil((fraction + 1) / 8) + 2;
  const byteBits = Math.log2(format.bias + 1) - 3;
  const exponent = sub(shiftRight(bits, fraction), unsigned(format, bias + fraction - (lead - 2)));
  // Compared as signed words: vectors seldom have the other comparison.
  const tooFar = lt(constant(bias, format.signed), bitcast(exponent, format.signed));
  const clipped = select(tooFar, unsigned(format, bias), exponent);
  const byte = shiftRight(clipped, 3);
  const rest = sub(exponent, shiftLeft(byte, 3));
  // 2^rest as an integer: from a float's exponent, added to 2^fraction.
  const power = add(
    fromBits(format, shiftLeft(add(rest, unsigned(format, bias)), fraction)),
    number(format, 2 ** fraction),
  );
  const significand = or(and(bits, fractionMask(format)), mask(format, fraction, fraction + 1));
  const multiplier = mul(significand, and(bitsOf(format, power), mask(format, 0, 12)));
  const [first, second, third] = window(format, lead, byte, byteBits);
  const lowSum = add(
    shiftRight(mul(multiplier, second!), 1),
    shiftRight(highProduct(format, multiplier, third!, false), 1),
  );
  const top = add(mul(multiplier, first!), highProduct(format, multiplier, second!, true));
  return [add(top, shiftRight(lowSum, width - 1)), shiftLeft(lowSum, 1)];
}

const toFloat = (format: Format, word: Expr): Expr => cast(bitcast(word, format.signed), format.dtype);

/** Beyond pi/4 only. */
function reduceLarge(format: Format, x: Expr): Angle {
  const { width, fraction } = format;
  const [upper, lower] = turns(format, x);
  const quadrant = shiftRight(add(upper, mask(format, width - 3, width - 2)), width - 2);
  // The fraction, a signed number, is made a magnitude; its complement's missing unit is far below what counts.
  const signed = shiftRight(bitcast(shiftLeft(upper, 2), format.signed), 2);
  const negative = bitcast(shiftRight(signed, width - 1), format.unsigned);
  const top = xor(bitcast(signed, format.unsigned), negative);
  const bottom = xor(lower, negative);
  // Two pieces, each converted without a loss that counts, then summed to a double word.
  const cut = width - 4 - fraction;
  const shift = width - 1 - cut;
  const first = toFloat(format, and(top, mask(format, cut, width)));
  const more = or(shiftLeft(and(top, mask(format, 0, cut)), shift), shiftRight(bottom, width - shift));
  const second = mul(toFloat(format, more), number(format, 2 ** -shift));
  const turn = normalized(first, second);
  // Times pi/2: the product of the upper halves is exact.
  const upperTurn = upperHalf(format, turn.high);
  const lowerTurn = add(sub(turn.high, upperTurn), turn.low);
  const [piHigh, piLow] = splitConstant('pi', (fraction + 1) >> 1);
  const scaled = (value: number): Expr => number(format, (2 ** (2 - width) / 2) * value);
  const leading = mul(upperTurn, scaled(piHigh));
  const trailing = add(mul(upperTurn, scaled(piLow)), mul(lowerTurn, scaled(piHigh + piLow)));
  const { high, low } = normalized(leading, trailing);
  return { quadrant, negative, high, low };
}

export function reduceAngle(format: Format, x: Expr): Angle {
  const large = reduceLarge(format, x);
  const magnitude = absolute(x);
  const small = lt(magnitude, number(format, Math.PI / 4));
  const zero = unsigned(format, 0);
  return {
    quadrant: select(small, zero, large.quadrant),
    negative: select(small, zero, large.negative),
    high: select(small, magnitude, large.high),
    low: select(small, number(format, 0), large.low),
  };
}
