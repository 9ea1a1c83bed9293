// Decision trees as tables: inner nodes depth first, so that a path stays close together in memory, and leaves.

import { toBytes } from '../../ir/bytes.ts';
import type { DType } from '../../ir/dtype.ts';
import { int } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import type { Builder } from './define.ts';
import { tensorOf } from './types.ts';

export const branchModes = ['LEQ', 'LT', 'GTE', 'GT', 'EQ', 'NEQ', 'MEMBER'] as const;
export type BranchMode = (typeof branchModes)[number];

/** A node that asks: for which feature, and what. */
export interface Branch {
  readonly feature: number;
  readonly mode: BranchMode;
  readonly split: number;
  /** Whether a missing value (NaN) goes where the answer is yes. */
  readonly tracksTrue: boolean;
  readonly members: readonly number[];
  readonly whenTrue: Place;
  readonly whenFalse: Place;
}
export type Place = { readonly branch: number } | { readonly leaf: number };

/** What a leaf adds to a target. */
export interface Entry {
  readonly target: number;
  readonly weight: number;
}

export interface Forest {
  readonly roots: readonly Place[];
  readonly branches: readonly Branch[];
  readonly leaves: readonly (readonly Entry[])[];
}

/** Children are numbers: a branch, or -1 - leaf. */
export interface ForestTables {
  readonly roots: readonly number[];
  readonly features: readonly number[];
  readonly modes: readonly number[];
  readonly splits: readonly number[];
  readonly tracks: readonly number[];
  readonly whenTrue: readonly number[];
  readonly whenFalse: readonly number[];
  readonly memberStarts: readonly number[];
  readonly members: readonly number[];
  readonly leafStarts: readonly number[];
  readonly targets: readonly number[];
  readonly weights: readonly number[];
}

const isBranch = (place: Place): place is { readonly branch: number } => 'branch' in place;

/** Branches that the roots reach, each after those on its way; `fail` where a path leads back to itself. */
function orderOf({ roots, branches }: Forest, fail: (rule: string) => never): readonly number[] {
  const order: number[] = [];
  const state = new Map<number, 'open' | 'done'>();
  const stack: { readonly at: number; readonly leaving: boolean }[] = [];
  const enter = (place: Place): void => {
    if (isBranch(place)) stack.push({ at: place.branch, leaving: false });
  };
  for (const root of [...roots].reverse()) enter(root);
  while (stack.length > 0) {
    const { at, leaving } = stack.pop()!;
    const known = state.get(at);
    if (leaving) state.set(at, 'done');
    else if (known === 'open') fail('a tree has a path that leads back to itself.');
    if (leaving || known) continue;
    state.set(at, 'open');
    order.push(at);
    stack.push({ at, leaving: true });
    enter(branches[at]!.whenFalse);
    enter(branches[at]!.whenTrue);
  }
  return order;
}

export function tablesOf(forest: Forest, fail: (rule: string) => never): ForestTables {
  const order = orderOf(forest, fail);
  const positions = new Map(order.map((old, position) => [old, position] as const));
  const placed = (place: Place): number => (isBranch(place) ? positions.get(place.branch)! : -1 - place.leaf);
  const nodes = order.map((old) => forest.branches[old]!);
  const entries = forest.leaves.flat();
  return {
    roots: forest.roots.map(placed),
    features: nodes.map(({ feature }) => feature),
    modes: nodes.map(({ mode }) => branchModes.indexOf(mode)),
    splits: nodes.map(({ split }) => split),
    tracks: nodes.map(({ tracksTrue }) => (tracksTrue ? 1 : 0)),
    whenTrue: nodes.map(({ whenTrue }) => placed(whenTrue)),
    whenFalse: nodes.map(({ whenFalse }) => placed(whenFalse)),
    memberStarts: starts(nodes.map(({ members }) => members.length)),
    members: nodes.flatMap(({ members }) => members),
    leafStarts: starts(forest.leaves.map((leaf) => leaf.length)),
    targets: entries.map(({ target }) => target),
    weights: entries.map(({ weight }) => weight),
  };
}

function starts(lengths: readonly number[]): readonly number[] {
  let total = 0;
  return [0, ...lengths.map((length) => (total += length))];
}

/** A constant vector; an empty one gets an element, so that it has an address. */
export function vector(g: Builder, values: readonly number[], dtype: DType): Value {
  const list = values.length > 0 ? values : [0];
  return g.constant(tensorOf(dtype, [int(list.length)]), toBytes(dtype, list));
}
