import * as assert from 'node:assert/strict';
import { importBytes, toProgram } from '../../src/compile.ts';
import { type GraphParts, graph, makeModel, node, type PortParts, port } from '../onnx/make-model.ts';
import { given, optionalPort, type Plain, runValues, sequencePort } from './run-values.ts';

const int64 = (value: number) => given([[], [value]], 'int64');
const [trips, x] = [port('trips', [], 'int64'), port('x', [2])];

const body = (parts: GraphParts, state: PortParts, more: readonly PortParts[] = []): GraphParts => ({
  input: [port('i', [], 'int64'), port('going', [], 'bool'), state],
  output: [port('on', [], 'bool'), { ...state, name: 'after' }, ...more],
  ...parts,
  node: [node('Identity', ['going'], ['on']), ...(parts.node ?? [])],
});

describe('loops over sequences, strings and optionals', () => {
  for (const target of ['js', 'wasm']) {
    it(`let a sequence grow as often as a run says (${target})`, async () => {
      const inner = body(
        {
          node: [
            node('Concat', ['x', 'x'], ['xx'], { axis: 0 }),
            node('SequenceInsert', ['s', 'xx', 'zero'], ['after']),
            node('SequenceLength', ['s'], ['n']),
          ],
        },
        sequencePort('s', [undefined]),
        [port('n', [], 'int64')],
      );
      const parts = {
        input: [trips, sequencePort('s0', [undefined]), x],
        output: [sequencePort('y', [undefined])],
        initializer: [{ name: 'zero', dataType: 7, dims: [], int64Data: [0] }],
        node: [node('Loop', ['trips', '', 's0'], ['y', 'counts'], { body: graph(inner) })],
      };
      const list: Plain = { list: [[[1], [7]]] };
      const run = (count: number) =>
        runValues(parts, { trips: int64(count), s0: given(list), x: given([[2], [1, 2]]) }, target);
      const grown: Plain = [[4], [1, 2, 1, 2]];
      assert.deepEqual(await run(2), [{ list: [grown, grown, [[1], [7]]] }]);
      assert.deepEqual(await run(0), [list]);
    });

    it(`let a string grow (${target})`, async () => {
      const inner = body({ node: [node('StringConcat', ['s', 'word'], ['after'])] }, port('s', [2], 'string'));
      const parts = {
        input: [trips, port('s0', [2], 'string'), port('word', [1], 'string')],
        output: [port('y', [2], 'string')],
        node: [node('Loop', ['trips', '', 's0'], ['y'], { body: graph(inner) })],
        opset: 20,
      };
      const inputs = { s0: given([[2], ['', 'a']], 'string'), word: given([[1], ['é!']], 'string') };
      const y = await runValues(parts, { trips: int64(3), ...inputs }, target);
      assert.deepEqual(y, [[[2], ['é!é!é!', 'aé!é!é!']]]);
    });

    it(`hand an optional on, there or not (${target})`, async () => {
      const there = { input: [], output: [port('t', [2])], node: [node('OptionalGetElement', ['o'], ['t'])] };
      const absent = { input: [], output: [port('f', [2])], node: [node('Identity', ['x'], ['f'])] };
      const inner = body(
        {
          node: [
            node('OptionalHasElement', ['o'], ['has']),
            node('If', ['has'], ['v'], { then_branch: graph(there), else_branch: graph(absent) }),
            node('Add', ['v', 'x'], ['sum']),
            node('Optional', ['sum'], ['after']),
          ],
        },
        optionalPort('o', port('', [2])),
      );
      const parts = {
        input: [trips, optionalPort('o0', port('', [2])), x],
        output: [optionalPort('y', port('', [2]))],
        node: [node('Loop', ['trips', '', 'o0'], ['y'], { body: graph(inner) })],
        opset: 18,
      };
      const run = (count: number, optional: Plain | undefined) =>
        runValues(parts, { trips: int64(count), o0: given({ optional }), x: given([[2], [1, 2]]) }, target);
      assert.deepEqual(await run(2, undefined), [{ optional: [[2], [3, 6]] }]);
      assert.deepEqual(await run(1, [[2], [10, 20]]), [{ optional: [[2], [11, 22]] }]);
      assert.deepEqual(await run(0, undefined), [{ optional: undefined }]);
    });

    it(`map a body over sequences (${target})`, async () => {
      const inner = {
        input: [port('a', undefined), port('b', [2])],
        output: [port('c', undefined), port('d', [1], 'int64')],
        node: [node('Concat', ['a', 'b'], ['c'], { axis: 0 }), node('Shape', ['a'], ['d'])],
      };
      const parts = {
        input: [sequencePort('s', [undefined]), x],
        output: [sequencePort('y', [undefined]), sequencePort('z', [1], 'int64')],
        node: [node('SequenceMap', ['s', 'x'], ['y', 'z'], { body: graph(inner) })],
      };
      const s = given({
        list: [
          [[1], [5]],
          [[0], []],
        ],
      });
      assert.deepEqual(await runValues(parts, { s, x: given([[2], [1, 2]]) }, target), [
        {
          list: [
            [[3], [5, 1, 2]],
            [[2], [1, 2]],
          ],
        },
        {
          list: [
            [[1], [1]],
            [[1], [0]],
          ],
        },
      ]);
    });
  }

  it('of few known turns leave no sequence behind', () => {
    const inner = body({ node: [node('SequenceInsert', ['s', 'x'], ['after'])] }, sequencePort('s', [2]));
    const model = makeModel({
      input: [x],
      output: [port('y', [3, 2])],
      initializer: [{ name: 'three', dataType: 7, dims: [], int64Data: [3] }],
      node: [
        node('SequenceEmpty', [], ['s0']),
        node('Loop', ['three', '', 's0'], ['s'], { body: graph(inner) }),
        node('ConcatFromSequence', ['s'], ['y'], { axis: 0, new_axis: 1 }),
      ],
    });
    assert.equal(toProgram(importBytes(model), undefined).body.length, 1);
  });

  it('need a bound where something grows', () => {
    const inner = body({ node: [node('SequenceInsert', ['s', 'x'], ['after'])] }, sequencePort('s', [2]));
    const model = makeModel({
      input: [port('go', [], 'bool'), x],
      output: [sequencePort('y', [2])],
      node: [node('SequenceEmpty', [], ['s0']), node('Loop', ['', 'go', 's0'], ['y'], { body: graph(inner) })],
    });
    assert.throws(() => importBytes(model), /Loop "y": the number of turns is known only at run time/);
  });
});
