import assert from 'node:assert/strict';
import fc from 'fast-check';
import { div, int, mul, variable } from '../../ir/expr-make.ts';
import type { Kernel } from '../../ir/kernel.ts';
import { printKernel } from '../../ir/kernel-print.ts';
import { visitStmtExprs } from '../../ir/kernel-walk.ts';
import type { Target } from '../../ir/target.ts';
import { scheduleKernel } from '../../src/schedule/index.ts';
import { panelWidth } from '../../src/schedule/panel.ts';
import {
  added,
  bordered,
  constantSum,
  convolution,
  joined,
  mean,
  product,
  scaled,
  softmax,
  transposed,
  window,
} from './lowered.ts';
import { assertSameMeaning } from './same-meaning.ts';
import { scalar, simd128, threads, wide } from './targets.ts';

const small = fc.integer({ min: 1, max: 20 });
const few = fc.integer({ min: 1, max: 5 });
const anyTarget = fc.constantFrom(wide, scalar, simd128, threads);
const anyMath = fc.constantFrom('fast' as const, 'strict' as const);

/** Schedules random kernels of a kind for random targets and compares. */
const check = <T>(sizes: fc.Arbitrary<T>, make: (sizes: T, target: Target) => Kernel, tolerance = 0, runs = 60): void =>
  fc.assert(
    fc.property(sizes, anyTarget, anyMath, (chosen, target, math) => {
      const kernel = make(chosen, target);
      const scheduled = scheduleKernel(kernel, target, { math });
      assertSameMeaning(kernel, scheduled, [], tolerance);
      assertFits(scheduled, target);
    }),
    { numRuns: runs },
  );

/** No vector is wider than the target has. */
function assertFits(kernel: Kernel, target: Target): void {
  visitStmtExprs(kernel.body, ({ dtype, lanes }) => {
    const fits = lanes === 1 || dtype === 'index' || dtype === 'bool' || lanes <= (target.lanes[dtype] ?? 1);
    if (!fits) assert.fail(`${target.name} has no vector of ${lanes} ${dtype}\n${printKernel(kernel)}`);
    return true;
  });
}

