// Operators that add or cut margins: Pad, CenterCropPad.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  all,
  constant,
  constantOf,
  div,
  eq,
  int,
  lt,
  max,
  mod,
  mul,
  neg,
  select,
  sub,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { optionalFloat, optionalInts, stringAttribute } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { numbersOf, sizesOf } from './elements.ts';
import { isNumbers, withInput, without } from './legacy.ts';
import { checked, clamp, entryOf, listed, runTimeShape, within } from './run-time-operands.ts';
import { anyType, indexType, normalizeAxes, scalarOf, sizeType, tensorOf, typeSet } from './types.ts';

interface Margin {
  readonly begin: Expr;
  readonly end: Expr;
}

/** Margins of every data axis, where pads and axes are known. */
function knownMargins(
  data: Operand,
  pads: Operand,
  axes: Operand | undefined,
  fail: TypeContext['fail'],
): readonly Margin[] | undefined {
  const sizes = sizesOf(pads);
  const named = axes ? numbersOf(axes) : data.shape.map((_, axis) => axis);
  if (!sizes || !named) return undefined;
  if (sizes.length !== 2 * named.length) {
    fail(`pads has ${sizes.length} entries; expected ${2 * named.length}, two for each axis.`);
  }
  const margins: Margin[] = data.shape.map(() => ({ begin: int(0), end: int(0) }));
  for (const [position, axis] of normalizeAxes(named, data.rank).entries()) {
    if (!margins[axis]) fail(`axis ${named[position]} is outside of data, which has rank ${data.rank}.`);
    margins[axis] = { begin: sizes[position]!, end: sizes[position + named.length]! };
  }
  return margins;
}

/** The margins of one axis that only a run knows: pads lists all beginnings, then all ends. */
function runTimeMargin(data: Operand, pads: Operand, axes: Operand | undefined, axis: number): Margin {
  const count = axes ? constantOf(axes.shape[0]!)! : data.rank;
  const half = (offset: number): Operand => ({
    ...pads,
    shape: [int(count)],
    at: (...index) => pads.at(add(index[0]!, int(offset))),
  });
  const entry = (offset: number): Expr => entryOf(axis, data.rank, axes, half(offset), int(0));
  return { begin: entry(0), end: entry(count) };
}

/** What negative margins leave of an axis. */
const keptOf = (extent: Expr, { begin, end }: Margin): Expr =>
  simplify(sub(sub(extent, max(neg(begin), int(0))), max(neg(end), int(0))));

const leavesNothing = (extent: Expr, margin: Margin, output: Expr): boolean => {
  const [cut, wanted] = [constantOf(keptOf(extent, margin)) ?? 1, constantOf(simplify(output)) ?? 0];
  return cut < 1 && wanted > 0 && constantOf(extent) !== 0;
};

const floorMod = (value: Expr, by: Expr): Expr => {
  const rest = mod(value, by);
  return select(lt(rest, int(0)), add(rest, by), rest);
};

type Mode = 'reflect' | 'edge' | 'wrap';

/** Whether no margin is wider than the axis can mirror or repeat once. */
const isNarrow = ({ begin, end }: Margin, limit: Expr): boolean =>
  [begin, end].every((margin) => constantOf(simplify(lt(limit, margin))) === 0);

/** Where position p, relative to what negative margins leave of the axis, comes from. */
function sourceOf(p: Expr, extent: Expr, mode: Mode, margin: Margin): Expr {
  const last = simplify(sub(extent, int(1)));
  if (mode === 'edge') return clamp(p, int(0), last);
  const after = (whenInside: Expr, whenAfter: Expr): Expr => select(simplify(lt(p, extent)), whenInside, whenAfter);
  if (mode === 'wrap') {
    if (!isNarrow(margin, extent)) return select(eq(extent, int(0)), int(0), floorMod(p, max(extent, int(1))));
    return select(simplify(lt(p, int(0))), add(p, extent), after(p, sub(p, extent)));
  }
  if (isNarrow(margin, last)) {
    return select(simplify(lt(p, int(0))), neg(p), after(p, sub(mul(last, int(2)), p)));
  }
  // Back and forth: there is one period in 2 (extent - 1) positions.
  const period = max(mul(last, int(2)), int(1));
  const phase = floorMod(p, period);
  return select(lt(phase, extent), phase, sub(period, phase));
}

/** The index into data of an output position on one axis; outside of data where the constant goes. */
function dataPosition(own: Expr, extent: Expr, mode: 'constant' | Mode, margin: Margin): Expr {
  const { begin, end } = margin;
  if (mode === 'constant') return simplify(sub(own, begin));
  if (constantOf(begin) === 0 && constantOf(end) === 0) return own;
  // Negative margins cut first; what is left is mirrored or repeated.
  const cutBegin = simplify(max(neg(begin), int(0)));
  const left = keptOf(extent, margin);
  const p = simplify(sub(own, max(begin, int(0))));
  return simplify(add(sourceOf(p, left, mode, margin), cutBegin));
}

const alreadyChecked = (rule: string): never => {
  throw new RangeError(rule);
};

