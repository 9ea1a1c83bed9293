// What threads share: loops whose iterations are independent, enough of them, and enough work in all.

import assert from 'node:assert/strict';
import { float, indexVar, int, load, mul, variable } from '../../ir/expr-make.ts';
import type { Buffer, Kernel, Stmt } from '../../ir/kernel.ts';
import { printKernel } from '../../ir/kernel-print.ts';
import { loops, store } from '../../ir/kernel-walk.ts';
import { scheduleKernel } from '../../src/schedule/index.ts';
import { parallelizeOutermost } from '../../src/schedule/parallelize.ts';
import { statementsOf } from '../../src/schedule/step.ts';
import { convolution, mean, product, scaled } from './lowered.ts';
import { assertSameMeaning } from './same-meaning.ts';
import { wide } from './targets.ts';

const shared = (kernel: Kernel): Kernel =>
  parallelizeOutermost(scheduleKernel(kernel, wide, { math: 'strict', threads: true }));

/** The outermost loops that threads share, by their names, and whether any stands further inside. */
function marks(kernel: Kernel): readonly string[] {
  const inside = (stmt: Stmt): boolean =>
    (stmt.kind === 'loop' && stmt.as === 'parallel') ||
    ('body' in stmt && !Array.isArray(stmt.body) ? inside(stmt.body as Stmt) : false);
  return statementsOf(kernel.body).flatMap((stmt) => {
    if (stmt.kind !== 'loop' || stmt.as !== 'parallel') return [];
    assert.equal(inside(stmt.body), false, 'a loop that threads share inside of another');
    return [stmt.index.name];
  });
}

describe('loops that threads share', () => {
  it('are the outermost where there are enough of them', () => {
    const kernel = convolution({ height: 40, width: 40, channels: 16, outputs: 16, kernel: 3, stride: 1, panel: 16 });
    const result = shared(kernel);
    assert.equal(marks(result).length, 1);
    assertSameMeaning(kernel, result);
  });

  it('are joined with those inside where there are few, or an unknown number', () => {
    const rows = variable('rows', 'index', { min: 0 });
    const kernel = product({ rows, columns: 128, depth: 64, panel: 32 });
    const result = shared(kernel);
    assert(
      marks(result).some((name) => name.includes('_')),
      marks(result).join(),
    );
    for (const size of [0, 1, 7, 30]) assertSameMeaning(kernel, result, [size]);
  });

  it('go in blocks where they are joined and an iteration does little', () => {
    const batch = variable('batch', 'index', { min: 0 });
    const tensor = (name: string): Buffer => ({
      name,
      dtype: 'float32',
      shape: [batch, int(10_001)],
      memory: 'argument',
    });
    const [x, y] = [tensor('x'), tensor('y')];
    const [n, i] = [indexVar('n', batch), indexVar('i', 10_000)];
    const twice = store(y, [n, i], mul(load(x, [n, i]), float(2)));
    const kernel: Kernel = { name: 'twice', params: [x, y], dims: [batch], body: loops([n, i], twice) };
    const result = shared(kernel);
    assert.equal(marks(result).length, 1);
    assert.match(printKernel(result), /for parallel l0_l1\S* < batch \* \d\d?\n/);
    for (const size of [0, 1, 3]) assertSameMeaning(kernel, result, [size]);
  });

  it('are none where the work is small', () => {
    assert.deepEqual(marks(shared(scaled([4, 4, 16]))), []);
  });

  it('are none that carry a sum', () => {
    const kernel = mean(1, 200_000, 'last');
    const result = shared(kernel);
    assert.deepEqual(marks(result), []);
    assertSameMeaning(kernel, result);
  });
});