describe('schedule recipes keep the meaning of', () => {
  it('matrix products with packed panels', () => {
    check(fc.tuple(small, fc.integer({ min: 1, max: 70 }), small), ([rows, columns, depth], target) =>
      product({ rows, columns, depth, panel: panelWidth(target, { rows, columns, depth, math: 'fast' }) }),
    );
  });
  it('matrix products with one column more than whole panels', () => {
    const kernel = product({ rows: 5, columns: 33, depth: 4, panel: 16 });
    const scheduled = scheduleKernel(kernel, wide, { math: 'strict' });
    assertSameMeaning(kernel, scheduled);
    assert.match(printKernel(scheduled), /register acc: float32x16\[5, 2\]/);
  });
  it('matrix products with a plain operand', () => {
    check(fc.tuple(small, fc.integer({ min: 1, max: 70 }), small), ([rows, columns, depth]) =>
      product({ rows, columns, depth }),
    );
  });
  it('products of bytes into int32', () => {
    check(fc.tuple(small, small, small), ([rows, columns, depth]) => product({ rows, columns, depth, dtype: 'int32' }));
  });
  it('convolutions', () => {
    const sizes = fc.tuple(
      few,
      small,
      few,
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(1, 2, 3),
      fc.constantFrom(1, 2),
    );
    check(
      sizes,
      ([height, width, channels, outputs, kernel, stride], target) => {
        const panel = panelWidth(target, { rows: height * width, columns: outputs, depth: kernel * kernel * channels });
        return convolution({ height, width, channels, outputs, kernel, stride, panel });
      },
      0,
      40,
    );
  });
  it('depthwise convolutions and pooling', () => {
    const op = fc.constantFrom('depthwise' as const, 'max' as const);
    check(
      fc.tuple(few, small, fc.integer({ min: 1, max: 40 }), few, fc.constantFrom(1, 2), op),
      ([height, width, channels, kernel, stride, which]) =>
        window({ height, width, channels, kernel, stride, op: which }),
      0,
      40,
    );
  });
  it('softmax', () => {
    check(fc.tuple(few, fc.integer({ min: 1, max: 70 })), ([rows, columns]) => softmax(rows, columns), 1e-6);
  });
  it('means over rows and columns', () => {
    const sizes = fc.tuple(few, fc.integer({ min: 1, max: 200 }), fc.constantFrom('last' as const, 'first' as const));
    check(sizes, ([rows, columns, over]) => mean(rows, columns, over));
  });
  it('sums of what does not vary', () => {
    check(fc.tuple(few, fc.integer({ min: 1, max: 200 })), ([rows, count]) => constantSum(rows, count));
  });
  it('element-wise kernels and transposes', () => {
    const sizes = fc.tuple(few, small, fc.integer({ min: 1, max: 40 }), fc.constantFrom(scaled, added));
    check(sizes, ([a, b, c, make]) => make([a, b, c]));
    check(fc.tuple(small, small, small), ([a, b, c]) => transposed(a, b, c));
  });
  it('joined and bordered arrays', () => {
    check(fc.tuple(few, small, small), ([rows, first, second]) => joined(rows, first, second));
    check(fc.tuple(few, few, small, few), ([height, width, channels, border]) =>
      bordered(height, width, channels, border),
    );
  });
  it('kernels of symbolic sizes', () => {
    const [rows, columns] = [variable('rows', 'index', { min: 1 }), variable('columns', 'index', { min: 1 })];
    const tiled = product({ rows: mul(div(rows, int(4)), int(4)), columns: 20, depth: 4, panel: 8 });
    const kernels = [
      product({ rows, columns: 20, depth: 4, panel: 8 }),
      product({ rows, columns: 20, depth: columns }),
      softmax(rows, columns),
      mean(rows, columns, 'last'),
      mean(rows, columns, 'first'),
      added([rows, columns]),
      scaled([rows, columns]),
      transposed(rows, columns, 20),
      joined(rows, 5, 17),
      bordered(rows, columns, 8, 2),
      tiled,
    ];
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(fc.constantFrom(...kernels), size, size, anyTarget, anyMath, (kernel, r, c, target, math) => {
        const values = kernel.dims.map((dim) => (dim === rows ? r : c));
        assertSameMeaning(kernel, scheduleKernel(kernel, target, { math }), values, 1e-6);
      }),
    );
  });
  it('products of whole tiles of an unknown number of rows, without code for single rows', () => {
    const rows = variable('rows', 'index', { min: 0 });
    const whole = product({ rows: mul(div(rows, int(4)), int(4)), columns: 16, depth: 4, panel: 16 });
    const scheduled = printKernel(scheduleKernel(whole, wide, { math: 'fast' }));
    assert.match(scheduled, /register acc: float32x\d+\[4\]/);
    assert.doesNotMatch(scheduled, /register acc: float32x\d+$/m);
  });
});

describe('schedule recipes', () => {
  it('keep the accumulators of a product in registers', () => {
    const kernel = scheduleKernel(product({ rows: 24, columns: 64, depth: 9, panel: 32 }), wide, { math: 'strict' });
    assert.match(printKernel(kernel), /register acc: float32x16\[12, 2\]/);
  });
  it('run dense element-wise loops as one', () => {
    const kernel = scheduleKernel(added([30, 4, 8]), wide, { math: 'strict' });
    assert.equal(printKernel(kernel).match(/for /g)?.length, 1);
  });
  it('cut loops where a condition turns', () => {
    const text = printKernel(scheduleKernel(joined(4, 32, 16), wide, { math: 'fast' }));
    assert.doesNotMatch(text, /\?/);
    assert.match(text, /ramp16/);
  });
  it('take narrower vectors along a sum where wide ones leave more single elements over', () => {
    const text = (count: number): string => printKernel(scheduleKernel(mean(5, count, 'last'), wide, { math: 'fast' }));
    assert.match(text(40), /ramp8\(/);
    assert.doesNotMatch(text(40), /ramp16\(|\.r </);
    assert.match(text(100), /ramp16\(/);
  });
  it('bind all outer loops to a grid of 256 threads', () => {
    const kernel = scheduleKernel(added([32, 16]), threads, { math: 'fast' });
    assert.match(printKernel(kernel), /for block block < 2\n {4}for thread thread < 256\n/);
  });
});
