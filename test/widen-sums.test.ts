// Long sums of float32 are formed in float64.

import assert from 'node:assert/strict';
import { targets } from '../codegen/index.ts';
import { indexVar, int, load, mul, reduce } from '../ir/expr-make.ts';
import type { Buffer } from '../ir/kernel.ts';
import { printKernel } from '../ir/kernel-print.ts';
import { store } from '../ir/kernel-walk.ts';
import type { Target } from '../ir/target.ts';
import { toProgram } from '../src/compile.ts';
import { runProgram } from '../src/evaluate.ts';
import { makeKernel } from '../src/lower/make-kernel.ts';
import { lowerNest } from '../src/lower/place-reductions.ts';
import { widenSums } from '../src/widen-sums.ts';
import { apply, g, input } from './ops/one-node.ts';

const buffer = (name: string, size: number): Buffer => ({
  name,
  dtype: 'float32',
  shape: [int(size)],
  memory: 'argument',
});
const [X, W, Y] = [buffer('X', 2000), buffer('W', 2000), buffer('Y', 1)];
const k = indexVar('k', int(2000));

const widened = (term: ReturnType<typeof load>, shortest: number): string => {
  const nest = lowerNest([], reduce('sum', [k], term), (value) => store(Y, [int(0)], value));
  return printKernel(widenSums(makeKernel('sum', nest), { shortest, open: false }));
};

describe('long sums', () => {
  it('are formed in float64 and rounded once', () => {
    assert.equal(
      widened(load(X, [k]), 2000),
      [
        'kernel sum(X: float32[2000], Y: float32[1])',
        '  register acc: float64[]',
        '  acc[] = 0.0f64',
        '  for k < 2000',
        '    acc[] = acc[] + float64(X[k])',
        '  Y[0] = float32(acc[])',
      ].join('\n'),
    );
  });
  it('stay as they are where they are short', () => assert.doesNotMatch(widened(load(X, [k]), 2001), /float64/));
  it('stay as they are where they are products of two tensors', () =>
    assert.doesNotMatch(widened(mul(load(X, [k]), load(W, [k])) as never, 2000), /float64/));

  it('keep their digits in strict arithmetic, with the same bits on all targets', () => {
    const count = 98_304;
    const given = Float32Array.from({ length: count }, (_, i) => 0.1 + (i % 7) * 0.01);
    const exact = given.reduce((sum, value) => sum + value, 0) / count;
    const image = input('X', [1, count]);
    const mean = apply('ReduceMean', [image, g.ints([1])], { keepdims: 0 });
    const graph = { name: 'test', inputs: [image], outputs: [mean], outputNames: ['y'], captures: [], dims: [] };
    const run = (target: Target): number => {
      const tensor = { dtype: 'float32', dims: [1, count], bytes: new Uint8Array(given.buffer) } as const;
      const [result] = runProgram(toProgram(graph, target, { math: 'strict' }), [tensor]);
      return new Float32Array(result!.bytes.slice().buffer)[0]!;
    };
    const means = ['c', 'host', 'wasm'].map((name) => run(targets[name]!));
    assert.ok(Math.abs(means[0]! - exact) < 1e-8, `${means[0]} for ${exact}`);
    assert.deepEqual(means, [means[0], means[0], means[0]]);
  });
});
