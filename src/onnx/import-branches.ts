// If at import. One whose condition is known is its branch, and the other one need not even be legal. One whose
// branches differ in rank or element type (a Squeeze where an axis has one element, as PyTorch exports it) takes what
// follows it into both branches; where that is legal after one branch only, the run insists on that branch.
//   r = If(c, a, b); y = f(r)   →   y = If(c, f(a), f(b))   or   y = f(a), with c checked

import { constantOf } from '../../ir/expr-make.ts';
import type { Graph, Type, Value } from '../../ir/graph.ts';
import type { Problem } from '../errors.ts';
import { Assuming } from '../ops/assuming.ts';
import { If } from '../ops/control.ts';
import { elementsOf } from '../ops/elements.ts';
import {
  collect,
  define,
  type ImportState,
  type Item,
  itemsOf,
  type LeaveItem,
  lookUp,
  type NodeItem,
  placeOf,
  type Scope,
  scopeInside,
} from './import-scope.ts';
import type { GraphProto, NodeProto } from './proto-types.ts';
import { typeHints } from './shape-hints.ts';

/** What the importer of graphs lends. */
export interface BranchImporter {
  items(items: readonly Item[], home: Scope, state: ImportState): void;
  /** Imports a node with subgraphs that are imported already. */
  node(item: NodeItem, state: ImportState, graphs?: Readonly<Record<string, Graph>>): void;
  initializers(graph: GraphProto, scope: Scope, state: ImportState): void;
  subgraph(graph: GraphProto, scope: Scope, state: ImportState): Graph;
}

const graphOf = (node: NodeProto, name: string): GraphProto | undefined =>
  node.attribute.find((attribute) => attribute.name === name)?.g;

const branchOf = (node: NodeProto, taken: boolean): GraphProto => graphOf(node, taken ? 'then_branch' : 'else_branch')!;

/** An If with all its parts. */
const isConditional = (node: NodeProto): boolean =>
  node.opType === 'If' &&
  (!node.domain || node.domain === 'ai.onnx') &&
  graphOf(node, 'then_branch') !== undefined &&
  graphOf(node, 'else_branch') !== undefined;

/** Imports an If. Gives what is left to import where that is not just `rest`. */
export function importIf(
  item: NodeItem,
  rest: readonly Item[],
  home: Scope,
  state: ImportState,
  importer: BranchImporter,
): readonly Item[] | undefined {
  const condition = isConditional(item.node) ? valueNamed(item.node.input[0] ?? '', item.scope) : undefined;
  const [known] = condition ? (elementsOf(condition) ?? []) : [];
  const decided = known && constantOf(known);
  if (decided !== undefined) return [...branchItems(item, decided !== 0, item.scope, state, importer), ...rest];
  const graphs = condition && importBranches(item, state, importer);
  if (!condition || !graphs || sameForms(graphs.then_branch, graphs.else_branch)) {
    importer.node(item, state, graphs);
    return undefined;
  }
  return importTwice(item, condition, rest, home, state, importer);
}

/** A value by its name, if there is one without problems. */
function valueNamed(name: string, scope: Scope): Value | undefined {
  let current: Scope | undefined = scope;
  while (current && !current.values.has(name)) current = current.parent;
  return current?.values.get(name) && lookUp(scope, name);
}

interface Branches {
  readonly [name: string]: Graph;
  readonly then_branch: Graph;
  readonly else_branch: Graph;
}

function importBranches(item: NodeItem, state: ImportState, importer: BranchImporter): Branches | undefined {
  const made: Graph[] = [];
  for (const taken of [true, false]) {
    collect(state, placeOf(item), () => made.push(importer.subgraph(branchOf(item.node, taken), item.scope, state)));
  }
  return made.length === 2 ? { then_branch: made[0]!, else_branch: made[1]! } : undefined;
}

const formOf = (type: Type): string =>
  type.kind === 'tensor' ? `${type.dtype} of rank ${type.shape.length}` : type.kind;

const sameForms = (a: Graph, b: Graph): boolean =>
  a.outputs.length !== b.outputs.length ||
  a.outputs.every(({ type }, i) => formOf(type) === formOf(b.outputs[i]!.type));

