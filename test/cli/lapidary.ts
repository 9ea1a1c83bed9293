// Starts the command line as a user does, and makes folders for what it writes.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
export const digits = path.join(root, 'examples/digits/digits.onnx');
export const digitImage = path.join(root, 'examples/digits/images/three.npy');

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function lapidary(...args: readonly string[]): Outcome {
  return lapidaryWith({}, ...args);
}

export function lapidaryWith(environment: Readonly<Record<string, string>>, ...args: readonly string[]): Outcome {
  const result = spawnSync(process.execPath, [path.join(root, 'bin/lapidary.js'), ...args], {
    encoding: 'utf8',
    // A terminal's width must not matter.
    env: { ...process.env, COLUMNS: '80', ...environment },
    timeout: 120_000,
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

export const makeFolder = (): string => fs.mkdtempSync(path.join(os.tmpdir(), 'lapidary-cli-'));
export const removeFolder = (folder: string): void => fs.rmSync(folder, { recursive: true, force: true });
/** Everything in a folder, hidden files too. */
export const filesIn = (folder: string): readonly string[] =>
  fs.readdirSync(folder, { recursive: true }).map(String).sort();
