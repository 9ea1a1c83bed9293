// Graph → program: one kernel for each materialized value, everything else inlined into its readers.
// Buffers have no places yet; `plan-memory` gives them.

import type { Expr, Var } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { cast, indexVar, int, load } from '../../ir/expr-make.ts';
import { rewriteExpr } from '../../ir/expr-walk.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import type { Buffer, Kernel, Stmt } from '../../ir/kernel.ts';
import { addressOf, loops, store } from '../../ir/kernel-walk.ts';
import type { Port, Step } from '../../ir/program.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import { byName } from '../ops/define.ts';
import { bufferOf, valueBehind } from '../ops/elements.ts';
import { definitionOf, isComputed, operatorOf, tensorType } from './definition.ts';
import type { Lowered, View } from './lowered.ts';
import { makeKernel } from './make-kernel.ts';
import { lowerNest } from './place-reductions.ts';

/** What fusion decided. */
export interface FusionPlan {
  /** Values that get a buffer, in an order in which they can be computed. */
  readonly materialized: readonly Value[];
}

export interface LowerState {
  readonly kept: ReadonlySet<Value>;
  readonly steps: Step[];
  readonly constants: Map<Buffer, Uint8Array>;
  readonly views: Map<Buffer, View>;
  /** Buffers that already are what the user sees: inputs, outputs and constants cannot become an output's storage. */
  readonly pinned: Set<Buffer>;
  readonly computedDims: Var[];
}

export function lower(graph: Graph, plan: FusionPlan): Lowered {
  const state: LowerState = {
    kept: new Set(plan.materialized),
    steps: [],
    constants: new Map(),
    views: new Map(),
    pinned: new Set(),
    computedDims: [],
  };
  const inputs = graph.inputs.map((value) => port(value, state));
  const isOutput = new Set(graph.outputs);
  for (const value of plan.materialized) lowerValue(value, isOutput.has(value), state);
  const outputs = graph.outputs.map((value, i) => outputPort(value, graph.outputNames[i]!, state));
  return {
    name: graph.name,
    inputs,
    outputs,
    dims: graph.dims,
    computedDims: state.computedDims,
    body: state.steps,
    constants: state.constants,
    views: state.views,
  };
}

function port(value: Value, state: LowerState): Port {
  const buffer = bufferOf(value);
  state.pinned.add(buffer);
  return { name: value.name, buffer };
}

/** The value's own buffer where nobody else claims its storage, else a copy. */
function outputPort(value: Value, name: string, state: LowerState): Port {
  const buffer = bufferOf(value);
  const storage = rootOf(buffer, state);
  if (!state.pinned.has(storage) && !value.constant) {
    state.pinned.add(storage);
    return { name, buffer };
  }
  noteConstant(value, state);
  const copy: Buffer = { name: name, dtype: buffer.dtype, shape: buffer.shape, memory: 'argument' };
  const indices = indicesFor(value);
  state.steps.push(callOf(makeKernel('copy', loops(indices, store(copy, indices, load(buffer, indices))))));
  state.pinned.add(copy);
  return { name, buffer: copy };
}

function rootOf(buffer: Buffer, state: LowerState): Buffer {
  const view = state.views.get(buffer);
  return view ? rootOf(view.base, state) : buffer;
}

const noteConstant = (value: Value, state: LowerState): void => {
  if (value.constant) state.constants.set(bufferOf(value), value.constant);
};

const indicesFor = (value: Value): readonly Var[] =>
  tensorType(value).shape.map((extent, axis) => indexVar(`i${axis}`, extent));

export const callOf = (kernel: Kernel): Step => ({ kind: 'call', kernel, arguments: kernel.params, dims: kernel.dims });

function lowerValue(value: Value, isOutput: boolean, state: LowerState): void {
  if (value.constant) {
    noteConstant(value, state);
    return;
  }
  if (isComputed(value)) {
    const indices = indicesFor(value);
    const element = simplify(inline(definitionOf(value, indices), state));
    if (viewOf(value, indices, element, isOutput, state)) return;
    const name = value.producer ? operatorOf(value.producer).name : 'sizes';
    const body = lowerNest(indices, element, (result) => store(bufferOf(value), indices, result));
    state.steps.push(callOf(makeKernel(name, body)));
    return;
  }
  if (value.output === 0) lowerKernelNode(value, state);
}

/** A value that only renames another's elements, in the same order, shares its storage. */
function viewOf(value: Value, indices: readonly Var[], element: Expr, isOutput: boolean, state: LowerState): boolean {
  if (element.kind !== 'load' || element.dtype !== tensorType(value).dtype) return false;
  const from = simplify(addressOf(element.buffer, element.indices));
  const to = simplify(addressOf(bufferOf(value), indices));
  const offset = sameSize(from, to) ? int(0) : undefined;
  if (!offset) return false;
  const base = rootOf(element.buffer, state);
  const source = valueBehind(base);
  if (isOutput && (state.pinned.has(base) || source?.constant)) return false;
  state.views.set(bufferOf(value), { base: element.buffer, offset });
  return true;
}

/** A node with hand-written loops: one kernel writes all its outputs and the sizes that it found. */
function lowerKernelNode(value: Value, state: LowerState): void {
  const node = value.producer!;
  const operator = operatorOf(node);
  const inputs = node.inputs.map((input) => input && bufferOf(input));
  const outputs = node.outputs.map(bufferOf);
  const sizes: Buffer | undefined =
    node.sizes.length === 0
      ? undefined
      : { name: `${node.name}_sizes`, dtype: 'int64', shape: [int(node.sizes.length)], memory: 'argument' };
  const types = node.outputs.map(tensorType);
  const body: Stmt = operator.kernel!(byName(operator, inputs) as never, outputs, node.attributes, { sizes, types });
  state.steps.push(callOf(makeKernel(operator.name, body)));
  for (const [position, variable] of node.sizes.entries()) {
    state.steps.push({ kind: 'let', variable, value: cast(load(sizes!, [int(position)]), 'index') });
    state.computedDims.push(variable);
  }
}

/** Replaces loads of values that have no buffer by their definitions. */
function inline(expr: Expr, state: LowerState): Expr {
  const known = new Map<string, Expr>();
  const memo = new Map<Expr, Expr>();
  const walk = (node: Expr): Expr =>
    rewriteExpr(
      node,
      (inner) => {
        if (inner.kind !== 'load') return undefined;
        const value = valueBehind(inner.buffer);
        if (!value || state.kept.has(value) || !isComputed(value)) {
          if (value) noteConstant(value, state);
          return undefined;
        }
        const indices = inner.indices.map((index) => simplify(index));
        const key = exprKey(load(inner.buffer, indices));
        const found = known.get(key) ?? walk(definitionOf(value, indices));
        known.set(key, found);
        return found;
      },
      memo,
    );
  return walk(expr);
}
