// Operators that write at positions given by data: ScatterElements (and its old name Scatter), ScatterND, TensorScatter.
// The scatters are hand-written loops, since several updates may meet at one place; they apply in row-major order.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  all,
  and,
  cast,
  constantOf,
  indexVar,
  int,
  le,
  load,
  lt,
  max,
  min,
  mod,
  mul,
  or,
  select,
  sub,
  variable,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { block, check, letIn, loops, store } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, stringAttribute } from './attributes.ts';
import { type Operand, type Operator, op, type TypeContext } from './define.ts';
import { agreeing, checkAgreeing, fromEnd, pairsOf, sizeAt, within } from './run-time-operands.ts';
import { anyType, indexType, normalizeAxis, tensorOf } from './types.ts';

const reduction = stringAttribute('none', ['none', 'add', 'mul', 'max', 'min']);

/** What is stored where `old` meets `update`. Truth values add and multiply as logic. */
function combine(kind: string, old: Expr, update: Expr): Expr {
  const logical = old.dtype === 'bool';
  switch (kind) {
    case 'add':
      return logical ? or(old, update) : add(old, update);
    case 'mul':
      return logical ? and(old, update) : mul(old, update);
    case 'max':
      return logical ? or(old, update) : max(old, update);
    case 'min':
      return logical ? and(old, update) : min(old, update);
    default:
      return update;
  }
}

const indicesOver = (shape: readonly Expr[], name: string) =>
  shape.map((extent, axis) => indexVar(`${name}${axis}`, extent));

function copy(from: Buffer, to: Buffer): Stmt {
  const at = indicesOver(from.shape, 'd');
  return loops(at, store(to, at, load(from, at)));
}

/** Binds each computed position to a name, so that it is read once. */
function bindAll(positions: readonly Expr[], body: (names: readonly Expr[]) => Stmt): Stmt {
  const names = positions.map((position, i) => (position.kind === 'var' ? position : variable(`at${i}`, 'index')));
  return positions.reduceRight(
    (inner, position, i) => (position.kind === 'var' ? inner : letIn(names[i]!, position, inner)),
    body(names),
  );
}

const positionIn = (indices: Buffer, at: readonly Expr[], extent: Expr): Expr =>
  fromEnd(cast(load(indices, at), 'index'), extent);

function scatterElements(
  data: Buffer,
  indices: Buffer,
  updates: Buffer,
  output: Buffer,
  axis: number,
  kind: string,
): Stmt {
  const at = indicesOver(indices.shape, 'i');
  const target = at.map((own, position) => (position === axis ? positionIn(indices, at, data.shape[axis]!) : own));
  const write = bindAll(target, (names) =>
    block([
      check(all(names.map((own, position) => within(own, data.shape[position]!))), 'index'),
      store(output, names, combine(kind, load(output, names), load(updates, at))),
    ]),
  );
  return block([checkAgreeing(pairsOf(indices.shape, updates.shape)), copy(data, output), loops(at, write)]);
}

function checkSameShape(indices: Operand, updates: Operand, context: TypeContext): void {
  const differ = indices.shape.some((extent, axis) => {
    const a = constantOf(extent);
    const b = constantOf(updates.shape[axis] ?? int(-1));
    return a !== undefined && b !== undefined && a !== b;
  });
  if (indices.rank !== updates.rank || differ) {
    const list = (operand: Operand): string => operand.shape.map((extent) => constantOf(extent) ?? '?').join(', ');
    context.fail(`indices has the shape [${list(indices)}] and updates [${list(updates)}]; they must be equal.`);
  }
}

const scatterOperator = (name: string): Operator =>
  op(name, {
    inputs: ['data', 'indices', 'updates'],
    outputs: ['output'],
    attributes: { axis: intAttribute(0), reduction },
    types: { data: anyType, indices: indexType, updates: anyType },
    since: 18,
    type: ({ data, indices, updates }, { axis }, context) => {
      normalizeAxis(axis, data.rank, context);
      if (indices.rank !== data.rank) {
        context.fail(`indices has rank ${indices.rank} and data has rank ${data.rank}; they must be equal.`);
      }
      checkSameShape(indices, updates, context);
      return tensorOf(data.dtype, data.shape);
    },
    kernel: ({ data, indices, updates }, outputs, { axis, reduction: kind }) => {
      const at = axis < 0 ? axis + data.shape.length : axis;
      return scatterElements(data, indices, updates, outputs[0]!, at, kind);
    },
  });

