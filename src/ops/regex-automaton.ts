// A regular expression → a table that takes one byte of UTF-8 at a time: Thompson's automaton, then the sets of its states.

import type { CharacterSet } from './regex-classes.ts';
import type { Assertion, Pattern } from './regex-parse.ts';
import { byteSequences } from './regex-utf8.ts';

type State =
  | { readonly kind: 'byte'; readonly low: number; readonly high: number; readonly next: number }
  | { readonly kind: 'split'; next: readonly number[] }
  | { readonly kind: 'assert'; readonly what: Assertion; readonly next: number }
  | { readonly kind: 'done' };

export interface Automaton {
  /** Bytes that are never told apart have the same class. */
  readonly classOf: readonly number[];
  readonly classes: number;
  /** The next state for a state and a class; the first state is 0. */
  readonly table: readonly number[];
  /** Whether a string may end in a state. */
  readonly accepts: readonly boolean[];
  /** Whether a match may end in a state where a byte of a class follows, as `table`. */
  readonly acceptsBefore: readonly boolean[];
  /** Where a match begins behind a byte of each class: to search within a string. */
  readonly starts: readonly number[];
  /** The state from which nothing matches, or -1. */
  readonly dead: number;
}

/** Whether a match may be empty, somewhere in a string. */
export const matchesEmpty = ({ accepts, acceptsBefore, starts, classes }: Automaton): boolean =>
  [0, ...starts].some(
    (state) => accepts[state] || acceptsBefore.slice(state * classes, (state + 1) * classes).includes(true),
  );

const mostStates = 4096;
const mostParts = 200_000;

/** What stands before or after a place, as far as assertions ask. */
type Kind = 'border' | 'word' | 'line' | 'other';
const kindOf = (byte: number): Kind => {
  if (byte === 10) return 'line';
  return /[0-9A-Za-z_]/.test(String.fromCharCode(byte)) ? 'word' : 'other';
};

/** The automaton, or undefined where it would be too large. */
export function automatonOf(pattern: Pattern): Automaton | undefined {
  const states: State[] = [{ kind: 'done' }];
  const start = build(pattern, 0, states);
  if (start === undefined) return undefined;
  const asks = states.some(({ kind }) => kind === 'assert');
  const representatives = bytesToTry(states, asks);
  const numbers = new Map<string, number>();
  const sets: { readonly core: readonly number[]; readonly before: Kind }[] = [];
  const numberOf = (core: readonly number[], before: Kind): number => {
    const known = asks && core.length > 0 ? before : 'other';
    const key = `${known}:${core.join(',')}`;
    const found = numbers.get(key);
    if (found !== undefined) return found;
    numbers.set(key, sets.length);
    return sets.push({ core, before: known }) - 1;
  };
  numberOf([start], 'border');
  const table: number[] = [];
  const accepts: boolean[] = [];
  const acceptsBefore: boolean[] = [];
  const starts = representatives.bytes.map((byte) => numberOf([start], asks ? kindOf(byte) : 'other'));
  for (let at = 0; at < sets.length; at++) {
    if (sets.length > mostStates) return undefined;
    const { core, before } = sets[at]!;
    const closed = new Map<Kind, readonly number[]>();
    const reach = (after: Kind): readonly number[] => {
      const key = asks ? after : 'other';
      const known = closed.get(key) ?? closure(core, before, after, states);
      closed.set(key, known);
      return known;
    };
    accepts.push(closure(core, before, 'border', states).includes(0));
    for (const byte of representatives.bytes) {
      const next = new Set<number>();
      acceptsBefore.push(reach(kindOf(byte)).includes(0));
      for (const state of reach(kindOf(byte))) {
        const own = states[state]!;
        if (own.kind === 'byte' && own.low <= byte && byte <= own.high) next.add(own.next);
      }
      table.push(
        numberOf(
          [...next].sort((a, b) => a - b),
          kindOf(byte),
        ),
      );
    }
  }
  const dead = sets.findIndex(({ core }) => core.length === 0);
  const { classOf, bytes } = representatives;
  return { classOf, classes: bytes.length, table, accepts, acceptsBefore, starts, dead };
}

