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

  it('lays the weights of a single output channel out in the order in which they are summed', () => {
    const x = input('x', [1, 4, 5, 5], 'float32');
    const values = Array.from({ length: 4 * 9 }, (_, i) => i % 7);
    const w = g.constant(
      { kind: 'tensor', dtype: 'float32', shape: [1, 4, 3, 3].map(int) },
      toBytes('float32', values),
    );
    const pixels = Array.from({ length: 4 * 25 }, (_, i) => (i * 3) % 11);
    const y = apply('Conv', [apply('Relu', [x]), w], { kernel_shape: [3, 3] });
    const result = run([x], y, [{ dims: [1, 4, 5, 5], values: pixels }], [], targets['x86-64-v3']);
    const at = (row: number, column: number): number =>
      values.reduce((sum, weight, i) => {
        const [c, ky, kx] = [Math.floor(i / 9), Math.floor(i / 3) % 3, i % 3];
        return sum + weight * pixels[c * 25 + (row + ky) * 5 + column + kx]!;
      }, 0);
    assert.deepEqual(
      result.values,
      Array.from({ length: 9 }, (_, i) => at(Math.floor(i / 3), i % 3)),
    );
  });
});
