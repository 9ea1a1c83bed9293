// Runs one test case on one target and says how it went.

import { CompilerBug, ModelError, ToolError } from '../errors.ts';
import { RunError } from '../evaluate.ts';
import { buildExecutable } from '../execute/build.ts';
import type { Executable, ExecuteOptions } from '../execute/executable.ts';
import { type CaseData, type CaseSet, readCase } from './case-data.ts';
import type { TestCase } from './cases.ts';
import type { Tolerance } from './compare.ts';
import { compareValues } from './compare-values.ts';
import { compareDistributions } from './random.ts';

export type CaseStatus = 'pass' | 'fail' | 'unsupported' | 'error';

export interface CaseResult {
  readonly name: string;
  readonly folder: string;
  readonly status: CaseStatus;
  /** Why it did not pass; empty where it did. */
  readonly message: string;
  /** The greatest differences over all outputs; null where there was nothing to compare. */
  readonly maxAbs: number | null;
  readonly maxRel: number | null;
  readonly maxUlp: number | null;
}

/** Plain data, so that it can be sent to another process. */
export interface TestSettings {
  readonly target: string;
  readonly execute: ExecuteOptions;
  readonly tolerance: Tolerance;
}

export const defaultTolerance: Tolerance = { relative: 1e-3, absolute: 1e-7 };

interface Outcome {
  readonly status: CaseStatus;
  readonly message: string;
  readonly differences?: Differences;
}
interface Differences {
  readonly maxAbs: number;
  readonly maxRel: number;
  readonly maxUlp: number;
}

export async function runCase(test: TestCase, settings: TestSettings): Promise<CaseResult> {
  const { status, message, differences } = await outcomeOf(test, settings);
  const none = { maxAbs: null, maxRel: null, maxUlp: null };
  return { name: test.name, folder: test.folder, status, message, ...(differences ?? none) };
}

async function outcomeOf(test: TestCase, settings: TestSettings): Promise<Outcome> {
  let executable: Executable | undefined;
  try {
    const data = readCase(test.folder);
    const shapes = { ...data.shapes, ...settings.execute.shapes };
    executable = await buildExecutable(data.model, settings.target, { ...settings.execute, shapes });
    return await runSets(executable, data, settings);
  } catch (error) {
    return failureOf(error);
  } finally {
    executable?.dispose();
  }
}

async function runSets(executable: Executable, data: CaseData, settings: TestSettings): Promise<Outcome> {
  let differences: Differences = { maxAbs: 0, maxRel: 0, maxUlp: 0 };
  const messages: string[] = [];
  for (const set of data.sets) {
    const result = await runSet(executable, set, settings.tolerance, data.random);
    differences = larger(differences, result.differences);
    const prefix = data.sets.length > 1 ? `${set.name}, ` : '';
    messages.push(...result.messages.map((message) => `${prefix}${message}`));
  }
  return { status: messages.length > 0 ? 'fail' : 'pass', message: messages.join('; '), differences };
}

async function runSet(
  executable: Executable,
  set: CaseSet,
  tolerance: Tolerance,
  random: boolean,
): Promise<{ readonly messages: readonly string[]; readonly differences: Differences }> {
  const outputs = new Map((await executable.run(set.inputs)).map(({ name, value }) => [name, value] as const));
  const messages: string[] = [];
  let differences: Differences = { maxAbs: 0, maxRel: 0, maxUlp: 0 };
  for (const { name, value: expected } of set.outputs) {
    const actual = outputs.get(name);
    if (!actual) {
      messages.push(`output ${JSON.stringify(name)} was not computed`);
      continue;
    }
    const difference = compareValues(actual, expected, tolerance);
    differences = larger(differences, difference);
    if (difference.same) continue;
    const tensors = actual.kind === 'tensor' && expected.kind === 'tensor';
    const message = random && tensors ? compareDistributions(actual.tensor, expected.tensor) : difference.message;
    if (message !== '') messages.push(`output ${JSON.stringify(name)}: ${message}`);
  }
  return { messages, differences };
}

const larger = (a: Differences, b: Differences): Differences => ({
  maxAbs: Math.max(a.maxAbs, b.maxAbs),
  maxRel: Math.max(a.maxRel, b.maxRel),
  maxUlp: Math.max(a.maxUlp, b.maxUlp),
});

/** What the model asks for and we do not have is `unsupported`; a run that stops is a failure; the rest is an error. */
function failureOf(error: unknown): Outcome {
  if (error instanceof ModelError) return { status: 'unsupported', message: error.message };
  if (error instanceof RunError) return { status: 'fail', message: error.message };
  if (error instanceof ToolError) return { status: 'error', message: error.message };
  if (error instanceof CompilerBug) return { status: 'error', message: `compiler bug: ${error.message}` };
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const stack = error instanceof Error && process.env.LAPIDARY_DEBUG === '1' ? `\n${error.stack}` : '';
  return { status: 'error', message: `compiler bug: ${text}${stack}` };
}
