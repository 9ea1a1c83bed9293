// Decodes every model and every test value of the ONNX conformance suite and the model collection, where they are.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { decodeModel } from '../../src/onnx/decode.ts';
import { externalDataOf } from '../../src/onnx/external-data.ts';
import { readModelFile } from '../../src/onnx/model-file.ts';
import type { GraphProto, TensorProto } from '../../src/onnx/proto-types.ts';
import { readSparseTensor } from '../../src/onnx/sparse-tensor.ts';
import { readTensor } from '../../src/onnx/tensor.ts';
import { readDataSets } from '../../src/onnx/test-data.ts';

const corpora = [
  { name: 'LAPIDARY_ONNX_TESTS', folder: process.env.LAPIDARY_ONNX_TESTS ?? '../shared/onnx-backend', least: 1900 },
  { name: 'LAPIDARY_MODELS', folder: process.env.LAPIDARY_MODELS ?? '../shared/models', least: 40 },
] as const;

function* tensorsOf(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer;
  for (const { attribute } of graph.node) {
    for (const { t, tensors, g, graphs } of attribute) {
      if (t !== undefined) yield t;
      yield* tensors;
      for (const inner of g === undefined ? graphs : [g, ...graphs]) yield* tensorsOf(inner);
    }
  }
}

const modelsUnder = (folder: string): string[] =>
  fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => path.join(folder, name));

for (const { name, folder, least } of corpora) {
  describe(`the models of ${name}`, function () {
    this.timeout(120_000);

    before(function () {
      if (fs.existsSync(folder)) return;
      console.warn(`      SKIPPED: ${folder} does not exist. Set ${name} to the folder of the models.`);
      this.skip();
    });

    it('decode with all their tensors and test data', () => {
      const models = modelsUnder(folder);
      const problems: string[] = [];
      for (const file of models) {
        try {
          readEverything(file);
        } catch (error) {
          problems.push(`${file}: ${error}`);
        }
      }
      assert.deepEqual(problems, []);
      if (process.env[name] === undefined) assert.ok(models.length >= least, `found only ${models.length} models`);
    });
  });
}

function readEverything(file: string): void {
  const { graph } = decodeModel(readModelFile(file), `file ${file}`);
  assert.ok(graph);
  const resolve = externalDataOf(file);
  for (const tensor of tensorsOf(graph)) readTensor(tensor, resolve);
  for (const tensor of graph.sparseInitializer) readSparseTensor(tensor, resolve);
  const initialized = new Set(graph.initializer.map((tensor) => tensor.name));
  const inputs = graph.input.filter((input) => !initialized.has(input.name));
  const sets = readDataSets(
    path.dirname(file),
    inputs.map((input) => input.type),
    graph.output.map((output) => output.type),
  );
  for (const set of sets) {
    assert.ok(set.inputs.length <= inputs.length, 'more input files than inputs');
    assert.ok(set.outputs.length <= graph.output.length, 'more output files than outputs');
  }
}
