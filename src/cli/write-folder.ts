// Writes an output folder whole or not at all: everything is made in a folder beside it, and moved when it is done.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { ToolError, UsageError } from '../errors.ts';
import { removeLater } from '../temporary.ts';

/**
 * Calls `fill` with an empty folder, then moves what is in there to `folder`; gives the paths, relative to it. Files of
 * an earlier call are replaced, others in the folder stay.
 */
export async function writeFolder(
  folder: string,
  fill: (stage: string) => void | Promise<void>,
): Promise<readonly string[]> {
  const wanted = path.resolve(folder);
  const stage = guard(wanted, () => makeStage(wanted));
  const keep = removeLater(stage);
  try {
    await fill(stage);
    return guard(wanted, () => publish(stage, wanted));
  } finally {
    fs.rmSync(stage, { recursive: true, force: true });
    keep();
  }
}

/** On the same file system as the folder, so that moving is renaming. */
function makeStage(wanted: string): string {
  let parent = wanted;
  while (!fs.existsSync(parent)) parent = path.dirname(parent);
  return fs.mkdtempSync(path.join(parent, '.lapidary-'));
}

function publish(stage: string, wanted: string): readonly string[] {
  const files = filesUnder(stage);
  for (const file of files) {
    const place = path.join(wanted, file);
    if (fs.statSync(place, { throwIfNoEntry: false })?.isDirectory()) {
      throw new UsageError(`${place} is a folder; a file must be written there. Choose another -o.`);
    }
  }
  const made = fs.mkdirSync(wanted, { recursive: true });
  try {
    for (const file of files) {
      fs.mkdirSync(path.dirname(path.join(wanted, file)), { recursive: true });
      fs.renameSync(path.join(stage, file), path.join(wanted, file));
    }
  } catch (error) {
    if (made !== undefined) fs.rmSync(made, { recursive: true, force: true });
    throw error;
  }
  return files;
}

const filesUnder = (folder: string): readonly string[] =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();

/** What the user can mend by naming another folder; the rest is the machine's. */
const wrongFolder = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'EEXIST',
  'EISDIR',
  'ENAMETOOLONG',
  'ELOOP',
  'ENOENT',
]);

function guard<Result>(folder: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    if (code === undefined || !(error instanceof Error)) throw error;
    const message = `The folder ${folder} cannot be written: ${reasons[code] ?? error.message}.`;
    throw wrongFolder.has(code) ? new UsageError(`${message} Choose another with -o.`) : new ToolError(message);
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'part of its path is a file',
  EEXIST: 'part of its path is a file',
  ENOENT: 'part of its path does not exist',
  ENOSPC: 'the disk is full',
};
