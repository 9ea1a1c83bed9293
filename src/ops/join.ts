// Operators that join tensors along an axis or cut them apart: Concat, Split.

import type { Expr } from '../../ir/expr.ts';
import { add, constantOf, div, eq, int, lt, max, min, mul, select, sub } from '../../ir/expr-make.ts';
import { sameSize, simplify } from '../../ir/simplify.ts';
import { intAttribute, optionalInt, requiredInt } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { sizesOf } from './elements.ts';
import { isNumbers, withAttributes, withInput, without } from './legacy.ts';
import { agreeing, listed, pairsOf, runTimeShape } from './run-time-operands.ts';
import { anyType, normalizeAxis, sizeType, tensorOf } from './types.ts';

const replaceAt = (index: readonly Expr[], axis: number, value: Expr): readonly Expr[] =>
  index.map((own, position) => (position === axis ? value : own));

/** A binary search over the parts, so that many parts cost few comparisons and the expression stays shallow. */
function choosePart(parts: readonly { readonly start: Expr; readonly read: () => Expr }[], position: Expr): Expr {
  if (parts.length === 1) return parts[0]!.read();
  const middle = parts.length >> 1;
  const before = choosePart(parts.slice(0, middle), position);
  return select(simplify(lt(position, parts[middle]!.start)), before, choosePart(parts.slice(middle), position));
}

export const Concat = op('Concat', {
  inputs: ['inputs...'],
  outputs: ['concat_result'],
  attributes: { axis: requiredInt },
  types: { inputs: anyType },
  since: 13,
  // Before opset 4 the axis was optional, 1 by default.
  upgrade: (node, opset) =>
    opset < 4 && node.attributes.axis === undefined ? withAttributes(node, { axis: 1 }) : node,
  type: ({ inputs }, attributes, context) => {
    const first = inputs[0] ?? context.fail('has no inputs; expected at least one.');
    const axis = concatAxis(first, attributes.axis, context);
    for (const other of inputs) checkJoinable(first, other, axis, context);
    const extent = inputs.map((input) => input.shape[axis]!).reduce(add);
    const shape = first.shape.map((own, position) => {
      if (position === axis) return extent;
      // A constant where any input knows one.
      return inputs.map((input) => input.shape[position]!).find((size) => constantOf(size) !== undefined) ?? own;
    });
    return tensorOf(first.dtype, shape);
  },
  compute: ({ inputs }, attributes, index, { types }) => {
    const axis = attributes.axis < 0 ? attributes.axis + index.length : attributes.axis;
    const position = index[axis]!;
    let start: Expr = int(0);
    const parts = inputs.flatMap((input) => {
      const own = start;
      start = simplify(add(start, input.shape[axis]!));
      const across = pairsOf(input.shape, types[0]!.shape).filter((_, other) => other !== axis);
      const read = (): Expr => agreeing(across, input.at(...replaceAt(index, axis, simplify(sub(position, own)))));
      return constantOf(input.shape[axis]!) === 0 ? [] : [{ start: own, read }];
    });
    // All parts may be empty; then nothing is computed.
    return parts.length > 0 ? choosePart(parts, position) : inputs[0]!.at(...index);
  },
});

function concatAxis(first: Operand, axis: number, context: TypeContext): number {
  if (first.rank === 0) context.fail('inputs are scalars; expected at least rank 1.');
  return normalizeAxis(axis, first.rank, context);
}

function checkJoinable(first: Operand, other: Operand, axis: number, context: TypeContext): void {
  if (other.rank !== first.rank)
    context.fail(`inputs have ranks ${first.rank} and ${other.rank}; expected equal ones.`);
  for (const [position, extent] of other.shape.entries()) {
    const expected = constantOf(first.shape[position]!);
    const got = constantOf(extent);
    if (position !== axis && expected !== undefined && got !== undefined && expected !== got) {
      context.fail(`inputs have extents ${expected} and ${got} on axis ${position}; only axis ${axis} may differ.`);
    }
  }
}

/** Sizes of equal parts; the last is smaller, perhaps empty, where they cannot all be equal. */
function equalParts(extent: Expr, count: number): readonly Expr[] {
  const chunk = simplify(div(add(extent, int(count - 1)), int(count)));
  return Array.from({ length: count }, (_, part) => {
    if (sameSize(mul(chunk, int(count)), extent)) return chunk;
    const left = sub(extent, mul(chunk, int(part)));
    return simplify(max(int(0), min(chunk, left)));
  });
}

/** Sizes of parts that only a run knows; parts that do not make up the whole are none. */
function runTimeParts(extent: Expr, split: Operand, context: TypeContext): readonly Expr[] {
  const sizes = listed(split, context, 'split');
  const isWhole = eq(sizes.reduce(add, int(0)), extent);
  const values = sizes.map((size) => select(isWhole, size, int(-1)));
  return runTimeShape(
    context,
    'split',
    values,
    sizes.map(() => extent),
  );
}

export const Split = op('Split', {
  inputs: ['input', 'split?'],
  outputs: ['outputs...'],
  attributes: { axis: intAttribute(0), num_outputs: optionalInt },
  types: { input: anyType, split: sizeType },
  since: 18,
  // Before opset 13 the sizes were an attribute (in opset 1 perhaps an input too).
  until: { split: 13 },
  upgrade: (node) => {
    const { split } = node.attributes;
    const plain = without(node, 'split');
    return isNumbers(split) && !node.inputs[1] ? withInput(plain, 1, node.constant(split, 'int64')) : plain;
  },
  type: ({ input, split }, { axis, num_outputs }, context) => {
    const at = normalizeAxis(axis, input.rank, context);
    const count = context.outputs.length;
    if (num_outputs !== undefined && num_outputs !== count) {
      context.fail(`num_outputs is ${num_outputs}, but the node has ${count} outputs.`);
    }
    const sizes = split
      ? (sizesOf(split) ?? runTimeParts(input.shape[at]!, split, context))
      : equalParts(input.shape[at]!, count);
    if (sizes.length !== count) context.fail(`split has ${sizes.length} sizes, but the node has ${count} outputs.`);
    const total = constantOf(simplify(sizes.reduce(add, int(0))));
    const extent = constantOf(input.shape[at]!);
    if (total !== undefined && extent !== undefined && total !== extent) {
      context.fail(`the parts have ${total} elements in all; axis ${at} of input has ${extent}.`);
    }
    return sizes.map((size) =>
      tensorOf(
        input.dtype,
        input.shape.map((own, position) => (position === at ? size : own)),
      ),
    );
  },
  compute: ({ input, split }, { axis }, index, { output, types }) => {
    const at = axis < 0 ? axis + input.rank : axis;
    const sizes = types.map(({ shape }) => shape[at]!);
    const element = input.at(...replaceAt(index, at, add(index[at]!, sizes.slice(0, output).reduce(add, int(0)))));
    // Equal parts fit; sizes that are given may not.
    return split ? agreeing([[simplify(sizes.reduce(add, int(0))), input.shape[at]!]], element) : element;
  },
});
