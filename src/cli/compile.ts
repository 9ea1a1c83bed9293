// lapidary compile: a model → files.

import * as path from 'node:path';
import { performance } from 'node:perf_hooks';
import { type Command, InvalidArgumentError } from 'commander';
import type { Target } from '../../ir/target.ts';
import { passNames } from '../compile.ts';
import { UsageError } from '../errors.ts';
import { suggestion } from './closest.ts';
import { type CompiledModel, compileTo } from './compile-model.ts';
import { findTarget } from './find-target.ts';
import { modelName } from './model-name.ts';
import { addModelOptions, compileOptions, type ModelOptions, targetOption } from './options.ts';
import { readModel } from './read-model.ts';
import { formatBytes } from './table.ts';
import { createTrace } from './trace.ts';

export const emitKinds = ['c', 'exe', 'lib', 'wasm', 'cuda'] as const;
export type EmitKind = (typeof emitKinds)[number];

interface Options extends ModelOptions {
  readonly output: string;
  readonly target?: string;
  readonly emit?: readonly EmitKind[];
  readonly name?: string;
  readonly weights: 'embed' | 'external';
  readonly wasm: 'embed' | 'external';
  readonly threads: boolean;
  readonly trace?: string;
  readonly report: boolean;
  readonly json: boolean;
}

/** Words, as many on a line as fit. */
function wrapped(words: readonly string[]): string {
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    if (line === undefined || line.length + word.length > 90) lines.push(`  ${word}`);
    else lines[lines.length - 1] = `${line}, ${word}`;
  }
  return lines.join(',\n');
}

const after = `
Examples:
  lapidary compile model.onnx -o out                           C, header and executable for this machine
  lapidary compile model.onnx -o out --emit c --target c       one .c/.h pair in portable C99, for firmware
  lapidary compile model.onnx -o out --target wasm --name net  net.wasm, net.js, net.d.ts
  lapidary compile model.onnx -o out --target wasm --wasm embed  all of it in one JavaScript file
  lapidary compile model.onnx -o out --dim batch=1 --report    a fixed batch, and a page about memory and work

What --emit can name: c (source and header), exe (a program), lib (a shared library and its header), wasm, cuda.
What --trace can name: all, or
${wrapped(passNames(findTarget('host')))}`;

export const compileCommand = (command: Command): Command =>
  addModelOptions(
    command
      .description('Compiles an ONNX model.')
      .argument('<model>', 'an ONNX file')
      .requiredOption('-o, --output <folder>', 'where the files go')
      .addOption(targetOption())
      .option('--emit <kinds>', 'what to write, separated by commas (default: what the target is for)', readKinds)
      .option('--name <name>', 'name of the files and functions (default: the name of the model file)')
      .option('--threads', 'let the code work on several threads', false)
      .option('--report', 'also write report.json and report.html', false)
      .option('--trace <pass>', 'print the model after a pass, or after all of them')
      .option('--json', 'print what was written as JSON', false),
  )
    .option('--weights <where>', 'embed the weights or write them to a file of their own', readPlace, 'embed')
    .option(
      '--wasm <where>',
      'embed a WebAssembly module into its JavaScript or write it beside',
      readPlace,
      'external',
    )
    .addHelpText('after', after)
    .action(compileAction);

function readKinds(text: string): readonly EmitKind[] {
  return text.split(',').map((kind) => {
    const known = emitKinds.find((candidate) => candidate === kind.trim());
    if (known === undefined)
      throw new InvalidArgumentError(`Nothing is called "${kind}".${suggestion(kind, emitKinds)}`);
    return known;
  });
}

function readPlace(text: string): 'embed' | 'external' {
  if (text === 'embed' || text === 'external') return text;
  throw new InvalidArgumentError('Expected embed or external.');
}

const kindsOf: Readonly<Record<Target['language'], readonly EmitKind[]>> = {
  c: ['c', 'exe', 'lib'],
  wasm: ['wasm'],
  cuda: ['cuda'],
};

function chooseTarget({ target, emit }: Options): Target {
  if (target !== undefined) return findTarget(target);
  if (emit?.includes('wasm')) return findTarget('wasm');
  if (emit?.includes('cuda')) return findTarget('cuda-sm80');
  return findTarget('host');
}

/** Only programs for this machine are built without being asked for: others need a cross compiler. */
function chooseKinds(target: Target, asked: readonly EmitKind[] | undefined): readonly EmitKind[] {
  const possible = kindsOf[target.language];
  const wrong = asked?.find((kind) => !possible.includes(kind));
  if (wrong !== undefined) {
    throw new UsageError(`--emit ${wrong} does not go with target ${target.name}, which gives ${possible.join(', ')}.`);
  }
  if (asked) return [...new Set(asked)];
  return target.name === 'host' ? ['c', 'exe'] : possible.slice(0, 1);
}

async function compileAction(file: string, options: Options): Promise<void> {
  const started = performance.now();
  const target = chooseTarget(options);
  const kinds = chooseKinds(target, options.emit);
  const name = modelName(options.name, file);
  const model = readModel(file, options);
  const trace = options.trace === undefined ? undefined : createTrace(options.trace);
  const compiled = await compileTo(options.output, {
    model,
    target,
    kinds,
    report: options.report,
    generate: { name, weights: options.weights, wasm: options.wasm, threads: options.threads, math: options.math },
    compile: { ...compileOptions(options), ...(trace ? { trace: trace.listen } : {}) },
    afterPasses: () => trace?.finish(),
  });
  const seconds = (performance.now() - started) / 1000;
  if (options.json) process.stdout.write(`${JSON.stringify(jsonOf(target, compiled, options.output), undefined, 2)}\n`);
  else process.stderr.write(summary(compiled, options.output, seconds));
}

function jsonOf(target: Target, compiled: CompiledModel, folder: string): object {
  const { arenaBytes, arenaLowerBoundBytes, weightsBytes, files } = compiled;
  return { target: target.name, folder, files, arenaBytes, arenaLowerBoundBytes, weightsBytes };
}

function summary({ files, arenaBytes, weightsBytes }: CompiledModel, folder: string, seconds: number): string {
  const lines = files.map(({ path: file, bytes }) => `  ${path.join(folder, file)}  ${formatBytes(bytes)}\n`);
  const arena = arenaBytes === null ? 'depends on the input sizes' : formatBytes(arenaBytes);
  return `${lines.join('')}arena ${arena}, weights ${formatBytes(weightsBytes)}; ${seconds.toFixed(2)} s\n`;
}
