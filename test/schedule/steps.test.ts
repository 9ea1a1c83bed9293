import assert from 'node:assert/strict';
import fc from 'fast-check';
import { add, call, float, indexVar, int, load, lt, mul, select, sub, variable } from '../../ir/expr-make.ts';
import type { Kernel } from '../../ir/kernel.ts';
import { printKernel } from '../../ir/kernel-print.ts';
import { loops, store } from '../../ir/kernel-walk.ts';
import { simplifyKernel } from '../../ir/simplify.ts';
import { accumulateOverLanes } from '../../src/schedule/accumulate-over-lanes.ts';
import { accumulateOverTile } from '../../src/schedule/accumulate-over-tile.ts';
import { bind } from '../../src/schedule/bind.ts';
import { flatten } from '../../src/schedule/flatten.ts';
import { merge } from '../../src/schedule/merge.ts';
import { pad } from '../../src/schedule/pad.ts';
import { parallelize } from '../../src/schedule/parallelize.ts';
import { reorder } from '../../src/schedule/reorder.ts';
import { spill } from '../../src/schedule/spill.ts';
import { split } from '../../src/schedule/split.ts';
import { applySteps, ScheduleError } from '../../src/schedule/step.ts';
import { unroll, unrollShortLoops } from '../../src/schedule/unroll.ts';
import { vectorize } from '../../src/schedule/vectorize.ts';
import { added, argument, convolution, mean, product, scaled, softmax, transposed, window } from './lowered.ts';
import { assertSameMeaning } from './same-meaning.ts';

const small = fc.integer({ min: 1, max: 9 });
const factor = fc.integer({ min: 1, max: 6 });
const lines = (kernel: Kernel): readonly string[] => printKernel(kernel).trim().split('\n').slice(1);

