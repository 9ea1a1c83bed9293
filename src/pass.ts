// Runs passes in order: each is a function of the representation with a name; its result is checked and may be traced.

import { CompilerBug } from './errors.ts';

export interface Pass<IR> {
  /** Also the name for `--trace`. */
  readonly name: string;
  run(ir: IR): IR;
}

export interface PassOptions<IR> {
  /** Problems of a result; the pass that made it is named. */
  readonly verify?: (ir: IR) => readonly string[];
  readonly trace?: (pass: string, ir: IR) => void;
}

export function runPasses<IR>(start: IR, passes: readonly Pass<IR>[], options: PassOptions<IR> = {}): IR {
  let current = start;
  for (const pass of passes) {
    current = pass.run(current);
    const problems = options.verify?.(current) ?? [];
    if (problems.length > 0) {
      throw new CompilerBug(`after pass "${pass.name}": ${problems.slice(0, 10).join('; ')}`);
    }
    options.trace?.(pass.name, current);
  }
  return current;
}
