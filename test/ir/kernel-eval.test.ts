import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { DType } from '../../ir/dtype.ts';
import { makeArray, type TypedArrayLike } from '../../ir/eval-arrays.ts';
import { errorNumbers } from '../../ir/eval-expr.ts';
import type { Expr, MathFunction } from '../../ir/expr.ts';
import {
  add,
  binary,
  call,
  cast,
  constant,
  div,
  eq,
  failure,
  float,
  IrError,
  indexVar,
  int,
  le,
  load,
  lt,
  mul,
  ramp,
  reduce,
  select,
  splat,
  sub,
  variable,
} from '../../ir/expr-make.ts';
import type { Buffer, Kernel, Stmt } from '../../ir/kernel.ts';
import { compileKernel, evaluateKernel } from '../../ir/kernel-eval.ts';
import { allocate, block, check, ifThen, letIn, loop, loops, store, whileLoop } from '../../ir/kernel-walk.ts';
import { type Element, interpret } from './interpreter.ts';
import { contents, expression, sources, storedTypes } from './random-kernels.ts';

const argument = (name: string, dtype: DType, ...shape: readonly (Expr | number)[]): Buffer => ({
  name,
  dtype,
  shape: shape.map((extent) => (typeof extent === 'number' ? int(extent) : extent)),
  memory: 'argument',
});
const kernel = (params: readonly Buffer[], body: Stmt, dims: Kernel['dims'] = []): Kernel => ({
  name: 'test',
  params,
  dims,
  body,
});

/** The value of a closed expression. */
function closedValue(expr: Expr): number | bigint {
  const out = argument('out', expr.dtype);
  const array = makeArray(expr.dtype, 1);
  evaluateKernel(kernel([out], store(out, [], expr)), [array]);
  return array[0]!;
}
const plain = (array: TypedArrayLike, dtype: DType): Element[] =>
  [...array].map((value) => (dtype.startsWith('float') ? Number(value) : BigInt(value)));

/** More with LAPIDARY_FUZZ=100, for example. */
const runs = 150 * Number(process.env.LAPIDARY_FUZZ ?? 1);

