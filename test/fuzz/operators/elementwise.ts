// Cases of operators that work element by element.

import type { DType } from '../../../ir/dtype.ts';
import { type Attributes, float, int, text } from '../case.ts';
import type { Draw } from '../draw.ts';
import { type Contents, drawBroadcast, drawNarrower, drawShape, drawTensor, scalar } from '../tensors.ts';
import {
  anything,
  drawOpset,
  float32s,
  floats,
  type Generator,
  type Generators,
  integers,
  numbers,
  oneNode,
  optional,
  put,
  signed,
  unsigned,
} from './generator.ts';

interface UnaryOptions {
  readonly dtypes?: readonly DType[];
  readonly contents?: readonly Contents[];
  readonly oldest?: number;
  readonly relative?: number;
  readonly absolute?: number;
  /** What is left where terms cancel, in float32. */
  readonly cancels?: number;
  readonly attributes?: (draw: Draw) => Attributes;
}

/** Integers are any of their type where floats are special. */
const fitting = (dtype: DType, contents: Contents): Contents =>
  contents === 'special' && !dtype.startsWith('float') ? 'full' : contents;

const unary =
  (
    op: string,
    {
      dtypes = floats,
      contents = ['real', 'special'],
      oldest = 13,
      attributes,
      cancels = 0,
      ...rest
    }: UnaryOptions = {},
  ): Generator =>
  (draw) =>
    oneNode(draw, drawOpset(draw, oldest), (builder) => {
      const dtype = draw.pick(dtypes);
      const X = put(builder, dtype, drawShape(draw), fitting(dtype, draw.pick(contents)));
      const cancelled = cancels > 0 && dtype !== 'float64' ? { absolute: cancels } : {};
      return { op, inputs: [X], ...(attributes ? { attributes: attributes(draw) } : {}), ...rest, ...cancelled };
    });

interface BinaryOptions {
  readonly dtypes?: readonly DType[];
  readonly contents?: readonly Contents[];
  /** Of the right operand, where it may not be anything. */
  readonly right?: readonly Contents[];
  readonly attributes?: (draw: Draw, dtype: DType) => Attributes;
  readonly oldest?: number;
}

const binary =
  (
    op: string,
    { dtypes = numbers, contents = ['real', 'special'], right, attributes, oldest = 13 }: BinaryOptions = {},
  ): Generator =>
  (draw) =>
    oneNode(draw, drawOpset(draw, oldest), (builder) => {
      const dtype = draw.pick(dtypes);
      const [left, other] = drawBroadcast(draw);
      const kind = fitting(dtype, draw.pick(contents));
      const A = put(builder, dtype, left, kind);
      const B =
        draw.chance(8) && left.join() === other.join()
          ? A
          : put(builder, dtype, other, right ? draw.pick(right) : kind);
      return { op, inputs: [A, B], ...(attributes ? { attributes: attributes(draw, dtype) } : {}) };
    });

const variadic =
  (op: string, dtypes: readonly DType[], contents: readonly Contents[]): Generator =>
  (draw) =>
    oneNode(draw, drawOpset(draw, 13), (builder) => {
      const dtype = draw.pick(dtypes);
      const dims = drawShape(draw);
      const kind = fitting(dtype, draw.pick(contents));
      const inputs = Array.from({ length: draw.integer(1, 4) }, () =>
        put(builder, dtype, draw.chance(50) ? dims : drawNarrower(draw, dims), kind),
      );
      return { op, inputs };
    });

const withAlpha = (draw: Draw): Attributes => ({ alpha: optional(draw, float(draw.pick([0.5, 0.01, 1.5, 2, 0.2]))) });

const where: Generator = (draw) =>
  oneNode(draw, drawOpset(draw, 13), (builder) => {
    const dtype = draw.pick(anything);
    const [left, right] = drawBroadcast(draw);
    const dims = left.length > right.length ? left : right;
    const condition = put(builder, 'bool', drawNarrower(draw, dims));
    return { op: 'Where', inputs: [condition, put(builder, dtype, left), put(builder, dtype, right)] };
  });

/** Without a bound an infinity stays in ONNX, and becomes the largest number in ONNX Runtime. */
const clip: Generator = (draw) =>
  oneNode(draw, drawOpset(draw, 13), (builder) => {
    const dtype = draw.pick(numbers);
    const X = put(
      builder,
      dtype,
      drawShape(draw),
      fitting(dtype, draw.pick(dtype.startsWith('float') ? ['real'] : ['special'])),
    );
    const [low, high] = [draw.integer(0, 4), draw.integer(0, 8)];
    const bound = (value: number): string | undefined =>
      draw.chance(75) ? builder.input(scalar(dtype, value), { constant: 70 }) : undefined;
    return { op: 'Clip', inputs: [X, bound(low), bound(high)] };
  });

