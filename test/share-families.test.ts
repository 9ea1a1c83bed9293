// One kernel for kernels that differ in constants only.

import assert from 'node:assert/strict';
import type { Expr } from '../ir/expr.ts';
import { add, div, float, indexVar, int, load, mul } from '../ir/expr-make.ts';
import type { Buffer, Kernel } from '../ir/kernel.ts';
import { evaluateKernel } from '../ir/kernel-eval.ts';
import { printKernel } from '../ir/kernel-print.ts';
import { verifyKernel } from '../ir/kernel-verify.ts';
import { loop, store } from '../ir/kernel-walk.ts';
import type { Call } from '../ir/program.ts';
import type { Target } from '../ir/target.ts';
import type { Lowered } from '../src/lower/lowered.ts';
import { shareFamilies } from '../src/share-families.ts';
import { scalar } from './schedule/targets.ts';

const argument = (name: string, size: number): Buffer => ({
  name,
  dtype: 'float32',
  shape: [int(size)],
  memory: 'argument',
});

/** y[i] = x[address(i)] + 1 for `turns` turns. */
function gather(turns: number, address: (i: Expr) => Expr): Kernel {
  const x = argument('x', 1000 + turns);
  const y = argument('y', turns);
  const i = indexVar('i', turns);
  const value = add(load(x, [address(i)]), float(1));
  return { name: 'gather', params: [x, y], dims: [], body: loop(i, store(y, [i], value)) };
}

const call = (kernel: Kernel): Call => ({ kind: 'call', kernel, arguments: kernel.params, dims: [] });

const lowered = (...kernels: readonly Kernel[]): Lowered => ({
  name: 'test',
  inputs: [],
  outputs: [],
  dims: [],
  computedDims: [],
  body: kernels.map(call),
  constants: new Map(),
  views: new Map(),
});

const bearing = (sharedDistances: number): Target => ({ ...scalar, tiles: { ...scalar.tiles, sharedDistances } });

const shared = (target: Target, ...kernels: readonly Kernel[]): readonly Call[] =>
  shareFamilies(lowered(...kernels), target).body.map((step) => {
    assert.ok(step.kind === 'call');
    return step;
  });

const values = (step: Call): readonly unknown[] => step.dims.map((size) => size.kind === 'const' && size.value);

function run({ kernel, dims }: Pick<Call, 'kernel' | 'dims'>, turns: number): readonly number[] {
  const x = Float32Array.from({ length: 1000 }, (_, i) => i);
  const y = new Float32Array(turns);
  const sizes = dims.map((size) => (size.kind === 'const' ? Number(size.value) : 0));
  evaluateKernel(kernel, [x, y], sizes);
  return [...y];
}

describe('sharing of kernels that are equal up to constants', () => {
  it('passes extents and steps, and computes the same', () => {
    const [a, b] = [gather(20, (i) => mul(i, int(2))), gather(30, (i) => mul(i, int(5)))];
    const [first, second] = shared(bearing(0), a, b);
    assert.equal(first!.kernel, second!.kernel);
    assert.deepEqual(
      [values(first!), values(second!)],
      [
        [20, 2],
        [30, 5],
      ].map((list) => list),
    );
    assert.deepEqual(verifyKernel(first!.kernel), []);
    assert.deepEqual(run(first!, 20), run({ kernel: a, dims: [] }, 20));
    assert.deepEqual(run(second!, 30), run({ kernel: b, dims: [] }, 30));
    assert.match(printKernel(first!.kernel), /for i < p0\n {4}y\[i\] = x\[i \* p1\] \+ 1/);
  });

  it('declares a parameter as large as the largest that is passed', () => {
    const [first] = shared(
      bearing(0),
      gather(30, (i) => i),
      gather(20, (i) => i),
    );
    assert.deepEqual(
      first!.kernel.params.map(({ shape }) => shape[0]),
      [int(1030), int(30)],
    );
  });

  it('makes distances in an innermost loop parameters only where the target bears so many', () => {
    const kernels = [3, 4].map((distance) => gather(20, (i) => add(i, int(distance))));
    const kept = shared(bearing(0), ...kernels);
    assert.deepEqual(
      kept.map(({ kernel }) => kernel),
      kernels,
    );
    const [first, second] = shared(bearing(1), ...kernels);
    assert.equal(first!.kernel, second!.kernel);
    assert.deepEqual([values(first!), values(second!)], [[3], [4]]);
  });

  it('keeps divisors, and extents that compilers unroll', () => {
    const divided = [3, 4].map((divisor) => gather(20, (i) => div(i, int(divisor))));
    const short = [3, 4].map((turns) => gather(turns, (i) => i));
    for (const kernels of [divided, short]) {
      assert.deepEqual(
        shared(bearing(9), ...kernels).map(({ kernel }) => kernel),
        kernels,
      );
    }
  });

  it('keeps kernels apart where a target shares equal ones only', () => {
    const kernels = [20, 30].map((turns) => gather(turns, (i) => i));
    assert.deepEqual(
      shared(scalar, ...kernels).map(({ kernel }) => kernel),
      kernels,
    );
  });
});
