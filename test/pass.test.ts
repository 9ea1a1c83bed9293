// Running passes.

import assert from 'node:assert/strict';
import { add, float, indexVar, int, load, variable } from '../ir/expr-make.ts';
import type { Buffer, Kernel } from '../ir/kernel.ts';
import { loop, store } from '../ir/kernel-walk.ts';
import { CompilerBug } from '../src/errors.ts';
import type { Lowered } from '../src/lower/lowered.ts';
import { runPasses } from '../src/pass.ts';
import { printLowered } from '../src/print-lowered.ts';
import { verifyLowered } from '../src/verify-lowered.ts';

const buffer = (name: string): Buffer => ({ name, dtype: 'float32', shape: [int(4)], memory: 'argument' });
const [x, y, z] = [buffer('x'), buffer('y'), buffer('z')];

function increment(from: Buffer, to: Buffer): Kernel {
  const i = indexVar('i', 4);
  return {
    name: 'increment',
    params: [from, to],
    dims: [],
    body: loop(i, store(to, [i], add(load(from, [i]), float(1)))),
  };
}

function lowered(...kernels: readonly Kernel[]): Lowered {
  const body = kernels.map((kernel) => ({ kind: 'call' as const, kernel, arguments: kernel.params, dims: [] }));
  const ports = { inputs: [{ name: 'x', buffer: x }], outputs: [{ name: 'z', buffer: z }] };
  return { name: 'net', ...ports, dims: [], computedDims: [], body, constants: new Map(), views: new Map() };
}

const run = (result: Lowered): Lowered =>
  runPasses(lowered(), [{ name: 'break-it', run: () => result }], { verify: verifyLowered, print: printLowered });

describe('the checker between passes', () => {
  it('lets a sound program through', () => {
    const sound = lowered(increment(x, y), increment(y, z));
    assert.equal(run(sound), sound);
  });

  it('names the pass that broke a rule, the problem, and the lines around it', () => {
    assert.throws(
      () => run(lowered(increment(y, z))),
      (error) => {
        assert.ok(error instanceof CompilerBug);
        assert.match(
          error.message,
          /^after pass "break-it":\n {2}increment: reads y, which nothing has written\nnear:\n/,
        );
        assert.match(error.message, /\n {2}\| {3}increment\(y, z\)\n/);
        return true;
      },
    );
  });

  it('looks into kernels', () => {
    const kernel = increment(x, z);
    const broken = { ...kernel, body: store(z, [variable('j')], float(1)) };
    assert.throws(() => run(lowered(broken)), /increment: the variable j is not bound, in: z\[j\] = 1/);
  });

  it('wants a value for every size of a kernel', () => {
    assert.throws(
      () => run(lowered({ ...increment(x, z), dims: [variable('n')] })),
      /increment: takes 2 buffers and 1 sizes, got 2 and 0/,
    );
  });
});
