// Names inside one C function: unique among all that are visible, released when their block closes.

import { cIdentifiers } from './identifiers.ts';

export interface FunctionNames {
  /** A new name like the wanted one. */
  fresh(wanted: string): string;
  /** A name that is new in the whole function, also where blocks have closed. */
  freshEverywhere(wanted: string): string;
  open(): void;
  close(): void;
}

const safeNames = new Map<string, string>();
function safeName(wanted: string): string {
  const name = safeNames.get(wanted) ?? cIdentifiers([wanted])[0]!;
  safeNames.set(wanted, name);
  return name;
}

export function functionNames(taken: Iterable<string> = []): FunctionNames {
  const visible = new Set(taken);
  const blocks: string[][] = [[]];
  const ever = new Set(taken);
  // Where to begin looking for a free number; names that were released stay unused, which keeps this fast.
  const numbers = new Map<string, number>();
  return {
    fresh: (wanted) => {
      const base = safeName(wanted);
      let name = base;
      if (visible.has(name)) {
        let number = numbers.get(base) ?? 1;
        while (visible.has(name)) name = `${base}_${++number}`;
        numbers.set(base, number);
      }
      visible.add(name);
      ever.add(name);
      blocks.at(-1)!.push(name);
      return name;
    },
    freshEverywhere: (wanted) => {
      const base = safeName(wanted);
      let name = base;
      for (let number = 2; ever.has(name); number++) name = `${base}_${number}`;
      ever.add(name);
      visible.add(name);
      return name;
    },
    open: () => {
      blocks.push([]);
    },
    close: () => {
      for (const name of blocks.pop() ?? []) visible.delete(name);
    },
  };
}
