// --trace: prints the graph or the program as it is after a pass.

import type { CompileOptions } from '../compile.ts';
import { UsageError } from '../errors.ts';
import { suggestion } from './closest.ts';

export interface Trace {
  readonly listen: NonNullable<CompileOptions['trace']>;
  /** Refuses the name of a pass that there is not. */
  finish(): void;
}

export function createTrace(wanted: string): Trace {
  const seen: string[] = [];
  return {
    listen: (pass, print) => {
      seen.push(pass);
      if (wanted === 'all' || wanted === pass) process.stdout.write(`# after ${pass}\n${print()}\n\n`);
    },
    finish: () => {
      if (wanted === 'all' || seen.includes(wanted)) return;
      throw new UsageError(`--trace: there is no pass "${wanted}".${suggestion(wanted, [...new Set(seen), 'all'])}`);
    },
  };
}
