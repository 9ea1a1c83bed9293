// Random numbers: RandomUniform, RandomNormal and their Like forms, Bernoulli, Multinomial. A run has no state, so the
// numbers depend on the seed and the position alone, and every run gives the same; without a seed it is 0.

import type { DType } from '../../ir/dtype.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import {
  add,
  call,
  cast,
  constant,
  indexVar,
  int,
  le,
  lt,
  max,
  min,
  mul,
  reduce,
  select,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import { flatPosition } from './arg-extreme.ts';
import {
  dtypeAttribute,
  floatAttribute,
  intAttribute,
  optionalDtype,
  optionalFloat,
  requiredInts,
} from './attributes.ts';
import { op, type TypeContext } from './define.ts';
import { uniform } from './random-bits.ts';
import { anyFloat, floatTypes, numericTypes, scalarTypes, tensorOf, typeSet } from './types.ts';

const real = (value: number): Expr => constant(value, 'float32');

/** Seeds are floats in ONNX; those that differ in the first digits after the point differ here too. */
const seedOf = (seed: number | undefined): number => Math.round((seed ?? 0) * 4096);

const positionIn = (shape: readonly Expr[], index: readonly Expr[]): Expr =>
  flatPosition(
    shape,
    shape.map((_, axis) => axis),
    index,
  );

/** Two uniform numbers make a normal one (Box and Muller); the first is kept away from zero. */
function normal(seed: number, position: Expr): Expr {
  const twice = mul(position, int(2));
  const radius = unary('sqrt', mul(real(-2), call('log', sub(real(1), uniform(seed, twice)))));
  const angle = mul(real(2 * Math.PI), uniform(seed, add(twice, int(1))));
  return mul(radius, call('cos', angle));
}

const uniformAttributes = { high: floatAttribute(1), low: floatAttribute(0), seed: optionalFloat };
const normalAttributes = { mean: floatAttribute(0), scale: floatAttribute(1), seed: optionalFloat };
interface UniformAttributes {
  readonly high: number;
  readonly low: number;
  readonly seed: number | undefined;
}
interface NormalAttributes {
  readonly mean: number;
  readonly scale: number;
  readonly seed: number | undefined;
}
const uniformValue = ({ high, low, seed }: UniformAttributes, position: Expr): Expr =>
  add(real(low), mul(uniform(seedOf(seed), position), real(high - low)));
const normalValue = ({ mean, scale, seed }: NormalAttributes, position: Expr): Expr =>
  add(real(mean), mul(normal(seedOf(seed), position), real(scale)));

function checkFloat(dtype: DType, context: TypeContext): void {
  if (!floatTypes.includes(dtype)) context.fail(`dtype must be a float type, got ${dtype}.`);
}
const extents = (shape: readonly number[], context: TypeContext): readonly Expr[] =>
  shape.map((extent) => (extent < 0 ? context.fail(`shape has the entry ${extent}.`) : int(extent)));

export const RandomUniform = op('RandomUniform', {
  inputs: [],
  attributes: { ...uniformAttributes, dtype: dtypeAttribute('float32'), shape: requiredInts },
  outputs: ['output'],
  since: 22,
  pure: false,
  type: (_, { dtype, shape }, context) => {
    checkFloat(dtype, context);
    return tensorOf(dtype, extents(shape, context));
  },
  compute: (_, given, index, { types }) =>
    cast(uniformValue(given, positionIn(types[0]!.shape, index)), types[0]!.dtype),
});

export const RandomNormal = op('RandomNormal', {
  inputs: [],
  attributes: { ...normalAttributes, dtype: dtypeAttribute('float32'), shape: requiredInts },
  outputs: ['output'],
  since: 22,
  pure: false,
  type: (_, { dtype, shape }, context) => {
    checkFloat(dtype, context);
    return tensorOf(dtype, extents(shape, context));
  },
  compute: (_, given, index, { types }) =>
    cast(normalValue(given, positionIn(types[0]!.shape, index)), types[0]!.dtype),
});

export const RandomUniformLike = op('RandomUniformLike', {
  inputs: ['input'],
  attributes: { ...uniformAttributes, dtype: optionalDtype },
  types: { input: typeSet('T1', scalarTypes) },
  outputs: ['output'],
  since: 22,
  pure: false,
  type: ({ input }, { dtype }, context) => {
    checkFloat(dtype ?? input.dtype, context);
    return tensorOf(dtype ?? input.dtype, input.shape);
  },
  compute: ({ input }, given, index, { types }) =>
    cast(uniformValue(given, positionIn(input.shape, index)), types[0]!.dtype),
});

export const RandomNormalLike = op('RandomNormalLike', {
  inputs: ['input'],
  attributes: { ...normalAttributes, dtype: optionalDtype },
  types: { input: typeSet('T1', scalarTypes) },
  outputs: ['output'],
  since: 22,
  pure: false,
  type: ({ input }, { dtype }, context) => {
    checkFloat(dtype ?? input.dtype, context);
    return tensorOf(dtype ?? input.dtype, input.shape);
  },
  compute: ({ input }, given, index, { types }) =>
    cast(normalValue(given, positionIn(input.shape, index)), types[0]!.dtype),
});

/** 1 with the probability that the input gives, else 0. */
export const Bernoulli = op('Bernoulli', {
  inputs: ['input'],
  attributes: { dtype: optionalDtype, seed: optionalFloat },
  types: { input: anyFloat },
  outputs: ['output'],
  since: 22,
  pure: false,
  type: ({ input }, { dtype }, context) => {
    const result = dtype ?? input.dtype;
    if (!numericTypes.includes(result) && result !== 'bool') context.fail(`dtype ${result} is no numeric type.`);
    return tensorOf(result, input.shape);
  },
  compute: ({ input }, { seed }, index, { types }) => {
    const drawn = uniform(seedOf(seed), positionIn(input.shape, index));
    return cast(lt(drawn, cast(input.at(...index), 'float32')), types[0]!.dtype);
  },
});

/** Draws classes by their unnormalized log-probabilities: the first class whose cumulated probability exceeds a draw. */
export const Multinomial = op('Multinomial', {
  inputs: ['input'],
  attributes: { dtype: dtypeAttribute('int32'), sample_size: intAttribute(1), seed: optionalFloat },
  types: { input: anyFloat },
  outputs: ['output'],
  since: 22,
  pure: false,
  type: ({ input }, { dtype, sample_size }, context) => {
    if (input.rank !== 2) context.fail(`input must have rank 2, got ${input.rank}.`);
    if (dtype !== 'int32' && dtype !== 'int64') context.fail(`dtype must be int32 or int64, got ${dtype}.`);
    if (sample_size < 1) context.fail(`sample_size must be positive, got ${sample_size}.`);
    return tensorOf(dtype, [input.shape[0]!, int(sample_size)]);
  },
  compute: ({ input }, { seed }, index, { types }) => {
    const row = index[0]!;
    const classes = input.shape[1]!;
    const logit = (at: Var): Expr => cast(input.at(row, at), 'float32');
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => indexVar(name, classes));
    const largest = reduce('max', [a!], logit(a!));
    const weight = (at: Var): Expr => call('exp', sub(logit(at), largest));
    const total = reduce('sum', [b!], weight(b!));
    const threshold = mul(uniform(seedOf(seed), positionIn(types[0]!.shape, index)), total);
    const cumulated = reduce('sum', [d!], select(le(d!, c!), weight(d!), real(0)));
    const first = reduce('min', [c!], select(lt(threshold, cumulated), c!, classes));
    return cast(max(int(0), min(first, sub(classes, int(1)))), types[0]!.dtype);
  },
});
