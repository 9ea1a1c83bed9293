// Softmax, LogSoftmax and Hardmax. Before opset 13 the axis and all axes after it were taken together.

import type { Expr } from '../../ir/expr.ts';
import { constant, eq, select } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { extremePosition, flatPosition } from './arg-extreme.ts';
import { Mul, Sub } from './arithmetic.ts';
import { intAttribute } from './attributes.ts';
import { castTo, tensorTypeOf, widened } from './compose.ts';
import { type Builder, type OldNode, type Operand, type Operator, op, type TypeContext } from './define.ts';
import { withAttributes } from './legacy.ts';
import { ReduceMax, ReduceSum } from './reductions.ts';
import { anyFloat, tensorOf } from './types.ts';
import { Exp, Log, Reciprocal } from './unary.ts';

/** `together` marks the meaning before opset 13. */
const attributes = { axis: intAttribute(-1), together: intAttribute(0) };
interface Axes {
  readonly axis: number;
  readonly together: number;
}

const upgrade = (node: OldNode, opset: number): OldNode =>
  opset < 13 ? withAttributes(node, { axis: node.attributes.axis ?? 1, together: 1 }) : node;

function type({ input }: { readonly input: Operand }, { axis, together }: Axes, context: TypeContext) {
  // The old form allows axis = rank: then every row has one element.
  const most = together ? input.rank : Math.max(input.rank, 1) - 1;
  if (axis < -Math.max(input.rank, 1) || axis > most)
    context.fail(`axis is ${axis}; rank ${input.rank} allows ${-input.rank} to ${most}.`);
  return tensorOf(input.dtype, input.shape);
}

function axesOf(rank: number, { axis, together }: Axes): readonly number[] {
  const first = axis < 0 ? axis + rank : axis;
  return Array.from({ length: rank }, (_, i) => i).filter((i) => (together ? i >= first : i === first));
}

const composed = (name: string, meaning: (g: Builder, shifted: Value, axes: Value) => Value): Operator =>
  op(name, {
    inputs: ['input'],
    attributes,
    types: { input: anyFloat },
    outputs: ['output'],
    since: 13,
    upgrade,
    type,
    expand: ({ input }, given, g) => {
      const { dtype, shape } = tensorTypeOf(input);
      const wide = widened(g, input);
      const axes = g.ints(axesOf(shape.length, given));
      const largest = g.apply(ReduceMax, [wide, axes], { noop_with_empty_axes: 1 });
      return castTo(g, meaning(g, g.apply(Sub, [wide, largest]), axes), dtype);
    },
  });

const sumOver = (g: Builder, value: Value, axes: Value): Value =>
  g.apply(ReduceSum, [value, axes], { noop_with_empty_axes: 1 });

/** e^(x - m) / sum of e^(x - m), with one division for each row. */
export const Softmax = composed('Softmax', (g, shifted, axes) => {
  const powers = g.apply(Exp, [shifted]);
  return g.apply(Mul, [powers, g.apply(Reciprocal, [sumOver(g, powers, axes)])]);
});

/** x - m - log(sum of e^(x - m)). */
export const LogSoftmax = composed('LogSoftmax', (g, shifted, axes) =>
  g.apply(Sub, [shifted, g.apply(Log, [sumOver(g, g.apply(Exp, [shifted]), axes)])]),
);

/** 1 at the first largest element, 0 elsewhere. */
export const Hardmax = op('Hardmax', {
  inputs: ['input'],
  attributes,
  types: { input: anyFloat },
  outputs: ['output'],
  since: 13,
  upgrade,
  type,
  compute: ({ input }, given, index): Expr => {
    const axes = axesOf(input.rank, given);
    const own = flatPosition(
      input.shape,
      axes,
      axes.map((axis) => index[axis]!),
    );
    const best = extremePosition(input, axes, index, 'max', false);
    return select(eq(own, best), constant(1, input.dtype), constant(0, input.dtype));
  },
});
