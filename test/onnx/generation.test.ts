import * as assert from 'node:assert/strict';
import { importBytes, toProgram } from '../../src/compile.ts';
import { runProgram } from '../../src/evaluate.ts';
import { startOracle } from '../fuzz/oracle.ts';
import { tensorFrom } from '../fuzz/tensors.ts';
import { decoder, int32s, numbers, width, words } from './generation-models.ts';
import { type AttributeInput, float, floats, graph, makeModel, node, port } from './make-model.ts';

interface Case {
  readonly op?: string;
  readonly ids: readonly (readonly number[])[];
  readonly longest: number;
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly least?: number;
  readonly penalty?: number;
  readonly vocabMask?: readonly number[];
}

function modelOf(
  { op = 'GreedySearch', ids, longest, attributes = {}, least, penalty, vocabMask }: Case,
  open: boolean,
): Uint8Array {
  const initializer = [
    int32s('longest', [longest]),
    ...(least === undefined ? [] : [int32s('least', [least])]),
    ...(penalty === undefined ? [] : [floats('penalty', [penalty])]),
    ...(vocabMask === undefined ? [] : [int32s('vocab_mask', vocabMask)]),
  ];
  const names = [
    'ids',
    'longest',
    least === undefined ? '' : 'least',
    penalty === undefined ? '' : 'penalty',
    vocabMask === undefined ? '' : 'vocab_mask',
  ];
  while (names.at(-1) === '') names.pop();
  const own = { decoder: graph(decoder), eos_token_id: 5, pad_token_id: 0, model_type: 0, ...attributes };
  return makeModel({
    input: [port('ids', open ? ['batch', 'prompt'] : [ids.length, ids[0]!.length], 'int32')],
    output: [port('sequences', [undefined, undefined], 'int32')],
    initializer,
    node: [node(op, names, ['sequences'], own, { domain: 'com.microsoft' })],
    domains: { 'com.microsoft': 1 },
  });
}

const cases: Readonly<Record<string, Case>> = {
  'to a length': { ids: [[1, 2, 3]], longest: 8 },
  'of several prompts, padded on the left': {
    ids: [
      [0, 2, 3],
      [1, 1, 4],
    ],
    longest: 9,
  },
  'until the end of a sequence': {
    ids: [
      [1, 2],
      [4, 3],
    ],
    longest: 9,
    attributes: { eos_token_id: 2 },
  },
  'not before a least length': { ids: [[1, 2, 3]], longest: 9, least: 6, attributes: { eos_token_id: 4 } },
  'with a penalty for what was said': { ids: [[1, 2, 3]], longest: 9, penalty: 2.5 },
  'without words that are masked': { ids: [[1, 2, 3]], longest: 8, vocabMask: [1, 0, 1, 1, 0, 1] },
  'without a repeated pair': { ids: [[1, 2, 3]], longest: 9, attributes: { no_repeat_ngram_size: 2 } },
  'by the only token that is likely enough': {
    op: 'Sampling',
    ids: [[1, 2, 3]],
    longest: 9,
    // Its other way (custom = 0) leaves out the most likely token here, which no definition asks for.
    attributes: { custom: 1, top_p: float(0.01), temperature: float(0.5), eos_token_id: 5 },
  },
};

describe('greedy search over a decoder', () => {
  const oracle = startOracle();
  after(() => oracle.close());

  for (const [name, given] of Object.entries(cases)) {
    it(`goes on ${name}, as ONNX Runtime does`, async () => {
      const dims = [given.ids.length, given.ids[0]!.length];
      const ids = tensorFrom('int32', dims, given.ids.flat().map(BigInt));
      const answer = await oracle.ask(modelOf(given, false), [[{ name: 'ids', tensor: ids }]]);
      assert.equal(answer.error, undefined);
      const expected = [...new Int32Array(answer.results![0]![0]!.bytes.slice().buffer)];
      for (const open of [false, true]) {
        const [result] = runProgram(toProgram(importBytes(modelOf(given, open)), undefined), [ids]);
        const sequences = [...new Int32Array(result!.bytes.slice().buffer)];
        assert.deepEqual(result!.dims, [dims[0], given.longest]);
        // What ONNX Runtime gives behind the end of the last sequence is whatever its memory held; here it is 0.
        const ended = (column: number): boolean =>
          sequences.every((token, i) => i % given.longest !== column || token === 0);
        const columns = Array.from({ length: given.longest }, (_, i) => i).filter(
          (i) => i < dims[1]! || !ended(i),
        ).length;
        const written = (list: readonly number[]): readonly number[] =>
          list.filter((_, i) => i % given.longest < columns);
        assert.deepEqual(written(sequences), written(expected));
      }
    });
  }

  it('draws tokens as often as they are likely', () => {
    const ids = Array.from({ length: 60 }, () => [3]);
    const count = (attributes: Readonly<Record<string, AttributeInput>>): readonly number[] => {
      const own = { top_p: float(1), pad_token_id: 7, eos_token_id: 7, ...attributes };
      const program = toProgram(
        importBytes(modelOf({ op: 'Sampling', ids, longest: 2, attributes: own }, false)),
        undefined,
      );
      const [result] = runProgram(program, [tensorFrom('int32', [ids.length, 1], ids.flat().map(BigInt))]);
      const tokens = [...new Int32Array(result!.bytes.slice().buffer)].filter((_, i) => i % 2 === 1);
      return Array.from({ length: words }, (_, word) => tokens.filter((token) => token === word).length / ids.length);
    };
    const row = (from: number, seed: number): readonly number[] =>
      numbers(16 * width, seed).slice(from * width, (from + 1) * width);
    const x = row(3, 1).map((value, i) => 2 * (value + row(0, 2)[i]!));
    const head = numbers(width * words, 3);
    const scores = Array.from({ length: words }, (_, v) =>
      x.reduce((sum, value, i) => sum + value * head[i * words + v]!, 0),
    );
    const powers = scores.map((score) => Math.exp(score - Math.max(...scores)));
    const likely = powers.map((power) => power / powers.reduce((a, b) => a + b, 0));
    for (const [word, share] of count({}).entries())
      assert.ok(Math.abs(share - likely[word]!) < 0.2, `${share} ${likely[word]}`);
    // Only the best of them is left where the others would be too much.
    const best = likely.indexOf(Math.max(...likely));
    assert.equal(count({ top_p: float(0.01) })[best], 1);
  });

  it('needs a length that is known', () => {
    const { ids } = cases['to a length']!;
    const model = makeModel({
      input: [port('ids', [1, ids[0]!.length], 'int32'), port('longest', [1], 'int32')],
      output: [port('sequences', [1, 8], 'int32')],
      node: [
        node(
          'GreedySearch',
          ['ids', 'longest'],
          ['sequences'],
          { decoder: graph(decoder), eos_token_id: 5, pad_token_id: 0 },
          { domain: 'com.microsoft' },
        ),
      ],
      domains: { 'com.microsoft': 1 },
    });
    assert.throws(() => importBytes(model), /GreedySearch .*max_length must be known at compile time/);
  });
});