export const ScatterElements = scatterOperator('ScatterElements');
/** The name of ScatterElements before opset 11. */
export const Scatter = scatterOperator('Scatter');

/** output[indices[i…, :]…, r…] = updates[i…, r…] */
export const ScatterND = op('ScatterND', {
  inputs: ['data', 'indices', 'updates'],
  outputs: ['output'],
  attributes: { reduction },
  types: { data: anyType, indices: indexType, updates: anyType },
  since: 18,
  type: ({ data, indices, updates }, _, context) => {
    if (data.rank === 0 || indices.rank === 0) context.fail('data and indices must have at least rank 1.');
    const depth =
      constantOf(indices.shape.at(-1)!) ?? context.fail('the last axis of indices must have a constant extent.');
    if (depth > data.rank) context.fail(`the last axis of indices has extent ${depth}; data has rank ${data.rank}.`);
    const rank = indices.rank - 1 + data.rank - depth;
    if (updates.rank !== rank) context.fail(`updates has rank ${updates.rank}; expected ${rank}.`);
    return tensorOf(data.dtype, data.shape);
  },
  kernel: ({ data, indices, updates }, outputs, { reduction: kind }) => {
    const output = outputs[0]!;
    const depth = constantOf(indices.shape.at(-1)!)!;
    const tuple = indicesOver(indices.shape.slice(0, -1), 'i');
    const rest = indicesOver(data.shape.slice(depth), 'r');
    const chosen = Array.from({ length: depth }, (_, position) =>
      positionIn(indices, [...tuple, int(position)], data.shape[position]!),
    );
    const write = bindAll(chosen, (names) => {
      const target = [...names, ...rest];
      const update = load(updates, [...tuple, ...rest]);
      return block([
        check(all(names.map((own, position) => within(own, data.shape[position]!))), 'index'),
        loops(rest, store(output, target, combine(kind, load(output, target), update))),
      ]);
    });
    const expected = [...indices.shape.slice(0, -1), ...data.shape.slice(depth)];
    return block([checkAgreeing(pairsOf(expected, updates.shape)), copy(data, output), loops(tuple, write)]);
  },
});

/**
 * A cache with a stretch of an axis overwritten, from write_indices[batch] on: updates that would pass the end are
 * left out (linear) or go on at the beginning (circular).
 */
export const TensorScatter = op('TensorScatter', {
  inputs: ['past_cache', 'update', 'write_indices?'],
  outputs: ['present_cache'],
  attributes: { axis: intAttribute(-2), mode: stringAttribute('linear', ['linear', 'circular']) },
  types: { past_cache: anyType, update: anyType, write_indices: indexType },
  since: 24,
  type: ({ past_cache, update }, attributes, context) => {
    const axis = normalizeAxis(attributes.axis, past_cache.rank, context);
    if (axis === 0) context.fail('axis is the batch axis; expected another one.');
    if (update.rank !== past_cache.rank) {
      context.fail(`update has rank ${update.rank} and past_cache has rank ${past_cache.rank}; they must be equal.`);
    }
    for (const [position, extent] of update.shape.entries()) {
      const got = constantOf(extent);
      const own = constantOf(past_cache.shape[position]!);
      if (got === undefined || own === undefined || (position === axis ? got <= own : got === own)) continue;
      context.fail(`update has extent ${got} on axis ${position}, where past_cache has ${own}.`);
    }
    return tensorOf(past_cache.dtype, past_cache.shape);
  },
  compute: ({ past_cache, update, write_indices }, { axis, mode }, index) => {
    const at = axis < 0 ? axis + past_cache.rank : axis;
    const batch = past_cache.shape[0]!;
    const start = write_indices
      ? agreeing([[write_indices.shape[0]!, batch]], sizeAt(write_indices, index[0]!))
      : int(0);
    const ahead = sub(index[at]!, start);
    const extent = past_cache.shape[at]!;
    const turned = mod(ahead, extent);
    const step = mode === 'linear' ? ahead : select(lt(turned, int(0)), add(turned, extent), turned);
    const written = simplify(and(le(int(0), step), lt(step, update.shape[at]!)));
    const source = index.map((own, position) => (position === at ? step : own));
    const across = pairsOf(update.shape, past_cache.shape).filter((_, position) => position !== at);
    return select(written, agreeing(across, update.at(...source)), past_cache.at(...index));
  },
});
