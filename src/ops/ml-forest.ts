// Runs every row through every tree: from the root to a leaf, whose entries are gathered by target.

import type { DType } from '../../ir/dtype.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import {
  add,
  and,
  bool,
  cast,
  constant,
  constantOf,
  eq,
  ge,
  gt,
  indexVar,
  int,
  le,
  load,
  lt,
  max,
  min,
  ne,
  or,
  select,
  sub,
  variable,
} from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, check, ifThen, letIn, loop, store, whileLoop } from '../../ir/kernel-walk.ts';
import { intAttribute, requiredInt, stringAttribute } from './attributes.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import { type Builder, op } from './define.ts';
import { branchModes, type ForestTables, vector } from './ml-forest-tables.ts';
import { anyNumeric, tensorOf, typeSet } from './types.ts';

const table = (dtype: DType) => typeSet(dtype, [dtype]);
const scoreTypes = typeSet('S', ['float32', 'float64']);
const mixed = -1;

/** Scores [rows, targets] of the trees in the tables. `mode` is that of all branches, or -1. */
const Trees = op('Trees', {
  domain: 'lapidary',
  inputs: [
    'X',
    'roots',
    'features',
    'splits',
    'whenTrue',
    'whenFalse',
    'leafStarts',
    'targets',
    'weights',
    'modes?',
    'tracks?',
    'memberStarts?',
    'members?',
  ],
  attributes: {
    aggregate: stringAttribute('sum', ['sum', 'min', 'max']),
    count: requiredInt,
    /** More than any feature that a branch asks for. */
    features: requiredInt,
    mode: intAttribute(mixed),
    single: intAttribute(0),
  },
  types: {
    X: anyNumeric,
    roots: table('int32'),
    features: table('int32'),
    splits: scoreTypes,
    weights: scoreTypes,
    modes: table('uint8'),
    tracks: table('uint8'),
  },
  type: ({ X, weights }, { count }) => tensorOf(weights.dtype, [X.shape[0]!, int(count)]),
  kernel: (inputs, [scores], { aggregate, count, features, mode, single }) => {
    const { X, roots, weights, targets, leafStarts } = inputs;
    const { dtype } = weights;
    const row = indexVar('row', X.shape[0]!);
    const tree = indexVar('tree', roots.shape[0]!);
    const place: Buffer = { name: 'place', dtype: 'index', shape: [], memory: 'register' };
    const here = load(place, []);
    const known = constantOf(X.shape[1]!);
    const enough = known !== undefined && known >= features ? [] : [check(le(int(features), X.shape[1]!), 'index')];

    const start = constant(
      aggregate === 'sum' ? 0 : aggregate === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY,
      dtype,
    );
    const combine = (a: Expr, b: Expr): Expr =>
      aggregate === 'sum' ? add(a, b) : aggregate === 'min' ? min(a, b) : max(a, b);
    const total: Buffer = { name: 'total', dtype, shape: [], memory: 'register' };
    const gather = (entry: Expr): Stmt => {
      const weight = load(weights, [entry]);
      if (count === 1) return store(total, [], combine(load(total, []), weight));
      const target = variable('target', 'index');
      const update = store(scores!, [row, target], combine(load(scores!, [row, target]), weight));
      return letIn(target, cast(load(targets, [entry]), 'index'), update);
    };
    const leaf = variable('leaf', 'index');
    const first = cast(load(leafStarts, [leaf]), 'index');
    const entries = (): Stmt => {
      const own = indexVar('entry', sub(cast(load(leafStarts, [add(leaf, int(1))]), 'index'), first));
      return loop(own, gather(add(first, own)));
    };
    const descend = whileLoop(le(int(0), here), step(inputs, row, place, mode));
    const perTree = block([
      store(place, [], cast(load(roots, [tree]), 'index')),
      descend,
      letIn(leaf, sub(int(-1), here), single ? gather(leaf) : entries()),
    ]);
    const walk = allocate(place, loop(tree, perTree));
    const target = indexVar('target', int(count));
    const perRow =
      count === 1
        ? allocate(total, block([store(total, [], start), walk, store(scores!, [row, int(0)], load(total, []))]))
        : block([loop(target, store(scores!, [row, target], start)), walk]);
    return block([...enough, loop(row, perRow)]);
  },
});

