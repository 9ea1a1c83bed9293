import * as assert from 'node:assert/strict';
import { targets } from '../codegen/index.ts';
import { toBytes } from '../ir/bytes.ts';
import { int } from '../ir/expr-make.ts';
import { apply, g, input, run } from './ops/one-node.ts';

describe('packing of constants', () => {
  it('leaves a table alone that is read by indices from data', () => {
    const values = Array.from({ length: 12 * 16 }, (_, i) => i);
    const table = g.constant(
      { kind: 'tensor', dtype: 'float32', shape: [int(12), int(16)] },
      toBytes('float32', values),
    );
    const indices = input('indices', [1, 3], 'int32');
    const mean = apply('ReduceMean', [apply('Gather', [table, indices]), g.ints([1])], { keepdims: 0 });
    const given = [{ dims: [1, 3], values: [11, 0, 4] }];
    const result = run([indices], mean, given, [], targets['x86-64-v3']);
    assert.deepEqual(
      result.values,
      Array.from({ length: 16 }, (_, column) => 80 + column),
    );
  });
});
