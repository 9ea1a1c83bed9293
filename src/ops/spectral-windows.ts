// Weights for spectra: HannWindow, HammingWindow, BlackmanWindow, MelWeightMatrix.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  call,
  cast,
  constant,
  div,
  eq,
  int,
  le,
  lt,
  max,
  mul,
  select,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { dtypeAttribute, intAttribute } from './attributes.ts';
import { type Operand, type Operator, op } from './define.ts';
import { sizesOf } from './elements.ts';
import { clamp, declaredShape, sizeAt } from './run-time-operands.ts';
import { indexType, numericTypes, scalarOf, tensorOf, typeSet } from './types.ts';

const double = (value: number): Expr => constant(value, 'float64');
const sizeOf = (operand: Operand): Expr => sizeAt(operand, ...operand.shape.map(() => int(0)));

/** A sum of cosines: a0 - a1 cos(2 π n / N) + a2 cos(4 π n / N), with N = size (periodic) or size - 1. */
const cosineWindow = (name: string, a0: number, a1: number, a2: number): Operator =>
  op(name, {
    inputs: ['size'],
    outputs: ['output'],
    attributes: { output_datatype: dtypeAttribute('float32'), periodic: intAttribute(1, [0, 1]) },
    types: { size: indexType },
    since: 17,
    type: ({ size }, { output_datatype }, context) =>
      tensorOf(output_datatype, [sizesOf(size)?.[0] ?? declaredShape(context, 'size')[0]!]),
    compute: ({ size }, { output_datatype, periodic }, [n]) => {
      const period = max(sub(sizeOf(size), int(periodic === 1 ? 0 : 1)), int(1));
      const angle = div(mul(cast(n!, 'float64'), double(2 * Math.PI)), cast(period, 'float64'));
      const first = sub(double(a0), mul(double(a1), call('cos', angle)));
      const value = a2 === 0 ? first : add(first, mul(double(a2), call('cos', mul(angle, double(2)))));
      return cast(value, output_datatype);
    },
  });

export const HannWindow = cosineWindow('HannWindow', 0.5, 0.5, 0);
export const HammingWindow = cosineWindow('HammingWindow', 25 / 46, 21 / 46, 0);
export const BlackmanWindow = cosineWindow('BlackmanWindow', 0.42, 0.5, 0.08);

const mel = (hertz: Expr): Expr => mul(call('log', add(double(1), div(hertz, double(700)))), double(2595 / Math.LN10));
const hertzOf = (value: Expr): Expr =>
  mul(sub(call('exp', mul(value, double(Math.LN10 / 2595))), double(1)), double(700));

/**
 * How much each frequency bin (row) counts in each mel band (column): triangles between the bins of three neighbours
 * in a sequence of frequencies that is even on the mel scale.
 */
export const MelWeightMatrix = op('MelWeightMatrix', {
  inputs: ['num_mel_bins', 'dft_length', 'sample_rate', 'lower_edge_hertz', 'upper_edge_hertz'],
  outputs: ['output'],
  attributes: { output_datatype: dtypeAttribute('float32') },
  types: {
    num_mel_bins: indexType,
    dft_length: indexType,
    sample_rate: indexType,
    lower_edge_hertz: typeSet('T2', numericTypes),
    upper_edge_hertz: typeSet('T2', numericTypes),
  },
  since: 17,
  type: ({ num_mel_bins, dft_length }, { output_datatype }, context) => {
    const bands = sizesOf(num_mel_bins)?.[0];
    const length = sizesOf(dft_length)?.[0];
    if (!bands || !length) return tensorOf(output_datatype, declaredShape(context, 'num_mel_bins or dft_length'));
    return tensorOf(output_datatype, [simplify(add(div(length, int(2)), int(1))), bands]);
  },
  compute: (inputs, { output_datatype }, index) => {
    const [row, band] = index;
    const low = mel(cast(scalarOf(inputs.lower_edge_hertz), 'float64'));
    const high = mel(cast(scalarOf(inputs.upper_edge_hertz), 'float64'));
    const step = div(sub(high, low), cast(add(sizeOf(inputs.num_mel_bins), int(2)), 'float64'));
    const rate = cast(sizeOf(inputs.sample_rate), 'float64');
    const bins = cast(add(sizeOf(inputs.dft_length), int(1)), 'float64');
    /** The frequency bin of the sequence's entry i. */
    const binOf = (i: Expr): Expr => {
      const frequency = hertzOf(add(mul(cast(i, 'float64'), step), low));
      const bin = cast(unary('floor', div(mul(bins, frequency), rate)), 'index');
      return clamp(bin, int(-(2 ** 30)), int(2 ** 30));
    };
    const lower = binOf(band!);
    const center = binOf(add(band!, int(1)));
    const higher = binOf(add(band!, int(2)));
    const ratio = (part: Expr, whole: Expr): Expr => div(cast(part, 'float64'), cast(max(whole, int(1)), 'float64'));
    const falling = ratio(sub(higher, row!), sub(higher, center));
    const rising = ratio(sub(row!, lower), sub(center, lower));
    const peak = select(eq(row!, center), double(1), double(0));
    const inRise = and(le(lower, row!), le(row!, center));
    const before = select(eq(lower, center), peak, select(inRise, rising, double(0)));
    const isFalling = and(le(center, row!), lt(row!, higher));
    return cast(select(isFalling, falling, before), output_datatype);
  },
});
