// Decides about one case: what ONNX Runtime says, what each engine says, and whether a difference counts.
// Sums that cancel make relative errors of any size. A float that is too far off is compared once more with how much
// the oracle's own answer moves when its inputs move by a few units in the last place.

import { CompilerBug, ModelError, UsageError } from '../../src/errors.ts';
import { RunError } from '../../src/evaluate.ts';
import { type FuzzCase, isFloatType, type Tensor } from './case.ts';
import { compareTensors } from './compare.ts';
import { encodeCase } from './encode.ts';
import { type Engine, engines, feedOf, runEngine } from './engines.ts';
import { nudged } from './nudge.ts';
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

export async function judge(
  fuzzCase: FuzzCase,
  oracle: Oracle,
  names: readonly (keyof typeof engines)[],
): Promise<Verdict> {
  const model = encodeCase(fuzzCase);
  const feed = feedOf(fuzzCase);
  const answer = await oracle.ask(model, [feed]);
  const expected: Expected | undefined =
    answer.error === undefined
      ? { outputs: answer.results[0]!, slack: once(() => moved(oracle, fuzzCase)) }
      : undefined;
  let exact: readonly (Tensor | undefined)[] | undefined;
  for (const name of names) {
    const engine = engines[name];
    const outcome = await outcomeOf(engine, fuzzCase, model);
    if (outcome.kind === 'crashed') return { kind: 'bug', engine: name, message: outcome.message };
    if (outcome.kind !== 'outputs') {
      if (!expected) return { kind: 'skip', reason: `both: ${answer.error}` };
      if (outcome.kind === 'refused') return { kind: 'unsupported', reason: outcome.message };
      return { kind: 'bug', engine: name, message: outcome.message };
    }
    if (expected) {
      const message = await differences(outcome.outputs, expected, fuzzCase);
      if (message !== '') return { kind: 'bug', engine: name, message };
    }
    if (engine.exact && exact) {
      const message = bitDifference(outcome.outputs, exact);
      if (message !== '')
        return { kind: 'bug', engine: name, message: `not the bits of the other strict engine: ${message}` };
    }
    if (engine.exact) exact ??= outcome.outputs;
  }
  return expected ? { kind: 'pass' } : { kind: 'skip', reason: answer.error ?? '' };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** Constants move too, so each answer takes a model of its own. */
async function moved(oracle: Oracle, fuzzCase: FuzzCase): Promise<readonly (readonly Tensor[])[]> {
  const answers: (readonly Tensor[])[] = [];
  for (const seed of [1, 2, 3, 4]) {
    const inputs = fuzzCase.inputs.map((input, i) => ({ ...input, tensor: nudged(input.tensor, seed * 100 + i) }));
    const near = { ...fuzzCase, inputs };
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
