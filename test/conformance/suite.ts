// The official ONNX cases, small graphs of other projects and whole models, and what results to expect of them.

import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { findCases, type TestCase } from '../../src/test-runner/cases.ts';
import { runCases } from '../../src/test-runner/pool.ts';
import { type CaseResult, defaultTolerance, type TestSettings } from '../../src/test-runner/run-case.ts';
import { toleranceOf } from './criteria.ts';
import { notYet } from './not-yet.ts';

const onnxTests = process.env.LAPIDARY_ONNX_TESTS ?? '../shared/onnx-backend';
const folders: Readonly<Record<string, string>> = {
  models: process.env.LAPIDARY_MODELS ?? '../shared/models',
  graphs: process.env.LAPIDARY_GRAPHS ?? '../shared/graphs',
};

/** `models`, `graphs`, or a folder of the ONNX suite, such as `node`. */
const folderOf = (part: string): string => folders[part] ?? path.join(onnxTests, part);

/** The cases of some parts; undefined, said loudly, where there are none. */
export function suiteCases(parts: readonly string[]): readonly TestCase[] | undefined {
  const missing = parts.filter((part) => !fs.existsSync(folderOf(part)));
  for (const part of missing) {
    console.warn(
      `      SKIPPED: there are no cases at ${folderOf(part)}; ` +
        'LAPIDARY_ONNX_TESTS, LAPIDARY_MODELS and LAPIDARY_GRAPHS say where they are',
    );
  }
  const present = parts.filter((part) => !missing.includes(part));
  if (present.length === 0) return undefined;
  return present.flatMap((part) =>
    findCases(folderOf(part)).map(({ name, folder }) => ({ name: `${part}/${name}`, folder })),
  );
}

export interface RunOptions {
  readonly jobs?: number;
  readonly sanitize?: boolean;
  readonly onResult?: (result: CaseResult) => void;
}

export async function runSuite(
  cases: readonly TestCase[],
  target: string,
  { jobs = os.availableParallelism(), sanitize = false, onResult = () => undefined }: RunOptions = {},
): Promise<readonly CaseResult[]> {
  const settings: TestSettings = { target, execute: { sanitize, timeoutSeconds }, tolerance: defaultTolerance };
  const plain = cases.filter(({ name }) => Object.keys(toleranceOf(name)).length === 0);
  const results = [...(await runCases(plain, settings, { jobs, timeoutSeconds, onResult }))];
  // Few cases have a criterion of their own.
  for (const test of cases) {
    if (plain.includes(test)) continue;
    const tolerance = { ...defaultTolerance, ...toleranceOf(test.name) };
    results.push(...(await runCases([test], { ...settings, tolerance }, { jobs: 1, timeoutSeconds, onResult })));
  }
  return results;
}

/** Every so many cases, always the same ones. */
export const sampleOf = (cases: readonly TestCase[], every: number): readonly TestCase[] =>
  cases.filter((_, position) => position % every === 0);

/** A case takes a second; a large model on a busy machine a minute. */
const timeoutSeconds = 300;

/** What differs from the list: failures that are not on it, and passes that are. One line each. */
export function surprises(results: readonly CaseResult[], target: string): readonly string[] {
  const listed = new Map(
    notYet
      .filter(({ targets }) => targets?.includes(target) ?? true)
      .flatMap(({ cases, reason }) => cases.map((name) => [name, reason] as const)),
  );
  return results.flatMap(({ name, status, message }) => {
    if (status === 'pass' && listed.has(name)) return [`${name} passes on ${target}: take it off the list`];
    if (status !== 'pass' && !listed.has(name)) return [`${name}: ${status}: ${message.slice(0, 300)}`];
    return [];
  });
}

/** Names on the list that no case has. */
export function unknownNames(cases: readonly TestCase[]): readonly string[] {
  const known = new Set(cases.map(({ name }) => name));
  const parts = new Set(cases.map(({ name }) => name.split('/')[0]));
  return notYet.flatMap((entry) => entry.cases).filter((name) => parts.has(name.split('/')[0]) && !known.has(name));
}
