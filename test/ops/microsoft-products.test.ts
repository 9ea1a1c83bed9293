import * as assert from 'node:assert/strict';
import type { Attributes, Value } from '../../ir/graph.ts';
import { findOperator } from '../../src/ops/index.ts';
import { apply, floats, g, input, type Numbers, run } from './one-node.ts';

const microsoft = (name: string, inputs: readonly (Value | undefined)[], attributes: Attributes = {}): Value =>
  g.apply(findOperator('com.microsoft', name)!, inputs, attributes);
const asFloat = (value: Value): Value => apply('Cast', [value], { to: 'float32' });
const list = (...values: number[]): Numbers => ({ dims: [values.length], values });
const close = (got: readonly number[], expected: readonly number[]): void => {
  assert.equal(got.length, expected.length);
  for (const [i, value] of expected.entries()) assert.ok(Math.abs(got[i]! - value) < 1e-5, `${got} and ${expected}`);
};

describe('transforms of com.microsoft', () => {
  /** The sum over all positions of a plane, as the definition has it. */
  const spectrum = (values: readonly number[], rows: number, columns: number): readonly number[] => {
    const result: number[] = [];
    for (let u = 0; u < rows; u++) {
      for (let v = 0; v <= columns / 2; v++) {
        const sums = [0, 0];
        for (let y = 0; y < rows; y++) {
          for (let x = 0; x < columns; x++) {
            const angle = -2 * Math.PI * ((u * y) / rows + (v * x) / columns);
            sums[0]! += values[y * columns + x]! * Math.cos(angle);
            sums[1]! += values[y * columns + x]! * Math.sin(angle);
          }
        }
        result.push(...sums);
      }
    }
    return result;
  };
  const values = [1, -2, 3, 0.5, 4, 2, -1, 0, 1, 1, 2, -3];
  const X = input('X', [3, 4]);
  const half = microsoft('Rfft', [X], { signal_ndim: 2 });

  it('give half the spectrum of real signals of several axes', () => {
    const result = run([X], half, [{ dims: [3, 4], values }]);
    assert.deepEqual(result.dims, [3, 3, 2]);
    close(result.values, spectrum(values, 3, 4));
  });

  it('give the signals back', () => {
    const result = run([X], microsoft('Irfft', [half], { signal_ndim: 2 }), [{ dims: [3, 4], values }]);
    assert.deepEqual(result.dims, [3, 4]);
    close(result.values, values);
  });

  it('invert matrices with a zero on the diagonal', () => {
    const A = input('A', [2, 2]);
    close(run([A], microsoft('Inverse', [A]), [{ dims: [2, 2], values: [0, 2, 4, 0] }]).values, [0, 0.25, 0.5, 0]);
  });

  it('hash numbers of 64 bits as two words', () => {
    const A = input('A', [1], 'int64');
    const hash = microsoft('MurmurHash3', [A], { seed: 0 });
    // The published test vector of the algorithm: eight zero bytes.
    const low = apply('BitwiseAnd', [hash, g.scalar(0xffff, 'uint32')]);
    assert.deepEqual(run([A], asFloat(low), [list(0)]).values, [0x63852afc & 0xffff]);
  });

  it('tell whether all inputs are finite, or only one kind of what is not', () => {
    const [A, B] = [input('A', [2]), input('B', [1])];
    const verdict = (attributes: Attributes, a: Numbers, b: Numbers): number =>
      run([A, B], asFloat(microsoft('IsAllFinite', [A, B], attributes)), [a, b]).values[0]!;
    assert.equal(verdict({}, list(1, 2), list(3)), 1);
    assert.equal(verdict({}, list(1, 2), list(Number.NaN)), 0);
    assert.equal(verdict({ isinf_only: 1 }, list(1, 2), list(Number.NaN)), 1);
    assert.equal(verdict({ isnan_only: 1 }, list(1, -Infinity), list(3)), 1);
    assert.equal(verdict({ isinf_only: 1 }, list(1, -Infinity), list(3)), 0);
  });
});