/** The nodes of a branch, as if they stood where the If stands. */
function branchItems(
  item: NodeItem,
  taken: boolean,
  scope: Scope,
  state: ImportState,
  importer: BranchImporter,
  guard?: LeaveItem['guard'],
): readonly Item[] {
  const graph = branchOf(item.node, taken);
  const names = graph.output.map(({ name }) => name ?? '');
  const inside = scopeInside(scope, typeHints([...graph.valueInfo, ...graph.output], graph.node));
  importer.initializers(graph, inside, state);
  const outside = item.node.output;
  const leave: LeaveItem = { kind: 'leave', where: placeOf(item), from: inside, names, to: scope, outside };
  return [...itemsOf(graph.node, inside, state), guard ? { ...leave, guard } : leave];
}

/** Gives the values of a branch their names outside. */
export function leaveBranch({ where, from, names, to, outside, guard }: LeaveItem, state: ImportState): void {
  const done = collect(state, where, () => {
    const values = names.map((name) => lookUp(from, name));
    const checked = values.map((value) =>
      guard && value.type.kind === 'tensor'
        ? state.builder.apply(Assuming, [value, guard.condition], { expected: guard.expected ? 1 : 0 })
        : value,
    );
    define({ output: outside }, checked, to, where);
  });
  if (!done) for (const name of outside) if (name) to.values.set(name, undefined);
}

interface Attempt {
  /** A branch and all that follows it. */
  readonly graph: Graph | undefined;
  readonly problems: readonly Problem[];
}

function importTwice(
  item: NodeItem,
  condition: Value,
  rest: readonly Item[],
  home: Scope,
  state: ImportState,
  importer: BranchImporter,
): readonly Item[] {
  const where = placeOf(item);
  const results = home.results.filter((name) => !home.values.has(name));
  const [then, otherwise] = [true, false].map((taken) => attempt(item, taken, rest, home, results, state, importer));
  const graphs = { then_branch: then!.graph, else_branch: otherwise!.graph };
  if (graphs.then_branch && graphs.else_branch) {
    const done = collect(state, where, () => {
      const outputNames = results;
      const outputs = results.map(() => true);
      const made = state.builder.applyAll(If, [condition], graphs, { name: item.name, outputNames, outputs });
      define({ output: results }, made, home, where);
    });
    if (!done) for (const name of results) home.values.set(name, undefined);
    return [];
  }
  if (graphs.then_branch || graphs.else_branch) {
    const expected = graphs.then_branch !== undefined;
    return [...branchItems(item, expected, item.scope, state, importer, { condition, expected }), ...rest];
  }
  state.problems.push(...then!.problems);
  for (const name of results) home.values.set(name, undefined);
  return [];
}

/** What the results are where this branch is taken. */
function attempt(
  item: NodeItem,
  taken: boolean,
  rest: readonly Item[],
  home: Scope,
  results: readonly string[],
  state: ImportState,
  importer: BranchImporter,
): Attempt {
  const where = placeOf(item);
  if (state.budget.branches-- <= 0) {
    return { graph: undefined, problems: [{ where, what: 'is one of too many Ifs whose branches differ in rank.' }] };
  }
  const copies = new Map<Scope, Scope>();
  const copyOf = (scope: Scope): Scope => {
    const known = copies.get(scope) ?? scopeInside(scope);
    copies.set(scope, known);
    return known;
  };
  const moved = rest.map(
    (later): Item =>
      later.kind === 'node'
        ? { ...later, scope: copyOf(later.scope) }
        : { ...later, from: copyOf(later.from), to: copyOf(later.to) },
  );
  const before = state.problems.length;
  const items = [...branchItems(item, taken, copyOf(item.scope), state, importer), ...moved];
  importer.items(items, copyOf(home), state);
  const outputs = results.map((name) => copyOf(home).values.get(name));
  const problems = state.problems.splice(before);
  if (problems.length > 0 || outputs.some((output) => output === undefined)) return { graph: undefined, problems };
  const captures = [...new Set([...copies.values()].flatMap((scope) => [...scope.captures]))];
  const graph = { name: taken ? 'then' : 'else', inputs: [], outputNames: results, captures, dims: [] };
  return { graph: { ...graph, outputs: outputs as Value[] }, problems };
}
