// Statements, memory and overlapping arguments as C, against the evaluator.

import { deepEqual, equal, match, throws } from 'node:assert/strict';
import { gnuC } from '../../../codegen/c/dialect.ts';
import { printKernel } from '../../../codegen/c/print-kernel.ts';
import { printKernels } from '../../../codegen/clike/calls.ts';
import { helpers } from '../../../codegen/clike/helpers.ts';
import { encodeSmallFloat } from '../../../codegen/clike/literals.ts';
import { noAliasing } from '../../../codegen/clike/parameters.ts';
import { targets } from '../../../codegen/index.ts';
import { decodeFloat } from '../../../ir/bytes.ts';
import { makeArray, type TypedArrayLike } from '../../../ir/eval-arrays.ts';
import type { Expr } from '../../../ir/expr.ts';
import {
  add,
  and,
  bitcast,
  cast,
  constant,
  constantOf,
  failure,
  float,
  indexVar,
  int,
  le,
  load,
  lt,
  mul,
  ramp,
  select,
  splat,
  sub,
  unary,
  variable,
} from '../../../ir/expr-make.ts';
import type { Buffer, Kernel, Stmt } from '../../../ir/kernel.ts';
import { evaluateKernel } from '../../../ir/kernel-eval.ts';
import { allocate, block, check, ifThen, letIn, loop, store, whileLoop } from '../../../ir/kernel-walk.ts';
import { type Compiler, installedCompilers } from '../../../src/toolchain/compiler.ts';
import { type KernelCase, type RunSettings, runKernels, strictFlags } from './run-kernels.ts';

const argument = (name: string, dtype: Buffer['dtype'], shape: readonly number[]): Buffer => ({
  name,
  dtype,
  shape: shape.map(int),
  memory: 'argument',
});
const register = (name: string, shape: readonly number[], lanes = 1): Buffer => ({
  name,
  dtype: 'float32',
  shape: shape.map(int),
  memory: 'register',
  ...(lanes > 1 ? { lanes } : {}),
});
const kernelOf = (params: readonly Buffer[], body: Stmt): Kernel => ({ name: 'kernel', params, dims: [], body });

function filled(buffer: Buffer): TypedArrayLike {
  const array = makeArray(
    buffer.dtype,
    buffer.shape.reduce((count, extent) => count * (constantOf(extent) ?? 1), 1),
  );
  for (let i = 0; i < array.length; i++) {
    const value = ((i * 37) % 23) - 7;
    array[i] = array instanceof BigInt64Array ? BigInt(value) : value;
  }
  return array;
}

