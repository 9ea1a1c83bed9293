// The rules of kernels, checked between passes. Gives all problems that it finds, each with the statement it is in;
// none means that printers and the evaluator can take the kernel.

import type { Expr, Load, Var } from './expr.ts';
import { constantOf } from './expr-make.ts';
import { printExpr, printType } from './expr-print.ts';
import { accessProblems, typeProblems } from './expr-verify.ts';
import { children, freeVars } from './expr-walk.ts';
import type { Alloc, Buffer, Kernel, Let, Loop, Stmt, Store } from './kernel.ts';
import { printHead } from './kernel-print.ts';
import { ownExprs } from './kernel-walk.ts';

export interface VerifyOptions {
  /** No Reduce is left: true once the kernel is lowered. */
  readonly noReduce?: boolean;
  /** Indices of register buffers are constant: true once loops are unrolled. */
  readonly registersConstant?: boolean;
}

/** What may be used at some place. */
interface Scope {
  readonly vars: ReadonlySet<Var>;
  readonly buffers: ReadonlySet<Buffer>;
}

interface Check {
  readonly options: VerifyOptions;
  readonly report: (problem: string, where?: Stmt) => void;
  /** Expressions whose types have been looked at. */
  readonly typed: Set<Expr>;
}

export function verifyKernel(kernel: Kernel, options: VerifyOptions = {}): string[] {
  const problems = new Set<string>();
  const report = (problem: string, where?: Stmt): void => {
    problems.add(where ? `${problem}, in: ${printHead(where)}` : problem);
  };
  const check: Check = { options, report, typed: new Set() };
  verifyHead(kernel, check);
  verifyStmt(kernel.body, { vars: new Set(kernel.dims), buffers: new Set(kernel.params) }, check);
  return [...problems];
}

function verifyHead(kernel: Kernel, check: Check): void {
  const heads = new Set<Buffer | Var>();
  for (const head of [...kernel.params, ...kernel.dims]) {
    if (heads.has(head)) check.report(`${head.name} is twice among params and dims`);
    heads.add(head);
  }
  for (const dim of kernel.dims) {
    if (dim.dtype !== 'index' || dim.lanes !== 1) check.report(`the dim ${dim.name} is ${typeOf(dim)}`);
  }
  const scope: Scope = { vars: new Set(kernel.dims), buffers: new Set() };
  for (const param of kernel.params) {
    if (param.memory !== 'argument') check.report(`the param ${param.name} has memory ${param.memory}`);
    // A kernel need not know the sizes of a parameter: only those that its addresses use are among its dims.
    const sizes = [...param.shape, ...(param.strides ?? [])].flatMap((size) => [...freeVars(size)]);
    verifyBuffer(param, { ...scope, vars: new Set([...scope.vars, ...sizes]) }, check);
  }
}

const typeOf = ({ dtype, lanes }: Pick<Expr, 'dtype' | 'lanes'>): string => printType(dtype, lanes);

/** Sizes and strides are scalars over the variables in scope. */
function verifyBuffer(buffer: Buffer, scope: Scope, check: Check, where?: Stmt): void {
  const { name, shape, strides, lanes } = buffer;
  if (strides && strides.length !== shape.length) {
    check.report(`${name} has ${strides.length} strides for rank ${shape.length}`, where);
  }
  if ((lanes ?? 1) > 1 && buffer.memory !== 'register') check.report(`${name} of ${lanes} lanes is no register`, where);
  for (const size of [...shape, ...(strides ?? [])]) {
    if (size.dtype !== 'index' || size.lanes !== 1) check.report(`${name} has a size of type ${typeOf(size)}`, where);
    verifyExpr(size, scope, check, where);
  }
}

function verifyStmt(stmt: Stmt, scope: Scope, check: Check): void {
  if (stmt.kind === 'store' && isKnownToFit(stmt, scope, check)) return;
  for (const expr of ownExprs(stmt)) verifyExpr(expr, scope, check, stmt);
  switch (stmt.kind) {
    case 'loop':
      verifyLoop(stmt, scope, check);
      return;
    case 'let':
      verifyLet(stmt, scope, check);
      return;
    case 'alloc':
      verifyAlloc(stmt, scope, check);
      return;
    case 'while':
    case 'check':
    case 'if':
      if (stmt.condition.dtype !== 'bool' || stmt.condition.lanes !== 1) {
        check.report(`a condition of type ${typeOf(stmt.condition)}`, stmt);
      }
      if (stmt.kind === 'while') verifyStmt(stmt.body, scope, check);
      if (stmt.kind === 'if')
        for (const inner of [stmt.then, stmt.otherwise]) if (inner) verifyStmt(inner, scope, check);
      return;
    case 'store':
      verifyAccess(stmt, scope, check, stmt);
      for (const problem of accessProblems('store', stmt.buffer, stmt.indices, stmt.value)) check.report(problem, stmt);
      return;
    case 'block':
      for (const inner of stmt.body) verifyStmt(inner, scope, check);
      return;
    case 'barrier':
      return;
  }
}

