// Graph → program: one kernel for each materialized value, everything else inlined into its readers.
// Buffers have no places yet; `plan-memory` gives them.

import type { Expr, Var } from '../../ir/expr.ts';
import { constantOf, indexVar, int, load, product } from '../../ir/expr-make.ts';
import { freeVars } from '../../ir/expr-walk.ts';
import type { Graph, Node, Value } from '../../ir/graph.ts';
import type { Buffer } from '../../ir/kernel.ts';
import { addressOf, loops, store, stridesOf } from '../../ir/kernel-walk.ts';
import type { Port } from '../../ir/program.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import { CompilerBug } from '../errors.ts';
import { byName } from '../ops/define.ts';
import { definitionOf, isComputed, operatorOf, tensorType } from './definition.ts';
import { fillHost, planHosts } from './fill-host.ts';
import { findSizes, nameSizes, sizesBuffer } from './find-sizes.ts';
import { lowerControl } from './lower-control.ts';
import type { Lowered } from './lowered.ts';
import { makeKernel } from './make-kernel.ts';
import { orderAxes } from './order-axes.ts';
import { lowerNest } from './place-reductions.ts';
import { splitIndices } from './split-indices.ts';
import { splitPhases } from './split-phases.ts';
import { callOf, type FusionPlan, inline, type LowerState, readable } from './state.ts';
import { addView, affineAddress, createStorage, physicalOrder, rootOf, storageFor } from './storage.ts';

export function lower(graph: Graph, plan: FusionPlan): Lowered {
  const storage = createStorage(plan.layouts);
  const state: LowerState = {
    kept: new Set(plan.materialized),
    storage,
    hosts: planHosts(graph, plan),
    loopOrders: plan.loopOrders,
    steps: [],
    constants: new Map(),
    pinned: new Set(),
    lowered: new Set(),
    computedDims: [],
    scalars: new Map(),
  };
  const inputs = graph.inputs.map((value) => {
    const buffer = storageFor(value, storage);
    state.pinned.add(buffer);
    return { name: value.name, buffer };
  });
  placeHosted(state);
  lowerValues(graph, plan.materialized, state);
  const outputs = graph.outputs.map((value, i) => outputPort(value, graph.outputNames[i]!, state));
  const { steps: body, constants, computedDims } = state;
  const { name, dims, forms } = graph;
  const { views } = storage;
  return { name, inputs, outputs, dims, computedDims, body, constants, views, ...(forms ? { forms } : {}) };
}

/** Hosts come first in the plan, so a value inside of a value inside of a host finds its place. */
function placeHosted({ hosts, storage }: LowerState): void {
  for (const [value, { host, offset }] of hosts.hosted) {
    const base = storageFor(host, storage);
    addView(value, base, simplify(addressOf(base, offset)), stridesOf(base), storage);
  }
}

function lowerValues(graph: Graph, materialized: readonly Value[], state: LowerState): void {
  const isOutput = new Set(graph.outputs);
  for (const value of materialized) lowerValue(value, isOutput.has(value), state);
}

/** The value's own buffer where nobody else claims its storage, else a copy. */
function outputPort(value: Value, name: string, state: LowerState): Port {
  const buffer = readable(value, state);
  const root = rootOf(buffer, state.storage);
  const whole = root === buffer || sameStorage(buffer, root, state);
  if (!state.pinned.has(root) && !state.constants.has(root) && whole) {
    state.pinned.add(root);
    return { name, buffer };
  }
  const copy: Buffer = { name, dtype: buffer.dtype, shape: buffer.shape, memory: 'argument' };
  const indices = buffer.shape.map((extent, axis) => indexVar(`i${axis}`, extent));
  state.steps.push(callOf(makeKernel('copy', loops(indices, store(copy, indices, load(buffer, indices))))));
  state.pinned.add(copy);
  return { name, buffer: copy };
}

/** A view of all of its base, element by element. */
function sameStorage(view: Buffer, root: Buffer, state: LowerState): boolean {
  if (view.strides || root.strides) return false;
  const offset = state.storage.views.get(view)?.offset;
  return offset !== undefined && constantOf(offset) === 0 && sameSize(product(view.shape), product(root.shape));
}

