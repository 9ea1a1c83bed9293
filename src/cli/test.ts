// lapidary test: runs ONNX test cases and says which pass.

import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Command } from 'commander';
import { ToolError, UsageError } from '../errors.ts';
import { removeLater } from '../temporary.ts';
import { findCases, type TestCase } from '../test-runner/cases.ts';
import { runCases } from '../test-runner/pool.ts';
import { type CaseResult, defaultTolerance, type TestSettings } from '../test-runner/run-case.ts';
import { summarize, summaryLine, unsupportedReasons } from '../test-runner/summary.ts';
import { ResultsDiffer } from './failure.ts';
import { checkRunnableTarget, defaultRunTarget } from './find-target.ts';
import { mathOption, positiveNumber, targetOption, threadsOption, tolerance } from './options.ts';
import { createProgress } from './progress.ts';

interface Options {
  readonly target?: string;
  readonly json?: string;
  readonly jobs: number;
  readonly sanitize: boolean;
  readonly math: 'fast' | 'strict';
  readonly threads: number;
  readonly rtol: number;
  readonly atol: number;
  readonly steps: number;
  readonly filter: readonly string[];
  readonly timeout: number;
  readonly list: boolean;
}

const after = `
Examples:
  lapidary test my-models                        for this machine
  lapidary test onnx/backend/test/data/node --target wasm --filter conv
  lapidary test my-models --target c --sanitize --json results.json

A case is a folder with model.onnx and test_data_set_*/{input,output}_*.pb. Exit code 4 if any case fails.`;

export const testCommand = (command: Command): Command =>
  command
    .description('Finds ONNX test cases in folders, compiles and runs each, and compares the outputs.')
    .argument('<folders...>', 'where cases are looked for')
    .addOption(targetOption('what to compile for; also js, which runs inside of Lapidary (default: host)'))
    .option('--json <file>', 'write the results as JSON (- for stdout)')
    .option('--jobs <count>', 'cases at the same time', positiveNumber, os.availableParallelism())
    .option('--filter <text>', 'only cases whose name contains this (may be repeated)', collect, [])
    .option('--rtol <number>', 'relative tolerance of floats', tolerance, defaultTolerance.relative)
    .option('--atol <number>', 'absolute tolerance of floats', tolerance, defaultTolerance.absolute)
    .option('--steps <number>', 'allowed difference of integers, for quantized models', tolerance, 0)
    .option('--sanitize', 'build with address and undefined-behaviour sanitizers', false)
    .option('--timeout <seconds>', 'how long a case may take', positiveNumber, 300)
    .option('--list', 'print every case, not only those that fail', false)
    .addOption(mathOption())
    .addOption(threadsOption())
    .addHelpText('after', after)
    .action(testAction);

const collect = (text: string, before: readonly string[]): readonly string[] => [...before, text];

async function testAction(folders: readonly string[], options: Options): Promise<void> {
  const target = checkRunnableTarget(options.target ?? (await defaultRunTarget()));
  const cases = folders.flatMap(casesIn).filter(({ name }) => matches(name, options.filter));
  if (cases.length === 0) throw new UsageError(`No test cases${filterText(options)} in ${folders.join(', ')}.`);
  const workFolder = fs.mkdtempSync(path.join(os.tmpdir(), 'lapidary-test-'));
  const keep = removeLater(workFolder);
  const { math, sanitize, threads } = options;
  const settings: TestSettings = {
    target,
    execute: { math, sanitize, threads, workFolder, timeoutSeconds: options.timeout },
    tolerance: { relative: options.rtol, absolute: options.atol, integer: options.steps },
  };
  try {
    report(await runAll(cases, settings, options), options);
  } finally {
    fs.rmSync(workFolder, { recursive: true, force: true });
    keep();
  }
}

function casesIn(folder: string): readonly TestCase[] {
  const stat = fs.statSync(folder, { throwIfNoEntry: false });
  if (!stat) throw new UsageError(`There is no folder ${folder}.`);
  if (!stat.isDirectory()) throw new UsageError(`${folder} is not a folder.`);
  return findCases(folder);
}

const matches = (name: string, parts: readonly string[]): boolean =>
  parts.length === 0 || parts.some((part) => name.includes(part));

const filterText = ({ filter }: Options): string =>
  filter.length === 0 ? '' : ` with ${filter.map((part) => JSON.stringify(part)).join(' or ')} in their names`;

async function runAll(
  cases: readonly TestCase[],
  settings: TestSettings,
  { jobs, timeout, list, json }: Options,
): Promise<readonly CaseResult[]> {
  const progress = createProgress(cases.length);
  const results = await runCases(cases, settings, {
    jobs,
    timeoutSeconds: timeout,
    onResult: (result) => {
      progress.clear();
      const wrong = result.status === 'fail' || result.status === 'error';
      if (wrong || list) print(line(result), json);
      progress.advance();
    },
  });
  progress.clear();
  return results;
}

const line = ({ status, name, message }: CaseResult): string => `${status} ${name}${message && `: ${message}`}`;

/** Where JSON goes to stdout, text for people does not. */
function print(text: string, json: string | undefined): void {
  (json === '-' ? process.stderr : process.stdout).write(`${text}\n`);
}

function report(results: readonly CaseResult[], { json, list }: Options): void {
  const summary = summarize(results);
  if (json !== undefined) writeJson(json, `${JSON.stringify({ summary, cases: results }, undefined, 1)}\n`);
  if (!list)
    for (const [reason, count] of unsupportedReasons(results)) print(`unsupported × ${count}: ${reason}`, json);
  print(summaryLine(summary), json);
  if (summary.failed > 0) throw new ResultsDiffer(summaryLine(summary));
}

function writeJson(file: string, text: string): void {
  if (file === '-') {
    process.stdout.write(text);
    return;
  }
  try {
    fs.writeFileSync(file, text);
  } catch (error) {
    throw new ToolError(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}.`);
  }
}
