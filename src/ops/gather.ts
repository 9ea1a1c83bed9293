// Operators that read at positions given by data: Gather, GatherElements, GatherND, ReverseSequence.
// Negative positions count from the end; one out of range is reported by the run.

import type { Expr } from '../../ir/expr.ts';
import { all, constantOf, int, lt, select, sub } from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute } from './attributes.ts';
import { op } from './define.ts';
import { agreeing, checked, fromEnd, pairsOf, sizeAt, within } from './run-time-operands.ts';
import { anyType, indexType, normalizeAxis, tensorOf } from './types.ts';

const indices = indexType;

/** Y[a…, i…, b…] = data[a…, indices[i…], b…] */
export const Gather = op('Gather', {
  inputs: ['data', 'indices'],
  outputs: ['output'],
  attributes: { axis: intAttribute(0) },
  types: { data: anyType, indices },
  since: 13,
  type: ({ data, indices }, attributes, context) => {
    if (data.rank === 0) context.fail('data is a scalar; expected at least rank 1.');
    const axis = normalizeAxis(attributes.axis, data.rank, context);
    return tensorOf(data.dtype, [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)]);
  },
  compute: ({ data, indices }, attributes, index) => {
    const axis = attributes.axis < 0 ? attributes.axis + data.rank : attributes.axis;
    const end = axis + indices.rank;
    const extent = data.shape[axis]!;
    const chosen = fromEnd(sizeAt(indices, ...index.slice(axis, end)), extent);
    return checked(within(chosen, extent), data.at(...index.slice(0, axis), chosen, ...index.slice(end)));
  },
});

/** Y[i…] = data[i… with indices[i…] at the axis] */
export const GatherElements = op('GatherElements', {
  inputs: ['data', 'indices'],
  outputs: ['output'],
  attributes: { axis: intAttribute(0) },
  types: { data: anyType, indices },
  since: 13,
  type: ({ data, indices }, { axis }, context) => {
    const at = normalizeAxis(axis, data.rank, context);
    if (indices.rank !== data.rank) {
      context.fail(`indices has rank ${indices.rank} and data has rank ${data.rank}; they must be equal.`);
    }
    for (const [position, extent] of indices.shape.entries()) {
      const own = constantOf(extent);
      const limit = constantOf(data.shape[position]!);
      if (position !== at && own !== undefined && limit !== undefined && own > limit) {
        context.fail(`indices has extent ${own} on axis ${position}, where data has ${limit}.`);
      }
    }
    return tensorOf(data.dtype, indices.shape);
  },
  compute: ({ data, indices }, attributes, index) => {
    const axis = attributes.axis < 0 ? attributes.axis + data.rank : attributes.axis;
    const chosen = fromEnd(sizeAt(indices, ...index), data.shape[axis]!);
    const at = index.map((own, position) => (position === axis ? chosen : own));
    return checked(all(at.map((own, position) => within(own, data.shape[position]!))), data.at(...at));
  },
});

/** Y[b…, i…, r…] = data[b…, indices[b…, i…, :]…, r…] */
export const GatherND = op('GatherND', {
  inputs: ['data', 'indices'],
  outputs: ['output'],
  attributes: { batch_dims: intAttribute(0) },
  types: { data: anyType, indices },
  since: 13,
  type: ({ data, indices }, { batch_dims }, context) => {
    if (indices.rank === 0) context.fail('indices is a scalar; expected at least rank 1.');
    const depth =
      constantOf(indices.shape.at(-1)!) ?? context.fail('the last axis of indices must have a constant extent.');
    if (batch_dims < 0 || batch_dims >= Math.min(data.rank, indices.rank)) {
      context.fail(`batch_dims is ${batch_dims}; expected less than the ranks ${data.rank} and ${indices.rank}.`);
    }
    if (batch_dims + depth > data.rank) {
      context.fail(`the last axis of indices has extent ${depth}; data has ${data.rank - batch_dims} axes to index.`);
    }
    return tensorOf(data.dtype, [...indices.shape.slice(0, -1), ...data.shape.slice(batch_dims + depth)]);
  },
  compute: ({ data, indices }, { batch_dims }, index) => {
    const depth = constantOf(indices.shape.at(-1)!)!;
    const tuple = index.slice(0, indices.rank - 1);
    const chosen = Array.from({ length: depth }, (_, position) =>
      fromEnd(sizeAt(indices, ...tuple, int(position)), data.shape[batch_dims + position]!),
    );
    const inRange = all(chosen.map((own, position) => within(own, data.shape[batch_dims + position]!)));
    const element = data.at(...index.slice(0, batch_dims), ...chosen, ...index.slice(indices.rank - 1));
    const batches = pairsOf(data.shape.slice(0, batch_dims), indices.shape);
    return agreeing(batches, checked(inRange, element));
  },
});

/** The first sequence_lens[b] elements of each sequence in reverse order, the others in place. */
export const ReverseSequence = op('ReverseSequence', {
  inputs: ['input', 'sequence_lens'],
  attributes: { batch_axis: intAttribute(1, [0, 1]), time_axis: intAttribute(0, [0, 1]) },
  types: { input: anyType, sequence_lens: indexType },
  since: 10,
  type: ({ input, sequence_lens }, { batch_axis, time_axis }, context) => {
    if (input.rank < 2) context.fail(`input has rank ${input.rank}; expected at least 2.`);
    if (sequence_lens.rank !== 1) context.fail(`sequence_lens has rank ${sequence_lens.rank}; expected 1.`);
    if (batch_axis === time_axis) context.fail('batch_axis and time_axis are equal; expected 0 and 1 in some order.');
    return tensorOf(input.dtype, input.shape);
  },
  compute: ({ input, sequence_lens }, { batch_axis, time_axis }, index) => {
    const time = index[time_axis]!;
    const length = sizeAt(sequence_lens, index[batch_axis]!);
    const mirrored = sub(sub(length, int(1)), time);
    const source: Expr = select(lt(time, length), mirrored, time);
    const at = index.map((own, axis) => (axis === time_axis ? source : own));
    const element = checked(simplify(lt(source, input.shape[time_axis]!)), input.at(...at));
    return agreeing([[sequence_lens.shape[0]!, input.shape[batch_axis]!]], element);
  },
});
