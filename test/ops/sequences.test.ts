import * as assert from 'node:assert/strict';
import { importBytes, toProgram } from '../../src/compile.ts';
import { makeModel, node, port } from '../onnx/make-model.ts';
import { given, type Plain, runValues, sequencePort } from './run-values.ts';

const three: Extract<Plain, { list: unknown }> = {
  list: [
    [[2], [1, 2]],
    [[0], []],
    [[3], [3, 4, 5]],
  ],
};
const int64 = (value: number) => given([[], [value]], 'int64');

describe('sequences', () => {
  it('leave nothing behind where their elements are known', () => {
    const model = makeModel({
      input: [port('a', [2]), port('b', [2])],
      output: [port('y', [2])],
      node: [
        node('SequenceConstruct', ['a', 'b'], ['s']),
        node('SequenceInsert', ['s', 'a'], ['t']),
        node('SequenceErase', ['t', 'zero'], ['u']),
        node('SequenceAt', ['u', 'zero'], ['v']),
        node('Neg', ['v'], ['y']),
      ],
      initializer: [{ name: 'zero', dataType: 7, dims: [], int64Data: [0] }],
    });
    assert.equal(toProgram(importBytes(model), undefined).body.length, 1);
  });

  const at = { input: [sequencePort('s', [undefined]), port('i', [], 'int64')], output: [port('y', undefined)] };
  for (const target of ['js', 'wasm']) {
    it(`give an element at a place that only a run knows (${target})`, async () => {
      const parts = { ...at, node: [node('SequenceAt', ['s', 'i'], ['y'])] };
      const y = async (i: number) => (await runValues(parts, { s: given(three), i: int64(i) }, target))[0];
      assert.deepEqual(await y(0), [[2], [1, 2]]);
      assert.deepEqual(await y(1), [[0], []]);
      assert.deepEqual(await y(-1), [[3], [3, 4, 5]]);
      await assert.rejects(y(3), /index/);
    });

    it(`take an element in, at any place, and out again (${target})`, async () => {
      const parts = {
        input: [...at.input, port('x', [1])],
        output: [sequencePort('t', [undefined]), sequencePort('u', [undefined])],
        node: [node('SequenceInsert', ['s', 'x', 'i'], ['t']), node('SequenceErase', ['t', 'i'], ['u'])],
      };
      const [t, u] = await runValues(parts, { s: given(three), i: int64(1), x: given([[1], [9]]) }, target);
      assert.deepEqual(t, { list: [three.list[0], [[1], [9]], three.list[1], three.list[2]] });
      assert.deepEqual(u, three);
    });

    it(`of strings do the same (${target})`, async () => {
      const parts = {
        input: [sequencePort('s', [undefined], 'string'), port('x', [1], 'string'), port('i', [], 'int64')],
        output: [sequencePort('t', [undefined], 'string'), port('y', undefined, 'string')],
        node: [node('SequenceInsert', ['s', 'x', 'i'], ['t']), node('SequenceAt', ['t', 'i'], ['y'])],
      };
      const s: typeof three = {
        list: [
          [[2], ['', 'ä']],
          [[0], []],
        ],
      };
      const inputs = { s: given(s, 'string'), x: given([[1], ['new']], 'string'), i: int64(1) };
      const [t, y] = await runValues(parts, inputs, target);
      assert.deepEqual(t, { list: [s.list[0], [[1], ['new']], s.list[1]] });
      assert.deepEqual(y, [[1], ['new']]);
    });

    it(`name sizes only after they are found (${target})`, async () => {
      const parts = {
        input: [port('a', [3]), port('b', [1]), port('i', [], 'int64'), port('j', [], 'int64'), port('k', [], 'int64')],
        output: [port('y', undefined), port('z', undefined)],
        node: [
          node('SequenceConstruct', ['a', 'b'], ['s']),
          node('SequenceAt', ['s', 'i'], ['p']),
          node('SequenceInsert', ['s', 'p'], ['t']),
          node('SequenceAt', ['t', 'j'], ['q']),
          node('SequenceInsert', ['t', 'q', 'k'], ['u']),
          node('ConcatFromSequence', ['u'], ['y'], { axis: -1 }),
          node('SequenceAt', ['u', 'k'], ['z']),
        ],
      };
      const inputs = { a: given([[3], [1, 2, 3]]), b: given([[1], [4]]), i: int64(0), j: int64(1), k: int64(-1) };
      const joined = [1, 2, 3, 4, 4, 1, 2, 3];
      assert.deepEqual(await runValues(parts, inputs, target), [
        [[joined.length], joined],
        [[3], [1, 2, 3]],
      ]);
    });

    it(`are joined along an axis (${target})`, async () => {
      const parts = {
        input: [sequencePort('s', [undefined, 2])],
        output: [port('y', undefined)],
        node: [node('ConcatFromSequence', ['s'], ['y'], { axis: 0 })],
      };
      const s = given({
        list: [
          [
            [1, 2],
            [1, 2],
          ],
          [
            [2, 2],
            [3, 4, 5, 6],
          ],
        ],
      });
      assert.deepEqual(await runValues(parts, { s }, target), [
        [
          [3, 2],
          [1, 2, 3, 4, 5, 6],
        ],
      ]);
      await assert.rejects(runValues(parts, { s: given({ list: [] }) }, target), /shape/);
    });
  }

  it('split a tensor into pieces whose lengths only a run knows', async () => {
    const parts = {
      input: [port('x', [2, 3]), port('split', [2], 'int64')],
      output: [sequencePort('s', [2, undefined])],
      node: [node('SplitToSequence', ['x', 'split'], ['s'], { axis: 1 })],
      opset: 18,
    };
    const x = given([
      [2, 3],
      [1, 2, 3, 4, 5, 6],
    ]);
    const s = (...lengths: number[]) => runValues(parts, { x, split: given([[2], lengths], 'int64') });
    assert.deepEqual(await s(1, 2), [
      {
        list: [
          [
            [2, 1],
            [1, 4],
          ],
          [
            [2, 2],
            [2, 3, 5, 6],
          ],
        ],
      },
    ]);
    assert.deepEqual(await s(3, 0), [
      {
        list: [
          [
            [2, 3],
            [1, 2, 3, 4, 5, 6],
          ],
          [[2, 0], []],
        ],
      },
    ]);
    await assert.rejects(s(1, 1), /shape/);
  });

  it('refuse elements of another type', () => {
    const model = makeModel({
      input: [port('a', [2]), port('b', [2], 'int64')],
      output: [port('n', [], 'int64')],
      node: [
        node('SequenceConstruct', ['a'], ['s']),
        node('SequenceInsert', ['s', 'b'], ['t']),
        node('SequenceLength', ['t'], ['n']),
      ],
    });
    assert.throws(() => importBytes(model), /SequenceInsert "t": the elements are float32 and the tensor is int64/);
  });
});
