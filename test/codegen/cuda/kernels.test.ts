// Kernels as CUDA, in the emulation: grids, shared memory, barriers, errors, random expressions; against the evaluator.

import { deepEqual, equal, match } from 'node:assert/strict';
import fc from 'fast-check';
import { helpers } from '../../../codegen/clike/helpers.ts';
import { noAliasing } from '../../../codegen/clike/parameters.ts';
import { deviceDialect } from '../../../codegen/cuda/dialects.ts';
import { printKernel } from '../../../codegen/cuda/print-kernel.ts';
import { makeArray, type TypedArrayLike } from '../../../ir/eval-arrays.ts';
import type { Expr, Var } from '../../../ir/expr.ts';
import {
  add,
  and,
  cast,
  constantOf,
  failure,
  indexVar,
  int,
  le,
  load,
  lt,
  mul,
  select,
  sub,
  variable,
} from '../../../ir/expr-make.ts';
import { loadsOf, substitute } from '../../../ir/expr-walk.ts';
import type { Buffer, Kernel, Stmt } from '../../../ir/kernel.ts';
import { compileKernel } from '../../../ir/kernel-eval.ts';
import { allocate, block, check, ifThen, loop, store } from '../../../ir/kernel-walk.ts';
import { scheduleGrid } from '../../../src/schedule/grid.ts';
import { findCudaCompiler } from '../../../src/toolchain/cuda-compiler.ts';
import { contents, expression, sources, storedTypes } from '../../ir/random-kernels.ts';
import type { KernelCase } from '../c/run-kernels.ts';
import { runKernels } from './run-kernels.ts';

const argument = (name: string, shape: readonly Expr[], dtype: Buffer['dtype'] = 'float32'): Buffer => ({
  name,
  dtype,
  shape,
  memory: 'argument',
});
const kernelOf = (params: readonly Buffer[], body: Stmt, dims: readonly Var[] = []): Kernel => ({
  name: 'kernel',
  params,
  dims,
  body,
});
const printed = (kernel: Kernel): string =>
  printKernel(kernel, {
    name: 'k',
    dialect: deviceDialect,
    helpers: helpers(),
    aliasing: noAliasing(kernel),
    threads: false,
  }).text;

function filled(buffer: Buffer, sizes: ReadonlyMap<Var, Expr>): TypedArrayLike {
  const count = buffer.shape.reduce((product, extent) => product * constantOf(substitute(extent, sizes))!, 1);
  const array = makeArray(buffer.dtype, count);
  for (let i = 0; i < array.length; i++) {
    const value = ((i * 37) % 23) - 7;
    array[i] = array instanceof BigInt64Array ? BigInt(value) : value;
  }
  return array;
}

const caseOf = (kernel: Kernel, dims: readonly number[] = []): KernelCase => {
  const sizes = new Map<Var, Expr>(kernel.dims.map((dim, at) => [dim, int(dims[at]!)]));
  return { kernel, dims, arrays: kernel.params.map((param) => filled(param, sizes)) };
};

/** What the evaluator gives, for each case: its error code and its buffers. */
function evaluated(cases: readonly KernelCase[]) {
  return cases.map(({ kernel, arrays, dims = [] }) => {
    const own = arrays.map((array) => array.slice());
    return { status: compileKernel(kernel)(own, dims), arrays: own };
  });
}

async function expectSame(cases: readonly KernelCase[]): Promise<void> {
  const expected = evaluated(cases);
  const { status, arrays } = await runKernels(cases);
  equal(status, expected.find((one) => one.status !== 0)?.status ?? 0);
  deepEqual(
    arrays,
    expected.map((one) => one.arrays),
  );
}

