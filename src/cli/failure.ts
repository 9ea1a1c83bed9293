// Failures → messages and exit codes. Bad input never shows a stack.

import { CommanderError } from 'commander';
import { ModelError, ToolError, UsageError } from '../errors.ts';
import { RunError } from '../evaluate.ts';

/** Results differ from what was expected. The command has said how. */
export class ResultsDiffer extends Error {
  override readonly name = 'ResultsDiffer';
}

export const exitCodes = { ok: 0, model: 1, usage: 2, tool: 3, differ: 4, bug: 70 } as const;

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof ModelError || error instanceof RunError) return exitCodes.model;
  if (error instanceof UsageError) return exitCodes.usage;
  if (error instanceof ToolError) return exitCodes.tool;
  if (error instanceof ResultsDiffer) return exitCodes.differ;
  return exitCodes.bug;
}

export function reportFailure(error: unknown): void {
  // Commander has printed its own, and a command what differs.
  if (error instanceof CommanderError || error instanceof ResultsDiffer) return;
  process.stderr.write(`${messageOf(error)}\n`);
}

function messageOf(error: unknown): string {
  if (exitCodeOf(error) !== exitCodes.bug && error instanceof Error) {
    return error.message
      .split('\n')
      .map((line, position) => (position === 0 || error instanceof ModelError ? `error: ${line}` : line))
      .join('\n');
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const stack = error instanceof Error && process.env.LAPIDARY_DEBUG === '1' ? `\n${error.stack}` : '';
  const hint = stack ? '' : ' LAPIDARY_DEBUG=1 shows where it happened.';
  return `error: This is a bug of Lapidary: ${text}\nPlease report it, with the model if you can.${hint}${stack}`;
}