/** What a store that is well formed in itself reads and writes. */
interface Needs {
  readonly vars: readonly Var[];
  readonly buffers: readonly Buffer[];
}

const needsOfStores = new WeakMap<Store, Needs>();

/**
 * Most of a kernel are stores, and most passes leave most of them as they are: of those it remains to be seen whether
 * what they need is there.
 */
function isKnownToFit(stmt: Store, scope: Scope, { options }: Check): boolean {
  if (options.registersConstant) return false;
  const known = needsOfStores.get(stmt) ?? needsOf(stmt);
  if (!known) return false;
  needsOfStores.set(stmt, known);
  return known.vars.every((item) => scope.vars.has(item)) && known.buffers.every((item) => scope.buffers.has(item));
}

/** Undefined where something is wrong, or needs a closer look. */
function needsOf(stmt: Store): Needs | undefined {
  const vars: Var[] = [];
  const buffers = new Set([stmt.buffer]);
  const seen = new Set<Expr>();
  const isFine = (expr: Expr): boolean => {
    if (seen.has(expr)) return true;
    seen.add(expr);
    if (expr.kind === 'var') vars.push(expr);
    if (expr.kind === 'load') buffers.add(expr.buffer);
    return expr.kind !== 'reduce' && typeProblems(expr).length === 0 && children(expr).every(isFine);
  };
  const fine =
    ownExprs(stmt).every(isFine) && accessProblems('store', stmt.buffer, stmt.indices, stmt.value).length === 0;
  return fine ? { vars, buffers: [...buffers] } : undefined;
}

function verifyLoop(stmt: Loop, scope: Scope, check: Check): void {
  const { index, extent } = stmt;
  if (scope.vars.has(index)) check.report(`the loop index ${index.name} is bound already`, stmt);
  if (index.dtype !== 'index' || index.lanes !== 1) check.report(`a loop index of type ${typeOf(index)}`, stmt);
  if (extent.dtype !== 'index' || extent.lanes !== 1) check.report(`a loop extent of type ${typeOf(extent)}`, stmt);
  verifyStmt(stmt.body, { ...scope, vars: new Set(scope.vars).add(index) }, check);
}

function verifyLet(stmt: Let, scope: Scope, check: Check): void {
  const { variable, value } = stmt;
  if (scope.vars.has(variable)) check.report(`the variable ${variable.name} is bound already`, stmt);
  if (variable.dtype !== value.dtype || variable.lanes !== value.lanes) {
    check.report(`a variable of type ${typeOf(variable)} for a value of type ${typeOf(value)}`, stmt);
  }
  verifyStmt(stmt.body, { ...scope, vars: new Set(scope.vars).add(variable) }, check);
}

function verifyAlloc(stmt: Alloc, scope: Scope, check: Check): void {
  const { buffer } = stmt;
  if (scope.buffers.has(buffer)) check.report(`the buffer ${buffer.name} is there already`, stmt);
  if (buffer.memory === 'argument') check.report(`an argument buffer ${buffer.name} cannot be allocated`, stmt);
  verifyBuffer(buffer, scope, check, stmt);
  verifyStmt(stmt.body, { ...scope, buffers: new Set(scope.buffers).add(buffer) }, check);
}

function verifyExpr(root: Expr, scope: Scope, check: Check, where?: Stmt): void {
  const seen = new Set<Expr>();
  const visit = (expr: Expr): void => {
    if (seen.has(expr)) return;
    seen.add(expr);
    if (!check.typed.has(expr)) {
      check.typed.add(expr);
      for (const problem of typeProblems(expr)) check.report(problem, where);
    }
    if (expr.kind === 'var' && !scope.vars.has(expr)) check.report(`the variable ${expr.name} is not bound`, where);
    if (expr.kind === 'load') verifyAccess(expr, scope, check, where);
    if (expr.kind !== 'reduce') {
      for (const child of children(expr)) visit(child);
      return;
    }
    if (check.options.noReduce) check.report(`a Reduce is left: ${printExpr(expr)}`, where);
    for (const axis of expr.axes) {
      if (axis.extent) visit(axis.extent);
      else check.report(`the reduction axis ${axis.name} has no extent`, where);
      if (scope.vars.has(axis)) check.report(`the reduction axis ${axis.name} is bound already`, where);
    }
    verifyExpr(expr.body, { ...scope, vars: new Set([...scope.vars, ...expr.axes]) }, check, where);
  };
  visit(root);
}

/** The rules of a load or store that depend on the place where it stands. */
function verifyAccess(access: Pick<Load, 'buffer' | 'indices'>, scope: Scope, check: Check, where?: Stmt): void {
  const { buffer, indices } = access;
  if (!scope.buffers.has(buffer)) {
    const missing = buffer.memory === 'argument' ? 'is no param' : 'is not allocated here';
    check.report(`the buffer ${buffer.name} ${missing}`, where);
  }
  const constant = indices.every((index) => constantOf(index) !== undefined);
  if (check.options.registersConstant && buffer.memory === 'register' && !constant) {
    check.report(`the register ${buffer.name} at an index that is not constant`, where);
  }
}