const castTypes: readonly DType[] = ['float32', ...integers, 'float64', 'float16', 'bool'];
const codes: Partial<Readonly<Record<DType, number>>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
};

/** A float outside of an integer's range is left to the implementation by ONNX: those stay small and positive. */
const castContents = (draw: Draw, from: DType, to: DType): Contents => {
  if (!from.startsWith('float')) return draw.pick(['small', 'full']);
  if (to.startsWith('float') || to === 'bool') return draw.pick(['real', 'special']);
  return to.startsWith('u') ? 'positive' : 'real';
};

const cast: Generator = (draw) =>
  oneNode(draw, drawOpset(draw, 13), (builder) => {
    const [from, to] = [draw.pick(castTypes), draw.pick(castTypes)];
    const X = put(builder, from, drawShape(draw), castContents(draw, from, to));
    return { op: 'Cast', inputs: [X], attributes: { to: int(codes[to]!) } };
  });

const castLike: Generator = (draw) =>
  oneNode(draw, drawOpset(draw, 15), (builder) => {
    const [from, to] = [draw.pick(castTypes), draw.pick(castTypes)];
    const X = put(builder, from, drawShape(draw), castContents(draw, from, to));
    return { op: 'CastLike', inputs: [X, put(builder, to, drawShape(draw))] };
  });

const pRelu: Generator = (draw) =>
  oneNode(draw, drawOpset(draw, 13), (builder) => {
    const dtype = draw.pick(float32s);
    const dims = drawShape(draw);
    return { op: 'PRelu', inputs: [put(builder, dtype, dims), put(builder, dtype, drawNarrower(draw, dims))] };
  });

const pow: Generator = (draw) =>
  oneNode(draw, drawOpset(draw, 13), (builder) => {
    const dtype = draw.pick<DType>(['float32', 'float64', 'int32', 'int64', 'float32']);
    const [left, right] = drawBroadcast(draw);
    if (dtype.startsWith('int')) {
      const exponent = builder.input(
        drawTensor(
          draw,
          'int32',
          right.map(() => 1),
          'positive',
        ),
      );
      return { op: 'Pow', inputs: [put(builder, dtype, left, 'small'), exponent] };
    }
    const whole = draw.pick<DType>(['float32', 'float64', 'int32', 'int64']);
    const Y = builder.input(
      draw.chance(30) ? scalar(whole, draw.integer(0, 3)) : drawTensor(draw, whole, right, 'small'),
    );
    return { op: 'Pow', inputs: [put(builder, dtype, left, 'positive'), Y] };
  });

const logical: BinaryOptions = { dtypes: ['bool'] };
const compared: BinaryOptions = { dtypes: numbers, contents: ['small', 'special'] };
const bits: BinaryOptions = { dtypes: integers, contents: ['full'], oldest: 18 };
/** Infinities of both signs make NaN, and ONNX Runtime's own approximations end before the largest numbers. */
const smooth: UnaryOptions = { contents: ['real'] };

