// Decides about one case: what ONNX Runtime says, what each engine says, and whether a difference counts.
// Sums that cancel make relative errors of any size. A float that is too far off is compared once more with how much
// the oracle's own answer moves when its inputs move by a few units in the last place.

import { CompilerBug, ModelError, UsageError } from '../../src/errors.ts';
import { RunError } from '../../src/evaluate.ts';
import { type FuzzCase, isFloatType, type Tensor } from './case.ts';
import { compareTensors } from './compare.ts';
import { encodeCase } from './encode.ts';
import { type Engine, type EngineName, engines, feedOf, runEngine } from './engines.ts';
import { nudged, nudgedSteps } from './nudge.ts';
import type { Oracle } from './oracle.ts';

export type Verdict =
  | { readonly kind: 'pass' }
  /** The oracle has no answer, and we did not crash. */
  | { readonly kind: 'skip'; readonly reason: string }
  /** We refuse what the oracle takes, with a proper message. */
  | { readonly kind: 'unsupported'; readonly reason: string }
  | { readonly kind: 'bug'; readonly engine: string; readonly message: string };

type Outcome =
  | { readonly kind: 'outputs'; readonly outputs: readonly (Tensor | undefined)[] }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'crashed'; readonly message: string };

async function outcomeOf(engine: Engine, fuzzCase: FuzzCase, model: Uint8Array): Promise<Outcome> {
  try {
    return { kind: 'outputs', outputs: await runEngine(engine, fuzzCase, model) };
  } catch (error) {
    if (error instanceof ModelError) return { kind: 'refused', message: error.message };
    if (error instanceof RunError) return { kind: 'failed', message: error.message };
    if (error instanceof UsageError) return { kind: 'refused', message: error.message };
    const name = error instanceof CompilerBug ? 'compiler bug' : error instanceof Error ? error.name : 'thrown';
    return {
      kind: 'crashed',
      message: `${name}: ${error instanceof Error ? `${error.message}\n${error.stack}` : error}`,
    };
  }
}

interface Expected {
  readonly outputs: readonly Tensor[];
  /** Further answers, for inputs that are moved a little; asked for when needed. */
  slack(): Promise<readonly (readonly Tensor[])[]>;
}

/** A legal case: whoever answers has to agree. */
export async function judge(fuzzCase: FuzzCase, oracle: Oracle, names: readonly EngineName[]): Promise<Verdict> {
  const { expected, error } = await ask(fuzzCase, oracle);
  const verdict = await judgeAgainst(expected, error, fuzzCase, names);
  // A shape that only a run knows has to be declared: once more, with the shapes that the oracle found.
  const undeclared = verdict.kind === 'unsupported' && verdict.reason.includes("declare the output's shape");
  if (!expected || !undeclared) return verdict;
  return judgeAgainst(expected, error, { ...fuzzCase, declared: expected.outputs }, names);
}

async function ask(
  fuzzCase: FuzzCase,
  oracle: Oracle,
): Promise<{ readonly expected: Expected | undefined; readonly error: string }> {
  const answer = await oracle.ask(encodeCase(fuzzCase), [feedOf(fuzzCase)]);
  if (answer.error !== undefined) return { expected: undefined, error: answer.error };
  return { expected: { outputs: answer.results[0]!, slack: once(() => moved(oracle, fuzzCase)) }, error: '' };
}

async function judgeAgainst(
  expected: Expected | undefined,
  error: string,
  fuzzCase: FuzzCase,
  names: readonly EngineName[],
): Promise<Verdict> {
  const model = encodeCase(fuzzCase);
  let exact: readonly (Tensor | undefined)[] | undefined;
  for (const engine of names) {
    const outcome = await outcomeOf(engines[engine], fuzzCase, model);
    const bug = (message: string): Verdict => ({ kind: 'bug', engine, message });
    if (outcome.kind === 'crashed') return bug(outcome.message);
    if (outcome.kind !== 'outputs') {
      if (!expected) return { kind: 'skip', reason: `both: ${error}` };
      return outcome.kind === 'refused' ? { kind: 'unsupported', reason: outcome.message } : bug(outcome.message);
    }
    const message = expected ? await differences(outcome.outputs, expected, fuzzCase) : '';
    if (message !== '') return bug(message);
    if (!engines[engine].exact) continue;
    const bits = exact ? bitDifference(outcome.outputs, exact) : '';
    if (bits !== '') return bug(`not the bits of the other strict engine: ${bits}`);
    exact ??= outcome.outputs;
  }
  return expected ? { kind: 'pass' } : { kind: 'skip', reason: error };
}

