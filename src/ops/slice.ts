// Slice: a range of each axis, by any step, also backwards.
//   Y[i] = X[start + i * step]

import type { Expr } from '../../ir/expr.ts';
import { add, all, constantOf, div, eq, int, lt, max, min, mul, neg, select, sub } from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { numbersOf, sizesOf } from './elements.ts';
import { isNumbers, withInput, without } from './legacy.ts';
import { checked, clamp, entryOf, fromEnd, runTimeShape, within } from './run-time-operands.ts';
import { anyType, indexType, normalizeAxis, tensorOf } from './types.ts';

interface SliceInputs {
  readonly data: Operand;
  readonly starts: Operand;
  readonly ends: Operand;
  readonly axes: Operand | undefined;
  readonly steps: Operand | undefined;
}

interface Range {
  readonly start: Expr;
  readonly step: number;
  readonly extent: Expr;
}

/** Beyond every size, and far from overflow. */
const beyond = 2 ** 50;
const limited = (value: Expr): Expr => {
  const known = constantOf(value);
  return known === undefined ? value : int(Math.max(-beyond, Math.min(beyond, known)));
};

/** One axis's range by the rules of numpy: negative positions count from the end, all are clamped into the axis. */
function rangeOf(start: Expr, end: Expr, step: number, extent: Expr): Range {
  const from = fromEnd(limited(start), extent);
  const to = fromEnd(limited(end), extent);
  if (step > 0) {
    const first = simplify(clamp(from, int(0), extent));
    const toEnd = (constantOf(to) ?? 0) >= beyond;
    const count = toEnd ? sub(extent, first) : simplify(max(sub(clamp(to, int(0), extent), first), int(0)));
    return { start: first, step, extent: simplify(div(add(count, int(step - 1)), int(step))) };
  }
  const last = sub(extent, int(1));
  const first = simplify(clamp(from, int(0), last));
  const count = simplify(max(sub(first, clamp(to, int(-1), last)), int(0)));
  return { start: first, step, extent: simplify(div(add(count, int(-step - 1)), int(-step))) };
}

/** The range of each data axis, undefined for one that is kept whole; undefined altogether where a run decides. */
function knownRanges(
  { data, starts, ends, axes, steps }: SliceInputs,
  fail: TypeContext['fail'],
): readonly (Range | undefined)[] | undefined {
  const from = sizesOf(starts);
  const to = sizesOf(ends);
  if (!from || !to) return undefined;
  const named = axes ? numbersOf(axes) : from.map((_, axis) => axis);
  const by = steps ? numbersOf(steps) : from.map(() => 1);
  if (!named || !by) return undefined;
  const lengths = [from.length, to.length, named.length, by.length];
  if (new Set(lengths).size > 1) {
    fail(`starts, ends, axes and steps have ${lengths.join(', ')} entries; they must have equally many.`);
  }
  if (by.includes(0)) fail('steps contain 0.');
  const ranges: (Range | undefined)[] = data.shape.map(() => undefined);
  for (const [position, axis] of named.entries()) {
    const at = axis < 0 ? axis + data.rank : axis;
    const extent = data.shape[at] ?? fail(`axis ${axis} is outside of data, which has rank ${data.rank}.`);
    ranges[at] = rangeOf(from[position]!, to[position]!, Math.max(-beyond, Math.min(beyond, by[position]!)), extent);
  }
  return ranges;
}

const alreadyChecked = (rule: string): never => {
  throw new RangeError(rule);
};

/** How many elements a run takes from one axis; a step of 0 is no step, and -1 no size. */
function runTimeExtent(inputs: SliceInputs, axis: number): Expr {
  const { data, starts, ends, axes, steps } = inputs;
  const extent = data.shape[axis]!;
  const start = fromEnd(entryOf(axis, data.rank, axes, starts, int(0)), extent);
  const end = fromEnd(entryOf(axis, data.rank, axes, ends, extent), extent);
  const forwards = max(sub(clamp(end, int(0), extent), clamp(start, int(0), extent)), int(0));
  if (!steps) return forwards;
  const last = sub(extent, int(1));
  const backwards = max(sub(clamp(start, int(0), last), clamp(end, int(-1), last)), int(0));
  const longest = add(extent, int(1));
  const step = clamp(entryOf(axis, data.rank, axes, steps, int(1)), neg(longest), longest);
  const length = max(step, neg(step));
  const count = select(lt(int(0), step), forwards, select(eq(extent, int(0)), int(0), backwards));
  return select(eq(step, int(0)), int(-1), div(add(count, sub(length, int(1))), max(length, int(1))));
}

/** Where an element comes from along one axis when starts, axes or steps are only known at run time. */
function runTimePosition(inputs: SliceInputs, axis: number, index: Expr): Expr {
  const { data, starts, axes, steps } = inputs;
  const extent = data.shape[axis]!;
  const step = steps ? entryOf(axis, data.rank, axes, steps, int(1)) : int(1);
  // A longer step than the axis reads one element at most.
  const stride = clamp(step, neg(add(extent, int(1))), add(extent, int(1)));
  const start = entryOf(axis, data.rank, axes, starts, int(0));
  const first = min(max(fromEnd(start, extent), int(0)), extent);
  const from = steps ? min(first, sub(extent, int(1))) : first;
  return add(from, mul(index, stride));
}

export const Slice = op('Slice', {
  inputs: ['data', 'starts', 'ends', 'axes?', 'steps?'],
  outputs: ['output'],
  types: { data: anyType, starts: indexType, ends: indexType, axes: indexType, steps: indexType },
  since: 13,
  // Before opset 10 the ranges were attributes.
  upgrade: (node, opset) => {
    if (opset >= 10) return node;
    const { starts, ends, axes } = node.attributes;
    let current = without(node, 'starts', 'ends', 'axes');
    for (const [position, list] of [starts, ends, axes].entries()) {
      if (isNumbers(list)) current = withInput(current, position + 1, node.constant(list, 'int64'));
    }
    return current;
  },
  type: (inputs, _, context) => {
    const { data, axes } = inputs;
    for (const axis of numbersOf(axes) ?? []) normalizeAxis(axis, data.rank, context);
    const ranges = knownRanges(inputs, (rule) => context.fail(rule));
    const shape = ranges
      ? data.shape.map((extent, axis) => ranges[axis]?.extent ?? extent)
      : runTimeShape(
          context,
          'extent',
          data.shape.map((_, axis) => runTimeExtent(inputs, axis)),
          data.shape,
        );
    return tensorOf(data.dtype, shape);
  },
  compute: (inputs, _, index) => {
    const { data } = inputs;
    const ranges = knownRanges(inputs, alreadyChecked);
    if (ranges) {
      const source = index.map((own, axis) => {
        const range = ranges[axis];
        return range ? simplify(add(range.start, mul(own, int(range.step)))) : own;
      });
      return data.at(...source);
    }
    const source = index.map((own, axis) => runTimePosition(inputs, axis, own));
    return checked(all(source.map((at, axis) => within(at, data.shape[axis]!))), data.at(...source));
  },
});