describe('the evaluator of kernels', () => {
  for (const lanes of [1, 4]) {
    for (const dtype of storedTypes) {
      it(`agrees with the interpreter on random ${dtype} expressions of ${lanes} lanes`, () => {
        const out = argument('out', dtype, 4);
        const params = [...sources.values(), out];
        fc.assert(
          fc.property(expression(dtype, lanes, 4, { fails: true }), contents, fc.boolean(), (expr, inputs, checked) => {
            const body = store(out, [lanes === 1 ? int(1) : ramp(int(0), 1, 4)], expr);
            const expected = plain(makeArray(dtype, 4), dtype);
            const ok = interpret(kernel(params, body), [
              ...inputs.map((array, i) => plain(array, storedTypes[i]!)),
              expected,
            ]);
            const array = makeArray(dtype, 4);
            const error = evaluateKernel(kernel(params, body), [...inputs, array], [], { checked });
            assert.deepEqual(plain(array, dtype), expected);
            assert.equal(error === 0, ok);
          }),
          { numRuns: runs },
        );
      });
    }
  }

  it('runs a matrix product over symbolic sizes', () => {
    const [m, n, k] = [variable('m'), variable('n'), variable('k')];
    const [A, B, C] = [argument('A', 'float32', m, k), argument('B', 'float32', k, n), argument('C', 'float32', m, n)];
    const [i, j, l] = [indexVar('i', m), indexVar('j', n), indexVar('l', k)];
    const sum: Buffer = { name: 'sum', dtype: 'float32', shape: [], memory: 'register' };
    const body = allocate(
      sum,
      block([
        store(sum, [], float(0)),
        loop(l, store(sum, [], add(load(sum, []), mul(load(A, [i, l]), load(B, [l, j]))))),
        store(C, [i, j], load(sum, [])),
      ]),
    );
    const run = compileKernel(kernel([A, B, C], loops([i, j], body), [m, n, k]), { checked: true });
    const c = new Float32Array(4);
    assert.equal(run([new Float32Array([1, 2, 3, 4, 5, 6]), new Float32Array([1, 0, 0, 1, 2, 3]), c], [2, 2, 3]), 0);
    assert.deepEqual([...c], [7, 11, 16, 23]);
  });

  it('evaluates a Reduce where it stands, also in the branch of a Select', () => {
    const x = argument('x', 'float32', 2, 3);
    const y = argument('y', 'float32', 2);
    const [i, j, k] = [indexVar('i', 2), indexVar('j', 3), indexVar('k', 3)];
    const largest = reduce('max', [j], load(x, [i, j]));
    const sum = reduce('sum', [k], sub(load(x, [i, k]), largest));
    const body = loop(i, store(y, [i], select(eq(i, int(0)), sum, largest)));
    const out = new Float32Array(2);
    evaluateKernel(kernel([x, y], body), [new Float32Array([1, 2, 3, 4, 6, 5]), out], [], { checked: true });
    assert.deepEqual([...out], [-3, 6]);
  });

  it('reads all lanes of a vector before it stores one', () => {
    const x = argument('x', 'int32', 5);
    const shifted = store(x, [ramp(int(1), 1, 4)], load(x, [ramp(int(0), 1, 4)]));
    const array = new Int32Array([1, 2, 3, 4, 5]);
    evaluateKernel(kernel([x], shifted), [array]);
    assert.deepEqual([...array], [1, 1, 2, 3, 4]);
  });

  it('keeps vectors in registers and lets', () => {
    const x = argument('x', 'float32', 8);
    const registers: Buffer = { name: 'r', dtype: 'float32', shape: [int(2)], memory: 'register', lanes: 4 };
    const half = variable('half', 'float32', {}, 4);
    const turns = indexVar('t', 3);
    const body = allocate(
      registers,
      block([
        store(registers, [int(0)], load(x, [ramp(int(0), 1, 4)])),
        store(registers, [int(1)], splat(float(1), 4)),
        loop(
          turns,
          letIn(
            half,
            mul(load(registers, [int(0)]), float(0.5)),
            store(registers, [int(1)], add(load(registers, [int(1)]), half)),
          ),
          'unrolled',
        ),
        store(x, [ramp(int(4), 1, 4)], load(registers, [int(1)])),
      ]),
    );
    const array = new Float32Array([2, 4, 6, 8, 0, 0, 0, 0]);
    evaluateKernel(kernel([x], body), [array], [], { checked: true });
    assert.deepEqual([...array], [2, 4, 6, 8, 4, 7, 10, 13]);
  });

  it('stops a While when its condition fails', () => {
    const x = argument('x', 'int64', 1);
    const at = [int(0)];
    const body = whileLoop(
      lt(load(x, at), constant(100n, 'int64')),
      store(x, at, mul(load(x, at), constant(3n, 'int64'))),
    );
    const array = new BigInt64Array([2n]);
    evaluateKernel(kernel([x], body), [array]);
    assert.equal(array[0], 162n);
  });

  it('leaves the kernel at a failed Check, and goes on after a fail', () => {
    const x = argument('x', 'int32', 2);
    const n = variable('n');
    const body = block([
      check(le(n, int(5)), 'shape'),
      store(x, [int(0)], select(eq(n, int(0)), failure('divide', 'int32'), constant(7, 'int32'))),
      ifThen(lt(n, int(5)), store(x, [int(1)], constant(8, 'int32'))),
    ]);
    const run = compileKernel(kernel([x], body, [n]));
    const results = [6, 0, 1].map((size) => {
      const array = new Int32Array([1, 1]);
      return [run([array], [size]), ...array];
    });
    assert.deepEqual(results, [
      [errorNumbers.shape, 1, 1],
      [errorNumbers.divide, 0, 8],
      [0, 7, 8],
    ]);
  });

  it('follows strides', () => {
    const x = argument('x', 'float32', 2, 3);
    const y: Buffer = { ...argument('y', 'float32', 2, 3), strides: [int(1), int(4)] };
    const [i, j] = [indexVar('i', 2), indexVar('j', 3)];
    const array = new Float32Array(10);
    evaluateKernel(kernel([x, y], loops([i, j], store(y, [i, j], load(x, [i, j])))), [
      new Float32Array([1, 2, 3, 4, 5, 6]),
      array,
    ]);
    assert.deepEqual([...array], [1, 4, 0, 0, 2, 5, 0, 0, 3, 6]);
  });

  it('allocates local buffers whose size depends on a loop', () => {
    const y = argument('y', 'float32', 4);
    const i = indexVar('i', 4);
    const j = indexVar('j', add(i, int(1)));
    const local: Buffer = { name: 'local', dtype: 'float32', shape: [add(i, int(1))], memory: 'stack' };
    const fill = loop(j, store(local, [j], cast(j, 'float32')));
    const body = loop(i, allocate(local, block([fill, store(y, [i], load(local, [i]))])));
    const array = new Float32Array(4);
    evaluateKernel(kernel([y], body), [array], [], { checked: true });
    assert.deepEqual([...array], [0, 1, 2, 3]);
  });

  it('keeps the text of deeply shared expressions small', () => {
    const x = argument('x', 'float32', 4);
    const i = indexVar('i', 4);
    const inside = lt(i, int(3));
    let expr: Expr = select(inside, load(x, [i]), float(1));
    for (let turn = 0; turn < 40; turn++) {
      // In both branches of one Select, in one branch of two, and under a sum.
      const next = select(lt(load(x, [i]), float(turn)), mul(expr, float(0.5)), select(inside, add(expr, expr), expr));
      expr = turn % 2 === 0 ? next : add(select(inside, expr, float(0)), select(eq(i, int(0)), expr, float(1)));
    }
    const array = new Float32Array([1, 2, 3, 4]);
    evaluateKernel(kernel([x], loop(i, store(x, [i], expr))), [array]);
    assert.ok(array.every((value) => !Number.isNaN(value)));
  });

  it('names the statement that reads or writes out of bounds, when checked', () => {
    const x = argument('x', 'float32', 4);
    const i = indexVar('i', 5);
    const reads = kernel([x], loop(i, store(x, [int(0)], load(x, [i]))));
    const writes = kernel([x], loop(i, store(x, [sub(i, int(1))], float(0))));
    const array = new Float32Array(4);
    assert.throws(
      () => evaluateKernel(reads, [array], [], { checked: true }),
      new IrError('index 4 of axis 0 is outside 0 … 3 in: x[0] = x[i]'),
    );
    assert.throws(
      () => evaluateKernel(writes, [array], [], { checked: true }),
      new IrError('index -1 of axis 0 is outside 0 … 3 in: x[i - 1] = 0.0'),
    );
    const guarded = store(x, [int(0)], select(lt(i, int(4)), load(x, [i]), float(0)));
    evaluateKernel(kernel([x], loop(i, guarded)), [array], [], { checked: true });
  });

  it('refuses arguments that do not fit', () => {
    const x = argument('x', 'float32', 4);
    const run = compileKernel(kernel([x], store(x, [int(0)], float(0))), { checked: true });
    assert.throws(() => run([]), new IrError('test takes 1 buffers and 0 dims, got 0 buffers and 0 dims'));
    assert.throws(() => run([new Int8Array(4)]), new IrError('test: x is a Float32Array, got a Int8Array'));
    assert.throws(() => run([new Float32Array(3)]), new Error('x has too few elements'));
  });

  it('refuses types that must be legalized first', () => {
    const x = argument('x', 'float16', 4);
    assert.throws(
      () => evaluateKernel(kernel([x], store(x, [int(0)], constant(1, 'float16'))), [new Uint16Array(4)]),
      new IrError('the evaluator has no float16: legalize it to an integer type of its width first'),
    );
  });
});

