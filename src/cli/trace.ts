// --trace: prints the graph as it is after a pass.

import { printGraph } from '../../ir/graph-print.ts';
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
    listen: (pass, graph) => {
      seen.push(pass);
      if (wanted === 'all' || wanted === pass) process.stdout.write(`# after ${pass}\n${printGraph(graph)}\n\n`);
    },
    finish: () => {
      if (wanted === 'all' || seen.includes(wanted)) return;
      throw new UsageError(`--trace: there is no pass "${wanted}".${suggestion(wanted, [...new Set(seen), 'all'])}`);
    },
  };
}
