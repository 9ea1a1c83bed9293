import * as assert from 'node:assert/strict';
import type { DType } from '../../ir/dtype.ts';
import { node, port } from '../onnx/make-model.ts';
import { given, type Plain, runValues } from './run-values.ts';

const codes: Partial<Record<DType, number>> = { float32: 1, uint8: 2, int64: 7, string: 8, bool: 9, float64: 11 };

function cast(from: DType, to: DType, elements: readonly (number | string)[], target = 'js') {
  const parts = {
    input: [port('x', ['n'], from)],
    output: [port('y', ['n'], to)],
    node: [node('Cast', ['x'], ['y'], { to: codes[to]! })],
  };
  const x: Plain = [[elements.length], elements];
  return runValues(parts, { x: given(x, from) }, target).then(
    ([y]) => (y as readonly [unknown, readonly unknown[]])[1],
  );
}

describe('strings and numbers', () => {
  for (const target of ['js', 'wasm']) {
    it(`are written as C writes them (${target})`, async () => {
      const floats = [
        0,
        1,
        -1.5,
        0.1,
        1e-5,
        123456789,
        1e20,
        3.4028234e38,
        1e-45,
        0.00012345,
        100,
        Number.NaN,
        -Infinity,
      ];
      assert.deepEqual(await cast('float32', 'string', floats, target), [
        ...['0', '1', '-1.5', '0.1', '9.9999997e-06', '1.2345679e+08', '1e+20', '3.4028235e+38', '1.4012985e-45'],
        ...['0.00012344999', '100', 'NaN', '-INF'],
      ]);
      assert.deepEqual(await cast('float64', 'string', [1e300, 1e-310, 1 / 3], target), [
        '1e+300',
        '1e-310',
        '0.333333333333333',
      ]);
      assert.deepEqual(await cast('int64', 'string', [0, -7, 1234567890123], target), ['0', '-7', '1234567890123']);
      assert.deepEqual(await cast('uint8', 'string', [0, 255, 10], target), ['0', '255', '10']);
    });

    it(`are read as C reads them (${target})`, async () => {
      const texts = [' 1.5', '-2e3 ', '+.25', '1e-320', '12345678901234567890123', 'inf', '-Infinity', '7.', '1e400'];
      assert.deepEqual(await cast('string', 'float64', texts, target), texts.map(Number).with(5, Infinity));
      assert.deepEqual(await cast('string', 'float32', ['nan', '0.1'], target), [Number.NaN, Math.fround(0.1)]);
      assert.deepEqual(
        await cast('string', 'int64', ['-12', '9007199254740991', '3.9'], target),
        [-12, 9007199254740991, 3],
      );
      for (const bad of ['', 'x', '1 2', '1e', '--1', '.'])
        await assert.rejects(cast('string', 'float32', [bad], target));
    });

    it(`are told apart by Unique (${target})`, async () => {
      const parts = {
        input: [port('x', ['n'], 'string')],
        output: [port('y', undefined, 'string'), port('i', undefined, 'int64'), port('c', undefined, 'int64')],
        node: [node('Unique', ['x'], ['y', 'i', '', 'c'], { sorted: 1 })],
      };
      const x = given([[5], ['b', '', 'ab', 'b', 'a']], 'string');
      assert.deepEqual(await runValues(parts, { x }, target), [
        [[4], ['', 'a', 'ab', 'b']],
        [[4], [1, 4, 2, 0]],
        [[4], [1, 1, 1, 2]],
      ]);
    });
  }
});
