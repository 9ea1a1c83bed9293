// log and what is made of it: log1p, asinh, acosh, atanh.
//   x = 2^e m with m between sqrt(1/2) and sqrt(2), f = m - 1, s = f / (2 + f)
//   log x = e ln 2 + f - s (f - s^2 P(s^2))

import type { Expr } from '../expr.ts';
import { add, and, bitcast, div, eq, le, lt, mul, select, sub, unary } from '../expr-make.ts';
import {
  absolute,
  bitsOf,
  choose,
  constantValue,
  type Format,
  fractionMask,
  fromBits,
  infinity,
  notANumber,
  number,
  patternOf,
  polynomial,
  shiftRight,
  smallIntegerToFloat,
  splitConstant,
  unsigned,
  withSign,
} from './format.ts';

/** log(1 + f) + e ln 2 for f = m - 1. */
function logOfParts(format: Format, f: Expr, e: Expr): Expr {
  const [high, low] = splitConstant('ln2', choose(format, 15, 41));
  const s = div(f, add(f, number(format, 2)));
  const square = mul(s, s);
  const correction = mul(s, sub(f, mul(polynomial(format, 'log', square), square)));
  return add(mul(e, number(format, high)), sub(f, sub(correction, mul(e, number(format, low)))));
}

/** The bits of x above those of sqrt(1/2): the exponent e in the upper ones, m's distance in the lower ones. */
const aboveRootHalf = (format: Format, x: Expr): Expr =>
  sub(bitsOf(format, x), unsigned(format, patternOf(format, Math.SQRT1_2)));
const exponentOf = (format: Format, above: Expr): Expr =>
  smallIntegerToFloat(format, shiftRight(bitcast(above, format.signed), format.fraction));

interface Parts {
  readonly f: Expr;
  readonly e: Expr;
}

/** Of a positive normal number. */
export function splitExponent(format: Format, x: Expr): Parts {
  const above = aboveRootHalf(format, x);
  const m = add(and(above, fractionMask(format)), unsigned(format, patternOf(format, Math.SQRT1_2)));
  return { f: sub(fromBits(format, m), number(format, 1)), e: exponentOf(format, above) };
}

/** Of any positive number. */
export function splitPositive(format: Format, x: Expr): Parts {
  const subnormal = lt(x, number(format, 2 ** (1 - format.bias)));
  const scaled = select(subnormal, mul(x, number(format, 2 ** (format.fraction + 1))), x);
  const { f, e } = splitExponent(format, scaled);
  const shift = number(format, -(format.fraction + 1));
  return { f, e: add(e, select(subnormal, shift, number(format, 0))) };
}

export function log(format: Format, x: Expr): Expr {
  const zero = number(format, 0);
  const { f, e } = splitPositive(format, x);
  const finite = select(lt(x, infinity(format)), logOfParts(format, f, e), x);
  return select(lt(zero, x), finite, select(eq(x, zero), number(format, Number.NEGATIVE_INFINITY), notANumber(format)));
}

/** Where x^2 no longer shows in the result, x itself is the answer, with its zero's sign and its subnormals. */
const keepTiny = (format: Format, x: Expr, value: Expr): Expr =>
  select(lt(absolute(x), number(format, choose(format, 2 ** -26, 2 ** -55))), x, value);

/** f = (1 + x) 2^-e - 1 is made as x 2^-e + (2^-e - 1), which never loses what 1 + x would round away. */
export function log1p(format: Format, x: Expr): Expr {
  const one = number(format, 1);
  const above = aboveRootHalf(format, add(x, one));
  // Four times 2^-e, because e may be one more than the largest exponent.
  const exponentBits = sub(above, and(above, fractionMask(format)));
  const scale = fromBits(format, sub(unsigned(format, patternOf(format, 4)), exponentBits));
  const f = mul(add(mul(x, scale), sub(scale, number(format, 4))), number(format, 0.25));
  const inside = logOfParts(format, f, exponentOf(format, above));
  const finite = select(lt(x, infinity(format)), inside, x);
  const minusOne = number(format, -1);
  const edge = select(eq(x, minusOne), number(format, Number.NEGATIVE_INFINITY), notANumber(format));
  return keepTiny(format, x, select(lt(minusOne, x), finite, edge));
}

/** log(x) + log 2 where x^2 would overflow or swallow the 1, log(root) otherwise. */
function logOfRoot(format: Format, x: Expr, root: Expr): Expr {
  const large = le(number(format, choose(format, 2 ** 14, 2 ** 30)), x);
  const { f, e } = splitExponent(format, select(large, x, root));
  return logOfParts(format, f, add(e, select(large, number(format, 1), number(format, 0))));
}

export function asinh(format: Format, x: Expr): Expr {
  const magnitude = absolute(x);
  const square = mul(magnitude, magnitude);
  const small = add(mul(mul(polynomial(format, 'asinh', square), square), magnitude), magnitude);
  const root = add(magnitude, unary('sqrt', add(square, number(format, 1))));
  const value = select(lt(magnitude, number(format, 1.1753)), small, logOfRoot(format, magnitude, root));
  return select(lt(magnitude, infinity(format)), withSign(format, value, x), x);
}

export function acosh(format: Format, x: Expr): Expr {
  const one = number(format, 1);
  const t = sub(x, one);
  const near = unary('sqrt', add(t, t));
  const small = add(mul(mul(polynomial(format, 'acosh', t), t), near), near);
  const root = add(x, unary('sqrt', mul(t, add(x, one))));
  const finite = select(lt(x, number(format, 2)), small, logOfRoot(format, x, root));
  return select(le(one, x), select(lt(x, infinity(format)), finite, x), notANumber(format));
}

/**
 * Half of log(n / p) with n = 1 + |x|, p = 1 - |x|. With 2^e <= n / p < 2^(e + 1) and d = 2^-e it is
 *   e ln 2 / 2 + atanh s, s = (n d - p) / (n d + p),
 * where the numerator is exact but for what n and p rounded away, which is added. For small x all this is s = |x|.
 */
export function atanh(format: Format, x: Expr): Expr {
  const one = number(format, 1);
  const a = absolute(x);
  const n = add(a, one);
  const p = sub(one, a);
  const nRest = sub(a, sub(n, one));
  const pRest = sub(sub(one, p), a);
  const bits = bitsOf(format, div(n, p));
  const exponentBits = sub(bits, and(bits, fractionMask(format)));
  const oneBits = patternOf(format, 1);
  const d = fromBits(format, sub(unsigned(format, 2n * oneBits), exponentBits));
  const scaled = mul(n, d);
  const moreRest = mul(nRest, d);
  const s = div(add(sub(scaled, p), sub(moreRest, pRest)), add(add(scaled, p), add(moreRest, pRest)));
  const square = mul(s, s);
  const cubic = mul(mul(polynomial(format, 'atanh', square), square), s);
  const e = exponentOf(format, sub(bits, unsigned(format, oneBits)));
  const inside = add(mul(e, number(format, constantValue('ln2') / 2)), add(cubic, s));
  const edge = select(eq(a, one), infinity(format), notANumber(format));
  return withSign(format, select(lt(a, one), inside, edge), x);
}
