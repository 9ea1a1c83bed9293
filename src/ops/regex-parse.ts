// The syntax of RE2 → a tree. Groups do not capture and lazy repetitions are as good as greedy ones: only whether a
// whole string matches is asked.

import {
  type CharacterSet,
  complement,
  lastCharacter,
  perlClasses,
  posixClasses,
  type Range,
  unicodeClass,
  unite,
  withoutCase,
} from './regex-classes.ts';

export type Assertion = 'start' | 'end' | 'line start' | 'line end' | 'word' | 'no word';

export type Pattern =
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'all'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'any'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'repeat'; readonly part: Pattern; readonly least: number; readonly most: number }
  | { readonly kind: 'assert'; readonly what: Assertion };

/** Repetitions are written out: RE2 has the same limit. */
const mostRepetitions = 1000;

interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
}

class Syntax extends Error {}

/** Gives the tree, or says in words what is wrong. */
export function parsePattern(pattern: string): Pattern | string {
  const reader: Reader = { text: [...pattern], at: 0, depth: 0 };
  try {
    const [parsed] = alternatives(reader, { i: false, m: false, s: false });
    if (reader.at < reader.text.length) throw new Syntax('")" without "("');
    return parsed;
  } catch (error) {
    if (error instanceof Syntax) return `${error.message} (at character ${reader.at})`;
    throw error;
  }
}

interface Reader {
  readonly text: readonly string[];
  at: number;
  depth: number;
}

const peek = (reader: Reader): string | undefined => reader.text[reader.at];
const take = (reader: Reader): string => {
  const next = reader.text[reader.at++];
  if (next === undefined) throw new Syntax('it ends too early');
  return next;
};
const accept = (reader: Reader, text: string): boolean => {
  const found = [...text].every((character, i) => reader.text[reader.at + i] === character);
  if (found) reader.at += [...text].length;
  return found;
};
function until(reader: Reader, end: string): string {
  let text = '';
  while (!accept(reader, end)) text += take(reader);
  return text;
}

const literal = (code: number, flags: Flags): Pattern => setOf([[code, code]], flags);
const setOf = (set: CharacterSet, flags: Flags): Pattern => ({ kind: 'set', set: flags.i ? withoutCase(set) : set });
const any: CharacterSet = [[0, lastCharacter]];
const codeOf = (character: string): number => character.codePointAt(0)!;

/** Up to the end or a closing parenthesis; flags set inside count to there. */
function alternatives(reader: Reader, given: Flags): readonly [Pattern, Flags] {
  if (++reader.depth > 200) throw new Syntax('groups are nested too deep');
  let flags = given;
  const choices: Pattern[] = [];
  let parts: Pattern[] = [];
  for (let next = peek(reader); next !== undefined && next !== ')'; next = peek(reader)) {
    if (accept(reader, '|')) {
      choices.push({ kind: 'all', parts });
      parts = [];
      continue;
    }
    if (accept(reader, '\\Q')) {
      const rest = reader.text.slice(reader.at).join('');
      const end = rest.indexOf('\\E');
      const quoted = [...(end < 0 ? rest : rest.slice(0, end))];
      reader.at += quoted.length + (end < 0 ? 0 : 2);
      parts.push(...quoted.map((character) => literal(codeOf(character), flags)));
      continue;
    }
    const found = accept(reader, '(') ? group(reader, flags) : atom(reader, flags);
    if ('i' in found) flags = found;
    else parts.push(repeated(reader, found));
  }
  reader.depth--;
  const last: Pattern = { kind: 'all', parts };
  return [choices.length === 0 ? last : { kind: 'any', parts: [...choices, last] }, flags];
}

function group(reader: Reader, flags: Flags): Pattern | Flags {
  let inside = flags;
  if (accept(reader, '?')) {
    if (accept(reader, 'P<') || accept(reader, '<')) until(reader, '>');
    else {
      inside = readFlags(reader, flags);
      if (accept(reader, ')')) return inside;
      if (!accept(reader, ':')) throw new Syntax('"(?" is followed by something unknown');
    }
  }
  const [found] = alternatives(reader, inside);
  if (!accept(reader, ')')) throw new Syntax('"(" without ")"');
  return found;
}

function readFlags(reader: Reader, given: Flags): Flags {
  let flags = given;
  let value = true;
  for (let next = peek(reader); next !== ':' && next !== ')'; next = peek(reader)) {
    const flag = take(reader);
    if (flag === '-') value = false;
    else if (flag === 'i' || flag === 'm' || flag === 's') flags = { ...flags, [flag]: value };
    else if (flag !== 'U') throw new Syntax(`flag ${JSON.stringify(flag)} is not known`);
  }
  return flags;
}

function repeated(reader: Reader, part: Pattern): Pattern {
  let found = part;
  for (let next = bounds(reader); next; next = bounds(reader)) {
    const [least, most] = next;
    if (least > mostRepetitions || (most !== Number.POSITIVE_INFINITY && most > mostRepetitions) || most < least)
      throw new Syntax(`{${least},${most}} is no legal number of repetitions`);
    // Lazy or not, the same strings match.
    accept(reader, '?');
    found = { kind: 'repeat', part: found, least, most };
  }
  return found;
}

