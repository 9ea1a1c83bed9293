// Compress: keeps the slices of an axis (or the elements of the flattened input) where a condition holds.
// How many there are only a run knows.

import type { Expr, Var } from '../../ir/expr.ts';
import { add, cast, constantOf, indexVar, int, load, min, product } from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, ifThen, letIn, loop, loops, store } from '../../ir/kernel-walk.ts';
import { optionalInt } from './attributes.ts';
import { op } from './define.ts';
import { numbersOf } from './elements.ts';
import { unflatten } from './flat-index.ts';
import { anyType, normalizeAxis, tensorOf, typeSet } from './types.ts';

export const Compress = op('Compress', {
  inputs: ['input', 'condition'],
  outputs: ['output'],
  attributes: { axis: optionalInt },
  types: { input: anyType, condition: typeSet('T1', ['bool']) },
  since: 11,
  type: ({ input, condition }, { axis }, context) => {
    if (condition.rank !== 1) context.fail(`condition has rank ${condition.rank}; expected 1.`);
    const at = axis === undefined ? undefined : normalizeAxis(axis, input.rank, context);
    const whole = at === undefined ? product(input.shape) : input.shape[at]!;
    const known = numbersOf(condition);
    const limit = constantOf(whole);
    const kept =
      known && limit !== undefined
        ? int(known.slice(0, limit).filter((flag) => flag !== 0).length)
        : context.fresh('kept', min(whole, condition.shape[0]!));
    const shape = at === undefined ? [kept] : input.shape.map((extent, axis) => (axis === at ? kept : extent));
    return tensorOf(input.dtype, shape);
  },
  kernel: ({ input, condition }, outputs, { axis }, { sizes }) => {
    const output = outputs[0]!;
    const at = axis === undefined ? 0 : axis < 0 ? axis + input.shape.length : axis;
    const whole = axis === undefined ? product(input.shape) : input.shape[at]!;
    const candidates = min(whole, condition.shape[0]!);
    const counter: Buffer = { name: 'kept', dtype: 'index', shape: [], memory: 'register' };
    const count = load(counter, []);
    const forKept = (body: (position: Expr) => Stmt): Stmt => {
      const i = indexVar('i', candidates);
      return block([
        store(counter, [], int(0)),
        loop(i, ifThen(load(condition, [i]), block([body(i), store(counter, [], add(count, int(1)))]))),
      ]);
    };
    const copy = forKept((position) => {
      if (axis === undefined) return store(output, [count], load(input, unflatten(position, input.shape)));
      const others = input.shape.map((extent, own) => indexVar(`d${own}`, extent));
      const inside = (middle: Expr): readonly Expr[] => others.map((own, i) => (i === at ? middle : own));
      const around: readonly Var[] = others.filter((_, own) => own !== at);
      return loops(around, store(output, inside(count), load(input, inside(position))));
    });
    const extent = output.shape[at]!;
    if (!sizes) return allocate(counter, copy);
    // The output's own size is found first: its rows lie that far apart.
    const body = extent.kind === 'var' ? letIn(extent, count, copy) : copy;
    return allocate(counter, block([forKept(() => block([])), store(sizes, [int(0)], cast(count, 'int64')), body]));
  },
});
