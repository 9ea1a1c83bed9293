// DeformConv: a convolution whose taps are moved by offsets and weighted by a mask, both given by data.
//   Y[n, o, y…] = sum over c, k… of W[o, c, k…] * mask[n, k, y…] * X[n, c] at (y * stride + k * dilation - pad + offset)
// Between elements X is interpolated linearly; outside of it is zero.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  all,
  cast,
  constant,
  constantOf,
  div,
  float,
  indexVar,
  int,
  max,
  min,
  mul,
  product,
  reduce,
  select,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { accumulatorType } from './accumulate.ts';
import { intAttribute, optionalInts } from './attributes.ts';
import { channelOf } from './convolution.ts';
import { type Operand, op } from './define.ts';
import { flatten } from './flat-index.ts';
import { agreeing, pairsOf, within } from './run-time-operands.ts';
import { anyFloat, tensorOf } from './types.ts';
import { axesOf, taps, type WindowAttributes, windowAxes } from './window.ts';

const windowOf = (attributes: Omit<WindowAttributes, 'auto_pad'>): WindowAttributes => ({
  ...attributes,
  auto_pad: 'NOTSET',
});

/** The value of X between elements: corners outside of it count as zero. */
function interpolated(read: (at: readonly Expr[]) => Expr, places: readonly Expr[], extents: readonly Expr[]): Expr {
  const lows = places.map((place, axis) => {
    const tame = min(max(place, float(-8)), cast(add(extents[axis]!, int(8)), 'float32'));
    const floor = unary('floor', tame);
    return { at: cast(floor, 'index'), fraction: sub(tame, floor) };
  });
  const corner = (axis: number, at: readonly Expr[]): Expr => {
    const low = lows[axis];
    if (!low) {
      const inside = all(at.map((own, i) => within(own, extents[i]!)));
      const value = read(at);
      return select(inside, value, constant(0, value.dtype));
    }
    const here = corner(axis + 1, [...at, low.at]);
    const there = corner(axis + 1, [...at, add(low.at, int(1))]);
    const fraction = cast(low.fraction, here.dtype);
    return add(mul(here, sub(constant(1, here.dtype), fraction)), mul(there, fraction));
  };
  return corner(0, []);
}

export const DeformConv = op('DeformConv', {
  inputs: ['X', 'W', 'offset', 'B?', 'mask?'],
  attributes: {
    dilations: optionalInts,
    group: intAttribute(1),
    kernel_shape: optionalInts,
    offset_group: intAttribute(1),
    pads: optionalInts,
    strides: optionalInts,
  },
  types: { X: anyFloat, W: anyFloat, offset: anyFloat, B: anyFloat, mask: anyFloat },
  since: 22,
  type: ({ X, W, offset, mask }, attributes, context) => {
    const { group, offset_group } = attributes;
    if (X.rank < 3) context.fail(`X has rank ${X.rank}; expected at least 3 (N, C, and spatial axes).`);
    const wrong = [W, offset, ...(mask ? [mask] : [])].find(({ rank }) => rank !== X.rank);
    if (wrong) context.fail(`X has rank ${X.rank}, but an operand has rank ${wrong.rank}.`);
    const kernels = W.shape.slice(2);
    const expect = (operand: Operand, name: string, count: Expr): void => {
      const got = constantOf(operand.shape[1]!);
      const wanted = constantOf(simplify(count));
      if (got !== undefined && wanted !== undefined && got !== wanted) {
        context.fail(`${name} has ${got} channels; expected ${wanted}.`);
      }
    };
    const tapCount = mul(product(kernels), int(offset_group));
    expect(X, 'X', mul(W.shape[1]!, int(group)));
    expect(offset, 'offset', mul(tapCount, int(kernels.length)));
    if (mask) expect(mask, 'mask', tapCount);
    const windows = windowAxes(X.shape.slice(2), kernels, windowOf(attributes), (rule) => context.fail(rule));
    return tensorOf(X.dtype, [X.shape[0]!, W.shape[0]!, ...windows.map(({ output }) => output)]);
  },
  compute: ({ X, W, offset, B, mask }, attributes, index, { types }) => {
    const [n, o, ...outputs] = index;
    const { group, offset_group } = attributes;
    const kernels = W.shape.slice(2);
    const extents = X.shape.slice(2);
    const windows = windowAxes(extents, kernels, windowOf(attributes));
    const list = taps(kernels, 'k');
    const perGroup = W.shape[1]!;
    const c = constantOf(perGroup) === 1 ? undefined : indexVar('c', perGroup);
    const channel = channelOf(o!, c ?? int(0), perGroup, simplify(div(W.shape[0]!, int(group))), group);
    const block = offset_group === 1 ? int(0) : div(channel, simplify(div(X.shape[1]!, int(offset_group))));
    const tap = add(
      mul(block, product(kernels)),
      flatten(
        list.map(({ at }) => at),
        kernels,
      ),
    );
    const [batch, , ...positions] = types[0]!.shape;
    const tapCount = mul(product(kernels), int(offset_group));
    const offsetPairs = pairsOf([batch!, mul(tapCount, int(kernels.length)), ...positions], offset.shape);
    const places = windows.map((window, axis) => {
      const { stride, dilation, padBegin } = window;
      const regular = sub(add(mul(outputs[axis]!, int(stride)), mul(list[axis]!.at, int(dilation))), padBegin);
      const moved = agreeing(offsetPairs, offset.at(n!, add(mul(tap, int(kernels.length)), int(axis)), ...outputs));
      return add(cast(simplify(regular), 'float32'), cast(moved, 'float32'));
    });
    const wide = accumulatorType(X.dtype);
    const value = interpolated((at) => cast(X.at(n!, channel, ...at), wide), places, extents);
    const weight = cast(W.at(o!, c ?? int(0), ...list.map(({ at }) => at)), wide);
    const weighted = mask
      ? mul(
          value,
          cast(agreeing(pairsOf([batch!, tapCount, ...positions], mask.shape), mask.at(n!, tap, ...outputs)), wide),
        )
      : value;
    const sum = reduce(
      'sum',
      [...(c ? [c] : []), ...axesOf(list)],
      mul(agreeing([[X.shape[1]!, mul(perGroup, int(group))]], weighted), weight),
    );
    return cast(B ? add(sum, cast(agreeing([[B.shape[0]!, W.shape[0]!]], B.at(o!)), wide)) : sum, X.dtype);
  },
});
