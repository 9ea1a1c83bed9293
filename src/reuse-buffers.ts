// Lets a kernel write its result over an input that nobody reads afterwards.
//   y[i] = x[i] + 1, the last reader of x   →   x[i] = x[i] + 1, and y is x
// Only where every element is read at the very index at which it is written.

import type { Expr } from '../ir/expr.ts';
import { exprKey } from '../ir/expr-key.ts';
import { int } from '../ir/expr-make.ts';
import { visitExpr } from '../ir/expr-walk.ts';
import type { Buffer, Kernel, Store } from '../ir/kernel.ts';
import { ownExprs, replaceBuffers, stridesOf, visitStmt, visitStmtExprs } from '../ir/kernel-walk.ts';
import type { Call, Step } from '../ir/program.ts';
import { sameSize } from '../ir/simplify.ts';
import { type Lowered, storageOf, type View } from './lower/lowered.ts';
import { makeKernel } from './lower/make-kernel.ts';

export function reuseBuffers(lowered: Lowered): Lowered {
  const views = new Map(lowered.views);
  const reserved = new Set<Buffer>([
    ...lowered.constants.keys(),
    ...[...lowered.inputs, ...lowered.outputs].map(({ buffer }) => storageOf(buffer, lowered.views)),
  ]);
  const lastUse = lastUses(lowered.body, lowered.views);
  const body = lowered.body.map((step, position): Step => {
    if (step.kind !== 'call') return step;
    const found = reusable(step, position, lastUse, reserved, views);
    if (!found) return step;
    views.set(found.result, { base: found.input, offset: int(0) });
    lastUse.set(storageOf(found.input, views), lastUse.get(found.result) ?? position);
    const merged = replaceBuffers(step.kernel.body, new Map([[found.result, found.input]]));
    const kernel = makeKernel(step.kernel.name, merged);
    return { ...step, kernel, arguments: kernel.params, dims: kernel.dims };
  });
  return { ...lowered, body, views };
}

/** The position of the last top-level step that touches each storage, nested steps included. */
function lastUses(body: readonly Step[], views: ReadonlyMap<Buffer, View>): Map<Buffer, number> {
  const last = new Map<Buffer, number>();
  const note = (step: Step, position: number): void => {
    if (step.kind === 'call') for (const buffer of step.arguments) last.set(storageOf(buffer, views), position);
    for (const expr of expressionsOf(step)) noteLoads(expr, (buffer) => last.set(storageOf(buffer, views), position));
    for (const inner of innerSteps(step)) note(inner, position);
  };
  body.forEach(note);
  return last;
}

const innerSteps = (step: Step): readonly Step[] =>
  step.kind === 'if' ? [...step.then, ...step.otherwise] : step.kind === 'loop' ? step.body : [];

const expressionsOf = (step: Step): readonly Expr[] => {
  if (step.kind === 'let') return [step.value];
  if (step.kind === 'check' || step.kind === 'if') return [step.condition];
  return step.kind === 'loop' ? [step.count, step.condition].filter((expr) => expr !== undefined) : [];
};

function noteLoads(expr: Expr, note: (buffer: Buffer) => void): void {
  visitExpr(expr, (node) => {
    if (node.kind === 'load') note(node.buffer);
    return true;
  });
}

interface Reuse {
  readonly input: Buffer;
  readonly result: Buffer;
}

function reusable(
  { kernel }: Call,
  position: number,
  lastUse: ReadonlyMap<Buffer, number>,
  reserved: ReadonlySet<Buffer>,
  views: ReadonlyMap<Buffer, View>,
): Reuse | undefined {
  const store = onlyStore(kernel);
  const result = store?.buffer;
  if (!store || !result || views.has(result) || reserved.has(result)) return undefined;
  const candidates = kernel.params.filter(
    (input) =>
      input !== result &&
      !views.has(input) &&
      !reserved.has(input) &&
      lastUse.get(input) === position &&
      sameLayout(input, result) &&
      readsInPlace(kernel, input, store),
  );
  return candidates[0] && { input: candidates[0], result };
}

/** The kernel's store to an argument, if it has just one. */
function onlyStore(kernel: Kernel): Store | undefined {
  const stores: Store[] = [];
  visitStmt(kernel.body, (stmt) => {
    if (stmt.kind === 'store' && stmt.buffer.memory === 'argument') stores.push(stmt);
  });
  return stores.length === 1 ? stores[0] : undefined;
}

function sameLayout(a: Buffer, b: Buffer): boolean {
  if (a.dtype !== b.dtype || a.shape.length !== b.shape.length) return false;
  const [x, y] = [stridesOf(a), stridesOf(b)];
  return a.shape.every((extent, axis) => sameSize(extent, b.shape[axis]!) && sameSize(x[axis]!, y[axis]!));
}

/** Every load of the input is of the element being written. */
function readsInPlace(kernel: Kernel, input: Buffer, store: Store): boolean {
  const written = store.indices.map(exprKey).join();
  let same = true;
  visitStmtExprs(kernel.body, (expr) => {
    if (expr.kind === 'load' && expr.buffer === input && expr.indices.map(exprKey).join() !== written) same = false;
    return same;
  });
  return same && inStoreOnly(kernel, input, store);
}

/** No other statement (the update of a reduction, say) reads the input: it might read what is already overwritten. */
function inStoreOnly(kernel: Kernel, input: Buffer, store: Store): boolean {
  let elsewhere = false;
  visitStmt(kernel.body, (stmt) => {
    if (stmt === store) return;
    for (const expr of ownExprs(stmt)) noteLoads(expr, (buffer) => (elsewhere ||= buffer === input));
  });
  return !elsewhere;
}
