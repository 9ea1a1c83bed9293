// Names in force while a graph is imported, and what the whole import carries along.

import type { Expr } from '../../ir/expr.ts';
import type { Value } from '../../ir/graph.ts';
import { ModelError, nodeError, type Problem, problem } from '../errors.ts';
import type { Builder, Operator } from '../ops/define.ts';
import { leavesOf } from '../ops/structure.ts';
import type { Symbols } from './import-types.ts';
import type { AttributeProto, FunctionProto, NodeProto, TypeProto } from './proto-types.ts';
import { sortNodes } from './sort-nodes.ts';
import type { ResolveExternal } from './tensor.ts';

/** The operators, by domain and name. */
export type OperatorTable = (domain: string, name: string) => Operator | undefined;

export interface ImportState {
  readonly builder: Builder;
  readonly table: OperatorTable;
  readonly symbols: Symbols;
  readonly functions: ReadonlyMap<string, FunctionProto>;
  readonly resolveExternal: ResolveExternal | undefined;
  readonly problems: Problem[];
  /** An element of an input of the model that is a few integers, as a size: whoever calls the model says it beforehand. */
  sizeOf(value: Value, position?: number): Expr | undefined;
  /** How many more times what follows an If may be taken into its branches. */
  readonly budget: { branches: number };
}

/** Names in force. `undefined` marks the output of a node that had a problem. */
export interface Scope {
  readonly values: Map<string, Value | undefined>;
  readonly parent: Scope | undefined;
  readonly captures: Set<Value>;
  /** Opset versions by domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly declared: ReadonlyMap<string, TypeProto>;
  /** Shapes that bound those of values by name. */
  readonly limits: ReadonlyMap<string, TypeProto>;
  /** Attributes of the function being inlined. */
  readonly attributes: ReadonlyMap<string, AttributeProto>;
  /** Functions being inlined, to refuse recursion. */
  readonly callers: readonly string[];
  /** Names that leave the graph or function. */
  readonly results: readonly string[];
}

/** A scope inside of another one: names of its own, and all of those outside. */
export const scopeInside = (parent: Scope, own: Partial<Scope> = {}): Scope => ({
  ...parent,
  values: new Map(),
  captures: new Set(),
  parent,
  ...own,
});

/** A node in its scope. */
export interface NodeItem {
  readonly kind: 'node';
  readonly node: NodeProto;
  readonly name: string;
  readonly scope: Scope;
}

/** Values of a branch get the names that they have outside. */
export interface LeaveItem {
  readonly kind: 'leave';
  readonly where: string;
  readonly from: Scope;
  readonly names: readonly string[];
  readonly to: Scope;
  readonly outside: readonly string[];
  /** The run checks that this truth value is the expected one. */
  readonly guard?: { readonly condition: Value; readonly expected: boolean };
}

/** What is left to import. */
export type Item = NodeItem | LeaveItem;

/** The nodes in an order in which they can be imported. Those on a cycle are a problem. */
export function itemsOf(unsorted: readonly NodeProto[], scope: Scope, state: ImportState): readonly NodeItem[] {
  const { nodes, cycles } = sortNodes(unsorted);
  const item = (node: NodeProto, position: number): NodeItem => ({
    kind: 'node',
    node,
    scope,
    name: nameOf(node, position),
  });
  for (const cycle of cycles) {
    const [first, ...others] = cycle.map((node) => placeOf(item(node, unsorted.indexOf(node))));
    const way = others.length > 0 ? `its own result, through ${others.join(', ')}` : 'its own result';
    state.problems.push({ where: first!, what: `needs ${way}: the graph has a cycle.` });
    for (const { output } of cycle) for (const name of output) if (name) scope.values.set(name, undefined);
  }
  return nodes.map(item);
}

const nameOf = (node: NodeProto, position: number): string =>
  node.name || node.output.find((output) => output !== '') || `#${position}`;

export const placeOf = ({ node, name }: NodeItem): string => `${node.opType ?? 'node'} ${JSON.stringify(name)}`;

class UnknownName extends Error {}

export function lookUp(scope: Scope, name: string): Value {
  for (let current: Scope | undefined = scope, _depth = 0; current; current = current.parent, _depth++) {
    if (!current.values.has(name)) continue;
    const value = current.values.get(name);
    if (!value) throw new UnknownName(name);
    const leaves = leavesOf(value);
    for (let inner: Scope | undefined = scope; inner !== current; inner = inner?.parent) {
      for (const leaf of leaves) if (!leaf.constant) inner?.captures.add(leaf);
    }
    return value;
  }
  throw problem('', `input ${JSON.stringify(name)} is not defined before it is used.`);
}

/** Runs one part of the import and keeps its problems, saying where. */
export function collect(state: ImportState, where: string, part: () => void): boolean {
  try {
    part();
    return true;
  } catch (error) {
    if (error instanceof UnknownName) return false;
    const known = nodeError(where, error);
    if (!(known instanceof ModelError)) throw known;
    state.problems.push(...known.problems.map((item) => ({ where: item.where || where, what: item.what })));
    return false;
  }
}

/** A graph names each of its inputs and initializers once. */
export function refuseRepeated(name: string, scope: Scope): void {
  if (scope.values.has(name)) throw problem('', 'is defined twice.');
}

/** Names the outputs of a node. */
export function define(
  proto: Pick<NodeProto, 'output'>,
  outputs: readonly (Value | undefined)[],
  scope: Scope,
  where: string,
): void {
  for (const [position, output] of proto.output.entries()) {
    if (output === '') continue;
    if (scope.values.has(output)) throw problem(where, `output ${JSON.stringify(output)} is defined twice.`);
    const value = outputs[position];
    if (!value)
      throw problem(
        where,
        `has ${proto.output.length} outputs; output ${position} does not exist or is not supported.`,
      );
    scope.values.set(output, value);
  }
}

/** An attribute inside a function may refer to one of the function's own. */
export function referenced(attribute: AttributeProto, scope: Scope): AttributeProto | undefined {
  if (!attribute.refAttrName) return attribute;
  const found = scope.attributes.get(attribute.refAttrName);
  return found && { ...found, name: attribute.name ?? '' };
}

/** An output that a function gives; it must have defined it. */
export function optionalLookUp(scope: Scope, name: string): Value {
  if (!scope.values.has(name)) throw problem('', `the function does not define its output ${JSON.stringify(name)}.`);
  return lookUp(scope, name);
}