function lowerValue(value: Value, isOutput: boolean, state: LowerState): void {
  if (value.constant) return;
  if (!isComputed(value)) {
    const node = value.producer;
    if (!node || state.lowered.has(node)) return;
    state.lowered.add(node);
    if (operatorOf(node).control) lowerControl(node, state, lowerValues);
    else lowerKernelNode(node, state);
    return;
  }
  if (value.producer?.sizeValues && !state.lowered.has(value.producer)) findSizes(value.producer, state);
  const host = state.hosts.hosted.get(value);
  const hosting = state.hosts.hosts.get(value);
  if (hosting) {
    state.steps.push(...fillHost(value, hosting, state));
    return;
  }
  // Unit axes need no loop.
  const indices = tensorType(value).shape.map((extent, axis) =>
    constantOf(extent) === 1 ? int(0) : indexVar(`i${axis}`, extent),
  );
  const element = simplify(inline(definitionOf(value, indices), state));
  const axes = state.loopOrders.get(value) ?? physicalOrder(value, state.storage.layouts);
  const order = axes.map((axis) => indices[axis]!);
  const loopIndices = order.filter((index): index is Var => index.kind === 'var');
  if (!host && isView(value, indices, loopIndices, element, isOutput, state)) return;
  const name = value.producer ? operatorOf(value.producer).name : 'sizes';
  const target = storageFor(value, state.storage);
  for (const part of splitPhases(splitIndices(loopIndices, indices, element))) {
    const ordered = orderAxes(part.element, (buffer) => state.constants.has(buffer));
    const body = lowerNest(part.loops, ordered, (result) => store(target, part.indices, result));
    state.steps.push(callOf(makeKernel(name, body)));
  }
}

/** A value that only renames another's elements becomes a view, unless that would scatter its innermost axis. */
function isView(
  value: Value,
  indices: readonly Expr[],
  over: readonly Var[],
  element: Expr,
  isOutput: boolean,
  state: LowerState,
): boolean {
  const { storage } = state;
  if (element.kind !== 'load' || element.dtype !== tensorType(value).dtype) return false;
  const affine = affineAddress(element.buffer, element.indices, over);
  if (!affine || movesWithLoops(affine.offset, state)) return false;
  const root = rootOf(element.buffer, storage);
  const own = storageFor(value, storage);
  const dense = sameSize(addressOf(element.buffer, element.indices), addressOf(own, indices));
  if (isOutput && (!dense || state.pinned.has(root) || state.constants.has(root))) return false;
  const innermost = over.at(-1);
  const neighbours = innermost === undefined || constantOf(affine.strides[over.indexOf(innermost)]!) === 1;
  if (!dense && !neighbours) return false;
  storage.buffers.delete(value);
  const strides = indices.map((index) => (index.kind === 'var' ? affine.strides[over.indexOf(index)]! : int(1)));
  addView(value, element.buffer, affine.offset, strides, storage);
  return true;
}

/** A place must be the same in every turn. */
const movesWithLoops = (offset: Expr, state: LowerState): boolean => {
  const counters = new Set([...state.scalars.values()].flatMap((scalar) => [...freeVars(scalar)]));
  return [...freeVars(offset)].some((used) => counters.has(used));
};

/** A node with hand-written loops: one kernel writes all its outputs and the sizes that it found. */
function lowerKernelNode(node: Node, state: LowerState): void {
  const operator = operatorOf(node);
  if (!operator.kernel) throw new CompilerBug(`${operator.name} "${node.name}" cannot be lowered`);
  const inputs = node.inputs.map((input) => input && readable(input, state));
  const outputs = node.outputs.map((output) => storageFor(output, state.storage));
  const sizes = node.sizes.length === 0 ? undefined : sizesBuffer(node);
  const types = node.outputs.map(tensorType);
  const body = operator.kernel(byName(operator, inputs) as never, outputs, node.attributes, { sizes, types });
  state.steps.push(callOf(makeKernel(operator.name, body)));
  if (sizes) nameSizes(node, sizes, state);
}