describe('statements as C', function () {
  this.timeout(120_000);
  let compilers: readonly Compiler[] = [];
  before(async function () {
    compilers = await installedCompilers();
    if (compilers.length === 0) {
      console.warn('      SKIPPED: no C compiler (gcc, cc or clang) was found');
      this.skip();
    }
  });

  /** Runs a kernel on every compiler, portable and with vectors, and expects what the evaluator gives. */
  async function expectSame(kernel: Kernel, portable = true, settings: Partial<RunSettings> = {}): Promise<void> {
    const arrays = kernel.params.map(filled);
    const expected = arrays.map((array) => array.slice());
    const status = evaluateKernel(kernel, expected);
    const cases: KernelCase[] = [{ kernel, arrays }];
    const runs = compilers.flatMap((compiler): readonly RunSettings[] => {
      const host = { target: targets.host!, compiler, flags: ['-O1', '-Wall', '-Wextra'], ...settings };
      const strict = { target: targets.c!, compiler, flags: [...strictFlags, '-O1'], ...settings };
      return portable ? [strict, host] : [host];
    });
    const outcomes = await Promise.all(runs.map((run) => runKernels(cases, run)));
    for (const outcome of outcomes) {
      equal(outcome.status, status);
      if (status === 0) deepEqual(outcome.arrays[0], expected);
    }
  }

  const x = argument('x', 'float32', [6, 4]);
  const y = argument('y', 'float32', [6, 4]);
  const i = indexVar('i', 6);
  const j = indexVar('j', 4);

  it('runs nested loops, lets, ifs and local memory', async () => {
    const row: Buffer = { ...argument('row', 'float32', [4]), memory: 'stack' };
    const sum = register('sum', []);
    const scaled = variable('scaled', 'float32');
    const k = indexVar('j', 4);
    await expectSame(
      kernelOf(
        [x, y],
        loop(
          i,
          allocate(
            row,
            allocate(
              sum,
              block([
                store(sum, [], float(0)),
                loop(j, block([store(row, [j], load(x, [i, j])), store(sum, [], add(load(sum, []), load(row, [j])))])),
                letIn(
                  scaled,
                  mul(load(sum, []), float(0.25)),
                  loop(
                    k,
                    ifThen(lt(load(row, [k]), scaled), store(y, [i, k], scaled), store(y, [i, k], load(row, [k]))),
                  ),
                ),
              ]),
            ),
          ),
        ),
      ),
    );
  });

  it('stops a while loop, and reads the condition before each turn', async () => {
    const count = argument('count', 'int64', []);
    const one = constant(1n, 'int64');
    const limit = mul(load(count, []), load(count, []));
    const body = block([
      store(count, [], one),
      whileLoop(lt(add(limit, limit), constant(100n, 'int64')), store(count, [], add(load(count, []), one))),
    ]);
    await expectSame(kernelOf([count], body));
  });

  it('leaves at a failed check, and records what fails', async () => {
    const out = argument('out', 'float32', [4]);
    const checked = block([store(out, [int(0)], float(1)), check(lt(load(out, [int(1)]), float(-100)), 'shape')]);
    await expectSame(kernelOf([out], checked));
    const at = argument('at', 'int64', [1]);
    const there = cast(load(at, [int(0)]), 'index');
    const within = and(le(int(0), there), lt(there, int(4)));
    const body = store(out, [int(0)], select(within, load(x, [int(0), there]), failure('index', 'float32')));
    await expectSame(kernelOf([x, at, out], body));
  });

  it('loads shared values only in the branch that needs them', async () => {
    const at = indexVar('i', 9);
    const out = argument('out', 'float32', [9]);
    const value = load(x, [at, int(1)]);
    const inner = select(lt(value, float(3)), mul(value, value), add(value, float(1)));
    const body = loop(at, store(out, [at], select(lt(at, int(6)), inner, float(-1))));
    await expectSame(kernelOf([x, out], body), true, { sanitize: true });
  });

  it('fails in a branch only where the branch is taken', async () => {
    const at = indexVar('i', 5);
    const out = argument('out', 'float32', [5]);
    const there = sub(at, int(1));
    const value = load(x, [int(0), there]);
    const root = add(mul(value, value), add(value, float(1)));
    // Only for i = 0 the place is outside, and there nobody asks for it.
    const inner = select(and(le(int(0), there), lt(there, int(4))), mul(root, root), failure('index', 'float32'));
    const body = loop(at, store(out, [at], select(lt(at, int(1)), float(0), inner)));
    await expectSame(kernelOf([x, out], body));
  });

  it('keeps vectors in registers, also as masks', async () => {
    const sums = register('sums', [2], 4);
    const at = ramp(int(0), 1, 4);
    const mask = variable('mask', 'bool', {}, 4);
    const total = add(load(sums, [int(0)]), mul(load(x, [i, at]), splat(load(y, [i, int(0)]), 4)));
    const body = loop(
      i,
      allocate(
        sums,
        block([
          store(sums, [int(0)], splat(float(1), 4)),
          store(sums, [int(1)], load(x, [i, at])),
          store(sums, [int(0)], total),
          letIn(
            mask,
            lt(load(sums, [int(0)]), load(sums, [int(1)])),
            store(y, [i, at], select(mask, load(sums, [int(0)]), unary('sqrt', unary('abs', load(sums, [int(1)]))))),
          ),
        ]),
      ),
    );
    await expectSame(kernelOf([x, y], body), false);
  });

  it('splits independent loops over threads, and reports an error of any of them', async () => {
    const big = argument('big', 'float32', [3000, 16]);
    const result = argument('result', 'float32', [3000, 16]);
    const r = indexVar('r', 3000);
    const c = indexVar('c', 16);
    const value = load(big, [r, c]);
    const first = loop(r, loop(c, store(result, [r, c], mul(value, value))), 'parallel');
    const r2 = indexVar('r', 3000);
    const second = loop(r2, store(result, [r2, int(0)], add(load(result, [r2, int(1)]), float(1))), 'parallel');
    await expectSame(kernelOf([big, result], block([first, second])), true, { threads: true });
    const failing = loop(
      r,
      block([check(lt(r, int(2990)), 'divide'), store(result, [r, int(0)], float(1))]),
      'parallel',
    );
    await expectSame(kernelOf([result], failing), true, { threads: true });
  });

  it('prints deep sums without deep parentheses', async () => {
    const out = argument('out', 'float32', []);
    let sum: Expr = load(x, [int(0), int(0)]);
    for (let n = 0; n < 600; n++) sum = add(load(x, [int(n % 6), int(n % 4)]), mul(sum, float(0.5)));
    await expectSame(kernelOf([x, out], store(out, [], sum)));
  });

  it('prints shared values once', () => {
    const out = argument('out', 'float32', []);
    let power: Expr = load(x, [int(0), int(0)]);
    for (let n = 0; n < 40; n++) power = mul(power, power);
    const { text } = print(kernelOf([x, out], store(out, [], power)));
    equal(text.length < 4000, true);
  });

  const print = (kernel: Kernel) =>
    printKernel(kernel, {
      name: 'kernel',
      dialect: gnuC,
      helpers: helpers(),
      aliasing: noAliasing(kernel),
      threads: false,
    });

  it('prints a small kernel as a person would', () => {
    const n = variable('n');
    const a: Buffer = { ...argument('a', 'float32', []), shape: [n, int(4)] };
    const b: Buffer = { ...argument('b', 'float32', []), shape: [n, int(4)] };
    const r = indexVar('r', n);
    const body = loop(r, loop(j, store(b, [r, j], mul(add(load(a, [r, j]), float(1)), float(0.1)))));
    equal(
      print({ name: 'affine', params: [a, b], dims: [n], body }).text,
      `LAP_KERNEL void kernel(const float *restrict a, float *restrict b, ptrdiff_t n) {
  for (ptrdiff_t r = 0; r < n; r++) {
    for (ptrdiff_t j = 0; j < 4; j++) {
      b[r * 4 + j] = (a[r * 4 + j] + 1.0f) * 0x1.99999ap-4f;
    }
  }
}
`,
    );
  });

  it('refuses loops that were to be unrolled, and registers at run-time places', () => {
    throws(() => print(kernelOf([y], loop(i, store(y, [i, int(0)], float(0)), 'unrolled'))), /unrolled/);
    const some = register('some', [6]);
    const dynamic = loop(i, store(y, [i, int(0)], load(some, [i])));
    throws(() => print(kernelOf([y], allocate(some, dynamic))), /not constant/);
  });

  it('gives arguments that are the same one pointer, and takes restrict from those that overlap', () => {
    const body = loop(i, loop(j, store(y, [i, j], add(load(x, [i, j]), float(1)))));
    const kernel = kernelOf([x, y], body);
    const table = (offset: number) => {
      const [from, to] = [{ ...x }, { ...y }];
      return printKernels(
        {
          name: 'p',
          inputs: [],
          outputs: [],
          dims: [],
          computedDims: [],
          body: [{ kind: 'call', kernel, arguments: [from, to], dims: [] }],
          weights: new Uint8Array(0),
          places: new Map([
            [from, { kind: 'arena', offset: int(0) }],
            [to, { kind: 'arena', offset: int(offset) }],
          ]),
          arenaBytes: int(0),
          arenaLowerBound: int(0),
        },
        { name: 'p', dialect: gnuC, helpers: helpers(), threads: false, printKernel },
      ).functions[0]!.text;
    };
    match(table(0), /\(float \*restrict x\) \{[\s\S]*x\[i \* 4 \+ j\] = x\[i \* 4 \+ j\] \+ 1/);
    match(table(64), /\(const lap_overlapping_f32 \*x, lap_overlapping_f32 \*y\)/);
    match(table(96), /\(const float \*restrict x, float \*restrict y\)/);
  });

  it('converts float16 and bfloat16 exactly', async () => {
    const samples = [
      0,
      -0,
      1,
      -1,
      65504,
      65519.99,
      65520,
      1e9,
      2 ** -24,
      2 ** -25,
      1.5 * 2 ** -25,
      6e-8,
      3.1e-5,
      1 / 3,
    ];
    const numbers = Float64Array.from([
      ...samples,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1 + 2 ** -11 + 2 ** -40,
      1e-40,
    ]);
    for (const dtype of ['float16', 'bfloat16'] as const) {
      const codes = Uint16Array.from({ length: 65536 }, (_, code) => code);
      const from = argument('codes', 'uint16', [65536]);
      const to = argument('numbers', 'float32', [65536]);
      const back = argument('back', 'uint16', [65536]);
      const k = indexVar('k', 65536);
      const number = cast(bitcast(load(from, [k]), dtype), 'float32');
      const widen = loop(
        k,
        block([store(to, [k], number), store(back, [k], bitcast(cast(load(to, [k]), dtype), 'uint16'))]),
      );
      const source = argument('source', 'float64', [numbers.length]);
      const rounded = argument('rounded', 'uint16', [numbers.length]);
      const m = indexVar('m', numbers.length);
      const narrow = loop(m, store(rounded, [m], bitcast(cast(load(source, [m]), dtype), 'uint16')));
      const part = indexVar('part', 8192);
      const k8 = ramp(mul(part, int(8)), 1, 8);
      const wide = cast(bitcast(load(from, [k8]), dtype), 'float32');
      const vectors = loop(part, store(to, [k8], wide));
      for (const compiler of compilers) {
        const settings = { target: targets.host!, compiler, flags: ['-O2'] };
        const outcome = await runKernels(
          [
            {
              kernel: kernelOf([from, to, back], widen),
              arrays: [codes, new Float32Array(65536), new Uint16Array(65536)],
            },
            { kernel: kernelOf([source, rounded], narrow), arrays: [numbers, new Uint16Array(numbers.length)] },
            { kernel: kernelOf([from, to], vectors), arrays: [codes, new Float32Array(65536)] },
          ],
          settings,
        );
        const expected = Float32Array.from(codes, (code) => decodeFloat(dtype, code));
        deepEqual([...outcome.arrays[0]![1]!], [...expected]);
        deepEqual([...outcome.arrays[2]![1]!], [...expected]);
        const isNumber = (_: unknown, code: number): boolean => !Number.isNaN(expected[code]);
        deepEqual([...outcome.arrays[0]![2]!].filter(isNumber), [...codes].filter(isNumber));
        deepEqual(
          [...outcome.arrays[1]![1]!],
          [...numbers].map((value) => encodeSmallFloat(value, dtype)),
        );
      }
    }
  });
});
