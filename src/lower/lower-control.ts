// If and Loop → steps. A branch or body is lowered like a graph of its own, into the same program; what leaves it is
// copied to where the node's outputs, or the next turn's inputs, lie.

import type { Expr, Var } from '../../ir/expr.ts';
import { add, all, bool, cast, constant, eq, indexVar, int, load, variable } from '../../ir/expr-make.ts';
import { contains } from '../../ir/expr-walk.ts';
import type { Graph, Node, Value } from '../../ir/graph.ts';
import type { Buffer } from '../../ir/kernel.ts';
import { block, loops, store } from '../../ir/kernel-walk.ts';
import type { Step } from '../../ir/program.ts';
import { sameSize } from '../../ir/simplify.ts';
import { fuse } from '../fuse/fuse.ts';
import { runsToCount } from '../ops/control.ts';
import { pairsOf } from '../ops/run-time-operands.ts';
import { tensorType } from './definition.ts';
import { nameSizes, sizesBuffer } from './find-sizes.ts';
import { makeKernel } from './make-kernel.ts';
import { callOf, type LowerState, readable } from './state.ts';
import { rootOf, storageFor } from './storage.ts';

/** Lowers the values of a graph, appending to the state's steps. */
export type LowerValues = (graph: Graph, materialized: readonly Value[], state: LowerState) => void;

export function lowerControl(node: Node, state: LowerState, lowerValues: LowerValues): void {
  if ('then_branch' in node.attributes) lowerIf(node, state, lowerValues);
  else lowerLoop(node, state, lowerValues);
}

/** target[index] = source[index], `prefix` before the index of the target. */
function copyStep(target: Buffer, source: Buffer, prefix: readonly Expr[] = []): Step {
  const indices = source.shape.map((extent, axis) => indexVar(`i${axis}`, extent));
  return callOf(makeKernel('copy', loops(indices, store(target, [...prefix, ...indices], load(source, indices)))));
}

const setScalar = (target: Buffer, value: Expr): Step => callOf(makeKernel('set', store(target, [], value)));

/** The steps of a subgraph. */
function lowerInside(graph: Graph, state: LowerState, lowerValues: LowerValues): Step[] {
  const plan = fuse(graph);
  const steps: Step[] = [];
  // Layouts inside stay row-major: what crosses the border must agree with the outside.
  lowerValues(graph, plan.materialized, {
    ...state,
    kept: new Set([...plan.materialized, ...graph.captures, ...graph.inputs]),
    steps,
  });
  return steps;
}

function lowerIf(node: Node, state: LowerState, lowerValues: LowerValues): void {
  const condition = node.inputs[0]!;
  const outputs = node.outputs.map((output) => storageFor(output, state.storage));
  const sizes = node.sizes.length === 0 ? undefined : sizesBuffer(node);
  const branch = (graph: Graph): readonly Step[] => {
    const steps = lowerInside(graph, state, lowerValues);
    const copies = graph.outputs.map((output, i) => copyWhole(outputs[i]!, readable(output, state), state));
    return [...steps, ...copies, ...(sizes ? [noteSizes(sizes, node, graph)] : [])];
  };
  const then = branch(node.attributes.then_branch as Graph);
  const otherwise = branch(node.attributes.else_branch as Graph);
  const test = readable(condition, state);
  state.steps.push({ kind: 'if', condition: onlyElement(test), then, otherwise });
  if (sizes) nameSizes(node, sizes, state);
}

/** The sizes that the outputs have after this branch, where the branches differ in them. */
function noteSizes(sizes: Buffer, node: Node, graph: Graph): Step {
  const stores = node.outputs.flatMap((output, i) =>
    tensorType(output).shape.flatMap((extent, axis) => {
      const position = node.sizes.indexOf(extent as Var);
      const own = tensorType(graph.outputs[i]!).shape[axis]!;
      return position < 0 ? [] : [store(sizes, [int(position)], cast(own, 'int64'))];
    }),
  );
  return callOf(makeKernel('sizes', block(stores)));
}

/** Copies to the beginning of the target, which the run may not yet know to have the sizes of the source. */
function copyWhole(target: Buffer, source: Buffer, state: LowerState): Step {
  if (target.shape.every((extent, axis) => sameSize(extent, source.shape[axis]!))) return copyStep(target, source);
  const own: Buffer = { name: target.name, dtype: target.dtype, shape: source.shape, memory: 'argument' };
  state.storage.views.set(own, { base: target, offset: int(0) });
  return copyStep(own, source);
}

/** The element of a tensor of one. */
const onlyElement = (buffer: Buffer): Expr =>
  load(
    buffer,
    buffer.shape.map(() => int(0)),
  );

