// Carries out what `host` found: which values live inside of which, and the kernels for what is left to write.

import type { Expr } from '../../ir/expr.ts';
import { add, constantOf, indexVar, int, load, sub } from '../../ir/expr-make.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import type { Stmt } from '../../ir/kernel.ts';
import { block, loops, store } from '../../ir/kernel-walk.ts';
import type { Step } from '../../ir/program.ts';
import { simplify } from '../../ir/simplify.ts';
import { accessOf } from '../fuse/access.ts';
import { isComputed, tensorType } from './definition.ts';
import { type Hosting, hostingOf, type Part } from './host.ts';
import { makeKernel } from './make-kernel.ts';
import { callOf, type FusionPlan, type HostPlan, type LowerState, readable } from './state.ts';
import { physicalOrder, storageFor } from './storage.ts';

export function planHosts(graph: Graph, plan: FusionPlan): HostPlan {
  const hosted = new Map<Value, { readonly host: Value; readonly offset: readonly Expr[] }>();
  const hosts = new Map<Value, Hosting>();
  const kept = new Set(plan.materialized);
  const taken = new Set<Value>([...graph.inputs, ...graph.outputs]);
  // Readers first: a value inside of a value inside of a host.
  for (const host of [...plan.materialized].reverse()) {
    const access = isComputed(host) ? accessOf(host) : undefined;
    const hosting = access && hostingOf(access);
    if (!hosting?.parts.some(({ source }) => kept.has(source))) continue;
    if (hosting.parts.some(({ source }) => !kept.has(source) && isComputed(source))) continue;
    hosts.set(host, hosting);
    for (const { source, offset } of hosting.parts) {
      if (taken.has(source) || !kept.has(source) || source.constant || !canMove(source, host, plan)) continue;
      taken.add(source);
      hosted.set(source, { host, offset });
    }
  }
  return { hosted, hosts };
}

/** Its kernel must write it in the host's layout; a pure renaming is better off as a view. */
function canMove(source: Value, host: Value, plan: FusionPlan): boolean {
  if (!isComputed(source)) return false;
  const same = physicalOrder(source, plan.layouts).join() === physicalOrder(host, plan.layouts).join();
  return same && tensorType(source).dtype === tensorType(host).dtype;
}

/** Kernels that write what no hosted value writes: parts that live elsewhere, and the filling around a part. */
export function fillHost(host: Value, hosting: Hosting, state: LowerState): readonly Step[] {
  const steps: Step[] = [];
  for (const part of hosting.parts) {
    // A source that stands in several parts lives in one of them.
    if (state.hosts.hosted.get(part.source)?.offset !== part.offset)
      steps.push(callOf(makeKernel('copy', copyPart(host, part, state))));
  }
  if (hosting.fill !== undefined) {
    const slabs = borders(host, hosting.parts[0]!, hosting.fill, state);
    if (slabs.length > 0) steps.push(callOf(makeKernel('border', block(slabs))));
  }
  return steps;
}

/** for box { host[box + offset[axis]] = value } over a box, in the host's layout. */
function writeBox(
  host: Value,
  offset: readonly Expr[],
  extents: readonly Expr[],
  value: (index: readonly Expr[]) => Expr,
  state: LowerState,
): Stmt {
  const inside = extents.map((extent, axis) => (constantOf(extent) === 1 ? int(0) : indexVar(`i${axis}`, extent)));
  const order = physicalOrder(host, state.storage.layouts).map((axis) => inside[axis]!);
  const target = inside.map((index, axis) => simplify(add(index, offset[axis]!)));
  const body = store(storageFor(host, state.storage), target, value(inside));
  return loops(
    order.filter((index) => index.kind === 'var'),
    body,
  );
}

const copyPart = (host: Value, part: Part, state: LowerState): Stmt => {
  const buffer = readable(part.source, state);
  return writeBox(host, part.offset, buffer.shape, (index) => load(buffer, index), state);
};

/** The host minus the part's box, as slabs: axis by axis what lies before and behind, inside of the axes done. */
function borders(host: Value, { source, offset }: Part, fill: Expr, state: LowerState): readonly Stmt[] {
  const whole = tensorType(host).shape;
  const inner = tensorType(source).shape;
  const slabs: Stmt[] = [];
  for (const axis of whole.keys()) {
    const end = simplify(add(offset[axis]!, inner[axis]!));
    const before = { from: int(0) as Expr, extent: offset[axis]! };
    const behind = { from: end, extent: simplify(sub(whole[axis]!, end)) };
    for (const { from, extent } of [before, behind]) {
      if (constantOf(extent) === 0) continue;
      // Axes already done are covered by their own slabs: keep to the part there.
      const starts = whole.map((_, other) => (other === axis ? from : other < axis ? offset[other]! : int(0)));
      const extents = whole.map((size, other) => (other === axis ? extent : other < axis ? inner[other]! : size));
      slabs.push(writeBox(host, starts, extents, () => fill, state));
    }
  }
  return slabs;
}
