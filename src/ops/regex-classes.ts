// Sets of characters in regular expressions: sorted ranges of code points, neither touching nor overlapping.

export type Range = readonly [low: number, high: number];
export type CharacterSet = readonly Range[];

export const lastCharacter = 0x10ffff;

export function unite(ranges: readonly Range[]): CharacterSet {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const united: [number, number][] = [];
  for (const [low, high] of sorted) {
    const last = united.at(-1);
    if (last && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else united.push([low, high]);
  }
  return united;
}

export function complement(set: CharacterSet): CharacterSet {
  const rest: Range[] = [];
  let next = 0;
  for (const [low, high] of set) {
    if (low > next) rest.push([next, low - 1]);
    next = high + 1;
  }
  return next <= lastCharacter ? [...rest, [next, lastCharacter]] : rest;
}

const between = (from: string, to: string): Range => [from.codePointAt(0)!, to.codePointAt(0)!];
const digits = [between('0', '9')];
const letters = [between('A', 'Z'), between('a', 'z')];
const spaces: CharacterSet = [
  [9, 10],
  [12, 13],
  [32, 32],
];

/** `\d` and its like; capitals stand for what is not in the set. */
export const perlClasses: Readonly<Record<string, CharacterSet | undefined>> = {
  d: digits,
  s: spaces,
  w: unite([...digits, ...letters, between('_', '_')]),
};

/** `[:alpha:]` and its like. */
export const posixClasses: Readonly<Record<string, CharacterSet | undefined>> = {
  alnum: unite([...digits, ...letters]),
  alpha: letters,
  ascii: [[0, 127]],
  blank: [
    [9, 9],
    [32, 32],
  ],
  cntrl: [
    [0, 31],
    [127, 127],
  ],
  digit: digits,
  graph: [[33, 126]],
  lower: [between('a', 'z')],
  print: [[32, 126]],
  punct: unite([
    [33, 47],
    [58, 64],
    [91, 96],
    [123, 126],
  ]),
  space: [
    [9, 13],
    [32, 32],
  ],
  upper: [between('A', 'Z')],
  word: perlClasses.w,
  xdigit: unite([...digits, between('A', 'F'), between('a', 'f')]),
};

/** A Unicode category or script, as this JavaScript engine knows them. */
export function unicodeClass(name: string): CharacterSet | undefined {
  const test = [name, `Script=${name}`].flatMap((property) => {
    try {
      return [new RegExp(`^\\p{${property}}$`, 'u')];
    } catch {
      return [];
    }
  })[0];
  if (!test) return undefined;
  const ranges: Range[] = [];
  for (let code = 0; code <= lastCharacter; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    if (test.test(String.fromCodePoint(code))) ranges.push([code, code]);
  }
  return unite(ranges);
}

const only = (text: string): number | undefined => ([...text].length === 1 ? text.codePointAt(0) : undefined);

let folded: ReadonlyMap<number, readonly number[]> | undefined;

/** Characters that differ in case only, by each of them. */
function caseVariants(): ReadonlyMap<number, readonly number[]> {
  if (folded) return folded;
  const groups = new Map<number, number[]>();
  for (let code = 0; code <= 0x1ffff; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const text = String.fromCodePoint(code);
    const key = only(text.toUpperCase().toLowerCase()) ?? only(text.toLowerCase()) ?? code;
    if (key !== code || text.toUpperCase() !== text) groups.set(key, [...(groups.get(key) ?? []), code]);
  }
  const variants = new Map<number, readonly number[]>();
  for (const group of groups.values()) if (group.length > 1) for (const code of group) variants.set(code, group);
  folded = variants;
  return variants;
}

const contains = (set: CharacterSet, code: number): boolean => set.some(([low, high]) => low <= code && code <= high);

/** The set with each character in both cases. */
export function withoutCase(set: CharacterSet): CharacterSet {
  const more: Range[] = [];
  for (const [code, group] of caseVariants()) {
    if (contains(set, code)) for (const other of group) more.push([other, other]);
  }
  return unite([...set, ...more]);
}
