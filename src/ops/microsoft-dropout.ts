// Dropout in the forms into which ONNX Runtime's own domain fuses it: with a bias before and a residual behind, and with
// a mask of bits instead of truth values.

import {
  add,
  binary,
  bool,
  cast,
  ceilDiv,
  constant,
  indexVar,
  int,
  lt,
  mul,
  product,
  reduce,
  select,
} from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { Add } from './arithmetic.ts';
import { optionalInt } from './attributes.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { Dropout } from './dropout.ts';
import { unflatten } from './flat-index.ts';
import { anyFloat, broadcastsTo, floatTypes, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';
const wordBits = 32;

const words = ({ shape }: Pick<Operand, 'shape'>) => ceilDiv(product(shape), int(wordBits));

/** The bits of a mask, row-major, 32 to a word, the first one lowest. Bits beyond the last element are set. */
const PackBits = op('PackBits', {
  domain: 'lapidary',
  inputs: ['mask'],
  types: { mask: typeSet('B', ['bool']) },
  type: ({ mask }) => tensorOf('uint32', [words(mask)]),
  compute: ({ mask }, _, [word]) => {
    const bit = indexVar('bit', wordBits);
    const flat = simplify(add(mul(word!, int(wordBits)), bit));
    const inside = simplify(lt(flat, product(mask.shape)));
    const set = select(inside, mask.at(...unflatten(flat, mask.shape)), bool(true));
    const weight = binary('shl', constant(1, 'uint32'), cast(bit, 'uint32'));
    return reduce('sum', [bit], select(set, weight, constant(0, 'uint32')));
  },
});

const attributes = { seed: optionalInt };
const modes = { ratio: typeSet('T1', floatTypes), training_mode: typeSet('T2', ['bool']) };

function checkAddends(data: Operand, bias: Operand, residual: Operand | undefined, context: TypeContext): void {
  if (!broadcastsTo(bias.shape, data.shape)) context.fail('bias must broadcast to the shape of data.');
  if (residual && (residual.rank !== data.rank || !broadcastsTo(residual.shape, data.shape))) {
    context.fail('residual must have the shape of data.');
  }
}

interface Addends {
  readonly data: Value;
  readonly bias: Value;
  readonly residual: Value | undefined;
  readonly ratio: Value | undefined;
  readonly training_mode: Value | undefined;
}

/** Dropout(data + bias) + residual, and the mask. */
function biasDropout(g: Builder, given: Addends, seed: number | undefined): readonly [Value, Value] {
  const sum = g.apply(Add, [given.data, given.bias]);
  const options = { outputs: [true, true] };
  const [kept, mask] = g.applyAll(Dropout, [sum, given.ratio, given.training_mode], { seed }, options);
  return [given.residual ? g.apply(Add, [kept, given.residual]) : kept!, mask!];
}

const biasInputs = ['data', 'bias', 'residual?', 'ratio?', 'training_mode?'] as const;
const biasTypes = { data: anyFloat, bias: anyFloat, residual: anyFloat, ...modes };

export const BiasDropout = op('BiasDropout', {
  domain,
  inputs: biasInputs,
  attributes,
  types: biasTypes,
  outputs: ['output', 'mask?'],
  type: ({ data, bias, residual }, _, context) => {
    checkAddends(data, bias, residual, context);
    return [tensorOf(data.dtype, data.shape), tensorOf('bool', data.shape)];
  },
  expand: (given, { seed }, g) => biasDropout(g, given, seed),
});

export const BitmaskBiasDropout = op('BitmaskBiasDropout', {
  domain,
  inputs: biasInputs,
  attributes,
  types: biasTypes,
  outputs: ['output', 'mask?'],
  type: ({ data, bias, residual }, _, context) => {
    checkAddends(data, bias, residual, context);
    return [tensorOf(data.dtype, data.shape), tensorOf('uint32', [words(data)])];
  },
  expand: (given, { seed }, g) => {
    const [output, mask] = biasDropout(g, given, seed);
    return [output, g.apply(PackBits, [mask])];
  },
});

export const BitmaskDropout = op('BitmaskDropout', {
  domain,
  inputs: ['data', 'ratio?', 'training_mode?'],
  attributes,
  types: { data: anyFloat, ...modes },
  outputs: ['output', 'mask?'],
  type: ({ data }) => [tensorOf(data.dtype, data.shape), tensorOf('uint32', [words(data)])],
  expand: ({ data, ratio, training_mode }, { seed }, g) => {
    const [kept, mask] = g.applyAll(Dropout, [data, ratio, training_mode], { seed }, { outputs: [true, true] });
    return [kept!, g.apply(PackBits, [mask!])];
  },
});
