import * as assert from 'node:assert/strict';
import { toBytes } from '../../ir/bytes.ts';
import { importBytes, toProgram } from '../../src/compile.ts';
import { runProgram } from '../../src/evaluate.ts';
import { startOracle } from '../fuzz/oracle.ts';
import { tensorFrom } from '../fuzz/tensors.ts';
import { type AttributeInput, floats, graph, ints, makeModel, node, port } from './make-model.ts';

const [words, width] = [6, 4];
const numbers = (count: number, seed: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => ((i * 37 + seed * 11) % 17) / 8 - 1);
const int32s = (name: string, values: readonly number[], dims: readonly number[] = [values.length]) => ({
  name,
  dataType: 6,
  dims: [...dims],
  rawData: Uint8Array.from(toBytes('int32', values)),
});

/** A decoder with one state: scores come from a token, its position, and the mean of all tokens that the mask keeps. */
const decoder = {
  name: 'decoder',
  input: [
    port('input_ids', ['batch', 'length'], 'int32'),
    port('position_ids', ['batch', 'length'], 'int32'),
    port('attention_mask', ['batch', 'total'], 'int32'),
    port('past_0', [2, 'batch', 1, 'before', width]),
  ],
  output: [port('logits', ['batch', 'length', words]), port('present_0', [2, 'batch', 1, 'total', width])],
  initializer: [
    floats('table', numbers(words * width, 1), [words, width]),
    floats('places', numbers(16 * width, 2), [16, width]),
    floats('head', numbers(width * words, 3), [width, words]),
    ints('axes', [0, 2]),
    ints('axis3', [3]),
    ints('axis2', [2]),
    ints('mask_axes', [1, 3]),
    ints('zero', [0]),
    ints('one', [1]),
  ],
  node: [
    node('Gather', ['table', 'input_ids'], ['tokens']),
    node('Gather', ['places', 'position_ids'], ['placed']),
    node('Add', ['tokens', 'placed'], ['x']),
    node('Unsqueeze', ['x', 'axes'], ['row']),
    node('Concat', ['row', 'row'], ['pair'], { axis: 0 }),
    node('Concat', ['past_0', 'pair'], ['present_0'], { axis: 3 }),
    node('Slice', ['present_0', 'zero', 'one', 'zero'], ['all']),
    node('Cast', ['attention_mask'], ['kept'], { to: 1 }),
    node('Unsqueeze', ['kept', 'mask_axes'], ['weights']),
    node('Unsqueeze', ['weights', 'zero'], ['spread']),
    node('Mul', ['all', 'spread'], ['masked']),
    node('ReduceSum', ['masked', 'axis3'], ['sum'], { keepdims: 1 }),
    node('Squeeze', ['sum', 'axes'], ['context']),
    node('Add', ['x', 'context'], ['mixed']),
    node('MatMul', ['mixed', 'head'], ['logits']),
  ],
};

interface Case {
  readonly ids: readonly (readonly number[])[];
  readonly longest: number;
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly least?: number;
  readonly penalty?: number;
  readonly vocabMask?: readonly number[];
}

function modelOf({ ids, longest, attributes = {}, least, penalty, vocabMask }: Case, open: boolean): Uint8Array {
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
    node: [node('GreedySearch', names, ['sequences'], own, { domain: 'com.microsoft' })],
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