/** Only sides that are wider than data can be outside of it. */
function insideData(position: Expr, extent: Expr, { begin, end }: Margin): Expr {
  const before = (constantOf(begin) ?? 1) > 0;
  const after = (constantOf(end) ?? 1) > 0;
  if (before && after) return within(position, extent);
  return all([...(before ? [lt(int(-1), position)] : []), ...(after ? [simplify(lt(position, extent))] : [])]);
}

const isEmpty = (operand: Operand): boolean => constantOf(operand.shape[0] ?? int(1)) === 0;

export const Pad = op('Pad', {
  inputs: ['data', 'pads', 'constant_value?', 'axes?'],
  outputs: ['output'],
  attributes: {
    mode: stringAttribute('constant', ['constant', 'reflect', 'edge', 'wrap']),
    /** The constant, before opset 11 made it an input. */
    value: optionalFloat,
  },
  types: { data: anyType, pads: sizeType, constant_value: anyType, axes: indexType },
  since: 25,
  // Before opset 11 pads was an attribute (paddings in opset 1).
  until: { pads: 11, value: 11, paddings: 2 },
  upgrade: (node) => {
    const { pads, paddings } = node.attributes;
    const list = isNumbers(pads) ? pads : paddings;
    const plain = without(node, 'pads', 'paddings');
    return isNumbers(list) ? withInput(plain, 1, node.constant(list, 'int64')) : plain;
  },
  type: ({ data, pads, axes }, { mode }, context) => {
    if (pads.rank !== 1) context.fail(`pads has rank ${pads.rank}; expected 1.`);
    const margins = knownMargins(data, pads, axes, (rule) => context.fail(rule));
    if (!margins) {
      const count = axes ? constantOf(axes.shape[0]!) : data.rank;
      if (count === undefined || constantOf(pads.shape[0]!) !== 2 * count) {
        context.fail('pads must have two entries for each axis, and a length that is known.');
      }
      const sizes = data.shape.map((extent, axis) => {
        const { begin, end } = runTimeMargin(data, pads, axes, axis);
        return add(add(extent, begin), end);
      });
      return tensorOf(data.dtype, runTimeShape(context, 'pads', sizes));
    }
    const shape = data.shape.map((extent, axis) => add(add(extent, margins[axis]!.begin), margins[axis]!.end));
    const bare = data.shape.findIndex((extent, axis) => leavesNothing(extent, margins[axis]!, shape[axis]!));
    if (mode !== 'constant' && bare >= 0) context.fail(`negative pads leave nothing of axis ${bare} to ${mode}.`);
    return tensorOf(data.dtype, shape);
  },
  compute: ({ data, pads, constant_value, axes }, { mode, value }, index) => {
    const known = knownMargins(data, pads, axes, alreadyChecked);
    const margins = known ?? data.shape.map((_, axis) => runTimeMargin(data, pads, axes, axis));
    const kind = mode as 'constant' | Mode;
    const source = index.map((own, axis) => dataPosition(own, data.shape[axis]!, kind, margins[axis]!));
    const element = data.at(...source);
    if (kind === 'constant') {
      const fill =
        constant_value && !isEmpty(constant_value) ? scalarOf(constant_value) : constant(value ?? 0, data.dtype);
      return select(all(source.map((at, axis) => insideData(at, data.shape[axis]!, margins[axis]!))), element, fill);
    }
    // Nothing can be mirrored or repeated where there is nothing.
    const moved = source.flatMap((at, axis) => (at === index[axis] ? [] : [axis]));
    const guards = known
      ? moved.map((axis) => simplify(lt(int(0), data.shape[axis]!)))
      : moved.map((axis) => within(source[axis]!, data.shape[axis]!));
    return checked(all(guards), element);
  },
});

/** The middle of the axes, cut or padded with zeros to the wanted sizes; an odd element more goes at the end. */
export const CenterCropPad = op('CenterCropPad', {
  inputs: ['input_data', 'shape'],
  outputs: ['output_data'],
  attributes: { axes: optionalInts },
  types: { input_data: anyType, shape: typeSet('Tind', ['int32', 'int64']) },
  since: 18,
  type: ({ input_data, shape }, { axes }, context) => {
    const { rank } = input_data;
    const named = normalizeAxes(axes ?? input_data.shape.map((_, axis) => axis), rank);
    if (named.some((axis) => axis < 0 || axis >= rank)) context.fail(`axes ${axes?.join(', ')} exceed rank ${rank}.`);
    const known = sizesOf(shape);
    const sizes = known ?? listed(shape, context, 'shape');
    if (sizes.length !== named.length) {
      context.fail(`shape has ${sizes.length} entries; expected one for each of the ${named.length} axes.`);
    }
    const values = input_data.shape.map((extent, axis) => sizes[named.indexOf(axis)] ?? extent);
    return tensorOf(input_data.dtype, known ? values : runTimeShape(context, 'shape', values));
  },
  compute: ({ input_data }, _, index, { types }) => {
    const source = index.map((own, axis) => {
      const before = input_data.shape[axis]!;
      const after = types[0]!.shape[axis]!;
      const cut = div(max(sub(before, after), int(0)), int(2));
      const padding = div(max(sub(after, before), int(0)), int(2));
      return simplify(sub(add(own, cut), padding));
    });
    const inside = all(source.map((at, axis) => within(at, input_data.shape[axis]!)));
    return select(inside, input_data.at(...source), constant(0, input_data.dtype));
  },
});
