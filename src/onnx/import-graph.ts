// GraphProto → Graph: nodes in order, names to values, subgraphs with their captures, model-local functions inlined.
// Every problem is collected; what depends on a bad node is passed over in silence.

import { toBytes } from '../../ir/bytes.ts';
import type { DType } from '../../ir/dtype.ts';
import { int } from '../../ir/expr-make.ts';
import type { Attributes, AttributeValue, Graph, Type, Value } from '../../ir/graph.ts';
import { problem } from '../errors.ts';
import type { OldNode, Operator } from '../ops/define.ts';
import { checkForm } from '../ops/node-form.ts';
import { formName } from '../ops/sequence-values.ts';
import { functionKey, normalizeDomain, opsetVersions } from './domains.ts';
import { type AttributeContext, attributeValue, constantNodeTensor } from './import-attributes.ts';
import { type BranchImporter, importIf, leaveBranch } from './import-branches.ts';
import { constantOfTensor, importInitializers } from './import-initializers.ts';
import { importLoop } from './import-loops.ts';
import {
  collect,
  define,
  type ImportState,
  type Item,
  itemsOf,
  lookUp,
  type NodeItem,
  optionalLookUp,
  placeOf,
  referenced,
  type Scope,
  scopeInside,
} from './import-scope.ts';
import { createSymbols, declaredType, inputType } from './import-types.ts';
import type { AttributeProto, FunctionProto, GraphProto, NodeProto, TypeProto } from './proto-types.ts';
import { sequenceMapItems } from './sequence-map.ts';
import { typeHints } from './shape-hints.ts';
import { readSparseTensor } from './sparse-tensor.ts';
import { readTensor } from './tensor.ts';
import { unknownOperator } from './unknown-operator.ts';

/** Functions nested deeper than this, or nodes more than this after inlining, are an attack. */
const maximumDepth = 64;

export function importNodes(nodes: readonly NodeProto[], scope: Scope, state: ImportState): void {
  importItems(itemsOf(nodes, scope, state), scope, state);
}

/** `home` is the scope of the graph that all items belong to. */
function importItems(items: readonly Item[], home: Scope, state: ImportState): void {
  for (const [position, item] of items.entries()) {
    if (item.kind === 'leave') {
      leaveBranch(item, state);
      continue;
    }
    if (item.node.opType === 'SequenceMap') {
      importItems(sequenceMapItems(item), home, state);
      continue;
    }
    if (item.node.opType === 'Loop' && importLoop(item, state, importBody)) continue;
    if (item.node.opType !== 'If') {
      importItem(item, state);
      continue;
    }
    const next = importIf(item, items.slice(position + 1), home, state, importer);
    if (next) {
      importItems(next, home, state);
      return;
    }
  }
}

const importer: BranchImporter = {
  items: importItems,
  node: importItem,
  initializers: (graph, scope, state) => importInitializers(graph, scope, state, new Set()),
  subgraph: (graph, scope, state) => importSubgraph(graph, [], scope, state),
};

function importItem(item: NodeItem, state: ImportState, graphs: Readonly<Record<string, Graph>> = {}): void {
  const { node, name, scope } = item;
  const where = placeOf(item);
  const done = collect(state, where, () => importNode(node, name, where, scope, state, graphs));
  if (!done) for (const output of node.output) if (output) scope.values.set(output, undefined);
}

function importNode(
  proto: NodeProto,
  name: string,
  where: string,
  scope: Scope,
  state: ImportState,
  graphs: Readonly<Record<string, Graph>>,
): void {
  const domain = normalizeDomain(proto.domain);
  const opType = proto.opType ?? '';
  const called = state.functions.get(functionKey(domain, opType, proto.overload ?? ''));
  if (called) {
    inlineFunction(called, proto, where, scope, state);
    return;
  }
  const inputs = proto.input.map((input) => (input === '' ? undefined : lookUp(scope, input)));
  const protos = proto.attribute
    .map((attribute) => referenced(attribute, scope))
    .filter((found) => found !== undefined);
  if (opType === 'Constant' && domain === '') {
    define(proto, [constantNode(protos, where, scope, state)], scope, where);
    return;
  }
  const operator = state.table(domain, opType);
  if (!operator) throw problem(where, unknownOperator(domain, opType, scope.opsets.get(domain)));
  const attributes = importAttributes(protos, operator, inputs, where, scope, state, graphs);
  const outputs = applyUpgraded(operator, inputs, attributes, proto, name, where, scope, state);
  define(proto, outputs, scope, where);
}

