// Runs passes in order: each is a function of the representation with a name; its result is checked and may be traced.

import { CompilerBug } from './errors.ts';

export interface Pass<IR> {
  /** Also the name for `--trace`. */
  readonly name: string;
  run(ir: IR): IR;
}

export interface PassOptions<IR> {
  /** Problems of a result; the pass that made it is named. */
  readonly verify: (ir: IR) => readonly string[];
  readonly print: (ir: IR) => string;
  readonly trace?: Trace | undefined;
}

/** Hears of every pass; `print` gives the result as text. */
export type Trace = (pass: string, print: () => string) => void;

export function runPasses<IR>(start: IR, passes: readonly Pass<IR>[], options: PassOptions<IR>): IR {
  const { verify, print, trace } = options;
  let current = start;
  for (const pass of passes) {
    current = pass.run(current);
    const result = current;
    trace?.(pass.name, () => print(result));
    const problems = verify(result);
    if (problems.length > 0) throw brokenBy(pass.name, problems, print(result));
  }
  return current;
}

const most = 10;

/** With the lines of the result that are nearest to the first problem, as far as they can be found. */
function brokenBy(pass: string, problems: readonly string[], text: string): CompilerBug {
  const lines = text.split('\n');
  const words = new Set(problems[0]!.match(/[\w.]+/g));
  const score = (line: string): number => (line.match(/[\w.]+/g) ?? []).filter((word) => words.has(word)).length;
  const scores = lines.map(score);
  const at = scores.indexOf(Math.max(...scores));
  const first = Math.max(0, Math.min(at - most / 2, lines.length - most));
  const list = problems.slice(0, most).map((problem) => `  ${problem}`);
  const near = lines.slice(first, first + most).map((line) => `  | ${line}`);
  return new CompilerBug([`after pass "${pass}":`, ...list, 'near:', ...near].join('\n'));
}
