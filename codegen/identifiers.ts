// The one escaper: turns names that come from a model into identifiers that are safe in C, JavaScript and file names.
// What is a letter, a digit or an underscore stays, everything else becomes an underscore; nothing else gets through.

const longest = 48;

/** Letters, digits and single underscores inside, starting with a letter: no reserved form of C begins that way. */
function escapeName(name: string): string {
  const plain = name
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+/, '')
    .slice(0, longest)
    .replace(/_+$/, '');
  if (plain === '') return 'value';
  return /^[0-9]/.test(plain) ? `x${plain}` : plain;
}

/**
 * One identifier for each name, all different and none of them reserved. A name that is an identifier already keeps
 * it, whatever the other names are; among those that must change, the first come first.
 */
export function identifiers(names: readonly string[], reserved: ReadonlySet<string>): string[] {
  const taken = new Set(reserved);
  const result = new Array<string>(names.length);
  const rest: number[] = [];
  for (const [position, name] of names.entries()) {
    if (escapeName(name) === name && !taken.has(name)) {
      taken.add(name);
      result[position] = name;
    } else {
      rest.push(position);
    }
  }
  // Where to look on for a free number: many names may want the same identifier.
  const numbers = new Map<string, number>();
  for (const position of rest) {
    const wanted = escapeName(names[position]!);
    let candidate = wanted;
    let number = numbers.get(wanted) ?? 2;
    for (; taken.has(candidate); number++) candidate = `${wanted}_${number}`;
    numbers.set(wanted, number);
    taken.add(candidate);
    result[position] = candidate;
  }
  return result;
}
