// Control flow: If and Loop. `src/lower/lower-control.ts` turns them into steps.

import type { Expr } from '../../ir/expr.ts';
import { constantOf, max } from '../../ir/expr-make.ts';
import type { Graph, TensorType, Type, Value } from '../../ir/graph.ts';
import { sameSize } from '../../ir/simplify.ts';
import { requiredGraph } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { sizesOf } from './elements.ts';
import { differ, typeSet } from './types.ts';

export const scalarType = (dtype: 'int64' | 'bool'): TensorType => ({ kind: 'tensor', dtype, shape: [] });
const condition = typeSet('B', ['bool']);

/** The type of a value that comes from one of two places. */
export function joinTypes(a: Type, b: Type, what: string, context: TypeContext): Type {
  checkForms(a, b, what, context);
  if (a.kind !== 'tensor' || b.kind !== 'tensor') return a;
  if (a.shape.every((extent, axis) => sameSize(extent, b.shape[axis]!))) return a;
  return context.fail(
    `${what} has shape [${shapeText(a.shape)}] on one side and [${shapeText(b.shape)}] on the other; they must be equal.`,
  );
}

/** A carried value keeps its type; sizes that may turn out to be the same the run compares, turn by turn. */
function carriedType(a: Type, b: Type, what: string, context: TypeContext): Type {
  checkForms(a, b, what, context);
  if (a.kind !== 'tensor' || b.kind !== 'tensor') return a;
  return a.shape.some((extent, axis) => differ(extent, b.shape[axis]!)) ? joinTypes(a, b, what, context) : a;
}

/** The same where the run finds out the sizes that differ. */
function joinSizes(a: Type, b: Type, what: string, context: TypeContext): Type {
  checkForms(a, b, what, context);
  if (a.kind !== 'tensor' || b.kind !== 'tensor') return a;
  const shape = a.shape.map((extent, axis) => {
    const other = b.shape[axis]!;
    return sameSize(extent, other) ? extent : context.fresh(`${what}_${axis}`, max(extent, other));
  });
  return { ...a, shape };
}

function checkForms(a: Type, b: Type, what: string, context: TypeContext): void {
  if (a.kind !== b.kind) context.fail(`${what} is a ${a.kind} on one side and a ${b.kind} on the other.`);
  if (a.kind !== 'tensor' || b.kind !== 'tensor') return;
  if (a.dtype !== b.dtype) context.fail(`${what} is ${a.dtype} on one side and ${b.dtype} on the other.`);
  if (a.shape.length !== b.shape.length) {
    context.fail(`${what} has rank ${a.shape.length} on one side and ${b.shape.length} on the other.`);
  }
}

const shapeText = (shape: readonly Expr[]): string => shape.map((extent) => constantOf(extent) ?? '?').join(', ');

export const If = op('If', {
  inputs: ['cond'],
  outputs: ['outputs...'],
  attributes: { then_branch: requiredGraph, else_branch: requiredGraph },
  types: { cond: condition },
  since: 25,
  control: 'if',
  bodyInputs: () => ({ then_branch: [], else_branch: [] }),
  type: (_, { then_branch, else_branch }, context) => {
    const [yes, no] = [then_branch.outputs, else_branch.outputs];
    if (yes.length !== no.length)
      context.fail(`the branches have ${yes.length} and ${no.length} outputs; they must have as many.`);
    return yes.map(({ type }, i) => joinSizes(type, no[i]!.type, `output ${i}`, context));
  },
});

/** Whether the loop ends by its trip count alone: the body hands its condition on, and it starts true. */
export function runsToCount(body: Graph, initial: Value | undefined): boolean {
  const next = body.outputs[0];
  const stays = next === body.inputs[1] || (next?.constant !== undefined && next.constant[0] === 1);
  return stays && (initial === undefined || initial.constant?.[0] === 1);
}

export const Loop = op('Loop', {
  inputs: ['M?', 'cond?', 'v_initial...'],
  outputs: ['v_final_and_scan_outputs...'],
  attributes: { body: requiredGraph },
  types: { M: typeSet('I', ['int64']), cond: condition },
  since: 25,
  control: 'loop',
  bodyInputs: (inputs) => ({
    body: [scalarType('int64'), scalarType('bool'), ...inputs.slice(2).flatMap((input) => (input ? [input.type] : []))],
  }),
  type: ({ M, cond, v_initial }, { body }, context) => {
    const carried = v_initial.length;
    if (body.inputs.length !== carried + 2)
      context.fail(`the body has ${body.inputs.length} inputs; expected ${carried + 2}.`);
    if (body.outputs.length < carried + 1)
      context.fail(`the body has ${body.outputs.length} outputs; expected at least ${carried + 1}.`);
    const finals = v_initial.map(({ value }, i) =>
      carriedType(value.type, body.outputs[i + 1]!.type, `loop-carried value ${i}`, context),
    );
    const scans = body.outputs.slice(carried + 1);
    if (scans.length === 0) return finals;
    const count = tripCount(M, cond, body, context, carried);
    return [...finals, ...scans.map(({ type }) => stacked(type, count, context))];
  },
});

function tripCount(
  M: Operand | undefined,
  cond: Operand | undefined,
  body: Graph,
  context: TypeContext,
  carried: number,
): Expr {
  const most = sizesOf(M)?.[0];
  if (most && runsToCount(body, cond?.value)) return most;
  if (most) return context.fresh('trips', most);
  const declared = context.declared[carried];
  if (declared?.kind === 'tensor' && declared.shape[0]) return context.fresh('trips', declared.shape[0]);
  const bound = M && context.sizeOf(M.value);
  if (bound) return context.fresh('trips', bound);
  return context.fail('the number of turns is known only at run time and nothing bounds its scan outputs.');
}

const stacked = (type: Type, count: Expr, context: TypeContext): Type =>
  type.kind === 'tensor' ? { ...type, shape: [count, ...type.shape] } : context.fail('a scan output must be a tensor.');
