// Operators on sequences. Where the elements and the place are known, an element is just itself: nothing is left of the
// sequence. Else the node becomes one on the parts of the sequence (sequence-kernels.ts, sequence-pieces.ts).

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { constantOf, int } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { Add, Sub } from './arithmetic.ts';
import { dtypeAttribute, intAttribute, requiredInt } from './attributes.ts';
import { tensorTypeOf } from './compose.ts';
import { type BuildContext, type Builder, op } from './define.ts';
import { numbersOf, operandOf } from './elements.ts';
import { Concat, Split } from './join.ts';
import { Squeeze, Unsqueeze } from './reshape.ts';
import { SequenceElement, SequenceWith, SequenceWithout } from './sequence-kernels.ts';
import { SequenceJoined, SequenceOfPieces } from './sequence-pieces.ts';
import { asSequence, dimsOf } from './sequence-values.ts';
import { commonDims, elementDtype, listOf, type Sequence, sequenceOf } from './structure.ts';
import { allTypes, indexType, typeSet } from './types.ts';

type Fail = BuildContext['fail'];

function requireSequence(value: Value, name: string, fail: Fail): void {
  const { kind } = value.structure ?? value.type;
  if (kind !== 'list' && kind !== 'sequence') fail(`${name} is of kind ${value.type.kind}; expected a sequence.`);
}

const itemsOf = (value: Value): readonly Value[] | undefined =>
  value.structure?.kind === 'list' ? value.structure.items : undefined;

/** A place that is known, counted from the front. */
function placeIn(position: Value, count: number, limit: number, fail: Fail): number | undefined {
  const given = numbersOf(operandOf(position))?.[0];
  if (given === undefined) return undefined;
  const place = given < 0 ? given + count : given;
  if (place < 0 || place >= limit) fail(`position is ${given}; the sequence has ${count} elements.`);
  return place;
}

const knownExtents = (dims: readonly (Parameters<typeof constantOf>[0] | undefined)[]): readonly number[] =>
  dims.map((extent) => (extent ? (constantOf(extent) ?? -1) : -1));

function requireDtype(value: Value, dtype: DType | undefined, fail: Fail): void {
  const own = tensorTypeOf(value).dtype;
  if (dtype !== undefined && own !== dtype) fail(`the elements are ${dtype} and the tensor is ${own}.`);
}

export const SequenceEmpty = op('SequenceEmpty', {
  inputs: [],
  attributes: { dtype: dtypeAttribute('float32') },
  since: 11,
  build: (_, { dtype }) => listOf([], dtype),
});

export const SequenceConstruct = op('SequenceConstruct', {
  inputs: ['inputs...'],
  types: { inputs: typeSet('T', allTypes) },
  since: 11,
  build: ({ inputs }, _, __, { fail }) => {
    const first = inputs[0] ?? fail('has no inputs; expected at least one.');
    return listOf(inputs, tensorTypeOf(first).dtype);
  },
});

const scalarOne = (g: Builder): Value => g.scalar(1n, 'int64');

export const SequenceInsert = op('SequenceInsert', {
  inputs: ['input_sequence', 'tensor', 'position?'],
  types: { tensor: typeSet('T', allTypes), position: indexType },
  since: 11,
  build: ({ input_sequence: sequence, tensor, position }, _, g, { fail }) => {
    requireSequence(sequence, 'input_sequence', fail);
    const items = itemsOf(sequence);
    if (items?.length !== 0) requireDtype(tensor, elementDtype(sequence), fail);
    const count = items?.length ?? 0;
    const place = items && (position ? placeIn(position, count, count + 1, fail) : count);
    const { dtype, shape } = tensorTypeOf(tensor);
    if (items && place !== undefined) return listOf([...items.slice(0, place), tensor, ...items.slice(place)], dtype);
    const parts = asSequence(g, items?.length === 0 ? listOf([], dtype) : sequence);
    const inputs = [parts.shapes, parts.count, parts.data, tensor, position ?? parts.count];
    const dims = commonDims(dimsOf(sequence), shape);
    const after = growWith(g, inputs);
    return sequenceOf({ ...after, count: g.apply(Add, [parts.count, scalarOne(g)]), dims });
  },
});

