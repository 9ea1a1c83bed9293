// The two kinds of failure, and nothing else: the user's model or options, and us.
// Every message says where, what, expected and got, and what to do next.

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
