// Reads a test case: its model, and for each data set the inputs by name and the expected outputs by name.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { problem, UsageError } from '../errors.ts';
import type { GivenInput, GivenValue, ModelSource, NamedValue } from '../execute/executable.ts';
import { decodeModel } from '../onnx/decode.ts';
import { readModelFile } from '../onnx/model-file.ts';
import type { GraphProto, ValueInfoProto } from '../onnx/proto-types.ts';
import { type DataFile, readDataFiles, readDataSets } from '../onnx/test-data.ts';
import { modelFileOf } from './cases.ts';
import { isRandom } from './random.ts';

export interface CaseData {
  readonly model: ModelSource;
  readonly sets: readonly CaseSet[];
  /** Shapes of inputs whose rank the model leaves open, from the first data set. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Whether results depend on random numbers. */
  readonly random: boolean;
}

export interface CaseSet {
  readonly name: string;
  readonly inputs: readonly GivenValue[];
  readonly outputs: readonly NamedValue[];
}

export function readCase(folder: string): CaseData {
  const file = modelFileOf(folder);
  const bytes = readModelFile(file);
  const { graph } = decodeModel(bytes, `file ${file}`);
  if (!graph) throw problem(`file ${file}`, 'The model has no graph.');
  const inputs = inputsOf(graph, mostInputs(folder));
  const types = (infos: readonly ValueInfoProto[]) => infos.map(({ type }) => type);
  const sets = readDataSets(folder, types(inputs), types(graph.output)).map((set): CaseSet => {
    const [given, expected] = [valuesOf(set.inputs, inputs), valuesOf(set.outputs, graph.output)];
    return { name: path.basename(set.folder), inputs: given, outputs: expected };
  });
  return { model: { bytes, file }, sets, shapes: openShapes(inputs, sets[0]), random: isRandom(graph) };
}

/** The inputs in one `test_data_set_*` folder, for a model that lies elsewhere. */
export function readDataFolder(bytes: Uint8Array, folder: string): readonly GivenInput[] {
  const { graph } = decodeModel(bytes);
  const stat = fs.statSync(folder, { throwIfNoEntry: false });
  if (!graph || !stat?.isDirectory()) throw new UsageError(`There is no folder ${folder}.`);
  const inputs = inputsOf(graph, inputFilesIn(folder));
  const types = inputs.map(({ type }) => type);
  return valuesOf(readDataFiles(folder, 'input', types), inputs).map(({ name, file, value }) => {
    if (value.kind === 'tensor') return { name, file, tensor: value.tensor };
    throw new UsageError(`file ${file} holds a ${value.kind}; only tensors can be given here.`);
  });
}

/** Test data numbers the inputs without initializers, unless there are files for those too. */
function inputsOf(graph: GraphProto, files: number): readonly ValueInfoProto[] {
  const initialized = new Set(graph.initializer.map(({ name }) => name ?? ''));
  for (const { values } of graph.sparseInitializer) initialized.add(values?.name ?? '');
  const required = graph.input.filter(({ name }) => !initialized.has(name ?? ''));
  return files > required.length ? graph.input : required;
}

const mostInputs = (folder: string): number =>
  Math.max(
    0,
    ...fs
      .readdirSync(folder)
      .filter((name) => /^test_data_set_\d+$/.test(name))
      .map((name) => inputFilesIn(path.join(folder, name))),
  );

const inputFilesIn = (folder: string): number =>
  fs.readdirSync(folder).filter((file) => /^input_\d+\.pb$/.test(file)).length;

/** The names in the files count where they all are names of the model, else the numbers of the files. */
function valuesOf(files: readonly DataFile[], infos: readonly ValueInfoProto[]): readonly GivenValue[] {
  const known = new Set(infos.map(({ name }) => name ?? ''));
  const named = new Set(files.map(({ name }) => name ?? '').filter((name) => name !== '' && known.has(name)));
  return files.map(({ index, file, name: own, value }) => {
    const name = named.size === files.length ? (own ?? '') : (infos[index]?.name ?? '');
    return { name, file, value };
  });
}

function openShapes(inputs: readonly ValueInfoProto[], set: CaseSet | undefined): CaseData['shapes'] {
  const open = inputs.filter(({ type }) => type?.tensorType && !type.tensorType.shape).map(({ name }) => name);
  const given = (set?.inputs ?? []).filter(({ name }) => open.includes(name));
  return Object.fromEntries(
    given.map(({ name, value }) => [name, value.kind === 'tensor' ? value.tensor.dims : []] as const),
  );
}