function growWith(g: Builder, inputs: readonly Value[]): Pick<Sequence, 'shapes' | 'data'> {
  const [shapes, data] = g.applyAll(SequenceWith, inputs, {}, { outputs: [true, true] });
  return { shapes: shapes!, data: data! };
}

export const SequenceErase = op('SequenceErase', {
  inputs: ['input_sequence', 'position?'],
  types: { position: indexType },
  since: 11,
  build: ({ input_sequence: sequence, position }, _, g, { fail }) => {
    requireSequence(sequence, 'input_sequence', fail);
    const items = itemsOf(sequence);
    const count = items?.length ?? 0;
    if (items && count === 0) fail('the sequence is empty.');
    const place = items && (position ? placeIn(position, count, count, fail) : count - 1);
    if (items && place !== undefined)
      return listOf(
        items.filter((_item, i) => i !== place),
        elementDtype(sequence)!,
      );
    const parts = asSequence(g, sequence);
    const inputs = [parts.shapes, parts.count, parts.data, position ?? g.scalar(-1n, 'int64')];
    const [shapes, data] = g.applyAll(SequenceWithout, inputs, {}, { outputs: [true, true] });
    const left = g.apply(Sub, [parts.count, scalarOne(g)]);
    return sequenceOf({ shapes: shapes!, data: data!, count: left, dims: parts.dims });
  },
});

export const SequenceAt = op('SequenceAt', {
  inputs: ['input_sequence', 'position'],
  outputs: ['tensor'],
  types: { position: indexType },
  since: 11,
  build: ({ input_sequence: sequence, position }, _, g, { fail, declared }) => {
    requireSequence(sequence, 'input_sequence', fail);
    const items = itemsOf(sequence);
    const place = items && placeIn(position, items.length, items.length, fail);
    if (items && place !== undefined) return items[place]!;
    if (items?.length === 0) fail('the sequence is empty.');
    const parts = asSequence(g, sequence);
    const hint = declared[0]?.kind === 'tensor' ? declared[0].shape : undefined;
    const known = parts.dims === 'empty' ? undefined : parts.dims;
    const dims =
      known ?? hint ?? fail('the rank of the elements is not known. Declare the shape of the output, or theirs.');
    const inputs = [parts.shapes, parts.count, parts.data, position];
    return g.apply(SequenceElement, inputs, { dims: knownExtents(dims) });
  },
});

/** What SequenceMap hands its body: an element of a sequence, or a tensor as it is. Only the importer names it. */
export const ElementOrTensor = op('ElementOrTensor', {
  domain: 'lapidary',
  inputs: ['input', 'position'],
  types: { position: indexType },
  build: ({ input, position }, _, g) =>
    input.structure?.kind === 'list' || input.structure?.kind === 'sequence'
      ? g.apply(SequenceAt, [input, position])
      : input,
});

export const SequenceLength = op('SequenceLength', {
  inputs: ['input_sequence'],
  outputs: ['length'],
  since: 11,
  build: ({ input_sequence: sequence }, _, g, { fail }) => {
    requireSequence(sequence, 'input_sequence', fail);
    const { structure } = sequence;
    if (structure?.kind === 'maps') return g.sizes([tensorTypeOf(structure.values).shape[0]!]);
    return asSequence(g, sequence).count;
  },
});

