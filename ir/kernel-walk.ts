// Walking and rewriting statements.

import type { Expr, Var } from './expr.ts';
import { add, constantOf, IrError, int, load, mul } from './expr-make.ts';
import { rewriteExpr, visitExpr } from './expr-walk.ts';
import type { Alloc, Block, Buffer, Check, If, Kernel, Let, Loop, LoopKind, Stmt, Store, While } from './kernel.ts';

export const loop = (index: Var, body: Stmt, as: LoopKind = 'serial'): Stmt => {
  if (!index.extent) throw new IrError(`loop index ${index.name} has no extent`);
  const count = constantOf(index.extent);
  if (count !== undefined && count <= 0) return block([]);
  return { kind: 'loop', index, extent: index.extent, as, body };
};
/** Loops around `body`, the first index outermost. */
export const loops = (indices: readonly Var[], body: Stmt): Stmt =>
  indices.reduceRight((inner, index) => loop(index, inner), body);

export function store(buffer: Buffer, indices: readonly Expr[], value: Expr): Store {
  if (indices.length !== buffer.shape.length) {
    throw new IrError(`store to ${buffer.name}: ${indices.length} indices for rank ${buffer.shape.length}`);
  }
  if (value.dtype !== buffer.dtype) throw new IrError(`store of ${value.dtype} to ${buffer.name} of ${buffer.dtype}`);
  return { kind: 'store', buffer, indices, value };
}
/** Nested blocks are joined; a block of one statement is that statement. */
export function block(body: readonly Stmt[]): Stmt {
  const flat = body.flatMap((stmt) => (stmt.kind === 'block' ? stmt.body : [stmt]));
  return flat.length === 1 ? flat[0]! : ({ kind: 'block', body: flat } satisfies Block);
}
export const letIn = (variable: Var, value: Expr, body: Stmt): Let => ({ kind: 'let', variable, value, body });
export const allocate = (buffer: Buffer, body: Stmt): Alloc => ({ kind: 'alloc', buffer, body });
export const check = (condition: Expr, code: Check['code']): Check => ({ kind: 'check', condition, code });
export const whileLoop = (condition: Expr, body: Stmt): While => ({ kind: 'while', condition, body });
export function ifThen(condition: Expr, then: Stmt, otherwise?: Stmt): Stmt {
  const known = constantOf(condition);
  if (known !== undefined) return known !== 0 ? then : (otherwise ?? block([]));
  return { kind: 'if', condition, then, ...(otherwise ? { otherwise } : {}) } satisfies If;
}

/** The statements directly inside. */
export function innerStmts(stmt: Stmt): readonly Stmt[] {
  switch (stmt.kind) {
    case 'loop':
    case 'while':
    case 'let':
    case 'alloc':
      return [stmt.body];
    case 'block':
      return stmt.body;
    case 'if':
      return stmt.otherwise ? [stmt.then, stmt.otherwise] : [stmt.then];
    case 'store':
    case 'barrier':
    case 'check':
      return [];
  }
}

/** The expressions that a statement itself evaluates (not those of its inner statements). */
export function ownExprs(stmt: Stmt): readonly Expr[] {
  switch (stmt.kind) {
    case 'loop':
      return [stmt.extent];
    case 'while':
    case 'if':
    case 'check':
      return [stmt.condition];
    case 'let':
      return [stmt.value];
    case 'store':
      return [...stmt.indices, stmt.value];
    case 'alloc':
    case 'block':
    case 'barrier':
      return [];
  }
}

/** Every statement, parents first. */
export function visitStmt(stmt: Stmt, visit: (stmt: Stmt) => void): void {
  visit(stmt);
  for (const inner of innerStmts(stmt)) visitStmt(inner, visit);
}

/** Every expression object in a statement tree, each once. */
export function visitStmtExprs(stmt: Stmt, visit: (expr: Expr) => boolean | undefined): void {
  const seen = new Set<Expr>();
  visitStmt(stmt, (inner) => {
    for (const expr of ownExprs(inner)) visitExpr(expr, visit, seen);
  });
}

/**
 * One statement with mapped inner statements and expressions; the statement itself where the maps change nothing, so
 * that what is known of it stays known.
 */
