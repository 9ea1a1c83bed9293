import * as assert from 'node:assert/strict';
import { importBytes, toProgram } from '../../src/compile.ts';
import { runProgram } from '../../src/evaluate.ts';
import { startOracle } from '../fuzz/oracle.ts';
import { tensorFrom } from '../fuzz/tensors.ts';
import { type Plain, given as plainOf, runValues } from '../ops/run-values.ts';
import { decoder, int32s } from './generation-models.ts';
import { type AttributeInput, floats, graph, type ModelParts, makeModel, node, port } from './make-model.ts';

interface Case {
  readonly ids: readonly (readonly number[])[];
  readonly longest: number;
  readonly beams: number;
  readonly returned?: number;
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly least?: number;
  readonly lengthPenalty?: number;
  readonly penalty?: number;
  readonly prefixMask?: readonly number[];
  /** Outputs that are asked for. */
  readonly outputs?: number;
}

const shapes: readonly (readonly [string, number, 'int32' | 'float32'])[] = [
  ['sequences', 3, 'int32'],
  ['sequences_scores', 2, 'float32'],
  ['scores', 4, 'float32'],
];

function partsOf(given: Case, open: boolean): ModelParts {
  const {
    ids,
    longest,
    beams,
    returned = beams,
    attributes = {},
    least = 0,
    lengthPenalty,
    penalty,
    prefixMask,
  } = given;
  const operands = [
    ['longest', int32s('longest', [longest])],
    // ONNX Runtime asks for the two optional numbers as well.
    ['least', int32s('least', [least])],
    ['beams', int32s('beams', [beams])],
    ['returned', int32s('returned', [returned])],
    ['length_penalty', floats('length_penalty', [lengthPenalty ?? 1])],
    ['penalty', penalty === undefined ? undefined : floats('penalty', [penalty])],
    ['vocab_mask', undefined],
    ['prefix', prefixMask && int32s('prefix', prefixMask, [ids.length, prefixMask.length / ids.length])],
  ] as const;
  const names = ['ids', ...operands.map(([name, tensor]) => (tensor ? name : ''))];
  while (names.at(-1) === '') names.pop();
  const own = { decoder: graph(decoder), eos_token_id: 5, pad_token_id: 0, model_type: 0, ...attributes };
  const outputs = shapes.slice(0, given.outputs ?? 2);
  return {
    input: [port('ids', open ? ['batch', 'prompt'] : [ids.length, ids[0]!.length], 'int32')],
    output: outputs.map(([name, rank, dtype]) => port(name, Array(rank).fill(undefined), dtype)),
    initializer: operands.flatMap(([, tensor]) => tensor ?? []),
    node: [
      node(
        'BeamSearch',
        names,
        outputs.map(([name]) => name),
        own,
        { domain: 'com.microsoft' },
      ),
    ],
    domains: { 'com.microsoft': 1 },
  };
}

const modelOf = (given: Case, open: boolean): Uint8Array => makeModel(partsOf(given, open));

const numbersOf = (plain: Plain): readonly [readonly number[], readonly number[]] => {
  if (!Array.isArray(plain)) throw new Error('is no tensor');
  return [plain[0], plain[1].map(Number)];
};

const two = [
  [0, 2, 3],
  [1, 1, 4],
];
const cases: Readonly<Record<string, Case>> = {
  'two beams to a length': { ids: [[1, 2, 3]], longest: 8, beams: 2 },
  'one beam': { ids: [[1, 2, 3]], longest: 8, beams: 1 },
  'beams until their end': { ids: [[1, 2]], longest: 9, beams: 3, attributes: { eos_token_id: 2 } },
  'beams until enough of them have ended': {
    ids: two,
    longest: 10,
    beams: 2,
    attributes: { eos_token_id: 2, early_stopping: 1 },
  },
  'beams whose length is punished': {
    ids: [[1, 2]],
    longest: 9,
    beams: 3,
    lengthPenalty: 2,
    attributes: { eos_token_id: 3 },
  },
  'beams whose shortness is punished': {
    ids: [[4, 2]],
    longest: 9,
    beams: 3,
    lengthPenalty: 0.3,
    attributes: { eos_token_id: 4 },
  },
  'the best of several beams': { ids: two, longest: 7, beams: 3, returned: 2 },
  'beams of a least length': { ids: [[1, 2]], longest: 9, beams: 2, least: 6, attributes: { eos_token_id: 4 } },
  'beams without repeated pairs': {
    ids: [[1, 1, 4]],
    longest: 8,
    beams: 2,
    penalty: 1.5,
    attributes: { no_repeat_ngram_size: 2 },
  },
  'beams that must begin with certain words': {
    ids: two,
    longest: 6,
    beams: 2,
    prefixMask: [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1],
  },
  'the scores of all turns': { ids: two, longest: 6, beams: 2, outputs: 3 },
};

