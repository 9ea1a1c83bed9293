// lapidary bench: how long a run takes, timed inside of the generated program, and what it needs.

import * as path from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../errors.ts';
import { type BenchResult, type BenchSettings, benchModel } from '../execute/bench.ts';
import type { GivenInput } from '../execute/executable.ts';
import { readDataFolder } from '../test-runner/case-data.ts';
import { defaultRunTarget, findTarget } from './find-target.ts';
import {
  addModelOptions,
  compileOptions,
  type ModelOptions,
  positiveNumber,
  targetOption,
  threadsOption,
} from './options.ts';
import { readModel } from './read-model.ts';
import { formatBytes, formatTable } from './table.ts';

interface Options extends ModelOptions {
  readonly target?: string;
  readonly threads: number;
  readonly data?: string;
  readonly runs?: number;
  readonly json: boolean;
  readonly perKernel: boolean;
}

const after = `
Examples:
  lapidary bench model.onnx --dim batch=1
  lapidary bench model.onnx --data test_data_set_0 --target wasm --json
  lapidary bench model.onnx --per-kernel`;

export const benchCommand = (command: Command): Command =>
  addModelOptions(
    command
      .description('Compiles a model and times its run, without loading and without files.')
      .argument('<model>', 'an ONNX file')
      .addOption(targetOption('what to compile for (default: host, or wasm without a C compiler)'))
      .addOption(threadsOption())
      .option('--data <folder>', 'take inputs, and so open sizes, from a test_data_set_* folder')
      .option('--runs <count>', 'how many runs (default: about a second of them)', positiveNumber)
      .option('--per-kernel', 'also say which kernels the time goes to', false)
      .option('--json', 'print JSON', false),
  )
    .addHelpText('after', after)
    .action(benchAction);

async function benchAction(file: string, options: Options): Promise<void> {
  const model = readModel(file, options);
  const target = findTarget(options.target ?? (await defaultRunTarget()));
  const inputs: readonly GivenInput[] =
    options.data === undefined ? [] : readDataFolder(model.bytes, path.resolve(options.data));
  if (options.data !== undefined && inputs.length === 0) {
    throw new UsageError(`--data: ${options.data} has no input_*.pb files.`);
  }
  const settings: BenchSettings = {
    inputs,
    runs: options.runs,
    perKernel: options.perKernel,
    execute: { ...compileOptions(options), threads: options.threads },
  };
  const result = await benchModel(model, target, settings);
  process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : describe(result));
}

function describe(result: BenchResult): string {
  const time = (microseconds: number): string =>
    microseconds < 1000 ? `${microseconds.toFixed(1)} µs` : `${(microseconds / 1000).toFixed(3)} ms`;
  const bytes = (count: number | null): string => (count === null ? 'unknown' : formatBytes(count));
  const rows = [
    ['median', time(result.medianUs)],
    ['least', time(result.minUs)],
    ['90 % under', time(result.p90Us)],
    ['runs', `${result.runs}`],
    ['arena', bytes(result.arenaBytes)],
    ['arena, lower bound', bytes(result.arenaLowerBoundBytes)],
    ['weights', bytes(result.weightsBytes)],
    ['code', bytes(result.codeBytes)],
  ];
  const kernels = (result.kernels ?? []).map(({ name, share }) => [`${(share * 100).toFixed(1)} %`, name]);
  return `${formatTable(rows)}${kernels.length > 0 ? `\n${formatTable(kernels)}` : ''}`;
}