/**
 * A case that may be illegal ends in an error that says where. What is legal nonetheless may lie where ONNX leaves the
 * answer open, so numbers are not compared.
 */
export async function judgeIllegal(fuzzCase: FuzzCase, oracle: Oracle, names: readonly EngineName[]): Promise<Verdict> {
  const { expected, error } = await ask(fuzzCase, oracle);
  const model = encodeCase(fuzzCase);
  for (const engine of names) {
    const outcome = await outcomeOf(engines[engine], fuzzCase, model);
    const bug = (message: string): Verdict => ({ kind: 'bug', engine, message });
    if (outcome.kind === 'crashed') return bug(outcome.message);
    if (outcome.kind === 'failed') return { kind: 'pass' };
    if (outcome.kind === 'refused') {
      if (!namesPlace.test(outcome.message)) return bug(`the message names no place: ${outcome.message}`);
      return expected ? { kind: 'unsupported', reason: outcome.message } : { kind: 'pass' };
    }
  }
  return expected ? { kind: 'pass' } : { kind: 'skip', reason: `we take it: ${error}` };
}

/** `Conv "node_v0": …`, or a word about an input, an initializer or an output. */
const namesPlace = /^(\w+ "node_|input |initializer |output |value |The model)/m;

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** Constants move too, so each answer takes a model of its own. */
async function moved(oracle: Oracle, fuzzCase: FuzzCase): Promise<readonly (readonly Tensor[])[]> {
  const answers: (readonly Tensor[])[] = [];
  const inputsMoved = [1, 2, 3, 4].map((seed) => ({
    ...fuzzCase,
    inputs: fuzzCase.inputs.map((input, i) => ({ ...input, tensor: nudged(input.tensor, seed * 100 + i) })),
  }));
  const stepsMoved = [1 + 2 ** -20, 1 - 2 ** -20].map((factor) => nudgedSteps(fuzzCase, factor));
  for (const near of [...inputsMoved, ...stepsMoved]) {
    if (!near) continue;
    const answer = await oracle.ask(encodeCase(near), [feedOf(near)]);
    if (answer.error === undefined) answers.push(answer.results[0]!);
  }
  return answers;
}

async function differences(
  outputs: readonly (Tensor | undefined)[],
  expected: Expected,
  fuzzCase: FuzzCase,
): Promise<string> {
  const messages: string[] = [];
  for (const [position, wanted] of expected.outputs.entries()) {
    const actual = outputs[position];
    if (!actual) return `output ${position} was not computed`;
    let message = compareTensors(actual, wanted, fuzzCase, []);
    if (
      message !== '' &&
      actual.dims.join() === wanted.dims.join() &&
      fuzzCase.inputs.some(({ tensor }) => isFloatType(tensor.dtype))
    ) {
      const answers = (await expected.slack()).map((answer) => answer[position]!);
      const slack = answers.filter(({ dims }) => dims.join() === wanted.dims.join());
      message = compareTensors(actual, wanted, fuzzCase, slack);
    }
    if (message !== '') messages.push(`output ${position}: ${message}`);
  }
  return messages.join('; ');
}

function bitDifference(outputs: readonly (Tensor | undefined)[], evaluated: readonly (Tensor | undefined)[]): string {
  for (const [position, wanted] of evaluated.entries()) {
    const message = compareTensors(outputs[position]!, wanted!, { relative: 0, absolute: 0 }, []);
    if (message !== '') return `output ${position}: ${message}`;
  }
  return '';
}