interface Tables {
  readonly X: Buffer;
  readonly features: Buffer;
  readonly splits: Buffer;
  readonly whenTrue: Buffer;
  readonly whenFalse: Buffer;
  readonly modes: Buffer | undefined;
  readonly tracks: Buffer | undefined;
  readonly memberStarts: Buffer | undefined;
  readonly members: Buffer | undefined;
}

/** place = the child that the branch at `place` chooses. */
function step(tables: Tables, row: Var, place: Buffer, mode: number): Stmt {
  const { X, features, splits, tracks, memberStarts, members } = tables;
  const { dtype } = splits;
  const node = variable('node', 'index');
  const value = variable('value', dtype);
  const feature = cast(load(features, [node]), 'index');
  const child = (yes: Expr): Expr =>
    cast(select(yes, load(tables.whenTrue, [node]), load(tables.whenFalse, [node])), 'index');
  const missing = tracks ? and(ne(value, value), ne(load(tracks, [node]), constant(0, 'uint8'))) : bool(false);
  const go = (answer: Expr): Stmt => store(place, [], child(tracks ? or(missing, answer) : answer));
  const isMember = members && memberStarts && (mode === mixed || branchModes[mode] === 'MEMBER');
  const decide = isMember
    ? lookUp(members, memberStarts, node, value, (found) => go(answerOf(tables, mode, node, value, found)))
    : go(answerOf(tables, mode, node, value, bool(false)));
  return letIn(node, load(place, []), letIn(value, cast(load(X, [row, feature]), dtype), decide));
}

/** Whether the value is among the node's members. */
function lookUp(members: Buffer, starts: Buffer, node: Expr, value: Expr, then: (found: Expr) => Stmt): Stmt {
  const found: Buffer = { name: 'found', dtype: 'bool', shape: [], memory: 'register' };
  const first = cast(load(starts, [node]), 'index');
  const own = indexVar('member', sub(cast(load(starts, [add(node, int(1))]), 'index'), first));
  const test = ifThen(eq(load(members, [add(first, own)]), value), store(found, [], bool(true)));
  return allocate(found, block([store(found, [], bool(false)), loop(own, test), then(load(found, []))]));
}

function answerOf({ splits, modes }: Tables, mode: number, node: Expr, value: Expr, found: Expr): Expr {
  const split = load(splits, [node]);
  const answers = [le, lt, ge, gt, eq, ne].map((compare) => compare(value, split));
  const all = [...answers, found];
  if (mode !== mixed || !modes) return all[mode] ?? bool(false);
  const own = load(modes, [node]);
  return all.slice(1).reduce((rest, answer, i) => select(eq(own, constant(i + 1, 'uint8')), answer, rest), all[0]!);
}

/** Scores of a forest for rows X. */
export function applyForest(
  g: Builder,
  X: Value,
  tables: ForestTables,
  count: number,
  aggregate: string,
  dtype: DType,
): Value {
  const used = new Set(tables.modes);
  const mode = used.size <= 1 ? (tables.modes[0] ?? 0) : mixed;
  const hasMembers = used.has(branchModes.indexOf('MEMBER'));
  const single = tables.leafStarts.every((start, leaf) => start === leaf);
  const integers = (values: readonly number[]): Value => vector(g, values, 'int32');
  const bytes = (values: readonly number[]): Value => vector(g, values, 'uint8');
  const inputs = [
    tensorTypeOf(X).dtype === 'float64' && dtype === 'float32' ? castTo(g, X, 'float32') : X,
    integers(tables.roots),
    integers(tables.features),
    vector(g, tables.splits, dtype),
    integers(tables.whenTrue),
    integers(tables.whenFalse),
    integers(tables.leafStarts),
    integers(tables.targets),
    vector(g, tables.weights, dtype),
    mode === mixed ? bytes(tables.modes) : undefined,
    tables.tracks.includes(1) ? bytes(tables.tracks) : undefined,
    hasMembers ? integers(tables.memberStarts) : undefined,
    hasMembers ? vector(g, tables.members, dtype) : undefined,
  ];
  const features = tables.features.reduce((most, feature) => Math.max(most, feature + 1), 0);
  return g.apply(Trees, inputs, { aggregate, count, features, mode, single: single ? 1 : 0 });
}
