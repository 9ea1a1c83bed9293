// The version in package.json, which lies at the root of the sources and of the installed package alike.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { CompilerBug } from '../errors.ts';

export function version(): string {
  for (let folder = import.meta.dirname; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const file = path.join(folder, 'package.json');
    if (fs.existsSync(file)) return String(JSON.parse(fs.readFileSync(file, 'utf8')).version);
  }
  throw new CompilerBug('package.json was not found');
}
