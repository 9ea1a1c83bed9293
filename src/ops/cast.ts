// Conversions of element types: Cast, CastLike, BitCast.
// Float to integer truncates, saturates, and NaN gives 0; to float8 the `saturate` attribute says what overflow gives.

import type { DType } from '../../ir/dtype.ts';
import { dtypes, isFloat, isSubByte } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  binary,
  bitcast,
  cast,
  constant,
  eq,
  le,
  lt,
  max,
  min,
  ne,
  not,
  select,
  unary,
} from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { intAttribute, requiredDtype, stringAttribute } from './attributes.ts';
import { type Builder, op, type TypeContext } from './define.ts';
import { numbersToText } from './string-numbers.ts';
import { textToNumbers } from './string-parse.ts';
import { allTypes, anyType, scalarTypes, tensorOf, typeSet } from './types.ts';

/** Largest finite value; the least magnitude that rounds beyond it; whether there are infinities. */
interface Float8Range {
  readonly largest: number;
  readonly overflow: number;
  /** Whether the overflow bound itself rounds beyond (ties go to even codes). */
  readonly tieOverflows: boolean;
  readonly infinite: boolean;
}
const float8Ranges: Partial<Readonly<Record<DType, Float8Range>>> = {
  float8e4m3fn: { largest: 448, overflow: 464, tieOverflows: false, infinite: false },
  float8e4m3fnuz: { largest: 240, overflow: 248, tieOverflows: true, infinite: false },
  float8e5m2: { largest: 57344, overflow: 61440, tieOverflows: true, infinite: true },
  float8e5m2fnuz: { largest: 57344, overflow: 61440, tieOverflows: true, infinite: false },
};

/** ONNX Cast of one element. */
export function convert(x: Expr, to: DType, saturate = true, roundMode = 'up'): Expr {
  if (x.dtype === to) return x;
  if (to === 'float8e8m0') return toPowerOfTwo(cast(x, 'float32'), saturate, roundMode);
  if (to === 'float4e2m1') {
    const wide = cast(x, 'float32');
    const clamped = max(min(wide, constant(6, 'float32')), constant(-6, 'float32'));
    return cast(select(ne(wide, wide), constant(0, 'float32'), clamped), to);
  }
  // To 4 and 2 bits through a wide integer, whose low bits remain: the standard's cases wrap.
  if (isFloat(x.dtype) && isSubByte(to)) return cast(cast(x, 'int32'), to);
  const range = float8Ranges[to];
  if (!range) return cast(x, to);
  const wide = cast(x, 'float32');
  const largest = constant(range.largest, 'float32');
  if (saturate) return cast(max(min(wide, largest), constant(-range.largest, 'float32')), to);
  const bound = constant(range.overflow, 'float32');
  const size = unary('abs', wide);
  const beyond = range.tieOverflows ? le(bound, size) : lt(bound, size);
  const infinity = (sign: number): Expr => constant(sign * Number.POSITIVE_INFINITY, to);
  const overflow = range.infinite
    ? select(lt(wide, constant(0, 'float32')), infinity(-1), infinity(1))
    : constant(Number.NaN, to);
  return select(beyond, overflow, cast(wide, to));
}

/** float8e8m0 is the exponent of a float32 alone: the sign is dropped and the fraction rounds the exponent up or not. */
function toPowerOfTwo(x: Expr, saturate: boolean, roundMode: string): Expr {
  const number = (value: number): Expr => constant(value, 'uint32');
  const bits = bitcast(x, 'uint32');
  const exponent = and(binary('shr', bits, number(23)), number(255));
  const fraction = and(bits, number(0x7fffff));
  const half = number(0x400000);
  const normal = ne(exponent, number(0));
  const up =
    roundMode === 'down'
      ? undefined
      : roundMode === 'up'
        ? select(normal, ne(fraction, number(0)), lt(half, fraction))
        : select(normal, le(half, fraction), lt(half, fraction));
  const special = eq(exponent, number(255));
  const atTop = saturate ? le(number(254), exponent) : special;
  const raised = up ? select(and(up, not(atTop)), add(exponent, number(1)), exponent) : exponent;
  return bitcast(cast(select(special, number(255), raised), 'uint8'), 'float8e8m0');
}