describe('kernels as CUDA', function () {
  this.timeout(120_000);
  before(async function () {
    const cuda = await findCudaCompiler().catch(() => undefined);
    if (!cuda) {
      console.warn('      SKIPPED: no C++ compiler (g++, c++ or clang++) was found');
      this.skip();
    }
  });

  it('spreads outer loops over a grid, each outermost statement in a launch of its own', async () => {
    const rows = variable('rows', 'index', { min: 1, max: 1000 });
    const [x, sums, scaled] = [
      argument('x', [rows, int(5)]),
      argument('sums', [rows]),
      argument('scaled', [rows, int(5)]),
    ];
    const [i, j, k, l] = [indexVar('i', rows), indexVar('j', int(5)), indexVar('k', rows), indexVar('l', int(5))];
    const total: Buffer = { name: 'total', dtype: 'float32', shape: [], memory: 'register' };
    const reduce = allocate(
      total,
      block([
        store(total, [], load(x, [i, int(0)])),
        loop(j, store(total, [], add(load(total, []), load(x, [i, j])))),
        store(sums, [i], load(total, [])),
      ]),
    );
    const scale = loop(k, loop(l, store(scaled, [k, l], mul(load(x, [k, l]), load(sums, [k])))));
    const kernel = scheduleGrid(kernelOf([x, sums, scaled], block([loop(i, reduce), scale]), [rows]));
    equal([...printed(kernel).matchAll(/LAP_LAUNCH\(/g)].length, 2);
    await expectSame([caseOf(kernel, [1]), caseOf(kernel, [51]), caseOf(kernel, [700])]);
  });

  /** y = x with each part of 64 elements reversed, by way of shared memory. */
  function reversal(groups: number, name: string): Kernel {
    const [x, y] = [argument(`${name}x`, [int(groups * 64)]), argument(`${name}y`, [int(groups * 64)])];
    const part: Buffer = { name: 'part', dtype: 'float32', shape: [int(64)], memory: 'shared' };
    const group = indexVar('group', int(groups));
    const [a, b] = [indexVar('a', int(64)), indexVar('b', int(64))];
    const start = mul(group, int(64));
    const phases = block([
      loop(a, store(part, [a], load(x, [add(start, a)])), 'thread'),
      { kind: 'barrier' },
      loop(b, store(y, [add(start, b)], load(part, [sub(int(63), b)])), 'thread'),
      { kind: 'barrier' },
    ]);
    return kernelOf([x, y], loop(group, allocate(part, phases), 'block'));
  }

  it('stages in shared memory', async () => {
    const kernel = reversal(3, '');
    equal(
      printed(kernel),
      `static __global__ void k_kernel(const float *__restrict__ x, float *__restrict__ y) {
  for (ptrdiff_t group = blockIdx.x; group < 3; group += gridDim.x) {
    __shared__ float part[64];
    for (ptrdiff_t a = threadIdx.x; a < 64; a += blockDim.x) {
      part[a] = x[group * 64 + a];
    }
    __syncthreads();
    for (ptrdiff_t b = threadIdx.x; b < 64; b += blockDim.x) {
      y[group * 64 + b] = part[63 - b];
    }
    __syncthreads();
  }
}

static void k(const float *__restrict__ x, float *__restrict__ y, cudaStream_t stream) {
  LAP_LAUNCH(k_kernel, 3, 64, 0, stream, x, y);
}
`,
    );
    await expectSame([caseOf(kernel), caseOf(reversal(1, 'one'))]);
  });

  it('runs on one thread what is no grid', async () => {
    const [x, y] = [argument('x', [int(40)]), argument('y', [int(40)])];
    const [i, j] = [indexVar('i', int(40)), indexVar('j', int(39))];
    // Each element needs the one before it.
    const prefix = loop(j, store(y, [add(j, int(1))], add(load(y, [j]), load(y, [add(j, int(1))]))));
    const kernel = scheduleGrid(kernelOf([x, y], block([loop(i, store(y, [i], load(x, [i]))), prefix])));
    match(printed(kernel), /LAP_LAUNCH\(k_kernel2, 1, 1, 0, stream, y\);/);
    await expectSame([caseOf(kernel)]);
  });

  it('reports the first error, from wherever it comes', async () => {
    const [x, at, y] = [argument('x', [int(8)]), argument('at', [int(300)], 'int32'), argument('y', [int(300)])];
    const i = indexVar('i', int(300));
    const wanted = cast(load(at, [i]), 'index');
    const inside = and(le(int(0), wanted), lt(wanted, int(8)));
    const gather = loop(i, store(y, [i], select(inside, load(x, [wanted]), failure('index', 'float32'))));
    const gathering = scheduleGrid(kernelOf([x, at, y], gather));
    match(printed(gathering), /int \*errors, cudaStream_t stream/);
    await expectSame([caseOf(gathering)]);
    const j = indexVar('j', int(300));
    const checked = loop(
      j,
      block([check(le(int(0), cast(load(at, [j]), 'index')), 'shape'), store(y, [j], load(x, [int(0)]))]),
    );
    equal((await runKernels([caseOf(scheduleGrid(kernelOf([x, at, y], checked)))], true)).status, 3);
    const never = loop(j, ifThen(lt(int(1000), cast(load(at, [j]), 'index')), check(lt(j, int(0)), 'shape')));
    equal((await runKernels([caseOf(scheduleGrid(kernelOf([at], never)))])).status, 0);
  });

  it('computes random expressions of every type', async () => {
    const seed = Number(process.env.LAPIDARY_SEED ?? Math.floor(Math.random() * 2 ** 31));
    const given = fc.sample(contents, { numRuns: 1, seed })[0]!;
    const cases = storedTypes.flatMap((dtype, which) =>
      fc
        .sample(expression(dtype, 1, 4, { fails: false }), { numRuns: 8, seed: seed + which })
        .map((expr): KernelCase => {
          const out = argument('out', [int(1)], expr.dtype);
          const used = [...new Set(loadsOf(expr).map(({ buffer }) => buffer))];
          const inputs = used.map((buffer) => given[storedTypes.findIndex((type) => sources.get(type) === buffer)]!);
          const kernel = kernelOf([...used, out], store(out, [int(0)], expr));
          return { kernel, arrays: [...inputs, makeArray(expr.dtype, 1)] };
        }),
    );
    const { status, arrays } = await runKernels(cases);
    equal(status, 0);
    // min and max may choose either zero.
    const text = (values: TypedArrayLike): string => String([...values].map((value) => (value === 0 ? 0 : value)));
    const zeros = (value: unknown): boolean => value === 'Infinity' || value === '-Infinity';
    for (const [index, { arrays: expected }] of evaluated(cases).entries()) {
      const [want, have] = [text(expected.at(-1)!), text(arrays[index]!.at(-1)!)];
      if (!(zeros(want) && zeros(have))) equal(have, want, `seed ${seed}, case ${index}`);
    }
  });
});
