// Einsum: any equation, as products of one or two operands summed over the labels that the result lacks.

import type { Expr } from '../../ir/expr.ts';
import { constantOf, indexVar, int } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { CompilerBug } from '../errors.ts';
import { sumOf } from './accumulate.ts';
import { requiredInts, requiredString } from './attributes.ts';
import { tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { readEquation } from './einsum-equation.ts';
import { agreeing } from './run-time-operands.ts';
import { anyNumeric, broadcastShapes, tensorOf } from './types.ts';

type Labels = readonly number[];

const unique = (labels: Labels): Labels => [...new Set(labels)];

/** The extent of each label; axes of extent 1 broadcast. */
function extentsOf(operands: readonly Operand[], labels: readonly Labels[], context: TypeContext): Map<number, Expr> {
  const extents = new Map<number, Expr>();
  for (const [position, operand] of operands.entries()) {
    for (const [axis, label] of labels[position]!.entries()) {
      const known = extents.get(label);
      const own = operand.shape[axis]!;
      extents.set(label, known ? broadcastShapes([[known], [own]], context)[0]! : own);
    }
  }
  return extents;
}

/** `labels` holds the labels of all operands, one after the other. */
function split(operands: readonly Operand[], labels: Labels): readonly Labels[] {
  const ends = operands.map((_, i) => operands.slice(0, i + 1).reduce((sum, { rank }) => sum + rank, 0));
  return operands.map((_, i) => labels.slice(ends[i - 1] ?? 0, ends[i]));
}

/** The sum over all labels that `result` lacks of the product of the operands. */
const Contract = op('Contract', {
  domain: 'lapidary',
  inputs: ['operands...'],
  attributes: { labels: requiredInts, result: requiredInts },
  types: { operands: anyNumeric },
  type: ({ operands }, { labels, result }, context) => {
    const extents = extentsOf(operands, split(operands, labels), context);
    return tensorOf(
      operands[0]!.dtype,
      result.map((label) => extents.get(label)!),
    );
  },
  compute: ({ operands }, { labels, result }, index, { types }) => {
    const own = split(operands, labels);
    const at = new Map(result.map((label, axis) => [label, index[axis]!]));
    const summed = unique(labels).filter((label) => !result.includes(label));
    const axes = summed.map((label) => indexVar('k', widest(operands, own, label)));
    for (const [position, label] of summed.entries()) at.set(label, axes[position]!);
    const extentOf = (label: number): Expr => types[0]!.shape[result.indexOf(label)] ?? widest(operands, own, label);
    const factors = operands.map((operand, position) => {
      const repeats = (axis: number): boolean => constantOf(operand.shape[axis]!) === 1;
      const read = operand.at(...own[position]!.map((label, axis) => (repeats(axis) ? int(0) : at.get(label)!)));
      const sizes = own[position]!.flatMap((label, axis): readonly (readonly [Expr, Expr])[] =>
        repeats(axis) ? [] : [[operand.shape[axis]!, extentOf(label)]],
      );
      return agreeing(sizes, read);
    });
    return sumOf(axes, ...factors);
  },
});

function widest(operands: readonly Operand[], labels: readonly Labels[], label: number): Expr {
  const extents = operands.flatMap(({ shape }, position) =>
    shape.filter((_, axis) => labels[position]![axis] === label),
  );
  const known = extents.find((extent) => (constantOf(extent) ?? 1) !== 1);
  return known ?? extents.find((extent) => constantOf(extent) === undefined) ?? int(1);
}

interface Term {
  readonly value: Value;
  readonly labels: Labels;
}

function contract(g: Builder, terms: readonly Term[], wanted: (label: number) => boolean, order?: Labels): Term {
  const result = order ?? unique(terms.flatMap(({ labels }) => labels)).filter(wanted);
  const labels = terms.flatMap((term) => term.labels);
  const values = terms.map(({ value }) => value);
  return { value: g.apply(Contract, values, { labels, result }), labels: result };
}

/** Sums an operand over the labels that nobody else has, before it is multiplied. */
function summedAlone(g: Builder, term: Term, wanted: (label: number) => boolean): Term {
  return term.labels.every(wanted) ? term : contract(g, [term], wanted);
}

export const Einsum = op('Einsum', {
  inputs: ['Inputs...'],
  attributes: { equation: requiredString },
  types: { Inputs: anyNumeric },
  outputs: ['Output'],
  since: 12,
  type: ({ Inputs }, { equation }, context) => {
    const first = Inputs[0] ?? context.fail('expected at least one input, got none.');
    const { operands, result } = readEquation(
      equation,
      Inputs.map(({ rank }) => rank),
      context.fail,
    );
    const extents = extentsOf(Inputs, operands, context);
    return tensorOf(
      first.dtype,
      result.map((label) => extents.get(label)!),
    );
  },
  expand: ({ Inputs }, { equation }, g) => {
    const ranks = Inputs.map((value) => tensorTypeOf(value).shape.length);
    const { operands, result } = readEquation(equation, ranks, (rule) => {
      throw new CompilerBug(rule);
    });
    const terms = Inputs.map((value, position): Term => ({ value, labels: operands[position]! }));
    if (terms.length === 1) return contract(g, terms, () => false, result).value;
    const usedBy = (label: number, others: readonly Term[]): boolean =>
      result.includes(label) || others.some(({ labels }) => labels.includes(label));
    const alone = terms.map((term, i) =>
      summedAlone(g, term, (label) => usedBy(label, [...terms.slice(0, i), ...terms.slice(i + 1)])),
    );
    // From the left: a label is summed away with the last operand that has it.
    const [first, ...others] = alone;
    return others.reduce((left, right, i) => {
      const later = others.slice(i + 1);
      return contract(g, [left, right], (label) => usedBy(label, later), later.length === 0 ? result : undefined);
    }, first!).value;
  },
});
