import assert from 'node:assert/strict';
import { countOperations, type OperationCounts } from '../../ir/count.ts';
import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  binary,
  call,
  cast,
  float,
  indexVar,
  int,
  load,
  lt,
  mul,
  ramp,
  reduce,
  select,
  splat,
  sub,
  variable,
} from '../../ir/expr-make.ts';
import { printExpr } from '../../ir/expr-print.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, ifThen, loop, loops, store } from '../../ir/kernel-walk.ts';

const argument = (name: string, dtype: DType, ...shape: readonly Expr[]): Buffer => ({
  name,
  dtype,
  shape,
  memory: 'argument',
});
const counts = (body: Stmt): Record<keyof OperationCounts, string> => {
  const { multiplyAdds, floatOperations, bytesLoaded, bytesStored } = countOperations({
    name: 'k',
    params: [],
    dims: [],
    body,
  });
  return {
    multiplyAdds: printExpr(multiplyAdds),
    floatOperations: printExpr(floatOperations),
    bytesLoaded: printExpr(bytesLoaded),
    bytesStored: printExpr(bytesStored),
  };
};

describe('countOperations', () => {
  const m = variable('m');
  const A = argument('A', 'float32', m, int(8));
  const B = argument('B', 'float32', int(8), int(16));
  const C = argument('C', 'float32', m, int(16));
  const i = indexVar('i', m);
  const j = indexVar('j', 16);
  const k = indexVar('k', 8);

  it('counts a matrix product over a symbolic size, lowered or not', () => {
    const acc: Buffer = { name: 'acc', dtype: 'float32', shape: [], memory: 'register' };
    const step = add(load(acc, []), mul(load(A, [i, k]), load(B, [k, j])));
    const lowered = loops(
      [i, j],
      allocate(acc, block([loop(k, store(acc, [], step)), store(C, [i, j], load(acc, []))])),
    );
    const expected = { multiplyAdds: 'm * 128', floatOperations: '0', bytesLoaded: 'm * 1024', bytesStored: 'm * 64' };
    const reduced = loops([i, j], store(C, [i, j], reduce('sum', [k], mul(load(A, [i, k]), load(B, [k, j])))));
    for (const body of [lowered, reduced]) assert.deepEqual(counts(body), expected);
  });

  it('counts lanes, shared parts once, and other operations', () => {
    const row = load(B, [int(0), ramp(int(0), 1, 8)]);
    const square = mul(row, row);
    const value = select(lt(row, splat(float(0), 8)), add(square, square), call('exp', sub(row, square)));
    // square once, one comparison, one sum, one difference, one exp.
    assert.deepEqual(counts(store(B, [int(1), ramp(int(0), 1, 8)], value)), {
      multiplyAdds: '0',
      floatOperations: '40',
      bytesLoaded: '32',
      bytesStored: '32',
    });
  });

  it('counts multiply-adds of integers and no other integer operations', () => {
    const x = argument('x', 'int8', int(4));
    const y = argument('y', 'int32', int(4));
    const wide = cast(load(x, [int(0)]), 'int32');
    const value = binary('xor', add(load(y, [int(0)]), mul(wide, wide)), load(y, [int(1)]));
    assert.deepEqual(counts(store(y, [int(0)], value)), {
      multiplyAdds: '1',
      floatOperations: '0',
      bytesLoaded: '9',
      bytesStored: '4',
    });
  });

  it('adds up turns of unequal length, and takes the larger branch', () => {
    const tile = indexVar('t', 3);
    const tail = binary('min', int(8), sub(int(20), mul(tile, int(8))));
    const inner = indexVar('i', tail);
    const at = [int(0), add(mul(tile, int(8)), inner)];
    const cheap = store(B, at, float(0));
    const body = loop(tile, loop(inner, ifThen(lt(inner, tile), cheap, store(B, at, add(load(B, at), float(1))))));
    assert.deepEqual(counts(body), { multiplyAdds: '0', floatOperations: '20', bytesLoaded: '80', bytesStored: '80' });
  });
});
