// NonZero: the positions of all elements that are not zero, in row-major order. How many there are only a run knows.

import type { Expr } from '../../ir/expr.ts';
import { add, cast, constant, constantOf, indexVar, int, load, ne, product } from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, ifThen, letIn, loops, store } from '../../ir/kernel-walk.ts';
import { op } from './define.ts';
import { scalarTypes, tensorOf, typeSet } from './types.ts';

export const NonZero = op('NonZero', {
  inputs: ['X'],
  types: { X: typeSet('T', scalarTypes) },
  since: 13,
  type: ({ X }, _, context) => {
    const known = X.elements?.map(constantOf);
    const decided = known?.every((element) => element !== undefined);
    const count = decided
      ? int(known!.filter((element) => element !== 0).length)
      : context.fresh('found', product(X.shape));
    return tensorOf('int64', [int(X.rank), count]);
  },
  kernel: ({ X }, [positions], _, { sizes }) => {
    const counter: Buffer = { name: 'found', dtype: 'index', shape: [], memory: 'register' };
    const count = load(counter, []);
    const forFound = (body: (index: readonly Expr[]) => Stmt): Stmt => {
      const index = X.shape.map((extent, axis) => indexVar(`i${axis}`, extent));
      const found = ne(load(X, index), constant(0, X.dtype));
      const step = block([body(index), store(counter, [], add(count, int(1)))]);
      return block([store(counter, [], int(0)), loops(index, ifThen(found, step))]);
    };
    const write = forFound((index) =>
      block(index.map((own, axis) => store(positions!, [int(axis), count], cast(own, 'int64')))),
    );
    if (!sizes) return allocate(counter, write);
    // Rows lie as far apart as there are positions: they are counted first.
    const counted = block([forFound(() => block([])), store(sizes, [int(0)], cast(count, 'int64'))]);
    // Of an empty tensor, nothing is found: that needs no name.
    const extent = positions!.shape[1]!;
    return allocate(counter, block([counted, extent.kind === 'var' ? letIn(extent, count, write) : write]));
  },
});