describe('schedule steps', () => {
  describe('split', () => {
    it('keeps the meaning and is exact', () => {
      fc.assert(
        fc.property(small, small, small, factor, factor, (rows, columns, depth, f, g) => {
          const kernel = product({ rows, columns, depth });
          assertSameMeaning(kernel, applySteps(kernel, [split('m', [f, g]), split('k', f), split('n', g)]));
        }),
      );
    });
    it('keeps the meaning where the extent is symbolic', () => {
      const rows = variable('rows', 'index', { min: 1 });
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 30 }), factor, factor, (size, f, g) => {
          const kernel = product({ rows, columns: 3, depth: 2 });
          assertSameMeaning(kernel, simplifyKernel(split('m', [f, g])(kernel)), [size]);
        }),
      );
    });
    it('leaves no remainder where the factor divides the extent', () => {
      const kernel = simplifyKernel(split('i0', 4)(added([8])));
      assert.deepEqual(
        lines(kernel),
        [
          '  for i0.o < 2',
          '    for i0.i < 4',
          '      Y[i0.i + i0.o * 4] = X[i0.i + i0.o * 4] + Z[i0.i + i0.o * 4]',
        ].map((line) => line.replaceAll('i0.i + i0.o * 4', indexText(kernel))),
      );
    });
    it('takes as many tiles of a piece as its count says', () => {
      const kernel = split('i0', [{ factor: 4, count: 1 }, { factor: 3 }])(added([10]));
      const extents = lines(kernel).filter((line) => line.includes('for'));
      assert.deepEqual(
        extents.map((line) => line.trim()),
        ['for i0.o < 1', 'for i0.i < 4', 'for i0.o < 2', 'for i0.i < 3'],
      );
    });
  });

  describe('reorder', () => {
    it('keeps the meaning', () => {
      fc.assert(
        fc.property(
          small,
          small,
          small,
          fc.shuffledSubarray(['i0', 'i1', 'i2'], { minLength: 2 }),
          (a, b, c, names) => {
            const kernel = scaled([a, b, c]);
            assertSameMeaning(kernel, reorder(...names)(kernel));
          },
        ),
      );
    });
    it('refuses loops that carry a sum', () => {
      assert.throws(() => reorder('k', 'm')(product({ rows: 2, columns: 2, depth: 2 })), ScheduleError);
    });
    it('refuses iterations that write the same element', () => {
      const X = argument('X', [4, 5]);
      const Y = argument('Y', [8]);
      const [i, j] = [indexVar('i', 4), indexVar('j', 5)];
      const kernel: Kernel = {
        name: 'overlap',
        params: [X, Y],
        dims: [],
        body: loops([i, j], store(Y, [add(i, j)], load(X, [i, j]))),
      };
      assert.throws(() => reorder('j', 'i')(kernel), /not independent/);
    });
    it('refuses iterations that read what others write', () => {
      const Y = argument('Y', [4]);
      const i = indexVar('i', 4);
      const kernel: Kernel = {
        name: 'reverse',
        params: [Y],
        dims: [],
        body: loops([i], store(Y, [i], load(Y, [sub(int(3), i)]))),
      };
      assert.throws(() => parallelize('i')(kernel), /not independent/);
    });
  });

  describe('merge', () => {
    it('joins the loops of a dense kernel', () => {
      fc.assert(
        fc.property(small, small, small, (a, b, c) => {
          const kernel = flatten(added([a, b, c]));
          assertSameMeaning(kernel, applySteps(kernel, [merge('i1', 'i2', 'j'), merge('i0', 'j')]));
        }),
      );
    });
    it('joins symbolic extents', () => {
      const [a, b] = [variable('a', 'index', { min: 1 }), variable('b', 'index', { min: 1 })];
      const kernel = flatten(added([a, b]));
      assertSameMeaning(kernel, merge('i0', 'i1')(kernel), [3, 4]);
    });
    it('joins taps and channels of a convolution', () => {
      const kernel = flatten(convolution({ height: 3, width: 4, channels: 3, outputs: 4, kernel: 3, panel: 4 }));
      assertSameMeaning(kernel, merge('kx', 'c')(kernel));
    });
    it('refuses an operand that is broadcast along one loop', () => {
      assert.throws(() => merge('i0', 'i1')(flatten(scaled([3, 4]))), ScheduleError);
    });
  });

  describe('accumulateOverTile', () => {
    it('keeps the meaning of products', () => {
      fc.assert(
        fc.property(small, small, small, factor, factor, (rows, columns, depth, f, g) => {
          const kernel = product({ rows, columns, depth });
          const steps = [split('m', f), reorder('n', 'm.i'), split('n', g), reorder('m.i', 'n.i')];
          const tiled = applySteps(kernel, [...steps, accumulateOverTile('m.i', 'n.i')]);
          assertSameMeaning(kernel, tiled);
          assertSameMeaning(kernel, applySteps(tiled, [unroll('m.i'), unroll('n.i')]));
        }),
      );
    });
    it('keeps the meaning of several reductions under one loop', () => {
      const kernel = softmax(6, 5);
      assertSameMeaning(kernel, applySteps(kernel, [split('r', 4), accumulateOverTile('r.i')]));
    });
    it('refuses loops that are not one nest', () => {
      assert.throws(() => accumulateOverTile('m', 'k')(product({ rows: 2, columns: 2, depth: 2 })), ScheduleError);
    });
  });

  describe('vectorize', () => {
    it('keeps the meaning of element-wise kernels', () => {
      fc.assert(
        fc.property(small, fc.integer({ min: 1, max: 40 }), fc.constantFrom(2, 4, 8), (rows, columns, lanes) => {
          const kernel = scaled([rows, columns]);
          assertSameMeaning(kernel, applySteps(kernel, [split('i1', [lanes, 1]), simplifyKernel, vectorize('i1.i')]));
        }),
      );
    });
    it('makes vector registers of accumulators', () => {
      const kernel = flatten(product({ rows: 3, columns: 8, depth: 5 }));
      const tiled = applySteps(kernel, [
        split('n', 8),
        accumulateOverTile('n.i'),
        split('n.i', 4),
        unroll('n.i.o'),
        simplifyKernel,
        vectorize('n.i.i'),
      ]);
      assert.match(printKernel(tiled), /register acc: float32x4\[2\]/);
      assertSameMeaning(kernel, tiled);
    });
    it('takes a whole reduction into one lane each', () => {
      const kernel = mean(5, 8, 'first');
      assertSameMeaning(kernel, vectorize('c')(kernel));
    });
    it('refuses strided accesses', () => {
      assert.throws(() => vectorize('c')(transposed(2, 2, 4)), /not contiguous/);
    });
    it('refuses a vector condition that protects a load', () => {
      const [X, Y] = [argument('X', [6]), argument('Y', [8])];
      const i = indexVar('i', 8);
      const value = select(lt(load(Y, [i]), float(1)), load(X, [add(i, int(1))]), float(0));
      const kernel: Kernel = { name: 'guarded', params: [X, Y], dims: [], body: loops([i], store(Y, [i], value)) };
      assert.throws(() => vectorize('i')(kernel), /protects a load/);
    });
    it('keeps a vector condition between values that can always be read', () => {
      const [X, Y] = [argument('X', [8]), argument('Y', [8])];
      const i = indexVar('i', 8);
      const value = select(lt(load(X, [i]), float(1)), load(Y, [i]), mul(load(X, [i]), float(2)));
      const kernel: Kernel = { name: 'chosen', params: [X, Y], dims: [], body: loops([i], store(Y, [i], value)) };
      assertSameMeaning(kernel, vectorize('i')(kernel));
    });
  });

  describe('accumulateOverLanes', () => {
    it('keeps the meaning of sums over whole numbers', () => {
      fc.assert(
        fc.property(small, fc.integer({ min: 4, max: 50 }), fc.constantFrom(1, 2, 4), (rows, columns, chains) => {
          const kernel = mean(rows, columns, 'last');
          const options = { lanes: 4, chains, anyOrder: true };
          const steps = [accumulateOverLanes('c', 'c', options), simplifyKernel, unroll('c.c'), vectorize('c.v')];
          assertSameMeaning(kernel, applySteps(kernel, steps));
        }),
      );
    });
    it('refuses to reorder a sum that must keep its order', () => {
      const options = { lanes: 4, chains: 1, anyOrder: false };
      assert.throws(() => accumulateOverLanes('c', 'c', options)(mean(2, 8, 'last')), /keep its order/);
    });
    it('may reorder a maximum', () => {
      const kernel = window({ height: 2, width: 3, channels: 1, kernel: 4, op: 'max' });
      const options = { lanes: 4, chains: 1, anyOrder: false };
      assertSameMeaning(kernel, applySteps(kernel, [accumulateOverLanes('ky', 'kx', options), unroll('kx.c')]));
    });
  });

  it('pad and spill compute what is left of the columns with whole vectors', () => {
    fc.assert(
      fc.property(small, fc.integer({ min: 1, max: 20 }), small, (rows, columns, depth) => {
        const kernel = flatten(product({ rows, columns, depth, panel: 8 }));
        const tiled = applySteps(kernel, [
          split('n', 8),
          simplifyKernel,
          accumulateOverTile('n.i'),
          spill(new Map([['n.i', 'n.e']]), () => true),
          pad('n.i', 4),
          split('n.i', 4),
          unroll('n.i.o'),
          simplifyKernel,
          vectorize('n.i.i'),
        ]);
        assertSameMeaning(kernel, tiled);
      }),
    );
  });

  it('unrollShortLoops leaves loops that are long because of what they compute', () => {
    const turns = (kernel: Kernel): number => printKernel(unrollShortLoops(8)(kernel)).match(/for /g)?.length ?? 0;
    assert.equal(turns(added([8])), 0);
    const [X, Y, i] = [argument('X', [8]), argument('Y', [8]), indexVar('i', 8)];
    const value = call('sigmoid', load(X, [i]));
    assert.equal(turns({ name: 'sigmoid', params: [X, Y], dims: [], body: loops([i], store(Y, [i], value)) }), 1);
  });

  it('pad refuses a load that leaves its buffer', () => {
    const kernel = flatten(product({ rows: 1, columns: 5, depth: 3 }));
    const tiled = applySteps(kernel, [accumulateOverTile('n'), spill(new Map([['n', 'n.e']]), () => true)]);
    assert.throws(() => pad('n', 4)(tiled), /may leave it/);
  });

  it('bind covers every element once', () => {
    fc.assert(
      fc.property(small, small, small, (rows, columns, depth) => {
        const kernel = product({ rows, columns, depth });
        assertSameMeaning(kernel, simplifyKernel(bind(['m', 'n'], 8)(kernel)));
      }),
    );
  });
});

/** The order of terms depends on the age of variables, which is not what these tests are about. */
function indexText(kernel: Kernel): string {
  return /Y\[([^\]]*)\]/.exec(printKernel(kernel))?.[1] ?? '';
}