describe('dropout of com.microsoft', () => {
  it('adds a bias and a residual', () => {
    const X = input('X', [2, 2]);
    const sum = microsoft('BiasDropout', [X, floats([10, 20]), X]);
    assert.deepEqual(run([X], sum, [{ dims: [2, 2], values: [1, 2, 3, 4] }]).values, [12, 24, 16, 28]);
  });

  it('packs a mask, in which everything is kept unless it trains', () => {
    const X = input('X', [33]);
    const given = [{ dims: [33], values: Array.from({ length: 33 }, () => 1) }];
    const mask = (training: boolean): Value => {
      const mode = g.scalar(training ? 1 : 0, 'bool');
      const inputs = [X, g.scalar(0.5, 'float32'), mode];
      return g.applyAll(
        findOperator('com.microsoft', 'BitmaskDropout')!,
        inputs,
        { seed: 3 },
        { outputs: [true, true] },
      )[1]!;
    };
    const word = (value: Value): Value => asFloat(apply('BitwiseAnd', [value, g.scalar(0xffff, 'uint32')]));
    assert.deepEqual(run([X], word(mask(false)), given), list(0xffff, 0xffff));
    const kept = run(
      [X],
      apply('Dropout', [X, g.scalar(0.5, 'float32'), g.scalar(1, 'bool')], { seed: 3 }),
      given,
    ).values;
    const bits = kept.slice(0, 16).reduce((sum, value, i) => sum + (value === 0 ? 0 : 2 ** i), 0);
    assert.equal(run([X], word(mask(true)), given).values[0], bits);
  });
});

describe('products of com.microsoft', () => {
  const [A, B] = [input('A', [1, 2]), input('B', [2, 2])];
  const given = [
    { dims: [1, 2], values: [1, 2] },
    { dims: [2, 2], values: [1, -3, 2, 4] },
  ];

  it('end in a function along an axis', () => {
    const fused = microsoft('FusedMatMulActivation', [A, B], { activation: 'Softmax', transB: 1 });
    const sum = Math.exp(-5) + Math.exp(10);
    close(run([A, B], fused, given).values, [Math.exp(-5) / sum, Math.exp(10) / sum]);
  });

  it('move the first axis behind the batch', () => {
    const C = input('C', [2, 3, 2]);
    const fused = microsoft('FusedMatMul', [C, B], { transBatchA: 1 });
    const plain = apply('MatMul', [apply('Transpose', [C], { perm: [1, 0, 2] }), B]);
    const numbers = [{ dims: [2, 3, 2], values: Array.from({ length: 12 }, (_, i) => i - 4) }, given[1]!];
    assert.deepEqual(run([C, B], fused, numbers), run([C, B], plain, numbers));
  });

  it('take a product through FastGelu', () => {
    const gelu = (x: number): number => 0.5 * x * (1 + Math.tanh(0.797885 * x + 0.035677 * x ** 3));
    const fused = microsoft('GemmFastGelu', [A, B, floats([1, -4])]);
    close(run([A, B], fused, given).values, [gelu(6), gelu(1)]);
  });

  it('multiply and sum bytes as wider integers', () => {
    const [P, Q] = [input('P', [2], 'int8'), input('Q', [2], 'int8')];
    const zero = g.scalar(1, 'int8');
    const product = microsoft('MulInteger', [P, zero, Q, undefined]);
    assert.deepEqual(run([P, Q], asFloat(product), [list(-128, 127), list(127, 2)]).values, [-129 * 127, 252]);
    const sum = microsoft('ReduceSumInteger', [P], { axes: [0], keepdims: 1 });
    assert.deepEqual(run([P], asFloat(sum), [list(127, 127)]).values, [254]);
  });

  it('read rows of a table', () => {
    const W = input('W', [3, 2]);
    const rows = microsoft('TorchEmbedding', [W, g.ints([2, 0])]);
    assert.deepEqual(run([W], rows, [{ dims: [3, 2], values: [1, 2, 3, 4, 5, 6] }]).values, [5, 6, 1, 2]);
  });
});
