// Random expressions of every type, compiled as C by every compiler at hand, against the evaluator: the same bits.

import { deepEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { targets } from '../../../codegen/index.ts';
import { isFloat } from '../../../ir/dtype.ts';
import { makeArray, type TypedArrayLike } from '../../../ir/eval-arrays.ts';
import type { Expr } from '../../../ir/expr.ts';
import { int, ramp } from '../../../ir/expr-make.ts';
import { contains, loadsOf } from '../../../ir/expr-walk.ts';
import type { Buffer, Kernel } from '../../../ir/kernel.ts';
import { evaluateKernel } from '../../../ir/kernel-eval.ts';
import { printExpr } from '../../../ir/kernel-print.ts';
import { store } from '../../../ir/kernel-walk.ts';
import { type Compiler, installedCompilers } from '../../../src/toolchain/compiler.ts';
import { contents, expression, sources, storedTypes } from '../../ir/random-kernels.ts';
import { type KernelCase, type RunSettings, runKernels, strictFlags } from './run-kernels.ts';

const randomSeed = Number(process.env.LAPIDARY_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** min and max may choose either zero, which a division or the bits of the result would show. */
function showsZeros(expr: Expr): boolean {
  const chooses = (node: Expr): boolean =>
    node.kind === 'binary' && (node.op === 'min' || node.op === 'max') && isFloat(node.dtype);
  const shows = (node: Expr): boolean =>
    (node.kind === 'binary' && node.op === 'div' && isFloat(node.dtype)) ||
    (node.kind === 'cast' && node.bits && isFloat(node.value.dtype));
  return contains(expr, chooses) && contains(expr, shows);
}

interface Sample extends KernelCase {
  readonly expr: Expr;
}

function sample(count: number, lanes: readonly number[], seed: number): readonly Sample[] {
  const arrays = fc.sample(contents, { numRuns: count, seed });
  const exprs = storedTypes.flatMap((dtype, which) =>
    lanes.flatMap((width) => {
      const found = fc.sample(expression(dtype, width, 4, { fails: false }), { numRuns: count, seed: seed + which });
      return found.filter((expr) => !showsZeros(expr));
    }),
  );
  return exprs.map((expr, index): Sample => {
    const out: Buffer = { name: 'out', dtype: expr.dtype, shape: [int(expr.lanes)], memory: 'argument' };
    const used = [...new Set(loadsOf(expr).map(({ buffer }) => buffer))];
    const place = expr.lanes > 1 ? ramp(int(0), 1, expr.lanes) : int(0);
    const kernel: Kernel = { name: 'expr', params: [...used, out], dims: [], body: store(out, [place], expr) };
    const given = arrays[index % count]!;
    const inputs = used.map((buffer) => given[storedTypes.findIndex((dtype) => sources.get(dtype) === buffer)]!);
    return { kernel, arrays: [...inputs, makeArray(expr.dtype, expr.lanes)], expr };
  });
}

/** Bits as text; all NaNs are equal, and so are the zeros. */
const comparable = (array: TypedArrayLike): readonly string[] =>
  [...array].map((value) => String(value === 0 ? 0 : value));

async function compare(samples: readonly Sample[], settings: RunSettings, seed: number): Promise<void> {
  const { status, arrays } = await runKernels(samples, settings);
  deepEqual(status, 0);
  for (const [index, { kernel, arrays: given, expr }] of samples.entries()) {
    const copies = given.map((array) => array.slice());
    evaluateKernel(kernel, copies);
    const got = comparable(arrays[index]!.at(-1)!);
    deepEqual(got, comparable(copies.at(-1)!), `seed ${seed}: ${printExpr(expr, new Map())}`);
  }
}

describe('expressions as C', function () {
  this.timeout(120_000);
  let compilers: readonly Compiler[] = [];
  before(async function () {
    compilers = await installedCompilers();
    if (compilers.length === 0) {
      console.warn('      SKIPPED: no C compiler (gcc, cc or clang) was found');
      this.skip();
    }
  });

  for (const family of ['gcc', 'clang'] as const) {
    const find = (context: Mocha.Context): Compiler =>
      compilers.find((compiler) => compiler.family === family) ?? context.skip();

    it(`gives the evaluator's bits as portable C99, without a warning (${family})`, async function () {
      const samples = sample(20, [1], randomSeed);
      const settings = { target: targets.c!, compiler: find(this), flags: [...strictFlags, '-O1'] };
      await compare(samples, settings, randomSeed);
    });

    it(`gives the evaluator's bits as vectors (${family})`, async function () {
      const samples = sample(6, [1, 4, 8], randomSeed);
      await compare(samples, { target: targets.host!, compiler: find(this), flags: ['-O2'] }, randomSeed);
    });

    it(`has no undefined behaviour that sanitizers find (${family})`, async function () {
      const samples = sample(5, [1, 8], randomSeed);
      const settings = { target: targets.host!, compiler: find(this), flags: ['-O1'], sanitize: true };
      await compare(samples, settings, randomSeed);
    });
  }
});
