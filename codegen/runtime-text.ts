// The part of the C runtime that generated code carries with it.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder runtime-c of this package, from the sources and from what is built of them. */
export function runtimeFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'runtime-c', 'lapidary.h'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('the folder runtime-c is missing from this installation');
    folder = parent;
  }
  return join(folder, 'runtime-c');
}

export const runtimeText = (name: string): string => readFileSync(join(runtimeFolder(), name), 'utf8');
