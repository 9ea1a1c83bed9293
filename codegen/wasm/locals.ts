// Local variables of a function under construction. A local whose value is no longer needed is used again for another
// value of the same type, unless that value must survive a loop in which the local has served before.

import type { ValueType } from './binaryen.ts';

export interface Local {
  readonly index: number;
  readonly type: ValueType;
}

/** A moment in the printing of a function. */
export type Moment = number;

export interface Locals {
  now(): Moment;
  /** A free local that nothing has used since `since`; any free one where that is absent. */
  take(type: ValueType, since?: Moment): Local;
  give(local: Local): void;
  /** The types of all locals after the parameters. */
  types(): readonly ValueType[];
}

export function createLocals(parameters: readonly ValueType[]): Locals {
  const types: ValueType[] = [];
  const free: { readonly local: Local; readonly given: Moment }[] = [];
  let clock = 0;
  return {
    now: () => ++clock,
    take(type, since = Number.POSITIVE_INFINITY) {
      clock++;
      const position = free.findIndex(({ local, given }) => local.type === type && given < since);
      const found = free[position];
      if (found) {
        free.splice(position, 1);
        return found.local;
      }
      types.push(type);
      return { index: parameters.length + types.length - 1, type };
    },
    give(local) {
      free.push({ local, given: ++clock });
    },
    types: () => types,
  };
}
