// The official ONNX cases, and what results to expect of them.

import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { findCases, type TestCase } from '../../src/test-runner/cases.ts';
import { runCases } from '../../src/test-runner/pool.ts';
import { type CaseResult, defaultTolerance, type TestSettings } from '../../src/test-runner/run-case.ts';
import { notYet } from './not-yet.ts';

export const suiteFolder = process.env.LAPIDARY_ONNX_TESTS ?? '../shared/onnx-backend';

/** The cases of some parts of the suite; undefined, said loudly, where the suite is not there. */
export function suiteCases(parts: readonly string[]): readonly TestCase[] | undefined {
  if (!fs.existsSync(suiteFolder)) {
    console.warn(`      SKIPPED: there are no ONNX cases at ${suiteFolder}; LAPIDARY_ONNX_TESTS says where they are`);
    return undefined;
  }
  return parts.flatMap((part) =>
    findCases(path.join(suiteFolder, part)).map(({ name, folder }) => ({ name: `${part}/${name}`, folder })),
  );
}

export interface RunOptions {
  readonly jobs?: number;
  readonly sanitize?: boolean;
  readonly onResult?: (result: CaseResult) => void;
}

export function runSuite(
  cases: readonly TestCase[],
  target: string,
  { jobs = os.availableParallelism(), sanitize = false, onResult = () => undefined }: RunOptions = {},
): Promise<readonly CaseResult[]> {
  const settings: TestSettings = { target, execute: { sanitize, timeoutSeconds: 120 }, tolerance: defaultTolerance };
  return runCases(cases, settings, { jobs, timeoutSeconds: 120, onResult });
}

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