function attributeContext(
  inputTypes: Readonly<Record<string, readonly Type[]>>,
  scope: Scope,
  state: ImportState,
): AttributeContext {
  return {
    tensor: (tensor) => constantOfTensor(readTensor(tensor, state.resolveExternal), state.builder),
    sparse: (tensor) => constantOfTensor(readSparseTensor(tensor, state.resolveExternal), state.builder),
    graph: (name, graph) => importSubgraph(graph, inputTypes[name], scope, state),
    type: (proto) => declaredType(proto, state.symbols),
  };
}

function constantNode(protos: readonly AttributeProto[], where: string, scope: Scope, state: ImportState): Value {
  const attribute = protos[0];
  if (!attribute) throw problem(where, 'Constant has no value.');
  const list = (values: readonly (number | bigint)[], dtype: DType): Value =>
    state.builder.constant({ kind: 'tensor', dtype, shape: [int(values.length)] }, toBytes(dtype, values));
  return constantNodeTensor(attribute, where, attributeContext({}, scope, state), {
    scalar: (value, dtype) => state.builder.scalar(value, dtype),
    list,
    strings: (strings, scalar) =>
      constantOfTensor(
        { dtype: 'string', dims: scalar ? [] : [strings.length], bytes: new Uint8Array(0), strings },
        state.builder,
      ),
  });
}

function importAttributes(
  protos: readonly AttributeProto[],
  operator: Operator,
  inputs: readonly (Value | undefined)[],
  where: string,
  scope: Scope,
  state: ImportState,
  graphs: Readonly<Record<string, Graph>>,
): Attributes {
  const attributes: Record<string, AttributeValue | undefined> = Object.create(null);
  const repeated = protos.find(({ name }, position) => protos.findIndex((other) => other.name === name) !== position);
  if (repeated) throw problem(where, `attribute ${JSON.stringify(repeated.name ?? '')} is given twice.`);
  const isGraph = (attribute: AttributeProto): boolean => attribute.g !== undefined || attribute.graphs.length > 0;
  for (const attribute of protos.filter((item) => !isGraph(item))) {
    attributes[attribute.name ?? ''] = attributeValue(attribute, operator, where, attributeContext({}, scope, state));
  }
  const types = operator.bodyInputs?.(inputs, attributes, opsetOf(operator, scope)) ?? {};
  for (const attribute of protos.filter(isGraph)) {
    attributes[attribute.name ?? ''] =
      graphs[attribute.name ?? ''] ?? attributeValue(attribute, operator, where, attributeContext(types, scope, state));
  }
  return attributes;
}

const opsetOf = (operator: Operator, scope: Scope): number =>
  scope.opsets.get(operator.domain) ?? Number.MAX_SAFE_INTEGER;

function applyUpgraded(
  operator: Operator,
  inputs: readonly (Value | undefined)[],
  attributes: Attributes,
  proto: NodeProto,
  name: string,
  where: string,
  scope: Scope,
  state: ImportState,
): readonly Value[] {
  const { builder } = state;
  const opset = opsetOf(operator, scope);
  const node: OldNode = {
    op: operator.name,
    domain: operator.domain,
    inputs,
    attributes,
    outputCount: proto.output.length,
    constant: (values, dtype, scalar) =>
      scalar
        ? builder.scalar(values[0] ?? 0, dtype)
        : builder.constant({ kind: 'tensor', dtype, shape: [int(values.length)] }, toBytes(dtype, values)),
  };
  checkForm(operator, node, opset, where);
  const current = operator.upgrade?.(node, opset) ?? node;
  const target = current.op === operator.name ? operator : state.table(current.domain, current.op);
  if (!target) throw problem(where, `operator ${current.op}, which replaces it, is not supported.`);
  const declared = proto.output.map((output) => declaredType(scope.declared.get(output), state.symbols));
  const limits = proto.output.map((output) => declaredType(scope.limits.get(output), state.symbols));
  const present = proto.output.map((output) => output !== '');
  return builder.applyAll(target, current.inputs, current.attributes, {
    name,
    declared,
    limits,
    outputs: present,
    outputNames: proto.output,
    sizeOf: state.sizeOf,
  });
}