function build(pattern: Pattern, next: number, states: State[]): number | undefined {
  if (states.length > mostParts) return undefined;
  const add = (state: State): number => states.push(state) - 1;
  switch (pattern.kind) {
    case 'set':
      return buildSet(pattern.set, next, states);
    case 'assert':
      return add({ kind: 'assert', what: pattern.what, next });
    case 'all':
      return pattern.parts.reduceRight<number | undefined>(
        (after, part) => (after === undefined ? undefined : build(part, after, states)),
        next,
      );
    case 'any': {
      const starts = pattern.parts.map((part) => build(part, next, states));
      return starts.includes(undefined) ? undefined : add({ kind: 'split', next: starts as number[] });
    }
    case 'repeat': {
      const { part, least, most } = pattern;
      let from: number | undefined = next;
      if (most === Number.POSITIVE_INFINITY) {
        const fork = add({ kind: 'split', next: [] });
        const body = build(part, fork, states);
        if (body === undefined) return undefined;
        states[fork] = { kind: 'split', next: [body, next] };
        from = fork;
      }
      for (let optional = least; optional < most && most !== Number.POSITIVE_INFINITY; optional++) {
        const body: number | undefined = build(part, from, states);
        if (body === undefined) return undefined;
        from = add({ kind: 'split', next: [body, next] });
      }
      for (let needed = 0; needed < least; needed++) {
        from = build(part, from, states);
        if (from === undefined) return undefined;
      }
      return from;
    }
  }
}

function buildSet(set: CharacterSet, next: number, states: State[]): number {
  const starts = set.flatMap(([low, high]) =>
    byteSequences(low, high).map((sequence) =>
      sequence.reduceRight(
        (after, [from, to]) => states.push({ kind: 'byte', low: from, high: to, next: after }) - 1,
        next,
      ),
    ),
  );
  return starts.length === 1 ? starts[0]! : states.push({ kind: 'split', next: starts }) - 1;
}

function holds(what: Assertion, before: Kind, after: Kind): boolean {
  switch (what) {
    case 'start':
      return before === 'border';
    case 'end':
      return after === 'border';
    case 'line start':
      return before === 'border' || before === 'line';
    case 'line end':
      return after === 'border' || after === 'line';
    case 'word':
      return (before === 'word') !== (after === 'word');
    case 'no word':
      return (before === 'word') === (after === 'word');
  }
}

/** All states that are reached without a byte, between something before and something after. */
function closure(core: readonly number[], before: Kind, after: Kind, states: readonly State[]): readonly number[] {
  const seen = new Set<number>();
  const open = [...core];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    if (seen.has(state)) continue;
    seen.add(state);
    const own = states[state]!;
    if (own.kind === 'split') open.push(...own.next);
    if (own.kind === 'assert' && holds(own.what, before, after)) open.push(own.next);
  }
  return [...seen];
}

/** One byte for each class of bytes that no state tells apart. */
function bytesToTry(
  states: readonly State[],
  asks: boolean,
): { readonly classOf: readonly number[]; readonly bytes: readonly number[] } {
  const cuts = new Set<number>([0]);
  for (const state of states) {
    if (state.kind !== 'byte') continue;
    cuts.add(state.low);
    cuts.add(state.high + 1);
  }
  if (asks) for (let byte = 1; byte < 256; byte++) if (kindOf(byte) !== kindOf(byte - 1)) cuts.add(byte);
  const bytes: number[] = [];
  const classOf = Array.from({ length: 256 }, (_, byte) => {
    if (cuts.has(byte)) bytes.push(byte);
    return bytes.length - 1;
  });
  return { classOf, bytes };
}
