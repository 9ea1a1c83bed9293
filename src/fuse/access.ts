// What a computed value's own definition reads, and how: the facts that fusion and layouts are decided on.

import type { Expr, Load, Var } from '../../ir/expr.ts';
import { indexVar } from '../../ir/expr-make.ts';
import { children } from '../../ir/expr-walk.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { definitionOf, isComputed, tensorType } from '../lower/definition.ts';
import { valueBehind } from '../ops/elements.ts';
import { estimate, estimateElements } from './estimate.ts';

export interface Read {
  readonly source: Value;
  readonly indices: readonly Expr[];
  /** Axes of the reductions around. */
  readonly axes: readonly Var[];
  /** In a branch of a Select: performed for some elements only. */
  readonly guarded: boolean;
  /** Times that an element of the source is read, on average, over the whole value. */
  readonly reuse: number;
}

export interface Access {
  readonly value: Value;
  readonly indices: readonly Var[];
  readonly definition: Expr;
  readonly reads: readonly Read[];
  readonly reduces: boolean;
  /** Work for one element, in additions, reductions not multiplied by their extents. */
  readonly work: number;
  /** The definition is a Load: it only renames elements. */
  readonly movement: boolean;
}

const callWork = 12;

// Values never change, and several decisions look at the same ones.
const known = new WeakMap<Value, Access>();

export function accessOf(value: Value): Access | undefined {
  if (!isComputed(value)) return undefined;
  const access = known.get(value) ?? findAccess(value);
  known.set(value, access);
  return access;
}

function findAccess(value: Value): Access {
  const indices = tensorType(value).shape.map((extent, axis) => indexVar(`i${axis}`, extent));
  const definition = simplify(definitionOf(value, indices));
  const reads: Read[] = [];
  const elements = estimateElements(value);
  const found = { reduces: false, work: 0 };
  const seen = new Map<Expr, boolean>();
  const visit = (node: Expr, axes: readonly Var[], guarded: boolean): void => {
    // A shared node is counted again only where it is less guarded than before.
    if (seen.get(node) === false || seen.get(node) === guarded) return;
    seen.set(node, guarded);
    if (node.dtype !== 'index' && node.dtype !== 'bool') found.work += workOf(node);
    if (node.kind === 'load') reads.push(readOf(node, axes, guarded, elements));
    if (node.kind === 'reduce') {
      found.reduces = true;
      visit(node.body, [...axes, ...node.axes], guarded);
      return;
    }
    if (node.kind === 'select') {
      visit(node.condition, axes, guarded);
      visit(node.whenTrue, axes, true);
      visit(node.whenFalse, axes, true);
      return;
    }
    for (const child of children(node)) visit(child, axes, guarded);
  };
  visit(definition, [], false);
  return { value, indices, definition, reads, ...found, movement: definition.kind === 'load' };
}

function workOf(node: Expr): number {
  if (node.kind === 'call') return node.callee === 'fail' ? 0 : callWork;
  if (node.kind === 'binary') return node.op === 'div' ? 4 : 1;
  if (node.kind === 'unary') return node.op === 'sqrt' ? 4 : 1;
  return node.kind === 'select' || node.kind === 'cast' ? 1 : 0;
}

function readOf(node: Load, axes: readonly Var[], guarded: boolean, elements: number): Read {
  const source = valueBehind(node.buffer)!;
  const times = axes.reduce((product, axis) => product * estimate(axis.extent!), 1);
  const reuse = (elements * times) / Math.max(1, estimateElements(source));
  return { source, indices: node.indices, axes, guarded, reuse };
}
