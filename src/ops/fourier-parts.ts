// What Fourier transforms are made of: a table of cosines and sines, the matrix of a transform, and the product with it.
// Everything is computed in float64: results that cancel to zero must come out as zero.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  call,
  cast,
  constant,
  constantOf,
  div,
  eq,
  indexVar,
  int,
  lt,
  max,
  mod,
  mul,
  neg,
  or,
  reduce,
  select,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, requiredInt } from './attributes.ts';
import { op } from './define.ts';
import { sizesOf } from './elements.ts';
import { sizeAt } from './run-time-operands.ts';
import { floatTypes, sizeType, tensorOf, typeSet } from './types.ts';

const double = (value: number): Expr => constant(value, 'float64');

/** Y[t] = (cos, sin) of 2 π t / length, for t < length; `limit` is the length or, where only a run knows it, more. */
export const TwiddleTable = op('TwiddleTable', {
  domain: 'lapidary',
  inputs: ['limit', 'length'],
  types: { limit: sizeType },
  type: ({ limit }, _, context) =>
    tensorOf('float64', [sizesOf(limit)?.[0] ?? context.fail('limit must be known.'), int(2)]),
  compute: ({ length }, _, index) => {
    const [t, part] = index;
    const count = cast(max(sizeAt(length, ...length.shape.map(() => int(0))), int(1)), 'float64');
    const angle = div(mul(cast(t!, 'float64'), double(2 * Math.PI)), count);
    return select(eq(part!, int(0)), call('cos', angle), call('sin', angle));
  },
});

/**
 * M[n, c, k, d]: what part c (real, imaginary) of input n adds to part d of output k. `sizes` are the extents of n, c,
 * k and d. A one-sided inverse reads half a spectrum, whose other half mirrors it, and gives real numbers (d = 1).
 */
export const FourierMatrix = op('FourierMatrix', {
  domain: 'lapidary',
  inputs: ['table', 'sizes', 'length'],
  attributes: { inverse: intAttribute(0, [0, 1]), half: intAttribute(0, [0, 1]) },
  types: { table: typeSet('T', ['float64']), sizes: sizeType },
  type: ({ sizes }, _, context) => tensorOf('float64', sizesOf(sizes) ?? context.fail('sizes must be known.')),
  compute: ({ table, length }, { inverse, half }, index) => {
    const [n, c, k, d] = index;
    const count = max(sizeAt(length, ...length.shape.map(() => int(0))), int(1));
    const turn = simplify(mod(mul(n!, k!), count));
    const limit = table.shape[0]!;
    const inTable = simplify(lt(turn, limit));
    const part = (which: number): Expr => select(inTable, table.at(turn, int(which)), double(0));
    const cosine = part(0);
    const sine = inverse === 1 ? part(1) : neg(part(1));
    // (a + i b) (cos + i sin)
    const ofReal = select(eq(d!, int(0)), cosine, sine);
    const ofImaginary = select(eq(d!, int(0)), neg(sine), cosine);
    const entry = select(eq(c!, int(0)), ofReal, ofImaginary);
    const scaled = inverse === 1 ? div(entry, cast(count, 'float64')) : entry;
    if (half !== 1) return select(simplify(lt(n!, count)), scaled, double(0));
    // The first and the middle one stand for themselves, the others for their mirror images too.
    const twice = mul(n!, int(2));
    const weighted = select(or(eq(n!, int(0)), eq(twice, count)), scaled, add(scaled, scaled));
    return select(lt(count, twice), double(0), weighted);
  },
});

/** Y[…, k, …, d] = sum over n, c of X[…, n, …, c] * M[n, c, k, d]; n beyond M's extent is left out. */
export const FourierProduct = op('FourierProduct', {
  domain: 'lapidary',
  inputs: ['X', 'M'],
  attributes: { axis: requiredInt },
  types: { X: typeSet('T', floatTypes), M: typeSet('T1', ['float64']) },
  type: ({ X, M }, { axis }) => {
    const shape = X.shape.map((extent, position) => (position === axis ? M.shape[2]! : extent));
    return tensorOf(X.dtype, [...shape.slice(0, -1), M.shape[3]!]);
  },
  compute: ({ X, M }, { axis }, index) => {
    const n = indexVar('n', M.shape[0]!);
    const c = constantOf(M.shape[1]!) === 1 ? undefined : indexVar('c', M.shape[1]!);
    const source = index.map((own, position) => (position === axis ? n : own)).slice(0, -1);
    const x = cast(X.at(...source, c ?? int(0)), 'float64');
    const factor = M.at(n, c ?? int(0), index[axis]!, index.at(-1)!);
    return cast(reduce('sum', [n, ...(c ? [c] : [])], mul(x, factor)), X.dtype);
  },
});