describe('math functions of the evaluator', () => {
  const of = (callee: MathFunction, ...args: readonly number[]): number =>
    Number(closedValue(call(callee, ...args.map((value) => constant(value, 'float64')))));
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

  it('gives erf to the last digits', () => {
    // From tables of erf to 16 digits.
    const known: readonly (readonly [number, number])[] = [
      [0, 0],
      [1e-10, 1.1283791670955126e-10],
      [0.1, 0.1124629160182849],
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [1.5, 0.9661051464753108],
      [2, 0.9953222650189527],
      [2.5, 0.999593047982555],
      [3, 0.9999779095030014],
      [4, 0.9999999845827421],
      [5.5, 0.9999999999999926],
      [infinity, 1],
    ];
    for (const [x, expected] of known) {
      assert.ok(Math.abs(of('erf', x) - expected) <= 2e-16 + expected * 4e-16, `erf(${x}) = ${of('erf', x)}`);
      assert.equal(of('erf', -x), -of('erf', x));
    }
    assert.ok(Number.isNaN(of('erf', nan)));
  });

  it('gives pow as C99 does', () => {
    const cases: readonly (readonly [number, number, number])[] = [
      [1, nan, 1],
      [1, infinity, 1],
      [-1, infinity, 1],
      [-1, -infinity, 1],
      [nan, 0, 1],
      [0.5, infinity, 0],
      [-2, 3, -8],
      [-2, 0.5, nan],
      [-0, -3, -infinity],
    ];
    for (const [x, y, expected] of cases) assert.equal(of('pow', x, y), expected, `pow(${x}, ${y})`);
  });

  it('gives fmod and sigmoid at their ends', () => {
    assert.equal(of('fmod', -5.5, 2), -1.5);
    assert.equal(of('fmod', 5, infinity), 5);
    assert.equal(of('sigmoid', -740), Math.exp(-740));
    assert.equal(of('sigmoid', 1000), 1);
    assert.equal(of('sigmoid', 0), 0.5);
  });

  it('rounds to float32', () => {
    assert.equal(closedValue(call('exp', float(1))), Math.fround(Math.E));
  });

  it('rounds 64-bit integers to float32 once', () => {
    const x = argument('x', 'int64', 1);
    const y = argument('y', 'float32', 1);
    const at = [int(0)];
    const out = new Float32Array(1);
    const values = [2n ** 62n + 2n ** 38n + 1n, -(2n ** 62n) - 2n ** 38n - 1n];
    const results = values.map((value) => {
      evaluateKernel(kernel([x, y], store(y, at, cast(load(x, at), 'float32'))), [new BigInt64Array([value]), out]);
      return BigInt(out[0]!);
    });
    assert.deepEqual(results, [2n ** 62n + 2n ** 39n, -(2n ** 62n) - 2n ** 39n]);
  });

  it('makes no negative zero of an index', () => {
    const y = argument('y', 'float32', 1);
    const n = variable('n');
    const out = new Float32Array(1);
    const product = mul(cast(mul(n, int(-1)), 'float32'), float(1));
    evaluateKernel(kernel([y], store(y, [int(0)], product), [n]), [out], [0]);
    assert.ok(Object.is(out[0], 0));
    const quotient = binary('min', cast(div(n, int(-4)), 'float32'), float(1));
    evaluateKernel(kernel([y], store(y, [int(0)], quotient), [n]), [out], [3]);
    assert.ok(Object.is(out[0], 0));
  });
});
