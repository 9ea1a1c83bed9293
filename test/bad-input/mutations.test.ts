// Models damaged at random: each compiles, or ends in a ModelError. LAPIDARY_SEED and LAPIDARY_RUNS make longer runs.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { targets } from '../../codegen/index.ts';
import { importBytes, toProgram } from '../../src/compile.ts';
import { ModelError } from '../../src/errors.ts';
import { digits } from '../cli/lapidary.ts';
import { floats, graph, ints, makeModel, node, port } from '../onnx/make-model.ts';
import { mutateBytes, mutateMessage, randomOf } from './mutate.ts';

const firstSeed = Number(process.env.LAPIDARY_SEED ?? 1);
const runs = Number(process.env.LAPIDARY_RUNS ?? 250);

const movement = makeModel({
  input: [port('x', [2, 3, 4]), port('i', [2], 'int64')],
  output: [port('y', undefined)],
  node: [
    node('Transpose', ['x'], ['t'], { perm: [0, 2, 1] }),
    node('Reshape', ['t', 'shape'], ['r']),
    node('Slice', ['r', 'starts', 'ends', 'axes'], ['s']),
    node('Gather', ['s', 'i'], ['g'], { axis: 1 }),
    node('Pad', ['g', 'pads'], ['p']),
    node('Concat', ['p', 'p'], ['c'], { axis: -1 }),
    node('ReduceMean', ['c'], ['y'], { axes: [1], keepdims: 0 }),
  ],
  initializer: [
    ints('shape', [2, -1]),
    ints('starts', [1]),
    ints('ends', [9]),
    ints('axes', [1]),
    ints('pads', [0, 1, 0, 1]),
  ],
});

const recurrent = makeModel({
  input: [port('x', ['time', 1, 2])],
  output: [port('y', undefined), port('h', undefined)],
  node: [node('LSTM', ['x', 'w', 'r'], ['y', 'h'], { hidden_size: 1 })],
  initializer: [floats('w', new Array(8).fill(0.5), [1, 4, 2]), floats('r', new Array(4).fill(0.5), [1, 4, 1])],
});

const loop = makeModel({
  input: [port('x', [2])],
  output: [port('v', [2]), port('s', ['n', 2])],
  node: [
    node('Loop', ['m', '', 'x'], ['v', 's'], {
      body: graph({
        input: [port('i', [], 'int64'), port('c', [], 'bool'), port('a', [2])],
        node: [node('Identity', ['c'], ['d']), node('Add', ['a', 'x'], ['b']), node('Neg', ['b'], ['k'])],
        output: [port('d', [], 'bool'), port('b', [2]), port('k', [2])],
      }),
    }),
  ],
  initializer: [ints('m', [3], [])],
});

const models = [movement, recurrent, loop, new Uint8Array(fs.readFileSync(digits))];

describe('models damaged at random', function () {
  this.timeout(120_000);

  for (const [kind, mutate] of Object.entries({ bytes: mutateBytes, values: mutateMessage })) {
    it(`(their ${kind}) compile or end in a ModelError`, async () => {
      for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
        const random = randomOf(seed);
        const bytes = mutate(models[seed % models.length]!, random);
        try {
          const program = toProgram(importBytes(bytes), targets.c);
          await targets.c!.generate(program, { name: 'net', weights: 'embed', threads: false, math: 'fast' });
        } catch (error) {
          const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
          assert.ok(error instanceof ModelError, `seed ${seed}: ${text}`);
          assert.ok(error.problems.length > 0);
        }
      }
    });
  }
});
