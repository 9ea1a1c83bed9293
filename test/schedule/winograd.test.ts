import assert from 'node:assert/strict';
import fc from 'fast-check';
import { constantOf, int, product as productOf } from '../../ir/expr-make.ts';
import type { Buffer, Kernel } from '../../ir/kernel.ts';
import { compileKernel } from '../../ir/kernel-eval.ts';
import { replaceBuffers } from '../../ir/kernel-walk.ts';
import { winograd } from '../../src/schedule/winograd.ts';
import { transform2, transform4 } from '../../src/schedule/winograd-transforms.ts';
import { convolution, product } from './lowered.ts';
import { simd128, wide } from './targets.ts';

const sizeOf = (buffer: Buffer): number => constantOf(productOf(buffer.shape))!;
const isWeight = (buffer: Buffer): boolean => buffer.name === 'W';

function filled(kernel: Kernel): Float32Array[] {
  return kernel.params.map((param, position) =>
    Float32Array.from({ length: sizeOf(param) }, (_, i) => (((i * 7919 + position * 104729) % 2003) - 1001) / 1001),
  );
}

describe('winograd', () => {
  it('computes what the convolution does, nearly as exactly', () => {
    const sizes = fc.tuple(
      fc.integer({ min: 6, max: 15 }),
      fc.integer({ min: 6, max: 15 }),
      fc.constantFrom(12, 16, 20),
    );
    const choices = fc.tuple(
      fc.constantFrom(wide, simd128),
      fc.constantFrom(transform2, transform4),
      fc.constantFrom(16, 32, 48),
    );
    let found = 0;
    fc.assert(
      fc.property(sizes, choices, ([height, width, channels], [target, transform, outputs]) => {
        const kernel = convolution({ height, width, channels, outputs, kernel: 3, panel: 16, batch: 2 });
        const fast = winograd(kernel, isWeight, target, transform);
        if (!fast) return;
        found++;
        const buffers = filled(kernel);
        const direct = buffers.map((buffer) => buffer.slice());
        assert.equal(compileKernel(kernel)(direct), 0);
        const weights = buffers[kernel.params.indexOf(fast.weights)]!;
        const transformed = new Float32Array(sizeOf(fast.transformed));
        assert.equal(compileKernel(fast.transform, { checked: true })([weights, transformed]), 0);
        const given = kernel.params.map((param, i) => (param === fast.weights ? transformed : buffers[i]!));
        assert.equal(compileKernel(fast.kernel, { checked: true })(given), 0);
        const greatest = direct.at(-1)!.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        direct.at(-1)!.forEach((value, i) => {
          const error = Math.abs(value - given.at(-1)![i]!);
          assert.ok(error <= 2e-5 * greatest, `element ${i} differs by ${error} of ${greatest}`);
        });
      }),
      { numRuns: 12 },
    );
    assert.ok(found > 0);
  });

  it('leaves alone what stores its results channels first', () => {
    const kernel = convolution({ height: 56, width: 56, channels: 64, outputs: 64, kernel: 3, panel: 32 });
    assert.ok(winograd(kernel, isWeight, wide));
    const y = kernel.params.at(-1)!;
    const channelsFirst: Buffer = { ...y, strides: [64 * 56 * 56, 56, 1, 56 * 56].map(int) };
    const body = replaceBuffers(kernel.body, new Map([[y, channelsFirst]]));
    const turned = { ...kernel, params: [...kernel.params.slice(0, -1), channelsFirst], body };
    assert.equal(winograd(turned, isWeight, wide), undefined);
  });

  it('leaves alone what is no 3×3 convolution of stride 1', () => {
    const shape = { height: 12, width: 12, channels: 16, outputs: 32, panel: 16 };
    assert.equal(winograd(convolution({ ...shape, kernel: 3, stride: 2 }), isWeight, wide), undefined);
    assert.equal(winograd(convolution({ ...shape, kernel: 5 }), isWeight, wide), undefined);
    assert.equal(winograd(product({ rows: 64, columns: 32, depth: 16, panel: 16 }), isWeight, wide), undefined);
  });
  it('leaves alone what would not be faster', () => {
    const few = convolution({ height: 2, width: 2, channels: 16, outputs: 32, kernel: 3, panel: 16 });
    assert.equal(winograd(few, isWeight, wide), undefined);
  });
});
