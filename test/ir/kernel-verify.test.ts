import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Expr } from '../../ir/expr.ts';
import { add, cast, float, indexVar, int, load, lt, mul, ramp, reduce, splat, variable } from '../../ir/expr-make.ts';
import type { Buffer, Kernel, Stmt } from '../../ir/kernel.ts';
import { type VerifyOptions, verifyKernel } from '../../ir/kernel-verify.ts';
import { allocate, block, check, ifThen, letIn, loop, store, whileLoop } from '../../ir/kernel-walk.ts';
import { bindShared } from '../../ir/share-expressions.ts';
import { sources, statement } from './random-kernels.ts';

const n = variable('n');
const i = indexVar('i', n);
const x: Buffer = { name: 'x', dtype: 'float32', shape: [n], memory: 'argument' };
const y: Buffer = { ...x, name: 'y' };
const acc: Buffer = { name: 'acc', dtype: 'float32', shape: [int(2)], memory: 'register', lanes: 4 };

function problems(body: Stmt, options: VerifyOptions = {}, change: Partial<Kernel> = {}): string[] {
  return verifyKernel({ name: 'k', params: [x, y], dims: [n], body, ...change }, options);
}
const set = (value: Expr): Stmt => store(y, [int(0)], value);

describe('the verifier of kernels', () => {
  it('accepts a good kernel', () => {
    const t = variable('t', 'float32', {}, 4);
    const body = loop(
      i,
      allocate(
        acc,
        block([
          store(acc, [int(0)], load(x, [ramp(i, 1, 4)])),
          letIn(t, load(acc, [int(0)]), ifThen(lt(i, int(3)), store(y, [ramp(i, 1, 4)], mul(t, splat(float(2), 4))))),
          check(lt(i, n), 'index'),
        ]),
      ),
    );
    assert.deepEqual(problems(body, { noReduce: true, registersConstant: true }), []);
  });

  it('accepts random kernels, also with their shared parts named', () => {
    fc.assert(
      fc.property(statement({ fails: true }), (body) => {
        const kernel: Kernel = { name: 'random', params: [...sources.values()], dims: [], body };
        const options = { noReduce: true, registersConstant: true };
        assert.deepEqual(verifyKernel(kernel, options), []);
        assert.deepEqual(verifyKernel({ ...kernel, body: bindShared(body) }, options), []);
      }),
      { numRuns: 40 },
    );
  });

  const refuses = (what: string, body: Stmt, ...expected: readonly string[]): void => {
    it(`refuses ${what}`, () => assert.deepEqual(problems(body), expected));
  };
  refuses('an unbound variable', store(y, [i], float(0)), 'the variable i is not bound, in: y[i] = 0.0');
  refuses(
    'a buffer that is no param',
    set(load({ ...x, name: 'z' }, [int(0)])),
    'the buffer z is no param, in: y[0] = z[0]',
  );
  refuses(
    'a buffer outside of its Alloc',
    store(acc, [int(0)], splat(float(0), 4)),
    'the buffer acc is not allocated here, in: acc[0] = splat4(0.0)',
  );
  refuses(
    'a load of the wrong rank, dtype and lanes',
    {
      kind: 'store',
      buffer: y,
      indices: [int(0)],
      value: { ...load(x, [int(0)]), indices: [], dtype: 'int32', lanes: 4 },
    },
    'a load of x with 0 indices for rank 1, in: y[0] = x[]',
    'a load of x as int32, it holds float32, in: y[0] = x[]',
    'a load of x of 4 lanes where the place has 1, in: y[0] = x[]',
    'a store of y as int32, it holds float32, in: y[0] = x[]',
    'a store of y of 4 lanes where the place has 1, in: y[0] = x[]',
  );
  refuses(
    'an index that is no index',
    { kind: 'store', buffer: y, indices: [float(0)], value: float(0) },
    'a store of y with an index of type float32, in: y[0.0] = 0.0',
  );
  refuses(
    'a vector index with steps',
    store(y, [ramp(int(0), 2, 4)], splat(float(0), 4)),
    'a store of y with a vector index that is no ramp of stride 1, in: y[ramp4(0, 2)] = splat4(0.0)',
  );
  refuses(
    'a vector index into registers that are vectors',
    allocate(acc, store(acc, [ramp(int(0), 1, 4)], splat(float(0), 4))),
    'a store of acc with a vector index, its elements are vectors, in: acc[ramp4(0)] = splat4(0.0)',
  );
  refuses(
    'a scalar stored to a vector of elements',
    store(y, [ramp(int(0), 1, 4)], float(0)),
    'a store of y of 1 lanes where the place has 4, in: y[ramp4(0)] = 0.0',
  );
  refuses(
    'a loop in itself',
    loop(i, loop(i, store(y, [i], float(0)))),
    'the loop index i is bound already, in: for i < n',
  );
  refuses(
    'conditions that are not bool',
    block([whileLoop(n, block([])), { kind: 'check', condition: n, code: 'index' }]),
    'a condition of type index, in: while n',
    'a condition of type index, in: check n else index',
  );
  refuses(
    'a let of another type',
    letIn(variable('t', 'int32'), float(1), block([])),
    'a variable of type int32 for a value of type float32, in: let t: int32 = 1.0',
  );
  refuses(
    'operands of different types',
    set({ kind: 'binary', op: 'add', dtype: 'float32', lanes: 1, left: float(1), right: int(1) }),
    'add of float32 and index, in: y[0] = 1.0 + 1',
  );
  refuses(
    'vectors outside of registers',
    allocate({ ...acc, name: 'local', memory: 'stack' }, block([])),
    'local of 4 lanes is no register, in: stack local: float32x4[2]',
  );

  it('refuses a vector index in front of the last', () => {
    const matrix: Buffer = { ...x, name: 'm', shape: [n, n] };
    const vector = ramp(int(0), 1, 4);
    assert.deepEqual(problems(store(y, [vector], load(matrix, [vector, int(0)])), {}, { params: [matrix, y] }), [
      'a load of m with a vector index that is not the last, in: y[ramp4(0)] = m[ramp4(0), 0]',
    ]);
    const columns: Buffer = { ...matrix, strides: [int(1), n] };
    assert.deepEqual(problems(store(y, [vector], load(columns, [int(0), vector])), {}, { params: [columns, y] }), [
      'a load of m with a vector index over an axis with a stride, in: y[ramp4(0)] = m[0, ramp4(0)]',
    ]);
  });

  it('refuses a Reduce after lowering, and accepts it before', () => {
    const k = indexVar('k', n);
    const body = set(reduce('sum', [k], load(x, [k])));
    assert.deepEqual(problems(body), []);
    assert.deepEqual(problems(body, { noReduce: true }), [
      'a Reduce is left: sum[k < n](x[k]), in: y[0] = sum[k < n](x[k])',
    ]);
  });

  it('refuses registers at computed places, where asked', () => {
    const body = allocate(acc, loop(i, store(acc, [i], splat(float(0), 4))));
    assert.deepEqual(problems(body), []);
    assert.deepEqual(problems(body, { registersConstant: true }), [
      'the register acc at an index that is not constant, in: acc[i] = splat4(0.0)',
    ]);
  });

  it('refuses heads that clash', () => {
    const scale = variable('x', 'float32');
    const local: Buffer = { ...y, name: 'local', memory: 'stack', shape: [add(n, cast(scale, 'index'))], strides: [] };
    assert.deepEqual(problems(block([]), {}, { params: [x, local], dims: [n, scale] }), [
      'the dim x is float32',
      'the param local has memory stack',
      'local has 0 strides for rank 1',
    ]);
  });
});
