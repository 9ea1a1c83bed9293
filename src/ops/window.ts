// The arithmetic of windows that slide over axes, shared by convolution, pooling and their inverses: padding by
// auto_pad, output sizes, where a tap reads, and which reads need a bounds check. Sizes may be symbolic.
//   position of tap k for output y  =  y * stride + k * dilation - padBegin

import { boundsOf } from '../../ir/bounds.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { add, all, constantOf, div, ge, indexVar, int, le, lt, max, mul, select, sub } from '../../ir/expr-make.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import { intAttribute, optionalInts, stringAttribute } from './attributes.ts';

/** Attributes of every operator with windows. */
export const windowAttributes = {
  auto_pad: stringAttribute('NOTSET', ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID', '']),
  dilations: optionalInts,
  pads: optionalInts,
  strides: optionalInts,
};
export const ceilModeAttribute = intAttribute(0, [0, 1]);

export interface WindowAttributes {
  readonly auto_pad: string;
  readonly dilations?: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
  readonly ceil_mode?: number;
}

export interface WindowAxis {
  readonly input: Expr;
  readonly kernel: Expr;
  readonly stride: number;
  readonly dilation: number;
  readonly padBegin: Expr;
  readonly padEnd: Expr;
  readonly output: Expr;
}

type Fail = (rule: string) => never;

/** One value an axis, `fallback` where the attribute is absent. */
export function perAxis(
  values: readonly number[] | undefined,
  count: number,
  fallback: number,
  name: string,
  fail: Fail,
): readonly number[] {
  if (!values || values.length === 0) return Array.from({ length: count }, () => fallback);
  if (values.length !== count) fail(`${name} has ${values.length} entries; expected ${count}.`);
  return values;
}

/** How far a window reaches: (kernel - 1) * dilation + 1. */
export const reach = (kernel: Expr, dilation: number): Expr => add(mul(sub(kernel, int(1)), int(dilation)), int(1));

export function windowAxes(
  inputs: readonly Expr[],
  kernels: readonly Expr[],
  attributes: WindowAttributes,
  fail: Fail = unchecked,
): readonly WindowAxis[] {
  const count = inputs.length;
  const strides = perAxis(attributes.strides, count, 1, 'strides', fail);
  const dilations = perAxis(attributes.dilations, count, 1, 'dilations', fail);
  const pads = perAxis(attributes.pads, 2 * count, 0, 'pads', fail);
  if ([...strides, ...dilations].some((value) => value < 1)) fail('strides and dilations must be at least 1.');
  if (pads.some((value) => value < 0)) fail(`pads are ${pads.join(', ')}; they must be at least 0.`);
  return inputs.map((input, axis) => {
    const own: Shape = { input, kernel: kernels[axis]!, stride: strides[axis]!, dilation: dilations[axis]! };
    const { auto_pad } = attributes;
    if (auto_pad === 'SAME_UPPER' || auto_pad === 'SAME_LOWER') return sameWindow(own, auto_pad);
    const explicit = auto_pad !== 'VALID';
    const begin = int(explicit ? pads[axis]! : 0);
    const end = int(explicit ? pads[axis + count]! : 0);
    return explicitWindow(own, begin, end, attributes.ceil_mode === 1, fail);
  });
}

const unchecked: Fail = (rule) => {
  throw new RangeError(rule);
};

type Shape = Pick<WindowAxis, 'input' | 'kernel' | 'stride' | 'dilation'>;

/** As many outputs as there are strides in the input; the padding is split, the odd one at the end (or beginning). */
function sameWindow(shape: Shape, mode: 'SAME_UPPER' | 'SAME_LOWER'): WindowAxis {
  const { input, kernel, stride, dilation } = shape;
  const output = simplify(div(add(input, int(stride - 1)), int(stride)));
  const span = add(mul(sub(output, int(1)), int(stride)), reach(kernel, dilation));
  const total = simplify(max(sub(span, input), int(0)));
  const less = simplify(div(total, int(2)));
  const more = simplify(sub(total, less));
  return mode === 'SAME_UPPER'
    ? { ...shape, padBegin: less, padEnd: more, output }
    : { ...shape, padBegin: more, padEnd: less, output };
}

/** How many windows fit, rounded down; none where a size that only a run knows is too small. */
function flooredOutput(room: Expr, stride: number): Expr {
  // (room + stride) / stride instead of room / stride + 1: the dividend is provably not negative more often.
  const count = simplify(div(add(room, int(stride)), int(stride)));
  return boundsOf(count).min < 0 ? simplify(max(count, int(0))) : count;
}

function explicitWindow(shape: Shape, padBegin: Expr, padEnd: Expr, ceil: boolean, fail: Fail): WindowAxis {
  const { input, kernel, stride, dilation } = shape;
  const room = simplify(sub(add(add(input, padBegin), padEnd), reach(kernel, dilation)));
  const known = constantOf(room);
  if (known !== undefined && known < 0) {
    const sizes = [input, padBegin, padEnd].map((size) => constantOf(size) ?? '?').join(' + ');
    fail(`the window reaches over ${constantOf(reach(kernel, dilation))} positions; input and padding have ${sizes}.`);
  }
  const floored = flooredOutput(room, stride);
  if (!ceil) return { ...shape, padBegin, padEnd, output: floored };
  const ceiled = div(add(room, int(2 * stride - 1)), int(stride));
  // The last window must start inside of the input or the padding before it.
  const startsOutside = ge(mul(sub(ceiled, int(1)), int(stride)), add(input, padBegin));
  const count = simplify(select(simplify(startsOutside), sub(ceiled, int(1)), ceiled));
  const output = boundsOf(count).min < 0 ? simplify(max(count, int(0))) : count;
  return { ...shape, padBegin, padEnd, output };
}

/** One reduction axis for each kernel axis; an axis of extent 1 needs none. */
export interface Tap {
  readonly axis: Var | undefined;
  readonly at: Expr;
}
export const taps = (kernels: readonly Expr[], names: string): readonly Tap[] =>
  kernels.map((kernel, i) => {
    if (constantOf(kernel) === 1) return { axis: undefined, at: int(0) };
    const axis = indexVar(`${names}${i}`, kernel);
    return { axis, at: axis };
  });
export const axesOf = (list: readonly Tap[]): readonly Var[] => list.flatMap(({ axis }) => axis ?? []);

export const positionOf = (window: WindowAxis, output: Expr, tap: Expr): Expr =>
  simplify(sub(add(mul(output, int(window.stride)), mul(tap, int(window.dilation))), window.padBegin));

/** Whether every tap of every output lies before the input's end. */
function staysBeforeEnd({ input, kernel, stride, dilation, padBegin, padEnd, output }: WindowAxis): boolean {
  const last = sub(add(mul(sub(output, int(1)), int(stride)), mul(sub(kernel, int(1)), int(dilation))), padBegin);
  if (constantOf(simplify(lt(last, input))) === 1) return true;
  // Without padding at the end, and sizes rounded down, no window can reach beyond.
  const room = simplify(sub(add(add(input, padBegin), padEnd), reach(kernel, dilation)));
  return (constantOf(padEnd) ?? 1) <= 0 && sameSize(output, flooredOutput(room, stride));
}

/** The checks that keep these positions inside the input: none for a side that no tap can leave. */
export function insideInput(windows: readonly WindowAxis[], positions: readonly Expr[]): Expr {
  const conditions = windows.flatMap((window, axis) => {
    const position = positions[axis]!;
    const fromStart = (constantOf(window.padBegin) ?? 1) <= 0;
    return [
      ...(fromStart ? [] : [le(int(0), position)]),
      ...(staysBeforeEnd(window) ? [] : [lt(position, window.input)]),
    ];
  });
  return all(conditions);
}
