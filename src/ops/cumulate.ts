// CumSum and CumProd: running totals along an axis, which perhaps only a run knows.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  bool,
  cast,
  constant,
  constantOf,
  eq,
  indexVar,
  int,
  load,
  lt,
  mul,
  select,
  sub,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, check, ifThen, loop, loops, store } from '../../ir/kernel-walk.ts';
import { accumulatorType } from './accumulate.ts';
import { intAttribute } from './attributes.ts';
import { type Operator, op } from './define.ts';
import { elementsOf, numbersOf, valueBehind } from './elements.ts';
import { anyNumeric, indexType, normalizeAxis, tensorOf } from './types.ts';

interface Mode {
  readonly exclusive: number;
  readonly reverse: number;
}

/** The one element of an axis operand, as an index; negative values count from the end. */
function axisOf(axis: Buffer, rank: number): Expr {
  const value = valueBehind(axis);
  const known = value && elementsOf(value)?.[0];
  const given = cast(
    known ??
      load(
        axis,
        axis.shape.map(() => int(0)),
      ),
    'index',
  );
  return select(lt(given, int(0)), add(given, int(rank)), given);
}

/** For every row along the axis: total = start; for each element in order, total = total op x, stored before or after. */
function cumulate(
  X: Buffer,
  Y: Buffer,
  axis: number,
  { exclusive, reverse }: Mode,
  start: number,
  combine: (a: Expr, b: Expr) => Expr,
): Stmt {
  const indices = X.shape.map((extent, i) => indexVar(`i${i}`, extent));
  const step = indices[axis]!;
  const others = indices.filter((index) => index !== step);
  const position = reverse ? sub(sub(X.shape[axis]!, int(1)), step) : step;
  const at = indices.map((index): Expr => (index === step ? position : index));
  const wide = accumulatorType(X.dtype);
  const total: Buffer = { name: 'total', dtype: wide, shape: [], memory: 'register' };
  const update = store(total, [], combine(load(total, []), cast(load(X, at), wide)));
  const write = store(Y, at, cast(load(total, []), Y.dtype));
  const body = loop(step, block(exclusive ? [write, update] : [update, write]));
  return loops(others, allocate(total, block([store(total, [], constant(start, wide)), body])));
}

const running = (name: string, since: number, start: number, combine: (a: Expr, b: Expr) => Expr): Operator =>
  op(name, {
    inputs: ['x', 'axis'],
    attributes: { exclusive: intAttribute(0, [0, 1]), reverse: intAttribute(0, [0, 1]) },
    types: { x: anyNumeric, axis: indexType },
    outputs: ['y'],
    since,
    type: ({ x, axis }, _, context) => {
      if (x.rank === 0) context.fail('x must have at least rank 1, got a scalar.');
      if (axis.rank > 1) context.fail(`axis must be a scalar, got rank ${axis.rank}.`);
      const known = numbersOf(axis)?.[0];
      if (known !== undefined) normalizeAxis(known, x.rank, context);
      return tensorOf(x.dtype, x.shape);
    },
    kernel: ({ x, axis }, [y], mode) => {
      const chosen = axisOf(axis, x.shape.length);
      const known = constantOf(chosen);
      if (known !== undefined) return cumulate(x, y!, known, mode, start, combine);
      return x.shape.reduceRight<Stmt>(
        (otherwise, _, i) => ifThen(eq(chosen, int(i)), cumulate(x, y!, i, mode, start, combine), otherwise),
        check(bool(false), 'index'),
      );
    },
  });

export const CumSum = running('CumSum', 14, 0, add);
export const CumProd = running('CumProd', 26, 1, mul);