/** A subgraph; its inputs have the types that the operator knows, else those it declares. */
function importSubgraph(
  graph: GraphProto,
  types: readonly Type[] | undefined,
  parent: Scope,
  state: ImportState,
): Graph {
  // A subgraph that its operator builds into others has open sizes of its own.
  const own = types ? state : { ...state, symbols: createSymbols({ dims: {}, maximums: {} }) };
  const inputs = graph.input.map((info, position) => {
    const name = info.name ?? '';
    const declared = types ? declaredType(info.type, own.symbols) : inputType(info.type, name, own.symbols);
    const type = types?.[position] ?? declared;
    if (!type)
      throw problem(`subgraph input ${JSON.stringify(name)}`, 'has no type that follows from the node or is declared.');
    // Only Loop knows how to carry what is no plain tensor.
    if (type.kind !== 'tensor' || type.dtype === 'string')
      throw problem(
        `subgraph input ${JSON.stringify(name)}`,
        `is ${formName(type)}; its operator takes plain tensors.`,
      );
    return state.builder.input(name, type);
  });
  const { outputs, captures } = importBody(graph, inputs, parent, own);
  const outputNames = graph.output.map(({ name }) => name ?? '');
  return { name: graph.name ?? '', inputs, outputs, outputNames, captures, dims: [] };
}

/** What a subgraph makes of these values; they may be no plain tensors. */
function importBody(
  graph: GraphProto,
  inputs: readonly Value[],
  parent: Scope,
  state: ImportState,
): { readonly outputs: readonly Value[]; readonly captures: readonly Value[] } {
  const hints = typeHints([...graph.valueInfo, ...graph.output], graph.node);
  const outputNames = graph.output.map(({ name }) => name ?? '');
  const scope = scopeInside(parent, { ...hints, results: outputNames });
  for (const [position, { name = '' }] of graph.input.entries()) scope.values.set(name, inputs[position]);
  importInitializers(graph, scope, state, new Set());
  importNodes(graph.node, scope, state);
  const outputs = outputNames.map((name) => lookUp(scope, name));
  return { outputs, captures: [...scope.captures] };
}

function inlineFunction(
  called: FunctionProto,
  proto: NodeProto,
  where: string,
  caller: Scope,
  state: ImportState,
): void {
  const label = functionKey(normalizeDomain(called.domain), called.name ?? '', called.overload ?? '');
  if (caller.callers.includes(label)) throw problem(where, `function ${called.name} calls itself.`);
  if (caller.callers.length >= maximumDepth) throw problem(where, `functions are nested deeper than ${maximumDepth}.`);
  const given = proto.attribute
    .map((attribute) => referenced(attribute, caller))
    .filter((found) => found !== undefined);
  const attributes = new Map<string, AttributeProto>();
  for (const attribute of [...called.attributeProto, ...given]) attributes.set(attribute.name ?? '', attribute);
  const values = new Map<string, Value | undefined>();
  for (const [position, input] of called.input.entries()) {
    const actual = proto.input[position];
    if (actual) values.set(input, lookUp(caller, actual));
  }
  const outputTypes = called.output.flatMap((output, position): (readonly [string, TypeProto])[] => {
    const type = caller.declared.get(proto.output[position] ?? '');
    return type ? [[output, type]] : [];
  });
  const scope: Scope = {
    values,
    parent: undefined,
    captures: new Set(),
    opsets: opsetVersions(called.opsetImport, caller.opsets),
    ...typeHints(called.valueInfo, called.node, outputTypes),
    attributes,
    callers: [...caller.callers, label],
    results: called.output,
  };
  // An absent input of the function is an absent input of its nodes.
  const absent = new Set(called.input.filter((input) => !values.has(input)));
  importNodes(
    called.node.map((node) => ({ ...node, input: node.input.map((input) => (absent.has(input) ? '' : input)) })),
    scope,
    state,
  );
  const outputs = called.output.map((output) =>
    scope.values.has(output) || proto.output.length > 0 ? optionalLookUp(scope, output) : undefined,
  );
  define(proto, outputs, caller, where);
}
