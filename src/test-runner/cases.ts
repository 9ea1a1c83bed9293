// Finds ONNX test cases: folders with `model.onnx` and `test_data_set_*` beside it.

import * as fs from 'node:fs';
import * as path from 'node:path';

export interface TestCase {
  /** Relative to the folder that was searched, with forward slashes. */
  readonly name: string;
  readonly folder: string;
}

export const modelFileOf = (folder: string): string => path.join(folder, 'model.onnx');

/** All cases under a folder, or the folder itself, in the order of their names. */
export function findCases(root: string): readonly TestCase[] {
  const found: TestCase[] = [];
  search(root, new Set(), (folder) => {
    const relative = path.relative(root, folder).split(path.sep).join('/');
    found.push({ name: relative || path.basename(path.resolve(folder)), folder });
  });
  return found;
}

/** Links to folders are followed, each real folder once, so circles end. */
function search(folder: string, seen: Set<string>, add: (folder: string) => void): void {
  const real = fs.realpathSync(folder);
  if (seen.has(real)) return;
  seen.add(real);
  const entries = fs.readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  const isCase =
    entries.some(({ name }) => name === 'model.onnx') && entries.some(({ name }) => /^test_data_set_\d+$/.test(name));
  if (isCase) {
    add(folder);
    return;
  }
  for (const entry of entries) {
    const inner = path.join(folder, entry.name);
    if (entry.isDirectory() || (entry.isSymbolicLink() && isFolder(inner))) search(inner, seen, add);
  }
}

const isFolder = (file: string): boolean => fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
