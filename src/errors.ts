// The two kinds of failure, and nothing else: the user's model or options, and us.
// Every message says where, what, expected and got, and what to do next.

import { IrError, SizeOverflow } from '../ir/expr-make.ts';

export interface Problem {
  /** Where: `Conv "features.0"`, `input "x"`, `file model.onnx`. */
  readonly where: string;
  /** What is wrong, with expected and got; a whole sentence. */
  readonly what: string;
}

/** The model or the options cannot be compiled. Carries every problem that was found. Exit code 1. */
export class ModelError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(problems.map((problem) => (problem.where ? `${problem.where}: ${problem.what}` : problem.what)).join('\n'));
    this.name = 'ModelError';
    this.problems = problems;
  }
}

/** A wrong option or argument. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A tool that we call failed or is missing. Exit code 3. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}

/** Our mistake. Exit code 70. */
export class CompilerBug extends Error {
  override readonly name = 'CompilerBug';
}

export const problem = (where: string, what: string): ModelError => new ModelError([{ where, what }]);

const tooLarge = 'has sizes, or numbers that sizes follow from, beyond what any machine has.';

/**
 * What an operator's declaration threw over a node. Declarations check what ONNX says of their nodes; where a node that
 * no check foresaw makes no sense to one, the node is to blame first.
 */
export function nodeError(where: string, error: unknown): unknown {
  if (error instanceof SizeOverflow) return problem(where, tooLarge);
  const isForeseen = !(error instanceof IrError || error instanceof RangeError || error instanceof TypeError);
  if (isForeseen) return error;
  const advice = 'If the node is legal ONNX, this is a bug of Lapidary: please report it.';
  return problem(where, `makes no sense to the operator (${error.message}). ${advice}`);
}

/** The same for what is found when all nodes are put together. */
export const programError = (error: unknown): unknown =>
  error instanceof SizeOverflow ? problem('model', tooLarge) : error;
