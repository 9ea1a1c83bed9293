import * as assert from 'node:assert/strict';
import { int } from '../../ir/expr-make.ts';
import type { TensorType } from '../../ir/graph.ts';
import { apply, floats, g, input, run } from './one-node.ts';

const declared = (...shape: number[]): { readonly declared: readonly TensorType[] } => ({
  declared: [{ kind: 'tensor', dtype: 'float32', shape: shape.map(int) }],
});
const x = { dims: [2, 4], values: [0, 1, 2, 3, 4, 5, 6, 7] };

describe('sizes that only a run knows', () => {
  it('follow from the values of starts and ends, whatever the model declares', () => {
    const [data, starts, ends] = [input('data', [2, 4]), input('starts', [1], 'int64'), input('ends', [1], 'int64')];
    const sliced = apply('Slice', [data, starts, ends, g.ints([1])], {}, declared(2, 1));
    const at = (from: number, to: number) =>
      run([data, starts, ends], sliced, [x, { dims: [1], values: [from] }, { dims: [1], values: [to] }]);
    assert.deepEqual(at(1, 3), { dims: [2, 2], values: [1, 2, 5, 6] });
    assert.deepEqual(at(-1, 100), { dims: [2, 1], values: [3, 7] });
    assert.deepEqual(at(3, 1), { dims: [2, 0], values: [] });
  });

  it('are refused beyond the declared bound, and where nothing fits', () => {
    const [data, shape] = [input('data', [1, 2]), input('shape', [2], 'int64')];
    const expanded = apply('Expand', [data, shape], {}, declared(3, 2));
    const to = (...values: number[]) =>
      run([data, shape], expanded, [
        { dims: [1, 2], values: [5, 6] },
        { dims: [2], values },
      ]);
    assert.deepEqual(to(2, 1), { dims: [2, 2], values: [5, 6, 5, 6] });
    assert.throws(() => to(4, 2), /the run reported shape/);
    assert.throws(() => to(3, 4), /the run reported shape/);
  });

  it('keep their bounds where a node is made anew', () => {
    // More elements than the Builder computes by itself: they are folded later.
    const row = Array.from({ length: 200 }, (_, i) => i + 1);
    const [shape, folded] = [input('shape', [2], 'int64'), apply('Neg', [floats(row)])];
    const expanded = apply('Expand', [folded, shape], {}, declared(3, 200));
    const to = (...values: number[]) => run([shape], expanded, [{ dims: [2], values }]);
    assert.deepEqual(to(2, 1).dims, [2, 200]);
    assert.deepEqual(to(1, 1).values.slice(0, 2), [-1, -2]);
    assert.throws(() => to(4, 200), /the run reported shape/);
  });

  it('need a bound where none follows', () => {
    assert.throws(
      () => apply('Range', [g.scalar(0, 'float32'), input('limit', []), g.scalar(1, 'float32')]),
      /the output's shape depends on limit, which is only known at run time/,
    );
  });

  it('are found out also where nothing but the size is used', () => {
    const data = input('data', [5]);
    const count = apply('Cast', [apply('Shape', [apply('NonZero', [data])])], { to: 'float32' });
    assert.deepEqual(run([data], count, [{ dims: [5], values: [0, 7, 0, 7, 7] }]).values, [1, 3]);
  });
});