export const ConcatFromSequence = op('ConcatFromSequence', {
  inputs: ['input_sequence'],
  outputs: ['concat_result'],
  attributes: { axis: requiredInt, new_axis: intAttribute(0, [0, 1]) },
  since: 11,
  build: ({ input_sequence: sequence }, { axis, new_axis: stack }, g, { fail, declared }) => {
    requireSequence(sequence, 'input_sequence', fail);
    const items = itemsOf(sequence);
    if (items?.length === 0) fail('the sequence is empty.');
    const hint = declared[0]?.kind === 'tensor' ? declared[0].shape.slice(stack).map(() => undefined) : undefined;
    const common = dimsOf(sequence);
    const dims = (common === 'empty' ? undefined : common) ?? hint ?? fail('the rank of the elements is not known.');
    const rank = dims.length + stack;
    if (axis < -rank || axis >= rank) fail(`axis is ${axis}; rank ${rank} allows ${-rank} to ${rank - 1}.`);
    const at = axis < 0 ? axis + rank : axis;
    if (items) {
      const parts = stack === 1 ? items.map((item) => g.apply(Unsqueeze, [item, g.ints([at])])) : items;
      return g.apply(Concat, parts, { axis: at });
    }
    const { shapes, count, data } = asSequence(g, sequence);
    return g.apply(SequenceJoined, [shapes, count, data], { dims: knownExtents(dims), axis: at, stack });
  },
});

/** The lengths of the pieces where they are known; a last one may be shorter. */
function lengthsOf(input: Value, axis: number, split: Value | undefined, fail: Fail): readonly number[] | undefined {
  const whole = constantOf(tensorTypeOf(input).shape[axis]!);
  const given = split && numbersOf(operandOf(split));
  if (split && tensorTypeOf(split).shape.length === 1) return given;
  const each = split ? given?.[0] : 1;
  if (each === undefined || whole === undefined) return undefined;
  if (each <= 0) fail(`split is ${each}; expected a positive length.`);
  return Array.from({ length: Math.ceil(whole / each) }, (_, i) => Math.min(each, whole - i * each));
}

export const SplitToSequence = op('SplitToSequence', {
  inputs: ['input', 'split?'],
  outputs: ['output_sequence'],
  attributes: { axis: intAttribute(0), keepdims: intAttribute(1, [0, 1]) },
  types: { input: typeSet('T', allTypes), split: indexType },
  since: 24,
  build: ({ input, split }, { axis, keepdims }, g, { fail }) => {
    const { shape, dtype } = tensorTypeOf(input);
    if (axis < -shape.length || axis >= shape.length) fail(`axis is ${axis}; input has rank ${shape.length}.`);
    const at = axis < 0 ? axis + shape.length : axis;
    const lengths = lengthsOf(input, at, split, fail);
    if (lengths) {
      const pieces =
        lengths.length === 0
          ? []
          : g.applyAll(Split, [input, g.ints(lengths)], { axis: at }, { outputs: lengths.map(() => true) });
      const drop = !split && keepdims === 0;
      return listOf(drop ? pieces.map((piece) => g.apply(Squeeze, [piece, g.ints([at])])) : pieces, dtype);
    }
    const each = split ?? scalarOne(g);
    const [shapes, count, data] = g.applyAll(
      SequenceOfPieces,
      [input, each],
      { axis: at },
      { outputs: [true, true, true] },
    );
    const dims = shape.map((extent, k) => (k === at ? (split ? undefined : int(1)) : extent));
    const pieces = { shapes: shapes!, count: count!, data: data!, dims };
    return sequenceOf(!split && keepdims === 0 ? withoutAxis(g, pieces, dims, at) : pieces);
  },
});

/** The same elements without an axis of extent 1. */
function withoutAxis(
  g: Builder,
  { shapes, count, data }: Omit<Sequence, 'kind'>,
  dims: readonly (Expr | undefined)[],
  axis: number,
): Omit<Sequence, 'kind'> {
  const rank = dims.length;
  const kept = Array.from({ length: rank }, (_, k) => k).filter((k) => k !== axis);
  const columns = g.applyAll(
    Split,
    [shapes, g.ints(Array.from({ length: rank + 1 }, () => 1))],
    { axis: 1 },
    {
      outputs: Array.from({ length: rank + 1 }, () => true),
    },
  );
  const ranks = g.apply(Sub, [columns[0]!, scalarOne(g)]);
  const table = g.apply(Concat, [ranks, ...kept.map((k) => columns[k + 1]!)], { axis: 1 });
  return { shapes: table, count, data, dims: dims.filter((_, k) => k !== axis) };
}