export const elementwise: Generators = {
  Abs: unary('Abs', { dtypes: numbers }),
  Neg: unary('Neg', { dtypes: [...floats, ...signed] }),
  Sign: unary('Sign', { dtypes: numbers.filter((dtype) => dtype !== 'float16') }),
  Ceil: unary('Ceil'),
  Floor: unary('Floor'),
  Round: unary('Round'),
  Sqrt: unary('Sqrt'),
  Reciprocal: unary('Reciprocal'),
  Exp: unary('Exp'),
  Log: unary('Log', { contents: ['real', 'positive', 'special'] }),
  Sin: unary('Sin', smooth),
  Cos: unary('Cos', smooth),
  Tan: unary('Tan', smooth),
  Asin: unary('Asin', { contents: ['unit', 'real'] }),
  Acos: unary('Acos', { contents: ['unit', 'real'] }),
  Atan: unary('Atan'),
  Sinh: unary('Sinh', smooth),
  Cosh: unary('Cosh', smooth),
  Asinh: unary('Asinh', smooth),
  Acosh: unary('Acosh', smooth),
  Atanh: unary('Atanh', { contents: ['unit', 'real'] }),
  Tanh: unary('Tanh', { contents: ['real', 'grid'] }),
  Sigmoid: unary('Sigmoid', { contents: ['real', 'grid'] }),
  Erf: unary('Erf', { contents: ['real', 'grid'] }),
  Relu: unary('Relu', { dtypes: [...floats, ...signed], oldest: 14 }),
  Softplus: unary('Softplus', smooth),
  Softsign: unary('Softsign', smooth),
  HardSwish: unary('HardSwish', { oldest: 14, contents: ['real'], dtypes: ['float32', 'float16'] }),
  Mish: unary('Mish', { oldest: 18, contents: ['real'] }),
  Gelu: unary('Gelu', {
    dtypes: float32s,
    oldest: 20,
    contents: ['real'],
    absolute: 1e-6,
    attributes: (draw) => ({ approximate: optional(draw, text(draw.pick(['none', 'tanh']))) }),
  }),
  // gamma (alpha exp(x) - alpha) cancels near 0: what is left of a product up to 3 is good to 3 * 2^-22.
  Elu: unary('Elu', { ...smooth, cancels: 1e-6, attributes: withAlpha }),
  Celu: unary('Celu', { ...smooth, cancels: 1e-6, dtypes: ['float32'], attributes: withAlpha }),
  LeakyRelu: unary('LeakyRelu', { attributes: withAlpha, oldest: 16 }),
  ThresholdedRelu: unary('ThresholdedRelu', { attributes: withAlpha }),
  Selu: unary('Selu', {
    ...smooth,
    absolute: 1e-6,
    attributes: (draw) => ({ ...withAlpha(draw), gamma: optional(draw, float(1.5)) }),
  }),
  HardSigmoid: unary('HardSigmoid', {
    ...smooth,
    attributes: (draw) => ({ ...withAlpha(draw), beta: optional(draw, float(0.25)) }),
  }),
  Shrink: unary('Shrink', {
    dtypes: numbers.filter((dtype) => dtype !== 'float64'),
    contents: ['real'],
    attributes: (draw) => ({
      lambd: optional(draw, float(draw.pick([0.5, 1, 2]))),
      bias: optional(draw, float(draw.pick([0, 1, 0.5]))),
    }),
  }),
  IsNaN: unary('IsNaN'),
  IsInf: unary('IsInf', {
    dtypes: float32s,
    contents: ['special'],
    attributes: (draw) => ({
      detect_negative: optional(draw, int(draw.integer(0, 1))),
      detect_positive: optional(draw, int(draw.integer(0, 1))),
    }),
  }),
  Identity: unary('Identity', { dtypes: anything }),
  Not: unary('Not', { dtypes: ['bool'] }),
  BitwiseNot: unary('BitwiseNot', { dtypes: integers, oldest: 18 }),
  Add: binary('Add'),
  Sub: binary('Sub'),
  Mul: binary('Mul'),
  Div: binary('Div', { dtypes: [...floats, ...integers], right: ['positive'] }),
  Mod: binary('Mod', {
    dtypes: integers,
    contents: ['real'],
    right: ['positive'],
    attributes: (draw) => ({ fmod: optional(draw, int(draw.integer(0, 1))) }),
  }),
  ModFloat: binary('Mod', {
    dtypes: float32s,
    contents: ['grid'],
    right: ['positive'],
    attributes: () => ({ fmod: int(1) }),
  }),
  And: binary('And', logical),
  Or: binary('Or', logical),
  Xor: binary('Xor', logical),
  Equal: binary('Equal', { ...compared, dtypes: [...numbers, 'bool'] }),
  Greater: binary('Greater', compared),
  Less: binary('Less', compared),
  GreaterOrEqual: binary('GreaterOrEqual', { ...compared, oldest: 16 }),
  LessOrEqual: binary('LessOrEqual', { ...compared, oldest: 16 }),
  BitwiseAnd: binary('BitwiseAnd', bits),
  BitwiseOr: binary('BitwiseOr', bits),
  BitwiseXor: binary('BitwiseXor', bits),
  BitShift: binary('BitShift', {
    dtypes: unsigned,
    contents: ['full'],
    right: ['positive'],
    attributes: (draw) => ({ direction: text(draw.pick(['LEFT', 'RIGHT'])) }),
  }),
  Min: variadic('Min', numbers, ['real', 'special']),
  Max: variadic('Max', numbers, ['real', 'special']),
  Sum: variadic('Sum', float32s, ['grid']),
  Mean: variadic('Mean', ['float32'], ['grid']),
  Where: where,
  Clip: clip,
  Cast: cast,
  CastLike: castLike,
  PRelu: pRelu,
  Pow: pow,
};
