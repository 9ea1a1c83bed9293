// Replaces a loop by vector statements, one lane an iteration.
//   for i < 8 { y[j + i] = x[j + i] * a[k] }   →   y[ramp(j)] = x[ramp(j)] * splat(a[k])
// Registers whose last axis the loops index become vector registers. Everything else must be contiguous along the loop
// or not depend on it. A vector condition must not protect a load or a division.

import { isFloat } from '../../ir/dtype.ts';
import type { Expr, Load, Var } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { constantOf, div, int, load, mod, ramp, select, splat, variable } from '../../ir/expr-make.ts';
import { freeVars, loadsOf, mapChildren, visitExpr } from '../../ir/expr-walk.ts';
import { isInside } from '../../ir/inside.ts';
import type { Buffer, Stmt, Store } from '../../ir/kernel.ts';
import {
  allocate,
  block,
  ifThen,
  letIn,
  mapStmt,
  rewriteStmtExprs,
  store,
  substituteStmt,
} from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { linearIn, uses } from './affine.ts';
import { accessesOf, requireIndependent } from './independent.ts';
import { constantExtent, onLoops, ScheduleError, type Step } from './step.ts';

export const vectorize =
  (name: string): Step =>
  (kernel) => {
    const registers = wideRegisters(kernel.body, name);
    const widened = onLoops(kernel, name, (stmt) => {
      const lanes = constantExtent(stmt);
      if ((lanes & (lanes - 1)) !== 0) throw new ScheduleError(`loop ${name} has ${lanes} iterations: no power of two`);
      if (lanes === 1) return substituteStmt(stmt.body, new Map<Var, Expr>([[stmt.index, int(0)]]));
      requireIndependent([stmt], stmt.body);
      return widenStmt(stmt.body, { index: stmt.index, lanes, registers, memo: new Map() });
    });
    return { ...kernel, body: replaceAllocs(widened.body, registers) };
  };

/** Register arrays whose last index is always a loop of that name, and the arrays of vector registers they become. */
function wideRegisters(body: Stmt, name: string): ReadonlyMap<Buffer, Buffer> {
  const found = new Map<Buffer, Buffer>();
  const { loads, stores } = accessesOf(body);
  const accesses = new Map<Buffer, (readonly Expr[])[]>();
  for (const { buffer, indices } of [...loads, ...stores]) {
    if (buffer.memory === 'register') accesses.set(buffer, [...(accesses.get(buffer) ?? []), indices]);
  }
  for (const [buffer, all] of accesses) {
    const width = constantOf(buffer.shape.at(-1) ?? int(0)) ?? 0;
    const lanes = lanesAlong(all, name);
    if (lanes < 2 || (lanes & (lanes - 1)) !== 0 || width % lanes !== 0) continue;
    const rest = width === lanes ? [] : [int(width / lanes)];
    found.set(buffer, { ...buffer, shape: [...buffer.shape.slice(0, -1), ...rest], lanes });
  }
  return found;
}

/** The extent of the loops if each access goes to element `vector * lanes + loop index` of the last axis; else 0. */
function lanesAlong(accesses: readonly (readonly Expr[])[], name: string): number {
  const extents = new Set(accesses.map((indices) => partsOf(indices.at(-1), name)?.lanes ?? 0));
  return extents.size === 1 ? [...extents][0]! : 0;
}

function partsOf(at: Expr | undefined, name: string): { readonly vector: Expr; readonly lanes: number } | undefined {
  const index = at && [...freeVars(at)].find((variable) => variable.name === name);
  const lanes = constantOf(index?.extent ?? int(0));
  const linear = at && index && linearIn(at, index);
  if (!linear || !lanes || constantOf(linear.coefficient) !== 1) return undefined;
  const within = simplify(mod(linear.rest, int(lanes)));
  return constantOf(within) === 0 ? { vector: simplify(div(linear.rest, int(lanes))), lanes } : undefined;
}

const replaceAllocs = (body: Stmt, registers: ReadonlyMap<Buffer, Buffer>): Stmt => {
  const walk = (stmt: Stmt): Stmt => {
    const mapped = mapStmt(stmt, walk);
    const wide = mapped.kind === 'alloc' ? registers.get(mapped.buffer) : undefined;
    return mapped.kind === 'alloc' && wide ? allocate(wide, mapped.body) : mapped;
  };
  return walk(body);
};

interface Widening {
  readonly index: Var;
  readonly lanes: number;
  /** Registers with a last axis for the lanes, and the vector registers that replace them. */
  readonly registers: ReadonlyMap<Buffer, Buffer>;
  readonly memo: Map<Expr, Expr>;
}

