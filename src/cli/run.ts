// lapidary run: compile, run once, save the outputs.

import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Command } from 'commander';
import type { DType } from '../../ir/dtype.ts';
import { dtypeFromOnnx } from '../../ir/dtype.ts';
import { ModelError, UsageError } from '../errors.ts';
import { buildExecutable } from '../execute/build.ts';
import type { GivenValue, NamedValue } from '../execute/executable.ts';
import { readNpy, writeNpy } from '../npy.ts';
import { decodeModel } from '../onnx/decode.ts';
import { encodeDataValue } from '../onnx/encode-tensor.ts';
import type { ValueInfoProto } from '../onnx/proto-types.ts';
import { type DataValue, readDataValue } from '../onnx/test-data.ts';
import { suggestion } from './closest.ts';
import { checkRunnableTarget, defaultRunTarget } from './find-target.ts';
import {
  addModelOptions,
  compileOptions,
  type ModelOptions,
  positiveNumber,
  targetOption,
  threadsOption,
} from './options.ts';
import { outputFileNames } from './output-names.ts';
import { readModel } from './read-model.ts';
import { writeFolder } from './write-folder.ts';

interface Options extends ModelOptions {
  readonly input: readonly string[];
  readonly output: string;
  readonly target?: string;
  readonly threads: number;
  readonly timeout: number;
  readonly json: boolean;
}

const after = `
Examples:
  lapidary run model.onnx --input image=cat.npy -o out            writes out/OUTPUT.npy for each output
  lapidary run model.onnx --input x=input_0.pb --target wasm -o out`;

export const runCommand = (command: Command): Command =>
  addModelOptions(
    command
      .description('Compiles a model, runs it once on the given inputs, and saves each output as a .npy file.')
      .argument('<model>', 'an ONNX file')
      .option('--input <name=file>', 'a .npy or ONNX .pb file for an input (once for each)', collect, [])
      .requiredOption('-o, --output <folder>', 'where the outputs go')
      .addOption(targetOption('what to compile for; also js (default: host, or wasm without a C compiler)'))
      .addOption(threadsOption())
      .option('--timeout <seconds>', 'how long the run may take', positiveNumber, 600)
      .option('--json', 'print what was written as JSON', false),
  )
    .addHelpText('after', after)
    .action(runAction);

const collect = (text: string, before: readonly string[]): readonly string[] => [...before, text];

async function runAction(file: string, options: Options): Promise<void> {
  const model = readModel(file, options);
  const infos = decodeModel(model.bytes).graph?.input ?? [];
  const inputs = options.input.map((text) => readInput(text, infos));
  refuseRepeats(inputs);
  const target = checkRunnableTarget(options.target ?? (await defaultRunTarget()));
  const { threads, timeout } = options;
  const shapes = { ...openShapes(inputs, infos), ...options.shape };
  const execute = { ...compileOptions(options), shapes, threads, timeoutSeconds: timeout };
  const executable = await buildExecutable(model, target, execute);
  try {
    await save(await executable.run(inputs), options);
  } finally {
    executable.dispose();
  }
}

function readInput(text: string, infos: readonly ValueInfoProto[]): GivenValue {
  const { info, file } = splitInput(text, infos);
  const name = info.name ?? '';
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw new UsageError(`--input ${text}: there is no file ${file}.`);
  try {
    return { name, file, value: readValueFile(file, info) };
  } catch (error) {
    // A file that cannot be read is the user's argument, not the model.
    if (error instanceof ModelError) throw new UsageError(`--input ${text}: ${error.message}`);
    throw error;
  }
}

/** Names may hold "=": the longest name of an input that fits counts. */
function splitInput(
  text: string,
  infos: readonly ValueInfoProto[],
): { readonly info: ValueInfoProto; readonly file: string } {
  const fitting = infos
    .filter(({ name = '' }) => text.startsWith(`${name}=`))
    .sort((a, b) => (b.name ?? '').length - (a.name ?? '').length)[0];
  if (fitting) return { info: fitting, file: text.slice((fitting.name ?? '').length + 1) };
  const wanted = text.split('=')[0]!;
  const known = infos.map(({ name }) => name ?? '');
  if (!text.includes('=')) throw new UsageError(`--input ${text}: expected NAME=FILE.`);
  throw new UsageError(`--input: the model has no input ${JSON.stringify(wanted)}.${suggestion(wanted, known)}`);
}

function readValueFile(file: string, info: ValueInfoProto): DataValue {
  const where = `file ${file}`;
  const bytes = new Uint8Array(fs.readFileSync(file));
  const isNpy = bytes[0] === 0x93 || file.endsWith('.npy');
  if (isNpy) return { kind: 'tensor', tensor: readNpy(bytes, where, elementTypeOf(info)) };
  return readDataValue(bytes, info.type, where).value;
}

const elementTypeOf = ({ type }: ValueInfoProto): DType | undefined => dtypeFromOnnx(type?.tensorType?.elemType ?? 0);

function refuseRepeats(inputs: readonly GivenValue[]): void {
  const names = inputs.map(({ name }) => name);
  const repeated = names.find((name, position) => names.indexOf(name) !== position);
  if (repeated !== undefined) throw new UsageError(`--input: ${JSON.stringify(repeated)} is given twice.`);
}

/** Where the model does not even say the rank of an input, the given tensor does. */
const openShapes = (inputs: readonly GivenValue[], infos: readonly ValueInfoProto[]) =>
  Object.fromEntries(
    inputs
      .filter(({ name }) => infos.some((info) => info.name === name && info.type?.tensorType?.shape === undefined))
      .flatMap(({ name, value }) => (value.kind === 'tensor' ? [[name, value.tensor.dims] as const] : [])),
  );

async function save(outputs: readonly NamedValue[], { output, json }: Options): Promise<void> {
  const names = outputFileNames(outputs.map(({ name }) => name));
  // NumPy has no files for sequences and the like: those are written as ONNX writes them.
  const files = outputs.map(({ value }, i) => (value.kind === 'tensor' ? names[i]! : names[i]!.replace(/npy$/, 'pb')));
  await writeFolder(output, (stage) => {
    for (const [position, { name, value }] of outputs.entries()) {
      const bytes = value.kind === 'tensor' ? writeNpy(value.tensor) : encodeDataValue(value, name);
      fs.writeFileSync(path.join(stage, files[position]!), bytes);
    }
  });
  const rows = outputs.map(({ name, value }, position) => {
    const file = path.join(output, files[position]!);
    if (value.kind !== 'tensor') return { output: name, file, kind: value.kind };
    return { output: name, file, dtype: value.tensor.dtype, shape: value.tensor.dims };
  });
  if (json) process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
  else for (const row of rows) process.stdout.write(`${row.file} ${describe(row)}\n`);
}

const describe = (row: {
  readonly kind?: string;
  readonly dtype?: string;
  readonly shape?: readonly number[];
}): string => row.kind ?? `${row.dtype}[${row.shape?.join(', ')}]`;
