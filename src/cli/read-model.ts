// Reads the model that a command is given, and checks that the options speak of what is in it.

import { UsageError } from '../errors.ts';
import type { ModelSource } from '../execute/executable.ts';
import { decodeModel } from '../onnx/decode.ts';
import { readModelFile } from '../onnx/model-file.ts';
import type { GraphProto, TypeProto } from '../onnx/proto-types.ts';
import { suggestion } from './closest.ts';
import type { ModelOptions } from './options.ts';

export function readModel(file: string, options: ModelOptions): ModelSource {
  const bytes = readModelFile(file);
  const { graph } = decodeModel(bytes, `file ${file}`);
  if (graph) checkNames(graph, options);
  return { bytes, file };
}

function checkNames(graph: GraphProto, options: ModelOptions): void {
  const inputs = graph.input.map(({ name }) => name ?? '');
  const dims = graph.input.flatMap(({ name, type }) => symbolsIn(type, name ?? ''));
  const initialized = new Set(graph.initializer.map(({ name }) => name ?? ''));
  mustKnow('--dim', 'symbolic dimension', Object.keys(options.dim), dims);
  mustKnow('--max', 'symbolic dimension', Object.keys(options.max), dims);
  mustKnow('--shape', 'input', Object.keys(options.shape), inputs);
  mustKnow(
    '--overridable',
    'initializer among the inputs',
    options.overridable,
    inputs.filter((name) => initialized.has(name)),
  );
}

function mustKnow(option: string, noun: string, given: readonly string[], known: readonly string[]): void {
  const wrong = given.find((name) => !known.includes(name));
  if (wrong === undefined) return;
  throw new UsageError(
    `${option}: the model has no ${noun} ${JSON.stringify(wrong)}.${suggestion(wrong, [...new Set(known)])}`,
  );
}

/** As the importer names them: dimensions without a name after the input and the axis. */
function symbolsIn(type: TypeProto | undefined, name: string): readonly string[] {
  if (!type) return [];
  const shape = type.tensorType?.shape ?? type.sparseTensorType?.shape;
  const inner = type.sequenceType?.elemType ?? type.optionalType?.elemType ?? type.mapType?.valueType;
  const own = (shape?.dim ?? []).flatMap(({ dimParam, dimValue }, axis) =>
    dimValue !== undefined && dimValue >= 0n ? [] : [dimParam || `${name}_${axis}`],
  );
  return [...own, ...symbolsIn(inner, name)];
}