const checkConvertible = (from: DType, to: DType, context: TypeContext): void => {
  if (from === to) return;
  if (!(to in dtypes)) context.fail(`there is no element type ${JSON.stringify(to)}.`);
  for (const dtype of [from, to]) {
    if (!scalarTypes.includes(dtype)) context.fail(`conversion from ${from} to ${to} is not supported at run time.`);
  }
};

const conversionAttributes = {
  saturate: intAttribute(1, [0, 1]),
  round_mode: stringAttribute('up', ['up', 'down', 'nearest']),
};

/** Conversions of which one side is strings; of CastLike only the pattern may be. */
function castTexts(g: Builder, input: Value, to: DType, fail: (rule: string) => never): Value {
  const from = input.type.kind === 'tensor' ? input.type.dtype : 'string';
  if (from === to) return input;
  const number = from === 'string' ? to : from;
  if (!scalarTypes.includes(number) || isSubByte(number)) fail(`conversion from ${from} to ${to} is not supported.`);
  return from === 'string' ? textToNumbers(g, input, to) : numbersToText(g, input);
}

export const Cast = op('Cast', {
  inputs: ['input'],
  attributes: { to: requiredDtype, ...conversionAttributes },
  types: { input: anyType },
  outputs: ['output'],
  since: 25,
  build: ({ input }, { to }, g, { fail }) => castTexts(g, input, to, fail),
  upgrade: (node) => {
    // In opset 1 to 5 the type is a name.
    const { to } = node.attributes;
    return typeof to === 'string' ? { ...node, attributes: { ...node.attributes, to: oldTypeName(to) } } : node;
  },
  type: ({ input }, { to }, context) => {
    checkConvertible(input.dtype, to, context);
    return tensorOf(to, input.shape);
  },
  compute: ({ input }, { to, saturate, round_mode }, index) =>
    convert(input.at(...index), to, saturate !== 0, round_mode),
});

const oldTypeName = (name: string): string => {
  const lower = name.toLowerCase();
  return lower === 'float' ? 'float32' : lower === 'double' ? 'float64' : lower;
};

export const CastLike = op('CastLike', {
  inputs: ['input', 'target_type'],
  attributes: conversionAttributes,
  types: { input: typeSet('T1', allTypes), target_type: typeSet('T2', allTypes) },
  outputs: ['output'],
  since: 25,
  build: ({ input, target_type }, _, g, { fail }) =>
    castTexts(g, input, target_type.type.kind === 'tensor' ? target_type.type.dtype : 'string', fail),
  type: ({ input, target_type }, _, context) => {
    checkConvertible(input.dtype, target_type.dtype, context);
    return tensorOf(target_type.dtype, input.shape);
  },
  compute: ({ input, target_type }, { saturate, round_mode }, index) =>
    convert(input.at(...index), target_type.dtype, saturate !== 0, round_mode),
});

/** The same bits read as another type of the same width. */
export const BitCast = op('BitCast', {
  inputs: ['input'],
  attributes: { to: requiredDtype },
  types: { input: typeSet('T1', scalarTypes) },
  outputs: ['output'],
  since: 26,
  type: ({ input }, { to }, context) => {
    const { bits } = dtypes[input.dtype];
    if (!scalarTypes.includes(to) || dtypes[to].bits !== bits)
      context.fail(`to must be a type of ${bits} bits like ${input.dtype}, got ${to}.`);
    return tensorOf(to, input.shape);
  },
  compute: ({ input }, { to }, index) => bitcast(input.at(...index), to),
});
