// Which constants of a scheduled kernel may become parameters, so that kernels which differ in nothing else are shared.
// Extents and the steps of addresses may: they are used outside of the innermost loop, or once a turn. What makes code
// fast or legal stays: vector widths, unrolled counts, places in registers, divisors. In between are the fixed distances
// of an innermost loop (the rows of a tile, the taps of a window), which are free in an instruction as constants but take
// a register each as parameters; how many a target bears is its own matter.

import type { Const, Expr } from '../ir/expr.ts';
import { constantOf } from '../ir/expr-make.ts';
import { children, visitExpr } from '../ir/expr-walk.ts';
import type { Buffer, Kernel, Loop, Stmt } from '../ir/kernel.ts';
import { innerStmts, isLoop, ownExprs } from '../ir/kernel-walk.ts';

export interface VaryingConstants {
  /** In the order of the kernel; each object once. */
  readonly all: readonly Const[];
  /** Those that are distances within an innermost loop, by loop. */
  readonly distances: ReadonlyMap<Const, readonly Loop[]>;
}

/** Shorter loops are unrolled by compilers. */
const shortest = 9;

interface Search {
  readonly found: Set<Const>;
  readonly fixed: Set<Expr>;
  readonly distances: Map<Const, Loop[]>;
  /** Whether a loop is the innermost one. */
  readonly innermost: Map<Loop, boolean>;
}

export function varyingConstants(kernel: Kernel): VaryingConstants {
  const search: Search = { found: new Set(), fixed: new Set(), distances: new Map(), innermost: new Map() };
  visit(kernel.body, undefined, search);
  const all = [...search.found].filter((item) => !search.fixed.has(item));
  return { all, distances: search.distances };
}

function visit(stmt: Stmt, around: Loop | undefined, search: Search): void {
  const inside = isLoop(stmt) ? stmt : around;
  if (stmt.kind === 'loop') noteExtent(stmt, search);
  else if (stmt.kind === 'store') {
    noteIndices(stmt.buffer, stmt.indices, innermost(around, search), search);
    noteValue(stmt.value, around, search);
  } else for (const expr of ownExprs(stmt)) noteValue(expr, around, search);
  if (stmt.kind === 'alloc') for (const size of stmt.buffer.shape) fix(size, search);
  for (const inner of innerStmts(stmt)) visit(inner, inside, search);
}

/** The loop itself if no other is inside. */
function innermost(loop: Loop | undefined, search: Search): Loop | undefined {
  if (!loop) return undefined;
  const known = search.innermost.get(loop) ?? !hasLoop(loop.body);
  search.innermost.set(loop, known);
  return known ? loop : undefined;
}

const hasLoop = (stmt: Stmt): boolean => isLoop(stmt) || innerStmts(stmt).some(hasLoop);

function noteExtent({ extent }: Loop, search: Search): void {
  const turns = constantOf(extent);
  if (turns !== undefined && turns < shortest) fix(extent, search);
  else noteAddress(extent, undefined, search);
}

/** A value that is computed: only the places that it reads may vary. */
function noteValue(value: Expr, around: Loop | undefined, search: Search): void {
  if (value.dtype === 'index' && value.lanes === 1 && value.kind !== 'load') {
    noteAddress(value, innermost(around, search), search);
    return;
  }
  const loop = innermost(around, search);
  const loads = new Set<Expr>();
  visitExpr(value, (node) => {
    if (node.kind === 'load') {
      noteIndices(node.buffer, node.indices, loop, search);
      loads.add(node);
      return false;
    }
    if (node.kind === 'const') search.fixed.add(node);
    return true;
  });
}

function noteIndices(buffer: Buffer, indices: readonly Expr[], loop: Loop | undefined, search: Search): void {
  for (const index of indices) {
    if (buffer.memory === 'argument') noteAddress(index, loop, search);
    else fix(index, search);
  }
  // Strides of buffers of higher rank follow from their shapes.
  if (buffer.shape.length > 1) for (const size of buffer.shape) fix(size, search);
  for (const stride of buffer.strides ?? []) fix(stride, search);
}

/** `loop` is the innermost loop in which the sum is formed; factors of its terms, and sums outside, vary freely. */
function noteAddress(expr: Expr, loop: Loop | undefined, search: Search): void {
  if (expr.kind === 'const') {
    search.found.add(expr);
    if (loop) search.distances.set(expr, [...(search.distances.get(expr) ?? []), loop]);
  } else if (expr.kind === 'load') noteIndices(expr.buffer, expr.indices, loop, search);
  else if (expr.kind === 'binary' && (expr.op === 'div' || expr.op === 'mod')) {
    noteAddress(expr.left, loop, search);
    fix(expr.right, search);
  } else if (expr.kind === 'binary' && expr.op === 'mul') {
    for (const factor of [expr.left, expr.right]) noteAddress(factor, undefined, search);
  } else for (const child of children(expr)) noteAddress(child, loop, search);
}

function fix(expr: Expr, search: Search): void {
  visitExpr(expr, (node) => {
    if (node.kind === 'const') search.fixed.add(node);
    return true;
  });
}
