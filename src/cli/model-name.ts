// The name of generated functions and files: as the user says, or made from the name of the model file.

import * as path from 'node:path';
import { reservedWords } from '../../codegen/clike/identifiers.ts';
import { identifiers } from '../../codegen/identifiers.ts';
import { UsageError } from '../errors.ts';

const longest = 48;

export function modelName(given: string | undefined, file: string): string {
  if (given === undefined) return identifiers([path.parse(file).name], reservedWords)[0]!;
  if (given.length <= longest && /^[A-Za-z][A-Za-z0-9_]*$/.test(given) && !reservedWords.has(given)) return given;
  throw new UsageError(
    `--name ${JSON.stringify(given.slice(0, 60))} is not a name for functions: ` +
      `expected a letter, then letters, digits and underscores, at most ${longest}, and no word of C.`,
  );
}
