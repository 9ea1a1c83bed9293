import * as assert from 'node:assert/strict';
import { importBytes } from '../../src/compile.ts';
import { given, type Plain, runValues } from '../ops/run-values.ts';
import { ints, type ModelParts, makeModel, node, port } from './make-model.ts';

/** Pads x to at least the wanted sizes, at the end of each axis; the model declares nothing of the result's sizes. */
const padded: ModelParts = {
  input: [port('x', [2, 2]), port('wanted', [2], 'int64')],
  initializer: [ints('none', [0, 0])],
  node: [
    node('Shape', ['x'], ['own']),
    node('Max', ['own', 'wanted'], ['whole']),
    node('Sub', ['whole', 'own'], ['after']),
    node('Concat', ['none', 'after'], ['pads'], { axis: 0 }),
    node('Pad', ['x', 'pads'], ['y']),
  ],
  output: [port('y', ['rows', 'columns'])],
};
const counted: ModelParts = {
  input: [port('start', [], 'int64'), port('limit', [], 'int64')],
  initializer: [ints('one', [1], [])],
  node: [node('Range', ['start', 'limit', 'one'], ['y'])],
  output: [port('y', ['n'], 'int64')],
};
const whole = (dims: readonly number[], ...values: number[]) => given([dims, values], 'int64');
const one = async (...args: Parameters<typeof runValues>): Promise<Plain> => (await runValues(...args))[0]!;

describe('sizes that follow from integers among the inputs', () => {
  for (const target of ['js', 'wasm']) {
    it(`are bounded by what the caller says, through shape arithmetic (${target})`, async () => {
      const x = given([
        [2, 2],
        [1, 2, 3, 4],
      ]);
      const to = (...wanted: number[]) => one(padded, { x, wanted: whole([2], ...wanted) }, target);
      assert.deepEqual(await to(3, 1), [
        [3, 2],
        [1, 2, 3, 4, 0, 0],
      ]);
      assert.deepEqual(await to(2, 3), [
        [2, 3],
        [1, 2, 0, 3, 4, 0],
      ]);
      assert.deepEqual(await to(-5, 0), [
        [2, 2],
        [1, 2, 3, 4],
      ]);
    });
  }

  it('are bounded by negative integers too', async () => {
    const from = (start: number, limit: number) => one(counted, { start: whole([], start), limit: whole([], limit) });
    assert.deepEqual(await from(2, 5), [[3], [2, 3, 4]]);
    assert.deepEqual(await from(5, 2), [[0], []]);
    assert.deepEqual(await from(-2, 2), [[4], [-2, -1, 0, 1]]);
    assert.deepEqual(await from(-5, -3), [[2], [-5, -4]]);
    assert.deepEqual(await from(-3, -5), [[0], []]);
  });

  it('need nothing said beforehand where the model declares a bound', () => {
    const graph = importBytes(makeModel({ ...padded, output: [port('y', [4, 4])] }), {});
    assert.deepEqual(
      graph.inputs.map(({ name }) => name),
      ['x', 'wanted'],
    );
  });

  it('are refused where they follow from anything else', () => {
    const model: ModelParts = {
      ...counted,
      input: [port('x', [], 'float32'), port('limit', [], 'int64')],
      node: [node('Cast', ['x'], ['start'], { to: 7 }), ...counted.node!],
    };
    assert.throws(() => importBytes(makeModel(model), {}), /depends on limit, which is only known at run time/);
  });
});
