// Inverse (com.microsoft): the inverse of each matrix, by elimination with row exchanges of the matrix with the identity
// beside it.
//   [A | 1]   →   [1 | A⁻¹]

import type { Expr, Var } from '../../ir/expr.ts';
import {
  add,
  cast,
  constant,
  constantOf,
  div,
  eq,
  indexVar,
  int,
  load,
  lt,
  max,
  mul,
  ne,
  or,
  select,
  sub,
  unary,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, ifThen, loop, loops, store } from '../../ir/kernel-walk.ts';
import { accumulatorType } from './accumulate.ts';
import { op } from './define.ts';
import { checkAgreeing } from './run-time-operands.ts';
import { anyFloat, differ, tensorOf } from './types.ts';

/** The second output is memory to work in: a matrix with another one beside it. */
const InvertMatrices = op('InvertMatrices', {
  domain: 'lapidary',
  inputs: ['X'],
  outputs: ['Y', 'work'],
  types: { X: anyFloat },
  type: ({ X }) => {
    const [rows, columns] = [X.shape.at(-2)!, X.shape.at(-1)!];
    return [tensorOf(X.dtype, X.shape), tensorOf(accumulatorType(X.dtype), [rows, add(columns, columns)])];
  },
  kernel: ({ X }, [Y, work]) => {
    const batch = X.shape.slice(0, -2).map((extent, axis) => indexVar(`b${axis}`, extent));
    const square = checkAgreeing([[X.shape.at(-2)!, X.shape.at(-1)!]]);
    return block([square, loops(batch, oneMatrix(X, Y!, work!, batch))]);
  },
});

export const Inverse = op('Inverse', {
  domain: 'com.microsoft',
  inputs: ['X'],
  types: { X: anyFloat },
  type: ({ X }, _, context) => {
    if (X.rank < 2) context.fail(`X must have at least rank 2, got ${X.rank}.`);
    const [rows, columns] = [X.shape.at(-2)!, X.shape.at(-1)!];
    if (differ(rows, columns))
      context.fail(`matrices must be square, got ${constantOf(rows)} × ${constantOf(columns)}.`);
    return tensorOf(X.dtype, X.shape);
  },
  expand: ({ X }, _, g) => g.applyAll(InvertMatrices, [X])[0],
});

const read = (buffer: Buffer): Expr => load(buffer, []);

/** best = the row from k on with the largest element in column k; NaN is taken, so that it reaches the result. */
function findPivot(work: Buffer, k: Expr, best: Buffer, largest: Buffer): Stmt {
  const candidate = indexVar('r', max(sub(sub(work.shape[0]!, k), int(1)), int(0)));
  const row = add(add(k, int(1)), candidate);
  const magnitude = unary('abs', load(work, [row, k]));
  const better = or(lt(read(largest), magnitude), ne(magnitude, magnitude));
  return block([
    store(best, [], k),
    store(largest, [], unary('abs', load(work, [k, k]))),
    loop(candidate, ifThen(better, block([store(largest, [], magnitude), store(best, [], row)]))),
  ]);
}

function oneMatrix(X: Buffer, Y: Buffer, work: Buffer, batch: readonly Var[]): Stmt {
  const [size, width] = work.shape as readonly [Expr, Expr];
  const { dtype } = work;
  const register = (name: string, type = dtype): Buffer => ({ name, dtype: type, shape: [], memory: 'register' });
  const [largest, best, held, factor] = [
    register('largest'),
    register('best', 'index'),
    register('held'),
    register('factor'),
  ];
  const [i, j, k] = [indexVar('i', size), indexVar('j', size), indexVar('k', size)];
  const beside = (column: Expr): Expr => add(size, column);
  const start = loops(
    [i, j],
    block([
      store(work, [i, j], cast(load(X, [...batch, i, j]), dtype)),
      store(work, [i, beside(j)], select(eq(i, j), constant(1, dtype), constant(0, dtype))),
    ]),
  );
  const column = indexVar('c', width);
  const exchange = ifThen(
    ne(read(best), k),
    loop(
      column,
      block([
        store(held, [], load(work, [k, column])),
        store(work, [k, column], load(work, [read(best), column])),
        store(work, [read(best), column], read(held)),
      ]),
    ),
  );
  const along = indexVar('s', width);
  const scale = block([
    store(factor, [], load(work, [k, k])),
    loop(along, store(work, [k, along], div(load(work, [k, along]), read(factor)))),
  ]);
  const [row, at] = [indexVar('t', size), indexVar('a', width)];
  const eliminate = loop(
    row,
    ifThen(
      ne(row, k),
      block([
        store(factor, [], load(work, [row, k])),
        loop(at, store(work, [row, at], sub(load(work, [row, at]), mul(read(factor), load(work, [k, at]))))),
      ]),
    ),
  );
  const [y, x] = [indexVar('y', size), indexVar('x', size)];
  const body = block([
    start,
    loop(k, block([findPivot(work, k, best, largest), exchange, scale, eliminate])),
    loops([y, x], store(Y, [...batch, y, x], cast(load(work, [y, beside(x)]), Y.dtype))),
  ]);
  return [largest, best, held, factor].reduceRight<Stmt>((inner, own) => allocate(own, inner), body);
}
