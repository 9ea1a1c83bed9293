// Det: the determinant of each matrix, by elimination with row exchanges in a scratch copy.

import type { Expr, Var } from '../../ir/expr.ts';
import {
  add,
  cast,
  constant,
  constantOf,
  div,
  indexVar,
  int,
  load,
  lt,
  mul,
  ne,
  neg,
  or,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, ifThen, loop, loops, store } from '../../ir/kernel-walk.ts';
import { accumulatorType } from './accumulate.ts';
import { op } from './define.ts';
import { anyFloat, differ, tensorOf } from './types.ts';

/** Only `Det` makes it: its second output is the scratch copy, planned like every other buffer. */
const Eliminate = op('Eliminate', {
  domain: 'lapidary',
  inputs: ['X'],
  outputs: ['Y', 'scratch'],
  types: { X: anyFloat },
  type: ({ X }) => {
    const wide = accumulatorType(X.dtype);
    return [tensorOf(X.dtype, X.shape.slice(0, -2)), tensorOf(wide, X.shape.slice(-2))];
  },
  kernel: ({ X }, [Y, scratch]) => {
    const batch = Y!.shape.map((extent, axis) => indexVar(`b${axis}`, extent));
    return loops(batch, oneMatrix(X, Y!, scratch!, batch));
  },
});

export const Det = op('Det', {
  inputs: ['X'],
  types: { X: anyFloat },
  since: 22,
  type: ({ X }, _, context) => {
    if (X.rank < 2) context.fail(`X must have at least rank 2, got ${X.rank}.`);
    const [rows, columns] = [X.shape.at(-2)!, X.shape.at(-1)!];
    if (differ(rows, columns))
      context.fail(`matrices must be square, got ${constantOf(rows)} × ${constantOf(columns)}.`);
    return tensorOf(X.dtype, X.shape.slice(0, -2));
  },
  expand: ({ X }, _, g) => g.applyAll(Eliminate, [X])[0],
});

function oneMatrix(X: Buffer, Y: Buffer, scratch: Buffer, batch: readonly Var[]): Stmt {
  const size = scratch.shape[0]!;
  const { dtype } = scratch;
  const scalar = (name: string, type = dtype): Buffer => ({ name, dtype: type, shape: [], memory: 'register' });
  const product = scalar('product');
  const largest = scalar('largest');
  const best = scalar('best', 'index');
  const value = (buffer: Buffer): Expr => load(buffer, []);
  const [i, j] = [indexVar('i', size), indexVar('j', size)];
  const copy = loops([i, j], store(scratch, [i, j], cast(load(X, [...batch, i, j]), dtype)));

  const k = indexVar('k', size);
  const rest = sub(sub(size, k), int(1));
  const candidate = indexVar('r', rest);
  const row = add(add(k, int(1)), candidate);
  const magnitude = unary('abs', load(scratch, [row, k]));
  // NaN is taken as the pivot, so that it reaches the result.
  const better = or(lt(value(largest), magnitude), ne(magnitude, magnitude));
  const findPivot = block([
    store(best, [], k),
    store(largest, [], unary('abs', load(scratch, [k, k]))),
    loop(candidate, ifThen(better, block([store(largest, [], magnitude), store(best, [], row)]))),
  ]);

  const held = scalar('held');
  const column = indexVar('c', size);
  const exchange = ifThen(
    ne(value(best), k),
    block([
      store(product, [], neg(value(product))),
      loop(
        column,
        block([
          store(held, [], load(scratch, [k, column])),
          store(scratch, [k, column], load(scratch, [value(best), column])),
          store(scratch, [value(best), column], value(held)),
        ]),
      ),
    ]),
  );

  const factor = scalar('factor');
  const below = indexVar('r', rest);
  const target = add(add(k, int(1)), below);
  const right = indexVar('c', rest);
  const at = add(add(k, int(1)), right);
  const pivot = load(scratch, [k, k]);
  const eliminate = loop(
    below,
    block([
      store(factor, [], div(load(scratch, [target, k]), pivot)),
      loop(
        right,
        store(scratch, [target, at], sub(load(scratch, [target, at]), mul(value(factor), load(scratch, [k, at])))),
      ),
    ]),
  );
  const turn = block([
    findPivot,
    exchange,
    store(product, [], mul(value(product), pivot)),
    ifThen(ne(pivot, constant(0, dtype)), eliminate),
  ]);
  const registers = [product, largest, best, held, factor];
  const body = block([
    copy,
    store(product, [], constant(1, dtype)),
    loop(k, turn),
    store(Y, batch, cast(value(product), Y.dtype)),
  ]);
  return registers.reduceRight<Stmt>((inner, register) => allocate(register, inner), body);
}
