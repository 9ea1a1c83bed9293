// Runs a compiler or archiver, never through a shell, and turns its failure into a ToolError.

import { execa } from 'execa';
import { ToolError } from '../errors.ts';

/** More than this of a tool's complaint helps nobody. */
const longestComplaint = 60;

export async function runTool(command: string, args: readonly string[], folder?: string): Promise<void> {
  const result = await execa(command, args, {
    reject: false,
    stdin: 'ignore',
    all: true,
    env: { LC_ALL: 'C' },
    ...(folder === undefined ? {} : { cwd: folder }),
  });
  if (!result.failed) return;
  const lines = result.all.split('\n');
  const cut = lines.length > longestComplaint ? [...lines.slice(0, longestComplaint), '…'] : lines;
  const why = result.exitCode === undefined ? (result.shortMessage ?? 'it could not be started') : cut.join('\n');
  throw new ToolError(`${[command, ...args].join(' ')}\nfailed: ${why}`);
}
