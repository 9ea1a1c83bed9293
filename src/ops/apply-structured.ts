// Nodes that take or give values which are no plain tensors, made of nodes that take and give their parts. What is built
// here once serves all operators:
//   - one that says what it is made of (`build`) is built at once;
//   - any other takes string tensors as what it would move: it is applied to their spans;
//   - an If joins the parts of what its branches give.

import { add, int, variable } from '../../ir/expr-make.ts';
import type { Attributes, AttributeValue, Graph, Type, Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { problem } from '../errors.ts';
import { type ApplyOptions, type Builder, byName, type Operator, type TypeContext } from './define.ts';
import { operandOf } from './elements.ts';
import { alike } from './sequence-values.ts';
import { pool } from './string-parts.ts';
import { leavesOf, longestOf, partsOf, type Strings, stringsOf, withParts } from './structure.ts';

type Inputs = readonly (Value | undefined)[];

const isGraph = (value: AttributeValue): value is Graph => typeof value === 'object' && 'captures' in value;
const isValue = (value: AttributeValue): value is Value =>
  typeof value === 'object' && 'type' in value && !('captures' in value);

/** Whether a node has to do with values that are no plain tensors. */
export function isStructured(op: Operator, inputs: Inputs, attributes: Attributes): boolean {
  if (op.build && !op.compute && !op.expand && !op.kernel) return true;
  return (
    inputs.some((input) => input?.structure) ||
    Object.entries(attributes).some(([name, value]) => {
      if (value === undefined) return false;
      if (value === 'string') return op.build !== undefined && op.attributes[name]?.kind === 'dtype';
      if (isGraph(value)) return value.outputs.some((output) => output.structure);
      return isValue(value) && value.structure !== undefined;
    })
  );
}

export function applyStructured(
  op: Operator,
  inputs: Inputs,
  attributes: Attributes,
  options: ApplyOptions,
  where: string,
  g: Builder,
): readonly Value[] {
  const fail = (rule: string): never => {
    throw problem(where, rule);
  };
  const outputs = options.outputs ?? [true];
  if (op.build) {
    const context = { fail, declared: options.declared ?? [], outputs, options };
    const built = op.build(byName(op, inputs) as never, attributes, g, context);
    return (Array.isArray(built) ? built : [built]) as readonly Value[];
  }
  if (op.control === 'if') return joinBranches(op, inputs, attributes, options, fail, g);
  if (op.control === 'loop') fail('a scan output must be a tensor of numbers or truth values.');
  const other = inputs.find((input) => input?.structure && input.structure.kind !== 'strings');
  if (other) fail(`takes tensors; input ${JSON.stringify(other.name)} is of kind ${other.type.kind}.`);
  return moveStrings(op, inputs, attributes, options, fail, g);
}

const stringsIn = (value: AttributeValue | Value | undefined): Strings | undefined => {
  if (typeof value !== 'object' || !isValue(value)) return undefined;
  return value.structure?.kind === 'strings' ? value.structure : undefined;
};

/** The node applied to spans, all of them into the same bytes. */
function moveStrings(
  op: Operator,
  inputs: Inputs,
  attributes: Attributes,
  options: ApplyOptions,
  fail: (rule: string) => never,
  g: Builder,
): readonly Value[] {
  const given = [...inputs, ...Object.values(attributes)].flatMap((value) => stringsIn(value) ?? []);
  const pooled = pool(g, given);
  const moved = new Map(given.map((own, i) => [own, pooled.spans[i]!] as const));
  const plain = <T extends AttributeValue | Value | undefined>(value: T): T | Value => {
    const own = stringsIn(value);
    return own ? moved.get(own)! : value;
  };
  const isText = typesOf(op, inputs, attributes, options, fail).map(
    (type) => type.kind === 'tensor' && type.dtype === 'string',
  );
  const made = g.applyAll(
    op,
    inputs.map(plain),
    Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, plain(value)])),
    options,
  );
  const longest = longestOf(given);
  return made.map((value, i) => (isText[i] ? stringsOf(value, pooled.bytes, longest) : value));
}

/** The types of the outputs as the operator declares them. */
export function typesOf(
  op: Operator,
  inputs: Inputs,
  attributes: Attributes,
  options: ApplyOptions,
  fail: (rule: string) => never,
): readonly Type[] {
  const context: TypeContext = {
    fail,
    declared: options.declared ?? [],
    limits: options.limits ?? [],
    outputs: options.outputs ?? [true],
    sizeOf: options.sizeOf ?? (() => undefined),
    givenBound: () => undefined,
    fresh: (label, limit) => variable(label, 'index', { extent: simplify(add(limit, int(1))) }),
  };
  const operands = inputs.map((input) => input && operandOf(input));
  const found = op.type(byName(op, operands) as never, attributes, context);
  return Array.isArray(found) ? (found as readonly Type[]) : [found as Type];
}

function joinBranches(
  op: Operator,
  inputs: Inputs,
  attributes: Attributes,
  options: ApplyOptions,
  fail: (rule: string) => never,
  g: Builder,
): readonly Value[] {
  const [then, otherwise] = [attributes.then_branch as Graph, attributes.else_branch as Graph];
  if (then.outputs.length !== otherwise.outputs.length)
    fail(`the branches have ${then.outputs.length} and ${otherwise.outputs.length} outputs; they must have as many.`);
  const pairs = then.outputs.map((output, i) =>
    alike(g, output, otherwise.outputs[i]!, (rule) => fail(`output ${i}: ${rule}`)),
  );
  const branch = (graph: Graph, side: 0 | 1): Graph => {
    const leaves = pairs.flatMap((pair) => leavesOf(pair[side]));
    return { ...graph, outputs: leaves, outputNames: leaves.map(({ name }) => name) };
  };
  const graphs = { then_branch: branch(then, 0), else_branch: branch(otherwise, 1) };
  const leaves = graphs.then_branch.outputs;
  const joined = [
    ...g.applyAll(op, inputs, graphs, {
      ...(options.name ? { name: options.name } : {}),
      outputs: leaves.map(() => true),
    }),
  ];
  return pairs.map(([a, b]) => joinedAs(a, b, joined));
}

/** The form of two values that are alike, with leaves taken from a list. */
export function joinedAs(a: Value, b: Value, leaves: Value[]): Value {
  if (!a.structure) return leaves.shift()!;
  const others = partsOf(b);
  const made = withParts(
    a,
    partsOf(a).map((part, i) => joinedAs(part, others[i]!, leaves)),
  );
  const [x, y, z] = [a.structure, b.structure, made.structure];
  if (x.kind !== 'strings' || y?.kind !== 'strings' || z?.kind !== 'strings') return made;
  return stringsOf(z.spans, z.bytes, longestOf([x, y]), made.name);
}
