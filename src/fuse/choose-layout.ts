// Chooses the order in which each value's axes lie in memory. The graph keeps its logical shapes; only strides change,
// so every operator works in every layout, and a Transpose between two layouts costs nothing.
//
// Contractions and windows vote: the axis that only the weights have (output channels) and the axis that is read
// plainly (channels of a depthwise window) want to be innermost, in the result and in the operand. The others follow
// the values that they are read with. Graph inputs and outputs stay row-major: that is the user's side.
// This gives channels last inside of networks that are written channels first.

import type { Expr, Var } from '../../ir/expr.ts';
import { contains, freeVars } from '../../ir/expr-walk.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import { type Access, accessOf, type Read } from './access.ts';
import { estimate, estimateElements } from './estimate.ts';
import { reachable } from './reachable.ts';

/** For each value that is not row-major: its axes, outermost first. */
export type Layouts = ReadonlyMap<Value, readonly number[]>;

/** Votes for the innermost axis of a value. */
type Votes = Map<Value, Map<number, number>>;

export interface LayoutChoice {
  readonly layouts: Layouts;
  /** What outputs would like, which stay row-major. */
  readonly wishes: Layouts;
}

export function chooseLayouts(graph: Graph): LayoutChoice {
  const order = reachable(graph.outputs, graph.captures);
  const accesses = order.map(accessOf).filter((access) => access !== undefined);
  const fixed = new Set<Value>(graph.inputs);
  const votes: Votes = new Map();
  for (const access of accesses) castVotes(access, votes);
  const innermost = new Map<Value, number>();
  for (const [value, wanted] of votes) {
    const best = [...wanted].sort(([, a], [, b]) => b - a)[0];
    if (best && !fixed.has(value)) innermost.set(value, best[0]);
  }
  propagate(accesses, innermost, fixed);
  const layouts = new Map<Value, readonly number[]>();
  const wishes = new Map<Value, readonly number[]>();
  const outputs = new Set(graph.outputs);
  for (const [value, axis] of innermost) {
    const rank = value.type.kind === 'tensor' ? value.type.shape.length : 0;
    if (value.constant || axis === rank - 1) continue;
    const order = [...Array(rank).keys()].filter((other) => other !== axis).concat(axis);
    (outputs.has(value) ? wishes : layouts).set(value, order);
  }
  return { layouts, wishes };
}

function vote(votes: Votes, value: Value, axis: number, weight: number): void {
  const own = votes.get(value) ?? new Map<number, number>();
  own.set(axis, (own.get(axis) ?? 0) + weight);
  votes.set(value, own);
}

/** The position at which `variable` alone is the index of a read. */
const plainAxis = (read: Read, variable: Expr): number => read.indices.indexOf(variable);

const usesVar = (read: Read, variable: Var): boolean => read.indices.some((index) => freeVars(index).has(variable));

function castVotes(access: Access, votes: Votes): void {
  const inside = access.reads.filter(({ axes }) => axes.length > 0);
  if (inside.length === 0 || !inside.some(({ reuse }) => reuse > 1.5)) return;
  const depth = inside[0]!.axes.reduce((product, axis) => product * estimate(axis.extent!), 1);
  const weight = estimateElements(access.value) * depth;
  const [a, b] = operands(inside);
  if (a && b) {
    const columns = access.indices.filter(
      (index) => usesVar(b, index) && !usesVar(a, index) && plainAxisOrDivided(b, index),
    );
    const widest = largest(columns);
    if (widest) {
      vote(votes, access.value, access.indices.indexOf(widest), weight);
      const column = plainAxis(b, widest);
      if (column >= 0 && !b.source.constant) vote(votes, b.source, column, weight);
      voteReduced(a, votes, weight);
      return;
    }
    // A single column: only the operand has a wish.
    if (voteReduced(a, votes, weight)) return;
  }
  voteWindow(access, a ?? inside[0]!, b, votes, weight);
}

/** The largest axis that is summed plainly wants to be innermost in the data. */
function voteReduced(read: Read, votes: Votes, weight: number): boolean {
  const reduced = largest(read.axes.filter((axis) => plainAxis(read, axis) >= 0));
  if (reduced) vote(votes, read.source, plainAxis(read, reduced), weight);
  return reduced !== undefined;
}

/** Windows and depthwise convolutions: the axis that is neither slid over nor the batch. */
function voteWindow(access: Access, read: Read, weights: Read | undefined, votes: Votes, weight: number): void {
  const slid = access.indices.some((index) => usesVar(read, index) && plainAxis(read, index) < 0);
  if (!slid) return;
  const plain = access.indices.filter((index) => plainAxis(read, index) >= 0 && estimate(index.extent!) > 1);
  // The batch has the same weights everywhere. Where there are none, it is the outermost axis.
  const channel = plain.findLast((index) => (weights ? usesVar(weights, index) : plainAxis(read, index) > 0));
  if (!channel) return;
  vote(votes, access.value, access.indices.indexOf(channel), weight);
  vote(votes, read.source, plainAxis(read, channel), weight);
}

/** The data and the weights of a product: the weights are what is constant, or what the fewest output axes move over. */
function operands(reads: readonly Read[]): readonly (Read | undefined)[] {
  if (reads.length < 2) return [reads[0], undefined];
  const [first, second] = reads as readonly [Read, Read];
  if (second.source.constant || !first.source.constant) return [first, second];
  return [second, first];
}

const plainAxisOrDivided = (read: Read, index: Var): boolean =>
  read.indices.some((position) => position === index || contains(position, (node) => node === index));

const largest = (axes: readonly Var[]): Var | undefined =>
  [...axes].sort((x, y) => estimate(y.extent!) - estimate(x.extent!))[0];

/** Values without a wish of their own follow their neighbours: forwards, backwards, forwards again. */
function propagate(accesses: readonly Access[], innermost: Map<Value, number>, fixed: ReadonlySet<Value>): void {
  const forwards = (access: Access): void => {
    if (innermost.has(access.value)) return;
    const reads = [...access.reads].sort((x, y) => estimateElements(y.source) - estimateElements(x.source));
    for (const read of reads) {
      const axis = innermost.get(read.source);
      const index = axis === undefined ? undefined : read.indices[axis];
      const own = index === undefined ? -1 : ownAxis(access, index);
      if (own >= 0) {
        innermost.set(access.value, own);
        return;
      }
    }
  };
  const backwards = (access: Access): void => {
    const axis = innermost.get(access.value);
    if (axis === undefined) return;
    for (const read of access.reads) {
      if (innermost.has(read.source) || fixed.has(read.source) || read.source.constant) continue;
      const at = read.indices.findIndex((index) => ownAxis(access, index) === axis);
      if (at >= 0) innermost.set(read.source, at);
    }
  };
  for (const access of accesses) forwards(access);
  for (const access of [...accesses].reverse()) backwards(access);
  for (const access of accesses) forwards(access);
}

/** The own axis that an index runs along: the variable itself, or shifted by a constant (Slice, Pad, Concat). */
function ownAxis(access: Access, index: Expr): number {
  if (index.kind === 'var') return access.indices.indexOf(index);
  if (index.kind === 'binary' && (index.op === 'add' || index.op === 'sub') && index.right.kind === 'const') {
    return ownAxis(access, index.left);
  }
  return -1;
}