describe('a search along several beams', () => {
  const oracle = startOracle();
  after(() => oracle.close());

  for (const [name, given] of Object.entries(cases)) {
    it(`finds ${name}, as ONNX Runtime does`, async () => {
      const ids = tensorFrom('int32', [given.ids.length, given.ids[0]!.length], given.ids.flat().map(BigInt));
      const answer = await oracle.ask(modelOf(given, false), [[{ name: 'ids', tensor: ids }]]);
      assert.equal(answer.error, undefined);
      const expected = answer.results![0]!;
      for (const open of [false, true]) {
        const results = runProgram(toProgram(importBytes(modelOf(given, open)), undefined), [ids]);
        assert.equal(results.length, given.outputs ?? 2);
        for (const [i, result] of results.entries()) {
          assert.deepEqual(result.dims, expected[i]!.dims);
          const [ours, theirs] = [result.bytes.slice().buffer, expected[i]!.bytes.slice().buffer];
          if (i === 0) {
            assert.deepEqual([...new Int32Array(ours)], [...new Int32Array(theirs)]);
            continue;
          }
          const reference = new Float32Array(theirs);
          for (const [at, value] of new Float32Array(ours).entries()) {
            const bound = 1e-5 * Math.max(1, Math.abs(reference[at]!));
            assert.ok(Math.abs(value - reference[at]!) <= bound, `${i}, ${at}: ${value} ${reference[at]}`);
          }
        }
      }
    });
  }

  // ONNX Runtime does not: whether a search may end there depends on scores of the prompt before, too.
  it('searches each prompt as if it were alone', () => {
    const given = { ...cases['beams without repeated pairs']!, ids: two };
    const search = (rows: Case['ids']): readonly number[] => {
      const ids = tensorFrom('int32', [rows.length, rows[0]!.length], rows.flat().map(BigInt));
      const [result] = runProgram(toProgram(importBytes(modelOf({ ...given, ids: rows }, false)), undefined), [ids]);
      return [...new Int32Array(result!.bytes.slice().buffer)];
    };
    assert.deepEqual(
      search(two),
      two.flatMap((row) => search([row])),
    );
  });

  it('goes on after the end of some, so that cases above are of both kinds', () => {
    const ended = Object.values(cases).filter((given) => {
      const ids = tensorFrom('int32', [given.ids.length, given.ids[0]!.length], given.ids.flat().map(BigInt));
      const [result] = runProgram(toProgram(importBytes(modelOf(given, false)), undefined), [ids]);
      const last = [...new Int32Array(result!.bytes.slice().buffer)].filter((_, i) => (i + 1) % given.longest === 0);
      return last.some((value) => value === 0) && last.some((value) => value !== 0);
    });
    assert.ok(ended.length > 0);
  });

  it('gives the same when it is compiled, also for batches and prompts of any size', async () => {
    const given = { ...cases['beams until enough of them have ended']!, outputs: 3 };
    const ids = { ids: plainOf([[2, 3], given.ids.flat()], 'int32') };
    const expected = await runValues(partsOf(given, false), ids);
    for (const open of [false, true]) {
      const found = await runValues(partsOf(given, open), ids, 'wasm');
      for (const [i, plain] of found.entries()) {
        const [[dims, ours], [expectedDims, theirs]] = [numbersOf(plain), numbersOf(expected[i]!)];
        assert.deepEqual(dims, expectedDims);
        for (const [at, value] of ours.entries()) {
          assert.ok(
            Math.abs(value - theirs[at]!) <= 1e-5 * Math.max(1, Math.abs(theirs[at]!)),
            `${i}, ${at}: ${value}`,
          );
        }
      }
    }
  });

  it('needs to know how many beams there are, and returns no more', () => {
    const given = cases['two beams to a length']!;
    assert.throws(
      () => importBytes(modelOf({ ...given, returned: 3 }, false)),
      /num_return_sequences is 3; expected at most num_beams, 2/,
    );
  });
});
