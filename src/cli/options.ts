// Options that several commands share, and how their values are read.

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CompileOptions } from '../compile.ts';
import { readModelFile } from '../onnx/model-file.ts';

export interface ModelOptions {
  readonly dim: Readonly<Record<string, number>>;
  readonly max: Readonly<Record<string, number>>;
  readonly shape: Readonly<Record<string, readonly number[]>>;
  readonly overridable: readonly string[];
  readonly functions: readonly string[];
  readonly math: 'fast' | 'strict';
}

/** What a model is compiled with. */
export const addModelOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--dim <name=size>', 'give a symbolic dimension its size').argParser(collectSizes).default({}, 'none'),
    )
    .addOption(
      new Option('--max <name=size>', 'bound a symbolic dimension that stays open')
        .argParser(collectSizes)
        .default({}, 'none'),
    )
    .addOption(
      new Option('--shape <input=sizes>', 'give an input its whole shape, as x=1x3x224x224')
        .argParser(collectShapes)
        .default({}, 'none'),
    )
    .addOption(
      new Option('--overridable <name>', 'keep an initializer that the model also lists as an input an input')
        .argParser((name, before: readonly string[]) => [...before, name])
        .default([], 'none'),
    )
    .addOption(
      new Option('--functions <file>', 'an ONNX file whose functions define operators that the model uses')
        .argParser((file, before: readonly string[]) => [...before, file])
        .default([], 'none'),
    )
    .addOption(mathOption());

export const mathOption = (): Option =>
  new Option('--math <mode>', 'strict: the same bits from every compiler and target')
    .choices(['fast', 'strict'])
    .default('fast');

export const targetOption = (description = 'what to compile for (see: lapidary targets)'): Option =>
  new Option('--target <target>', description);

export const threadsOption = (): Option =>
  new Option('--threads <count>', 'work on several threads').argParser(positiveNumber).default(1);

export const compileOptions = (options: ModelOptions): CompileOptions => ({
  dims: options.dim,
  maximums: options.max,
  shapes: options.shape,
  overridable: options.overridable,
  functions: options.functions.map(readModelFile),
  math: options.math,
});

/** The name may hold "=" itself, so the last one counts. */
function splitAssignment(text: string, form: string): readonly [string, string] {
  const at = text.lastIndexOf('=');
  if (at <= 0) throw new InvalidArgumentError(`Expected ${form}.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function readSize(text: string): number {
  const size = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(size)) {
    throw new InvalidArgumentError(`"${text}" is not a size: expected a whole number, 0 or more.`);
  }
  return size;
}

function collectSizes(text: string, before: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const [name, size] = splitAssignment(text, 'NAME=SIZE, for example batch=1');
  return { ...before, [name]: readSize(size) };
}

function collectShapes(
  text: string,
  before: Readonly<Record<string, readonly number[]>>,
): Readonly<Record<string, readonly number[]>> {
  const [name, sizes] = splitAssignment(text, 'INPUT=SIZES, for example x=1x3x224x224');
  return { ...before, [name]: sizes === '' ? [] : sizes.split(/[x,]/).map(readSize) };
}

export function positiveNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < 1) {
    throw new InvalidArgumentError('Expected a whole number, 1 or more.');
  }
  return number;
}

export function tolerance(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number) || number < 0) {
    throw new InvalidArgumentError('Expected a number, 0 or more, for example 1e-3.');
  }
  return number;
}
