// Brings inputs that were given by name into the order of the program.

import { UsageError } from '../errors.ts';

const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ');

/** Inputs that the program does not have (initializers, values that nothing reads) are left out. */
export function inputsFor<Given extends { readonly name: string }>(
  names: readonly string[],
  given: readonly Given[],
): readonly Given[] {
  const byName = new Map(given.map((input) => [input.name, input] as const));
  const missing = names.filter((name) => !byName.has(name));
  if (missing.length > 0) throw new UsageError(`No value is given for ${inputWord(missing)} ${quoted(missing)}.`);
  return names.map((name) => byName.get(name)!);
}

const inputWord = (names: readonly string[]): string => (names.length === 1 ? 'input' : 'inputs');
