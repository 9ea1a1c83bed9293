import * as assert from 'node:assert/strict';
import { node, port } from '../onnx/make-model.ts';
import { given, mapPort, runValues } from './run-values.ts';

const ml = { domain: 'ai.onnx.ml' };
const strings = (...texts: string[]) => ({ type: 8, strings: texts.map((text) => new TextEncoder().encode(text)) });
const domains = { 'ai.onnx.ml': 3 };

describe('maps', () => {
  for (const target of ['js', 'wasm']) {
    it(`are made of rows and class labels (${target})`, async () => {
      const parts = {
        input: [port('x', ['n', 2])],
        output: [{ name: 'y' }],
        node: [node('ZipMap', ['x'], ['y'], { classlabels_strings: strings('no', 'ja') }, ml)],
        domains,
      };
      assert.deepEqual(
        await runValues(
          parts,
          {
            x: given([
              [2, 2],
              [1, 2, 3, 4],
            ]),
          },
          target,
        ),
        [
          {
            list: [
              {
                keys: ['no', 'ja'],
                values: [
                  [[], [1]],
                  [[], [2]],
                ],
              },
              {
                keys: ['no', 'ja'],
                values: [
                  [[], [3]],
                  [[], [4]],
                ],
              },
            ],
          },
        ],
      );
    });

    it(`become a row in the order of a vocabulary (${target})`, async () => {
      const parts = {
        input: [mapPort('x', 'string', 'float32')],
        output: [port('y', [1, 3])],
        node: [node('DictVectorizer', ['x'], ['y'], { string_vocabulary: strings('a', 'ä', 'c') }, ml)],
        domains,
      };
      const run = (keys: string[], values: number[]) =>
        runValues(parts, { x: given({ keys, values: values.map((value) => [[], [value]]) }) }, target);
      assert.deepEqual(await run(['c', 'x', 'a'], [1, 2, 3]), [
        [
          [1, 3],
          [3, 0, 1],
        ],
      ]);
      assert.deepEqual(await run([], []), [
        [
          [1, 3],
          [0, 0, 0],
        ],
      ]);
    });

    it(`become a row in the order of their keys, or at the places that these name (${target})`, async () => {
      const cast = (attributes: Record<string, string | number>) =>
        runValues(
          {
            input: [mapPort('x', 'int64', 'float32')],
            output: [port('y', [1, undefined])],
            node: [node('CastMap', ['x'], ['y'], attributes, ml)],
            domains,
          },
          {
            x: given({
              keys: [3, 0, 2],
              values: [
                [[], [30]],
                [[], [1]],
                [[], [20]],
              ],
            }),
          },
          target,
        );
      assert.deepEqual(await cast({}), [
        [
          [1, 3],
          [1, 20, 30],
        ],
      ]);
      assert.deepEqual(await cast({ map_form: 'SPARSE', max_map: 5 }), [
        [
          [1, 5],
          [1, 0, 20, 30, 0],
        ],
      ]);
    });
  }

  it('of classifiers have strings for labels', async () => {
    const parts = {
      input: [port('x', ['n', 1])],
      output: [port('label', ['n'], 'string'), { name: 'scores' }],
      node: [
        node(
          'LinearClassifier',
          ['x'],
          ['label', 'p'],
          {
            coefficients: { type: 6, floats: [-1, 1, 0] },
            intercepts: { type: 6, floats: [0, 0, 0.5] },
            classlabels_strings: strings('a', 'b', 'c'),
          },
          ml,
        ),
        node('ZipMap', ['p'], ['scores'], { classlabels_strings: strings('a', 'b', 'c') }, ml),
      ],
      domains,
    };
    const [label] = await runValues(parts as never, {
      x: given([
        [3, 1],
        [-2, 0, 3],
      ]),
    });
    assert.deepEqual(label, [[3], ['a', 'c', 'b']]);
  });
});
