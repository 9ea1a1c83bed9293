// Scan: a Loop over slices of its inputs.

import type { Expr } from '../../ir/expr.ts';
import { cast, int, sub } from '../../ir/expr-make.ts';
import type { Attributes, Graph, TensorType, Type, Value } from '../../ir/graph.ts';
import { intAttribute, optionalInts, requiredGraph, requiredInt } from './attributes.ts';
import { joinTypes, Loop, scalarType } from './control.ts';
import { type Builder, type Operand, op } from './define.ts';
import { replaceInputs } from './subgraph.ts';
import { tensorOf } from './types.ts';

const fromEnd = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** X at position `at` of the axis, counted from the end where `reverse` is set. */
export const TakeSlice = op('TakeSlice', {
  domain: 'lapidary',
  inputs: ['X', 'at'],
  attributes: { axis: intAttribute(0), reverse: intAttribute(0) },
  type: ({ X }, { axis }) =>
    tensorOf(
      X.dtype,
      X.shape.filter((_, i) => i !== fromEnd(axis, X.rank)),
    ),
  compute: ({ X, at }, { axis, reverse }, index) => {
    const own = fromEnd(axis, X.rank);
    const turn = cast(at.at(), 'index');
    const position = reverse ? sub(sub(X.shape[own]!, int(1)), turn) : turn;
    return X.at(...index.slice(0, own), position, ...index.slice(own));
  },
});

/** Moves the first axis to `axis`, counting backwards along it where `reverse` is set. */
export const PlaceScan = op('PlaceScan', {
  domain: 'lapidary',
  inputs: ['X'],
  attributes: { axis: intAttribute(0), reverse: intAttribute(0) },
  type: ({ X }, { axis }) => {
    const shape: Expr[] = X.shape.slice(1);
    shape.splice(fromEnd(axis, X.rank), 0, X.shape[0]!);
    return tensorOf(X.dtype, shape);
  },
  compute: ({ X }, { axis, reverse }, index) => {
    const own = fromEnd(axis, X.rank);
    const position = reverse ? sub(sub(X.shape[0]!, int(1)), index[own]!) : index[own]!;
    return X.at(position, ...index.filter((_, i) => i !== own));
  },
});

/** The one element of X, as a scalar. */
export const ScalarOf = op('ScalarOf', {
  domain: 'lapidary',
  inputs: ['X'],
  type: ({ X }) => tensorOf(X.dtype, []),
  compute: ({ X }) => X.at(...X.shape.map(() => int(0))),
});

/** The type of one slice of a scan input. */
function sliceType(value: Value | undefined, axis: number): Type {
  if (value?.type.kind !== 'tensor') return scalarType('int64');
  const { shape } = value.type;
  const at = axis < 0 ? axis + shape.length : axis;
  return { ...value.type, shape: shape.filter((_, i) => i !== at) };
}

/** Opset 8: after the lengths, every input has an axis of batches, and scan inputs one of time. */
function batchBodyInputs(
  inputs: readonly (Value | undefined)[],
  attributes: Attributes,
): Readonly<Record<string, readonly Type[]>> {
  const scans = Number(attributes.num_scan_inputs ?? 0);
  const inner = inputs.slice(1).flatMap((input, i): readonly Type[] => {
    if (input?.type.kind !== 'tensor') return [];
    const outer = i >= inputs.length - 1 - scans ? 2 : 1;
    return [{ ...input.type, shape: input.type.shape.slice(outer) }];
  });
  return { body: inner };
}

const scanAxes = (attributes: Attributes, count: number): readonly number[] =>
  (attributes.scan_input_axes as readonly number[] | undefined) ?? Array.from({ length: count }, () => 0);