function widenStmt(stmt: Stmt, wide: Widening): Stmt {
  const scalar = (expr: Expr, what: string): Expr => {
    const result = widenExpr(expr, wide);
    if (result.lanes !== 1) throw new ScheduleError(`${what} varies along ${wide.index.name}`);
    return result;
  };
  switch (stmt.kind) {
    case 'block':
      return block(stmt.body.map((inner) => widenStmt(inner, wide)));
    case 'store':
      return widenStore(stmt, wide);
    case 'loop':
      return { ...stmt, extent: scalar(stmt.extent, 'an extent'), body: widenStmt(stmt.body, wide) };
    case 'if':
      return ifThen(
        scalar(stmt.condition, 'a condition'),
        widenStmt(stmt.then, wide),
        stmt.otherwise && widenStmt(stmt.otherwise, wide),
      );
    case 'let': {
      const value = widenExpr(stmt.value, wide);
      const { name, dtype, lanes, kind: _, ...bounds } = stmt.variable;
      if (lanes === value.lanes) return letIn(stmt.variable, value, widenStmt(stmt.body, wide));
      if (dtype === 'index') throw new ScheduleError(`the index ${name} varies along ${wide.index.name}`);
      const variable_ = variable(name, dtype, bounds, value.lanes);
      const memo = new Map(wide.memo).set(stmt.variable, variable_);
      return letIn(variable_, value, widenStmt(stmt.body, { ...wide, memo }));
    }
    case 'alloc': {
      // What one iteration owns becomes one vector register, or a stack array with the lanes side by side.
      const { buffer } = stmt;
      if (buffer.memory !== 'register' || (buffer.lanes ?? 1) !== 1) throw new ScheduleError(`${buffer.name} inside`);
      const own: Buffer = { ...buffer, shape: [...buffer.shape, int(wide.lanes)] };
      const vector: Buffer = { ...buffer, lanes: wide.lanes };
      const registers = new Map(wide.registers).set(own, vector);
      const inner = withLastIndex(stmt.body, buffer, own, wide.index);
      return allocate(vector, widenStmt(inner, { ...wide, registers, memo: new Map(wide.memo) }));
    }
    case 'barrier':
    case 'while':
    case 'check':
      throw new ScheduleError(`a ${stmt.kind} inside loop ${wide.index.name}`);
  }
}

function withLastIndex(body: Stmt, from: Buffer, to: Buffer, index: Var): Stmt {
  const loads = rewriteStmtExprs(body, (node) =>
    node.kind === 'load' && node.buffer === from ? load(to, [...node.indices, index]) : undefined,
  );
  const walk = (stmt: Stmt): Stmt =>
    stmt.kind === 'store' && stmt.buffer === from
      ? store(to, [...stmt.indices, index], stmt.value)
      : mapStmt(stmt, walk);
  return walk(loads);
}

function widenStore(stmt: Store, wide: Widening): Stmt {
  const { indices, buffer } = widenAccess(stmt, wide);
  const value = splat(widenExpr(stmt.value, wide), wide.lanes);
  const isVector = (buffer.lanes ?? 1) > 1 || indices.some((at) => at.lanes > 1);
  if (!isVector) throw new ScheduleError(`a store to ${buffer.name} does not vary along ${wide.index.name}`);
  return store(buffer, indices, value);
}

function widenAccess(
  { buffer, indices }: Load | Store,
  wide: Widening,
): { readonly buffer: Buffer; readonly indices: readonly Expr[] } {
  const register = wide.registers.get(buffer);
  if (register) {
    const vector = partsOf(indices.at(-1), wide.index.name)?.vector;
    const at = register.shape.length < indices.length ? indices.slice(0, -1) : [...indices.slice(0, -1), vector!];
    return { buffer: register, indices: at.map((index) => invariant(index, wide)) };
  }
  const last = indices.length - 1;
  return { buffer, indices: indices.map((at, axis) => (axis === last ? contiguous(at, wide) : invariant(at, wide))) };
}

function invariant(at: Expr, wide: Widening): Expr {
  if (uses(at, wide.index)) throw new ScheduleError(`an access is not contiguous along ${wide.index.name}`);
  const result = widenExpr(at, wide);
  if (result.lanes !== 1) throw new ScheduleError(`an access is not contiguous along ${wide.index.name}`);
  return result;
}

/** The index of neighbouring elements, or one that does not vary. */
function contiguous(at: Expr, wide: Widening): Expr {
  if (!uses(at, wide.index)) return invariant(at, wide);
  const linear = linearIn(at, wide.index);
  if (!linear || constantOf(linear.coefficient) !== 1) {
    throw new ScheduleError(`an access is not contiguous along ${wide.index.name}`);
  }
  return ramp(invariant(linear.rest, wide), 1, wide.lanes);
}

function widenExpr(expr: Expr, wide: Widening): Expr {
  const known = wide.memo.get(expr);
  if (known) return known;
  const result = widenNode(expr, wide);
  if (result.lanes !== 1 && result.dtype === 'index' && result.kind !== 'ramp' && result.kind !== 'splat') {
    throw new ScheduleError(`index arithmetic along ${wide.index.name}`);
  }
  wide.memo.set(expr, result);
  return result;
}

function widenNode(expr: Expr, wide: Widening): Expr {
  switch (expr.kind) {
    case 'var':
      if (expr === wide.index) throw new ScheduleError(`${expr.name} is used as a value`);
      return expr;
    case 'load': {
      const { buffer, indices } = widenAccess(expr, wide);
      return load(buffer, indices);
    }
    case 'select': {
      const condition = widenExpr(expr.condition, wide);
      const whenTrue = widenExpr(expr.whenTrue, wide);
      const whenFalse = widenExpr(expr.whenFalse, wide);
      if (condition.lanes > 1) {
        const always = new Set<string>(loadsOf(condition).map(exprKey));
        for (const branch of [whenTrue, whenFalse]) requireHarmless(branch, always);
      }
      return select(condition, whenTrue, whenFalse);
    }
    default:
      return mapChildren(expr, (child) => widenExpr(child, wide));
  }
}

/** Both branches of a Select with a vector condition are evaluated: nothing in them may need the condition. */
function requireHarmless(branch: Expr, always: ReadonlySet<string>): void {
  visitExpr(branch, (node) => {
    if (node.kind === 'load' && !always.has(exprKey(node)) && !isInside(node.buffer, node.indices)) {
      throw new ScheduleError(`a vector condition protects a load of ${node.buffer.name}`);
    }
    if (node.kind === 'call' && node.callee === 'fail')
      throw new ScheduleError('a vector condition decides of failure');
    if (node.kind === 'binary' && (node.op === 'div' || node.op === 'mod') && !isFloat(node.dtype)) {
      if (!constantOf(node.right)) throw new ScheduleError('a vector condition protects a division');
    }
    return true;
  });
}
