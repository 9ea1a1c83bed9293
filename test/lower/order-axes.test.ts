// Sums walk through their data in the order of memory.

import assert from 'node:assert/strict';
import type { Expr } from '../../ir/expr.ts';
import { add, indexVar, int, load, mul, reduce, variable } from '../../ir/expr-make.ts';
import type { Buffer } from '../../ir/kernel.ts';
import { orderAxes } from '../../src/lower/order-axes.ts';

/** sum over c, ky, kx of X[y + ky, x + kx, c] * W[c, ky, kx], X so wide. */
function orderFor(width: Expr): readonly string[] {
  const [y, x, c, ky, kx] = [
    indexVar('y', 8),
    indexVar('x', 8),
    indexVar('c', 16),
    indexVar('ky', 3),
    indexVar('kx', 3),
  ] as const;
  const buffer = (name: string, shape: readonly Expr[]): Buffer => ({
    name,
    dtype: 'float32',
    shape,
    memory: 'argument',
  });
  const X = buffer('X', [int(10), width, int(16)]);
  const W = buffer('W', [int(16), int(3), int(3)]);
  const product = mul(load(X, [add(y, ky), add(x, kx), c]), load(W, [c, ky, kx]));
  const ordered = orderAxes(reduce('sum', [c, ky, kx], product), (read) => read === W);
  return ordered.kind === 'reduce' ? ordered.axes.map(({ name }) => name) : [];
}

describe('orderAxes', () => {
  it('puts what the data walks in small steps innermost', () => {
    assert.deepEqual(orderFor(int(10)), ['ky', 'kx', 'c']);
  });

  it('does so where a row is of open size', () => {
    assert.deepEqual(orderFor(variable('width', 'index', { min: 3 })), ['ky', 'kx', 'c']);
  });
});