/** ONNX Scan, opset 9 and later: a loop over slices of the scan inputs. */
export const Scan = op('Scan', {
  inputs: ['initial_state_and_scan_inputs...'],
  outputs: ['final_state_and_scan_outputs...'],
  attributes: {
    body: requiredGraph,
    // Of opset 8.
    directions: optionalInts,
    num_scan_inputs: requiredInt,
    scan_input_axes: optionalInts,
    scan_input_directions: optionalInts,
    scan_output_axes: optionalInts,
    scan_output_directions: optionalInts,
  },
  since: 25,
  upgrade: (node, opset) => (opset < 9 ? { ...node, op: 'BatchScan', domain: 'lapidary' } : node),
  bodyInputs: (inputs, attributes, opset) => {
    if (opset < 9) return batchBodyInputs(inputs, attributes);
    const scans = Number(attributes.num_scan_inputs ?? 0);
    const states = inputs.slice(0, inputs.length - scans);
    const axes = scanAxes(attributes, scans);
    const slices = inputs.slice(inputs.length - scans).map((input, i) => sliceType(input, axes[i] ?? 0));
    return { body: [...states.flatMap((state) => (state ? [state.type] : [])), ...slices] };
  },
  type: ({ initial_state_and_scan_inputs: inputs }, attributes, context) => {
    const { body, num_scan_inputs: scans } = attributes;
    const states = inputs.length - scans;
    if (scans < 1 || states < 0) context.fail(`num_scan_inputs is ${scans} with ${inputs.length} inputs.`);
    if (body.inputs.length !== inputs.length)
      context.fail(`the body has ${body.inputs.length} inputs; expected ${inputs.length}.`);
    const count = turnsOf(inputs.slice(states), attributes.scan_input_axes);
    const axes = attributes.scan_output_axes ?? [];
    return body.outputs.map(({ type }, i) => {
      if (i < states) return joinTypes(inputs[i]!.value.type, type, `state ${i}`, context);
      if (type.kind !== 'tensor') return context.fail('a scan output must be a tensor.');
      const axis = axes[i - states] ?? 0;
      const shape = [...type.shape];
      shape.splice(axis < 0 ? axis + shape.length + 1 : axis, 0, count);
      return { ...type, shape };
    });
  },
  expand: ({ initial_state_and_scan_inputs: inputs }, attributes, g) => expandScan(inputs, attributes, g),
});

function turnsOf(scans: readonly Operand[], axes: readonly number[] | undefined): Expr {
  const axis = axes?.[0] ?? 0;
  return scans[0]!.shape[axis < 0 ? axis + scans[0]!.rank : axis]!;
}

interface ScanAttributes {
  readonly body: Graph;
  readonly num_scan_inputs: number;
  readonly scan_input_axes: readonly number[] | undefined;
  readonly scan_input_directions: readonly number[] | undefined;
  readonly scan_output_axes: readonly number[] | undefined;
  readonly scan_output_directions: readonly number[] | undefined;
}

/** Scan(states, xs) = Loop over t with x = Slice(xs, t) in the body; reversed outputs are flipped after the loop. */
function expandScan(inputs: readonly Value[], attributes: ScanAttributes, g: Builder): readonly Value[] {
  const { body, num_scan_inputs: scans } = attributes;
  const states = inputs.slice(0, inputs.length - scans);
  const sources = inputs.slice(inputs.length - scans);
  const axes = scanAxes(attributes as unknown as Attributes, scans);
  const first = sources[0]!.type as TensorType;
  const axis = axes[0]! < 0 ? axes[0]! + first.shape.length : axes[0]!;
  const turns = g.sizes([first.shape[axis]!]);
  const iteration = g.input('iteration', scalarType('int64'));
  const going = g.input('condition', scalarType('bool'));
  const carried = states.map((state, i) => g.input(`state_${i}`, state.type));
  const slices = sources.map((source, i) =>
    g.apply(TakeSlice, [source, iteration], { axis: axes[i]!, reverse: attributes.scan_input_directions?.[i] ?? 0 }),
  );
  const outputs = replaceInputs(body, [...carried, ...slices], g);
  const loopBody: Graph = {
    name: body.name,
    inputs: [iteration, going, ...carried],
    outputs: [going, ...outputs],
    outputNames: ['condition', ...body.outputNames],
    captures: [...new Set([...body.captures, ...sources.filter((source) => source.constant === undefined)])],
    dims: [],
  };
  const count = g.apply(ScalarOf, [turns]);
  const results = g.applyAll(Loop, [count, undefined, ...states], { body: loopBody });
  return results.map((result, i) => {
    if (i < states.length) return result;
    const reverse = attributes.scan_output_directions?.[i - states.length] ?? 0;
    const to = attributes.scan_output_axes?.[i - states.length] ?? 0;
    return g.apply(PlaceScan, [result], { axis: to, reverse });
  });
}
