import assert from 'node:assert/strict';
import type { Var } from '../../ir/expr.ts';
import { add, div, float, indexVar, int, max, mul, ramp, splat, sub, variable } from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, loop, store } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { isInjective } from '../../src/schedule/affine.ts';
import { areIndependent } from '../../src/schedule/independent.ts';

const atLeastZero = (name: string) => variable(name, 'index', { min: 0 });

/** What two vectors of each strip of every row write. */
const strips = (row: number, width: number, at: readonly number[]): readonly [Var, Stmt] => {
  const [strip, m] = [indexVar('strip', 8), indexVar('m', 5)];
  const Y: Buffer = { name: 'Y', dtype: 'float32', shape: [int(5 * row)], memory: 'argument' };
  const stores = at.map((offset) => {
    const base = add(add(mul(m, int(row)), mul(strip, int(width))), int(offset));
    return store(Y, [ramp(base, 1, 4)], splat(float(0), 4));
  });
  return [strip, loop(m, block(stores))];
};

describe('iterations', () => {
  it('are independent where each has a strip of its own in every row', () => {
    const [strip, body] = strips(64, 8, [0, 4]);
    assert.equal(areIndependent([strip], body), true);
  });

  it('are not where strips meet, or run into the next row', () => {
    for (const [row, width, second] of [
      [64, 8, 5],
      [60, 8, 4],
      [64, 4, 4],
    ] as const) {
      const [strip, body] = strips(row, width, [0, second]);
      assert.equal(areIndependent([strip], body), false);
    }
  });
});

describe('addresses of loops', () => {
  it('differ where each step covers the span of the smaller ones, whatever the sizes are', () => {
    const [batch, samples] = [atLeastZero('batch'), atLeastZero('samples')];
    const frames = simplify(max(div(sub(samples, int(352)), int(160)), int(0)));
    const [n, row, column] = [indexVar('n', batch), indexVar('row', frames), indexVar('column', int(257))];
    const address = add(add(mul(mul(frames, n), int(257)), mul(row, int(257))), column);
    assert.equal(isInjective(address, [n, row, column]), true);
    assert.equal(isInjective(sub(address, column), [n, row, column]), false);
  });

  it('differ in whole tiles, and in what is left of them', () => {
    const size = atLeastZero('size');
    const border = mul(div(size, int(4)), int(4));
    const [n, whole, rest] = [indexVar('n', int(3)), indexVar('i', border), indexVar('i', simplify(sub(size, border)))];
    const address = (index: typeof whole, start: typeof border) => simplify(add(mul(n, size), add(start, index)));
    assert.equal(isInjective(address(whole, int(0)), [n, whole]), true);
    assert.equal(isInjective(address(rest, border), [n, rest]), true);
    assert.equal(isInjective(simplify(add(n, whole)), [n, whole]), false);
  });

  it('differ where whole tiles are written of rows whose length is rounded itself', () => {
    const [y, width] = [indexVar('y', atLeastZero('height')), atLeastZero('width')];
    const half = div(add(width, int(1)), int(2));
    const columns = [mul(div(half, int(4)), int(4)), sub(half, mul(div(half, int(4)), int(4))), half];
    for (const extent of columns.map(simplify)) {
      const x = indexVar('x', extent);
      assert.equal(isInjective(simplify(add(mul(y, half), x)), [y, x]), true);
      assert.equal(isInjective(simplify(add(mul(y, div(width, int(8))), x)), [y, x]), false);
    }
  });

  it('differ although a factor of a step may be 0, since no loop runs then', () => {
    const tiles = div(atLeastZero('width'), int(16));
    const [y, x, c] = [indexVar('y', atLeastZero('height')), indexVar('x', mul(tiles, int(4))), indexVar('c', int(24))];
    const address = add(add(mul(y, mul(tiles, int(96))), mul(x, int(24))), c);
    assert.equal(isInjective(address, [y, x, c]), true);
    assert.equal(isInjective(address, [y, x, indexVar('c', int(25))]), false);
  });
});
