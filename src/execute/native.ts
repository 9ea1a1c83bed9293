// Runs a model as a program of its own: C, compiled here, run here or under an emulator.

import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { execa } from 'execa';
import { type DType, dtypes, isSubByte } from '../../ir/dtype.ts';
import type { Program } from '../../ir/program.ts';
import type { OutputFile, Target } from '../../ir/target.ts';
import { importBytes, toProgram } from '../compile.ts';
import { CompilerBug, ToolError, UsageError } from '../errors.ts';
import { RunError } from '../evaluate.ts';
import { readNpy, writeNpy } from '../npy.ts';
import { packElements } from '../npy-packing.ts';
import type { TensorData } from '../onnx/tensor.ts';
import { removeLater } from '../temporary.ts';
import { buildC } from '../toolchain/build-c.ts';
import { emulatorFor } from '../toolchain/compiler.ts';
import type { Executable, ExecuteOptions, GivenInput, ModelSource, NamedTensor } from './executable.ts';
import { inputsFor, outputsOf } from './match-inputs.ts';

/** A program on disk, in a folder that is removed with it. */
export interface NativeProgram {
  readonly program: Program;
  readonly files: readonly OutputFile[];
  readonly folder: string;
  readonly file: string;
  dispose(): void;
}

export async function buildNative(
  model: ModelSource,
  target: Target,
  options: ExecuteOptions,
  /** Further sources to link. */
  extra: readonly OutputFile[] = [],
): Promise<NativeProgram> {
  const { math = 'fast', sanitize = false, threads = 1 } = options;
  const program = toProgram(importBytes(model.bytes, { ...options, modelFile: model.file }), target, options);
  const name = 'net';
  const generated = await target.generate(program, { name, weights: 'embed', threads: threads > 1, math });
  const files = [...generated, ...extra];
  const folder = fs.mkdtempSync(path.join(options.workFolder ?? os.tmpdir(), 'lapidary-run-'));
  const keep = removeLater(folder);
  const dispose = (): void => {
    fs.rmSync(folder, { recursive: true, force: true });
    keep();
  };
  try {
    const file = path.join(folder, 'program');
    const sources = path.join(folder, 'source');
    await buildC({ files, folder: sources, name, target, math, emit: 'executable', output: file, sanitize });
    return { program, files, folder, file, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

export async function buildNativeExecutable(
  model: ModelSource,
  target: Target,
  options: ExecuteOptions,
): Promise<Executable> {
  const native = await buildNative(model, target, options);
  return {
    run: async (given) => {
      const inputs = inputsFor(native.program, given);
      return outputsOf(native.program, await runNative(native, target, inputs, options));
    },
    dispose: native.dispose,
  };
}

async function runNative(
  { folder, file, program }: NativeProgram,
  target: Target,
  inputs: readonly GivenInput[],
  options: ExecuteOptions,
): Promise<readonly NamedTensor[]> {
  const out = path.join(folder, randomUUID());
  const threads = options.threads ?? 1;
  // By position: names may be too long for a command line, or hold what cannot stand there.
  fs.mkdirSync(out);
  const given = inputs.flatMap(({ file: input, tensor }, position) => {
    const own = input === '' ? writeInput(tensor, path.join(out, `${position}.npy`)) : path.resolve(input);
    return ['--input-at', `${position}=${own}`];
  });
  const args = [...given, '--output-dir', out, ...(threads > 1 ? ['--threads', `${threads}`] : [])];
  const stdout = await runProgramFile(file, args, target, options.timeoutSeconds);
  const outputs = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line, position): NamedTensor => readOutput(JSON.parse(line), program.outputs[position]!.name));
  fs.rmSync(out, { recursive: true, force: true });
  return outputs;
}

/** Tensors that were in no file of their own: parts of values of other kinds. */
function writeInput(tensor: TensorData, file: string): string {
  fs.writeFileSync(file, writeNpy(tensor));
  return file;
}

/** Runs a generated executable and gives what it prints. */
export async function runProgramFile(
  file: string,
  args: readonly string[],
  target: Pick<Target, 'name'>,
  timeoutSeconds = 600,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const [command, ...rest] = [...emulatorFor(target), file, ...args];
  const result = await execa(command!, rest, {
    reject: false,
    stdin: 'ignore',
    timeout: timeoutSeconds * 1000,
    // Memory that cannot be had is an answer, and no reason to stop.
    env: {
      ASAN_OPTIONS: 'allocator_may_return_null=1:detect_leaks=1',
      UBSAN_OPTIONS: 'print_stacktrace=1',
      ...environment,
    },
  });
  if (!result.failed) return result.stdout;
  // No program was started at all where its arguments are too long, say.
  const errors = result.stderr ?? '';
  const said = errors.trim().replace(/^error: /, '');
  if (result.timedOut) throw new ToolError(`The program ran for more than ${timeoutSeconds} s and was stopped.`);
  const sanitizer = /^.*(?:ERROR: \w+Sanitizer|runtime error:)[\s\S]*/m.exec(errors)?.[0];
  if (sanitizer) throw new CompilerBug(`a sanitizer stopped the generated program: ${firstLines(sanitizer)}`);
  if (result.signal) throw new CompilerBug(`the generated program was ended by ${result.signal}. ${firstLines(said)}`);
  if (result.exitCode === 2) throw new UsageError(said);
  if (result.exitCode === 4) throw new RunError(errorCodeIn(said));
  throw new ToolError(said || (result.shortMessage ?? 'The program could not be started.'));
}

const firstLines = (text: string): string => text.split('\n').slice(0, 8).join('\n');

function errorCodeIn(message: string): RunError['code'] {
  if (message.includes('LAP_E_INDEX')) return 'index';
  if (message.includes('LAP_E_DIVIDE')) return 'divide';
  if (message.includes('LAP_E_SHAPE')) return 'shape';
  throw new CompilerBug(`the generated program failed: ${message}`);
}

interface OutputLine {
  readonly file: string;
  readonly dtype: DType;
}

/** NumPy has no codes for some types: those files hold the bits of each element as an integer. */
function readOutput({ file, dtype }: OutputLine, output: string): NamedTensor {
  const tensor = readNpy(fs.readFileSync(file), `file ${file}`);
  if (tensor.dtype === dtype) return { name: output, tensor };
  const bytes = isSubByte(dtype) ? packElements(tensor.bytes, dtypes[dtype].bits) : tensor.bytes;
  return { name: output, tensor: { dtype, dims: tensor.dims, bytes } };
}