function lowerLoop(node: Node, state: LowerState, lowerValues: LowerValues): void {
  const whole = node.attributes.body as Graph;
  const [limit, initialCondition, ...initial] = node.inputs;
  const carried = initial.filter((value): value is Value => value !== undefined);
  // Stacked outputs that nobody reads are not made.
  const scans = node.outputs.slice(carried.length).map((value, i) => ({ value, output: carried.length + 1 + i }));
  const needed = scans.filter(({ value }) => state.kept.has(value));
  const outputs = [
    ...whole.outputs.slice(0, carried.length + 1),
    ...needed.map(({ output }) => whole.outputs[output]!),
  ];
  const body: Graph = { ...whole, outputs };
  const [iteration, condition, ...states] = body.inputs.map((input) => storageFor(input, state.storage)) as [
    Buffer,
    Buffer,
    ...Buffer[],
  ];
  const trips: Buffer | undefined =
    node.sizes.length === 0 ? undefined : { name: 'trips', dtype: 'int64', shape: [], memory: 'argument' };
  const counted = limit !== undefined && runsToCount(body, initialCondition);

  const turn = variable('turn', 'index', { min: 0 });
  const count = cast(turn, 'int64');
  const scalars = new Map([...state.scalars, [body.inputs[0]!, count]]);
  const inside = lowerInside(body, { ...state, scalars }, lowerValues);
  const [next, ...rest] = body.outputs.map((output) =>
    output === body.inputs[1] ? condition : readable(output, state),
  );
  const copies = needed.map(({ value }, i) =>
    copyStep(storageFor(value, state.storage), rest[carried.length + i]!, [turn]),
  );
  const results = rest.slice(0, carried.length);
  inside.push(...copies, ...sameShapes(results, states), ...handOver(results, states, state));
  if (!counted && rootOf(next!, state.storage) !== condition) inside.push(copyStep(condition, next!));
  if (trips) inside.push(setScalar(trips, cast(add(turn, int(1)), 'int64')));
  if (touches(inside, iteration, state)) inside.unshift(setScalar(iteration, count));

  carried.forEach((value, i) => state.steps.push(copyStep(states[i]!, readable(value, state))));
  const asks = !counted || touches(inside, condition, state);
  const first = initialCondition && asks ? onlyElement(readable(initialCondition, state)) : bool(true);
  if (asks) state.steps.push(setScalar(condition, first));
  if (trips) state.steps.push(setScalar(trips, constant(0n, 'int64')));
  const most = limit && readable(limit, state);
  state.steps.push({
    kind: 'loop',
    index: turn,
    ...(most ? { count: cast(onlyElement(most), 'index') } : {}),
    ...(counted ? {} : { condition: load(condition, []) }),
    body: inside,
  });
  for (const size of node.sizes as readonly Var[]) {
    state.steps.push({ kind: 'let', variable: size, value: cast(load(trips!, []), 'index') });
    state.computedDims.push(size);
  }
  const finals = node.outputs.slice(0, carried.length);
  finals.forEach((value, i) => {
    if (state.kept.has(value)) state.steps.push(copyStep(storageFor(value, state.storage), states[i]!));
  });
}

/** Whether a kernel among the steps reads or writes the buffer. */
function touches(steps: readonly Step[], buffer: Buffer, state: LowerState): boolean {
  return steps.some((step) => {
    if (step.kind === 'call') return step.arguments.some((own) => rootOf(own, state.storage) === buffer);
    if (step.kind === 'if') return touches([...step.then, ...step.otherwise], buffer, state) || reads(step.condition);
    if (step.kind === 'loop') {
      return touches(step.body, buffer, state) || [step.count, step.condition].some((expr) => expr && reads(expr));
    }
    return step.kind === 'let' ? reads(step.value) : reads(step.condition);
  });
  function reads(expr: Expr): boolean {
    return contains(expr, (node) => node.kind === 'load' && rootOf(node.buffer, state.storage) === buffer);
  }
}

/** Ends the run where a turn would change the shape of what it hands on. */
function sameShapes(sources: readonly Buffer[], states: readonly Buffer[]): readonly Step[] {
  return sources.flatMap((source, i): readonly Step[] => {
    const pairs = pairsOf(source.shape, states[i]!.shape).filter(([a, b]) => !sameSize(a, b));
    const condition = all(pairs.map(([a, b]) => eq(a, b)));
    return pairs.length === 0 ? [] : [{ kind: 'check', condition, code: 'shape' }];
  });
}

/** Gives the next turn its values. One that is another's old value is saved first. */
function handOver(sources: readonly Buffer[], states: readonly Buffer[], state: LowerState): readonly Step[] {
  const steps: Step[] = [];
  const saved = sources.map((source, i) => {
    const root = rootOf(source, state.storage);
    if (!states.includes(root) || root === states[i]) return source;
    const copy: Buffer = { name: 'saved', dtype: source.dtype, shape: source.shape, memory: 'argument' };
    steps.push(copyStep(copy, source));
    return copy;
  });
  saved.forEach((source, i) => {
    if (source !== states[i]) steps.push(copyStep(states[i]!, source));
  });
  return steps;
}
