// What a schedule step is: a function from kernels to kernels that keeps the meaning or throws ScheduleError, and the
// few ways in which steps reach loops. Loops are addressed by name; copies made by a step keep the names, so one later
// step reaches them all.

import type { Expr, Var } from '../../ir/expr.ts';
import { constantOf, load, variable } from '../../ir/expr-make.ts';
import { rewriteExpr } from '../../ir/expr-walk.ts';
import type { Buffer, Kernel, Loop, LoopKind, Stmt } from '../../ir/kernel.ts';
import { allocate, block, isLoop, letIn, loop, mapStmt, store, visitStmt } from '../../ir/kernel-walk.ts';

/** The step does not apply: the kernel is left as it was. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
}

export type Step = (kernel: Kernel) => Kernel;

export const applySteps = (kernel: Kernel, steps: readonly Step[]): Kernel =>
  steps.reduce((current, step) => step(current), kernel);

/** Rewrites each outermost loop that has the name; at least one must exist. */
export function onLoops(kernel: Kernel, name: string, rewrite: (loop: Loop) => Stmt): Kernel {
  let found = false;
  const walk = (stmt: Stmt): Stmt => {
    if (isLoop(stmt) && stmt.index.name === name) {
      found = true;
      return rewrite(stmt);
    }
    return mapStmt(stmt, walk);
  };
  const body = walk(kernel.body);
  if (!found) throw new ScheduleError(`no loop ${name} in ${kernel.name}`);
  return { ...kernel, body };
}

export const makeLoop = (name: string, extent: Expr, body: (index: Var) => Stmt, as: LoopKind = 'serial'): Stmt => {
  const index = variable(name, 'index', { extent });
  return loop(index, body(index), as);
};

/** The number of iterations, which must be known. */
export function constantExtent(stmt: Loop): number {
  const extent = constantOf(stmt.extent);
  if (extent === undefined) throw new ScheduleError(`the extent of loop ${stmt.index.name} is not constant`);
  return extent;
}

/**
 * A copy with its own loop indices, let variables and allocated buffers, in which `values` replace variables. So copies
 * of one loop body never bind the same variable twice.
 */
export function instantiate(stmt: Stmt, values: ReadonlyMap<Var, Expr> = new Map()): Stmt {
  return copy(stmt, { values, buffers: new Map(), memo: new Map() });
}

interface Renaming {
  readonly values: ReadonlyMap<Var, Expr>;
  readonly buffers: ReadonlyMap<Buffer, Buffer>;
  readonly memo: Map<Expr, Expr>;
}

const withValue = (names: Renaming, from: Var, to: Expr): Renaming => ({
  values: new Map([...names.values, [from, to]]),
  buffers: names.buffers,
  memo: new Map(),
});

function copy(stmt: Stmt, names: Renaming): Stmt {
  const expr = (value: Expr): Expr => renameExpr(value, names);
  switch (stmt.kind) {
    case 'loop': {
      const extent = expr(stmt.extent);
      const index = variable(stmt.index.name, stmt.index.dtype, { extent });
      return loop(index, copy(stmt.body, withValue(names, stmt.index, index)), stmt.as);
    }
    case 'let': {
      const { name, dtype, lanes, kind: _, ...bounds } = stmt.variable;
      const fresh = variable(name, dtype, bounds, lanes);
      return letIn(fresh, expr(stmt.value), copy(stmt.body, withValue(names, stmt.variable, fresh)));
    }
    case 'alloc': {
      const fresh: Buffer = { ...stmt.buffer, shape: stmt.buffer.shape.map(expr) };
      const inner = { ...names, buffers: new Map([...names.buffers, [stmt.buffer, fresh]]), memo: new Map() };
      return allocate(fresh, copy(stmt.body, inner));
    }
    case 'store':
      return store(names.buffers.get(stmt.buffer) ?? stmt.buffer, stmt.indices.map(expr), expr(stmt.value));
    default:
      return mapStmt(stmt, (inner) => copy(inner, names), expr);
  }
}

function renameExpr(value: Expr, { values, buffers, memo }: Renaming): Expr {
  if (values.size === 0 && buffers.size === 0) return value;
  return rewriteExpr(
    value,
    (node) => {
      if (node.kind === 'var') return values.get(node);
      const buffer = node.kind === 'load' ? buffers.get(node.buffer) : undefined;
      return node.kind === 'load' && buffer ? load(buffer, node.indices) : undefined;
    },
    memo,
  );
}

/** The loops from `stmt` inward while each is the whole body of the one before, and what is inside them. */
export function perfectNest(stmt: Stmt): { readonly loops: readonly Loop[]; readonly body: Stmt } {
  const loops: Loop[] = [];
  let body = stmt;
  while (isLoop(body)) {
    loops.push(body);
    body = body.body;
  }
  return { loops, body };
}

/** Puts the loops, with their kinds, back around a body. */
export const aroundBody = (loops: readonly Loop[], body: Stmt): Stmt =>
  loops.reduceRight<Stmt>((inner, { index, as }) => loop(index, inner, as), body);

/** A block, flattened; a single statement stands for itself. */
export const statementsOf = (stmt: Stmt): readonly Stmt[] => (stmt.kind === 'block' ? stmt.body : [stmt]);

export const blockOf = (body: readonly Stmt[]): Stmt => block(body);

export function hasLoop(kernel: Kernel, name: string): boolean {
  let found = false;
  visitStmt(kernel.body, (stmt) => {
    if (isLoop(stmt) && stmt.index.name === name) found = true;
  });
  return found;
}