export function mapStmt(stmt: Stmt, mapInner: (stmt: Stmt) => Stmt, mapExpr: (expr: Expr) => Expr = same): Stmt {
  switch (stmt.kind) {
    case 'loop': {
      const extent = mapExpr(stmt.extent);
      const body = mapInner(stmt.body);
      return extent === stmt.extent && body === stmt.body ? stmt : { ...stmt, extent, body };
    }
    case 'while': {
      const condition = mapExpr(stmt.condition);
      const body = mapInner(stmt.body);
      return condition === stmt.condition && body === stmt.body ? stmt : { ...stmt, condition, body };
    }
    case 'let': {
      const value = mapExpr(stmt.value);
      const body = mapInner(stmt.body);
      return value === stmt.value && body === stmt.body ? stmt : { ...stmt, value, body };
    }
    case 'alloc': {
      const body = mapInner(stmt.body);
      return body === stmt.body ? stmt : { ...stmt, body };
    }
    case 'block': {
      const body = mapAll(stmt.body, mapInner);
      return body === stmt.body ? stmt : block(body);
    }
    case 'if': {
      const condition = mapExpr(stmt.condition);
      const then = mapInner(stmt.then);
      const otherwise = stmt.otherwise && mapInner(stmt.otherwise);
      const unchanged = condition === stmt.condition && then === stmt.then && otherwise === stmt.otherwise;
      return unchanged ? stmt : ifThen(condition, then, otherwise);
    }
    case 'store': {
      const indices = mapAll(stmt.indices, mapExpr);
      const value = mapExpr(stmt.value);
      return indices === stmt.indices && value === stmt.value ? stmt : { ...stmt, indices, value };
    }
    case 'check': {
      const condition = mapExpr(stmt.condition);
      return condition === stmt.condition ? stmt : { ...stmt, condition };
    }
    case 'barrier':
      return stmt;
  }
}

const same = (expr: Expr): Expr => expr;

/** The list itself where `map` gives back every item. */
function mapAll<Item>(items: readonly Item[], map: (item: Item) => Item): readonly Item[] {
  let mapped: Item[] | undefined;
  for (const [i, item] of items.entries()) {
    const result = map(item);
    if (result !== item) mapped ??= [...items];
    if (mapped) mapped[i] = result;
  }
  return mapped ?? items;
}

/** Rewrites every expression of a tree, bottom-up; the memo spans the whole tree. */
export function rewriteStmtExprs(stmt: Stmt, rule: (expr: Expr) => Expr | undefined): Stmt {
  const memo = new Map<Expr, Expr>();
  const mapExpr = (expr: Expr): Expr => rewriteExpr(expr, rule, memo);
  const walk = (inner: Stmt): Stmt => mapStmt(inner, walk, mapExpr);
  return walk(stmt);
}

export const substituteStmt = (stmt: Stmt, values: ReadonlyMap<Var, Expr>): Stmt =>
  rewriteStmtExprs(stmt, (node) => (node.kind === 'var' ? values.get(node) : undefined));

/** Replaces buffers, in loads, stores and allocations alike. */
export function replaceBuffers(stmt: Stmt, buffers: ReadonlyMap<Buffer, Buffer>): Stmt {
  const rewritten = rewriteStmtExprs(stmt, (node) => {
    const replacement = node.kind === 'load' ? buffers.get(node.buffer) : undefined;
    return node.kind === 'load' && replacement ? load(replacement, node.indices) : undefined;
  });
  const walk = (inner: Stmt): Stmt => {
    const mapped = mapStmt(inner, walk);
    if (mapped.kind !== 'store' && mapped.kind !== 'alloc') return mapped;
    const replacement = buffers.get(mapped.buffer);
    return replacement ? { ...mapped, buffer: replacement } : mapped;
  };
  return walk(rewritten);
}

/** The buffers that a kernel writes. */
export function writtenBuffers(kernel: Kernel): ReadonlySet<Buffer> {
  const written = new Set<Buffer>();
  visitStmt(kernel.body, (stmt) => {
    if (stmt.kind === 'store') written.add(stmt.buffer);
  });
  return written;
}

/** Whether running the kernel can report an error. */
export function canFail(kernel: Kernel): boolean {
  let found = false;
  visitStmt(kernel.body, (stmt) => {
    if (stmt.kind === 'check') found = true;
  });
  visitStmtExprs(kernel.body, (expr) => {
    if (expr.kind === 'call' && expr.callee === 'fail') found = true;
    return !found;
  });
  return found;
}

export const isLoop = (stmt: Stmt): stmt is Loop => stmt.kind === 'loop';

/** Elements between neighbours along each axis of a buffer. */
export function stridesOf(buffer: Buffer): readonly Expr[] {
  if (buffer.strides) return buffer.strides;
  const strides: Expr[] = [];
  let step: Expr = int(1);
  for (const extent of [...buffer.shape].reverse()) {
    strides.unshift(step);
    step = mul(step, extent);
  }
  return strides;
}

/** The element offset from the buffer's start; a vector where the last index is one. */
export function addressOf(buffer: Buffer, indices: readonly Expr[]): Expr {
  const strides = stridesOf(buffer);
  return indices.reduce((sum, index, axis) => add(sum, mul(index, strides[axis]!)), int(0) as Expr);
}
