// Fourier transforms: DFT and STFT, as products with a matrix.

import type { Expr } from '../../ir/expr.ts';
import { add, constant, constantOf, div, int, min, mul, select, sub } from '../../ir/expr-make.ts';
import type { TensorType, Value } from '../../ir/graph.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import { intAttribute } from './attributes.ts';
import { tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { numbersOf, operandOf, sizesOf } from './elements.ts';
import { FourierMatrix, FourierProduct, TwiddleTable } from './fourier-parts.ts';
import { withInput, without } from './legacy.ts';
import { Equal, Where } from './logic.ts';
import { declaredShape, sizeAt, within } from './run-time-operands.ts';
import { anyFloat, indexType, tensorOf } from './types.ts';

interface Transform {
  readonly axis: number;
  /** The transform's length as a tensor, known or not. */
  readonly length: Value;
  /** The length, or a bound of it. */
  readonly limit: Expr;
  readonly outputs: Expr;
  readonly inverse: boolean;
  /** Half a spectrum in, real numbers out. */
  readonly half: boolean;
}

const halfOf = (length: Expr): Expr => simplify(add(div(length, int(2)), int(1)));

/** Y = the transform of X along an axis. */
function transformed(X: Value, { axis, length, limit, outputs, inverse, half }: Transform, g: Builder): Value {
  const { shape } = tensorTypeOf(X);
  const rows = simplify(min(shape[axis]!, half ? halfOf(limit) : limit));
  const table = g.apply(TwiddleTable, [g.sizes([limit]), length]);
  const sizes = g.sizes([rows, shape.at(-1)!, outputs, int(half ? 1 : 2)]);
  const flags = { inverse: inverse ? 1 : 0, half: half ? 1 : 0 };
  const matrix = g.apply(FourierMatrix, [table, sizes, length], flags);
  return g.apply(FourierProduct, [X, matrix], { axis });
}

/** The output's extent along the axis and its number of parts, for a length. */
const extentFor = (length: Expr, inverse: boolean, onesided: boolean): Expr =>
  onesided && !inverse ? halfOf(length) : length;

function checkSignal(input: Operand, name: string, context: TypeContext): void {
  const parts = constantOf(input.shape.at(-1) ?? int(0));
  if (input.rank < 2 || (parts !== undefined && parts !== 1 && parts !== 2)) {
    context.fail(`${name} must end in an axis of extent 1 (real) or 2 (complex).`);
  }
}

/** The transform's length where it is known: given, or that of the input. */
function knownLength(input: Operand, given: Operand | undefined, axis: number, half: boolean): Expr | undefined {
  if (given) return sizesOf(given)?.[0];
  const extent = input.shape[axis]!;
  return half ? simplify(mul(sub(extent, int(1)), int(2))) : extent;
}

/** The axis where it is known: given, or the only one on which the output differs from the input. */
function knownAxis(input: Operand, axis: Operand | undefined, output: readonly Expr[]): number | undefined {
  const given = axis ? numbersOf(axis)?.[0] : -2;
  if (given !== undefined) return given < 0 ? given + input.rank : given;
  const changed = input.shape.flatMap((extent, i) => (i < input.rank - 1 && !sameSize(extent, output[i]!) ? [i] : []));
  return changed.length === 1 ? changed[0] : undefined;
}

/**
 * The discrete Fourier transform along an axis; complex numbers are pairs on the last axis. Inverse transforms divide
 * by the length. One-sided: the half of a real signal's spectrum that says it all (and back).
 */
export const DFT = op('DFT', {
  inputs: ['input', 'dft_length?', 'axis?'],
  outputs: ['output'],
  attributes: { inverse: intAttribute(0, [0, 1]), onesided: intAttribute(0, [0, 1]) },
  types: { input: anyFloat, dft_length: indexType },
  since: 20,
  // Before opset 20 the axis was an attribute, 1 by default.
  upgrade: (node, opset) =>
    opset < 20
      ? withInput(without(node, 'axis'), 2, node.constant([Number(node.attributes.axis ?? 1)], 'int64', true))
      : node,
  type: ({ input, dft_length, axis }, { inverse, onesided }, context) => {
    checkSignal(input, 'input', context);
    const half = inverse === 1 && onesided === 1;
    const at = axis ? numbersOf(axis)?.[0] : -2;
    if (at === undefined) return tensorOf(input.dtype, declaredShape(context, 'axis'));
    const own = at < 0 ? at + input.rank : at;
    if (own < 0 || own >= input.rank - 1) context.fail(`axis is ${at}; expected one of the axes before the last.`);
    const length = knownLength(input, dft_length, own, half);
    if (!length) return tensorOf(input.dtype, declaredShape(context, 'dft_length'));
    const extent = extentFor(length, inverse === 1, onesided === 1);
    const shape = input.shape.map((old, position) => (position === own ? extent : old));
    return tensorOf(input.dtype, [...shape.slice(0, -1), int(half ? 1 : 2)]);
  },
  expand: ({ input, dft_length, axis }, { inverse, onesided }, g, { types }) => {
    const operand = operandOf(input);
    const output = (types[0] as TensorType).shape;
    const half = inverse === 1 && onesided === 1;
    const along = (at: number): Value => {
      const length = knownLength(operand, dft_length && operandOf(dft_length), at, half);
      const extent = output[at]!;
      // Of a one-sided transform the output tells the length but for its last bit.
      const limit = length ?? (onesided === 1 && !half ? simplify(mul(extent, int(2))) : extent);
      return transformed(
        input,
        {
          axis: at,
          length: length ? g.sizes([length]) : dft_length!,
          limit,
          outputs: extent,
          inverse: inverse === 1,
          half,
        },
        g,
      );
    };
    const known = knownAxis(operand, axis && operandOf(axis), output);
    if (known !== undefined || !axis) return along(known ?? 0);
    // Only a run knows the axis: the output's shape fits several.
    const { dtype } = tensorTypeOf(axis);
    const candidates = Array.from({ length: operand.rank - 1 }, (_, at) => at);
    return candidates.map(along).reduce((rest, value, at) => {
      const isPositive = g.apply(Equal, [axis, g.scalar(at, dtype)]);
      const isNegative = g.apply(Equal, [axis, g.scalar(at - operand.rank, dtype)]);
      return g.apply(Where, [isPositive, value, g.apply(Where, [isNegative, value, rest])]);
    });
  },
});

/** Y[b, f, t, c] = signal[b, f * step + t, c] * window[t]; zero beyond the signal. */
const Frames = op('Frames', {
  domain: 'lapidary',
  inputs: ['signal', 'sizes', 'step', 'window?'],
  types: { signal: anyFloat, window: anyFloat },
  type: ({ signal, sizes }, _, context) => {
    const [frames, length] = sizesOf(sizes) ?? context.fail('sizes must be known.');
    return tensorOf(signal.dtype, [signal.shape[0]!, frames!, length!, signal.shape[2]!]);
  },
  compute: ({ signal, step, window }, _, index) => {
    const [b, f, t, c] = index;
    const hop = sizeAt(step, ...step.shape.map(() => int(0)));
    // Far steps leave the signal anyway; this keeps the product small.
    const bounded = min(hop, signal.shape[1]!);
    const at = simplify(add(mul(f!, bounded), t!));
    const x = signal.at(b!, at, c!);
    const inWindow = window && within(t!, window.shape[0]!);
    const value = window ? select(inWindow!, mul(x, window.at(t!)), constant(0, x.dtype)) : x;
    return select(within(at, signal.shape[1]!), value, constant(0, x.dtype));
  },
});

/** Transforms of stretches of a signal: frame_length elements (or the window's), frame_step apart. */
export const STFT = op('STFT', {
  inputs: ['signal', 'frame_step', 'window?', 'frame_length?'],
  outputs: ['output'],
  attributes: { onesided: intAttribute(1, [0, 1]) },
  types: { signal: anyFloat, window: anyFloat, frame_step: indexType, frame_length: indexType },
  since: 17,
  type: ({ signal, frame_step, window, frame_length }, { onesided }, context) => {
    if (signal.rank !== 3) context.fail(`signal has rank ${signal.rank}; expected 3 (batch, time, 1 or 2).`);
    checkSignal(signal, 'signal', context);
    if (!window && !frame_length) context.fail('needs a window or frame_length.');
    const length = frame_length ? sizesOf(frame_length)?.[0] : window!.shape[0]!;
    const step = sizesOf(frame_step)?.[0];
    if (!length || !step) return tensorOf(signal.dtype, declaredShape(context, 'frame_step or frame_length'));
    if ((constantOf(step) ?? 1) < 1) context.fail(`frame_step is ${constantOf(step)}; expected at least 1.`);
    const frames = add(div(sub(signal.shape[1]!, length), step), int(1));
    return tensorOf(signal.dtype, [signal.shape[0]!, frames, onesided === 1 ? halfOf(length) : length, int(2)]);
  },
  expand: ({ signal, frame_step, window, frame_length }, { onesided }, g, { types }) => {
    const [, frames, outputs] = (types[0] as TensorType).shape;
    const known = frame_length ? sizesOf(operandOf(frame_length))?.[0] : tensorTypeOf(window!).shape[0]!;
    const limit = known ?? (onesided === 1 ? simplify(mul(outputs!, int(2))) : outputs!);
    const cut = g.apply(Frames, [signal, g.sizes([frames!, limit]), frame_step, window]);
    const length = known ? g.sizes([known]) : frame_length!;
    return transformed(cut, { axis: 2, length, limit, outputs: outputs!, inverse: false, half: false }, g);
  },
});