function bounds(reader: Reader): readonly [number, number] | undefined {
  if (accept(reader, '*')) return [0, Number.POSITIVE_INFINITY];
  if (accept(reader, '+')) return [1, Number.POSITIVE_INFINITY];
  if (accept(reader, '?')) return [0, 1];
  const braces = /^\{(\d+)(,(\d*))?\}/.exec(reader.text.slice(reader.at, reader.at + 16).join(''));
  if (!braces) return undefined;
  reader.at += braces[0].length;
  const least = Number(braces[1]);
  if (braces[2] === undefined) return [least, least];
  return [least, braces[3] === '' ? Number.POSITIVE_INFINITY : Number(braces[3])];
}

function atom(reader: Reader, flags: Flags): Pattern {
  const next = take(reader);
  switch (next) {
    case '.':
      return { kind: 'set', set: flags.s ? any : complement([[10, 10]]) };
    case '^':
      return { kind: 'assert', what: flags.m ? 'line start' : 'start' };
    case '$':
      return { kind: 'assert', what: flags.m ? 'line end' : 'end' };
    case '[':
      return setOf(characterClass(reader, flags), { ...flags, i: false });
    case '*':
    case '+':
    case '?':
      throw new Syntax(`${JSON.stringify(next)} repeats nothing`);
    case '\\':
      return escaped(reader, flags);
    default:
      return literal(codeOf(next), flags);
  }
}

const assertions: Readonly<Record<string, Assertion | undefined>> = {
  A: 'start',
  z: 'end',
  b: 'word',
  B: 'no word',
};

function escaped(reader: Reader, flags: Flags): Pattern {
  const what = assertions[peek(reader) ?? ''];
  if (what) {
    reader.at++;
    return { kind: 'assert', what };
  }
  const found = afterBackslash(reader);
  return typeof found === 'number' ? literal(found, flags) : setOf(found, flags);
}

const controls: Readonly<Record<string, number | undefined>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

/** What follows a backslash: a character or a set. */
function afterBackslash(reader: Reader): number | CharacterSet {
  const next = take(reader);
  const perl = perlClasses[next.toLowerCase()];
  if (perl && /[a-zA-Z]/.test(next)) return next === next.toLowerCase() ? perl : complement(perl);
  if (next === 'p' || next === 'P') {
    const given = accept(reader, '{') ? until(reader, '}') : take(reader);
    const negated = (next === 'P') !== given.startsWith('^');
    const found = unicodeClass(given.replace(/^\^/, ''));
    if (!found) throw new Syntax(`\\p{${given}} is not known`);
    return negated ? complement(found) : found;
  }
  if (next === 'x') {
    const digits = accept(reader, '{') ? until(reader, '}') : take(reader) + take(reader);
    const code = Number.parseInt(digits, 16);
    if (!/^[0-9a-fA-F]+$/.test(digits) || code > lastCharacter) throw new Syntax(`\\x${digits} is no character`);
    return code;
  }
  if (/[0-7]/.test(next)) {
    let digits = next;
    while (digits.length < 3 && /[0-7]/.test(peek(reader) ?? '')) digits += take(reader);
    if (next !== '0' && digits.length === 1) throw new Syntax(`\\${next} (what a group matched) is not supported`);
    return Number.parseInt(digits, 8);
  }
  const control = controls[next];
  if (control !== undefined) return control;
  if (/[a-zA-Z0-9]/.test(next)) throw new Syntax(`\\${next} is not known`);
  return codeOf(next);
}

function characterClass(reader: Reader, flags: Flags): CharacterSet {
  const negated = accept(reader, '^');
  const ranges: Range[] = [];
  let first = true;
  while (first || peek(reader) !== ']') {
    ranges.push(...classItem(reader));
    first = false;
  }
  reader.at++;
  const set = unite(ranges);
  const whole = flags.i ? withoutCase(set) : set;
  return negated ? complement(whole) : whole;
}

function classItem(reader: Reader): readonly Range[] {
  if (accept(reader, '[:')) {
    const name = until(reader, ':]');
    const found = posixClasses[name.replace(/^\^/, '')];
    if (!found) throw new Syntax(`[:${name}:] is not known`);
    return name.startsWith('^') ? complement(found) : found;
  }
  const low = classCharacter(reader);
  if (typeof low !== 'number') return low;
  const isRange = peek(reader) === '-' && reader.text[reader.at + 1] !== ']';
  if (!isRange || reader.text[reader.at + 1] === undefined) return [[low, low]];
  reader.at++;
  const high = classCharacter(reader);
  if (typeof high !== 'number' || high < low) throw new Syntax('a range of a class is not in order');
  return [[low, high]];
}

function classCharacter(reader: Reader): number | CharacterSet {
  const next = take(reader);
  return next === '\\' ? afterBackslash(reader) : codeOf(next);
}
