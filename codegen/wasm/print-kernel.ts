// A kernel as one function: i32 pointers for its buffers, then its sizes. Nothing is returned; errors go to a global.

import { boundsOf } from '../../ir/bounds.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { constantOf, IrError, int } from '../../ir/expr-make.ts';
import type { Alloc, Buffer, Kernel, Let, Loop, Stmt, Store, While } from '../../ir/kernel.ts';
import { innerStmts, stridesOf, substituteStmt } from '../../ir/kernel-walk.ts';
import { isGuarded } from '../../ir/shared-parts.ts';
import { addressOf, linearOf, positionOf } from './address.ts';
import type { Code, ModuleBuilder, ValueType } from './binaryen.ts';
import { type Context, recordError, registerOf } from './context.ts';
import { atomLinear, constantLinear, type Linear } from './linear.ts';
import type { Local } from './locals.ts';
import { createFacts, hoistConstants, inStatement, isPrintedHere, printExpr } from './print-expr.ts';
import { splatScalar, storeVector } from './print-vector-memory.ts';
import { bytesOf, storeOpcode, valueTypeOf } from './representation.ts';
import { createScope, type Scope } from './scope.ts';
import { registerRuns, shareLoads } from './share-loads.ts';

export interface KernelOptions {
  readonly contract: boolean;
  /** Where the stack area begins. */
  readonly stackBase: number;
}

/** Adds the function to the module; gives the bytes of stack that it needs. */
export function printKernel(module: ModuleBuilder, kernel: Kernel, name: string, options: KernelOptions): number {
  const parameters = [...kernel.params, ...kernel.dims].map((): ValueType => 'i32');
  const scope = createScope(module, parameters);
  const bases = new Map<Buffer, Linear>();
  const baseOf = (buffer: Buffer): Linear => {
    const base = bases.get(buffer);
    if (!base) throw new IrError(`buffer ${buffer.name} has no address here`);
    return base;
  };
  const context = createContext(module, scope, baseOf, options.contract);
  for (const [position, buffer] of kernel.params.entries()) {
    bases.set(buffer, pointerLinear(context, `p${position}`, { index: position, type: 'i32' }));
  }
  for (const [position, dim] of kernel.dims.entries()) {
    scope.bind(dim, { depth: 0, local: { index: kernel.params.length + position, type: 'i32' } });
  }
  const stack = createStack(options.stackBase);
  const printer: Printer = { context, bases, stack, labels: { next: 0 } };
  const body = scope.inFrame({}, () => printStmt(printer, kernel.body));
  module.function(name, parameters, undefined, scope.locals.types(), body);
  return stack.most();
}

export function createContext(
  module: ModuleBuilder,
  scope: Scope,
  baseOf: (buffer: Buffer) => Linear,
  contract: boolean,
): Context {
  const guarded = new Map<Expr, boolean>();
  const atoms = new Map<string, string>();
  const context: Context = {
    module: hoistConstants(module, scope),
    scope,
    contract,
    baseOf,
    registers: new Map(),
    isGuarded: (expr) => isGuarded(expr, guarded),
    factsOf: createFacts(scope),
    atomKey: (expr) => {
      const key = exprKey(expr);
      const known = atoms.get(key) ?? `a${`${atoms.size}`.padStart(6, '0')}`;
      atoms.set(key, known);
      return known;
    },
    isPrintedHere: (expr) => isPrintedHere(context, expr),
    print: (expr) => printExpr(context, expr),
  };
  return context;
}

const pointerLinear = ({ module }: Context, key: string, local: Local): Linear =>
  atomLinear({ key, depth: 0, nonNegative: true, simple: true, code: () => module.get(local.index, local.type) });

interface Stack {
  take(bytes: number): number;
  give(bytes: number): void;
  most(): number;
}

function createStack(base: number): Stack {
  let used = 0;
  let most = 0;
  const rounded = (bytes: number): number => Math.ceil(bytes / 16) * 16;
  return {
    take(bytes) {
      const address = base + used;
      used += rounded(bytes);
      most = Math.max(most, used);
      return address;
    },
    give(bytes) {
      used -= rounded(bytes);
    },
    most: () => most,
  };
}

interface Printer {
  readonly context: Context;
  readonly bases: Map<Buffer, Linear>;
  readonly stack: Stack;
  readonly labels: { next: number };
}

function printStmt(printer: Printer, stmt: Stmt): Code {
  const { context } = printer;
  const { module, scope } = context;
  switch (stmt.kind) {
    case 'loop':
      return printLoop(printer, stmt);
    case 'while':
      return printWhile(printer, stmt);
    case 'store':
      return printStore(context, stmt);
    case 'let':
      return printLet(printer, stmt);
    case 'if': {
      const test = inStatement(context, [stmt.condition], () => context.print(stmt.condition));
      const then = scope.inFrame({}, () => printStmt(printer, stmt.then));
      const { otherwise } = stmt;
      return module.if(test, then, otherwise && scope.inFrame({}, () => printStmt(printer, otherwise)));
    }
    case 'alloc':
      return printAlloc(printer, stmt);
    case 'block':
      return module.block(
        registerRuns(stmt.body).flatMap((part) =>
          'kind' in part ? [printStmt(printer, part)] : printRegisterRun(context, part),
        ),
      );
    case 'check':
      return inStatement(context, [stmt.condition], () =>
        module.if(
          module.op('i32.eqz', context.print(stmt.condition)),
          module.block([recordError(module, stmt.code), module.returns()]),
        ),
      );
    case 'barrier':
      throw new IrError('a barrier in a kernel for WebAssembly');
  }
}

function printStore(context: Context, { buffer, indices, value }: Store): Code {
  const { module } = context;
  const lanes = Math.max(value.lanes, buffer.lanes ?? 1, ...indices.map((index) => index.lanes));
  const wide = (code: Code): Code => (lanes > value.lanes ? splatScalar(context, value.dtype, lanes, code) : code);
  return inStatement(context, [...indices, value], () => {
    if (buffer.memory === 'register') {
      const local = registerOf(context, buffer, positionOf(context, buffer, indices));
      return module.set(local.index, wide(context.print(value)));
    }
    const address = addressOf(context, buffer, indices);
    const code = wide(context.print(value));
    if (lanes > 1) return storeVector(context, buffer.dtype, lanes, address, code);
    return module.store(storeOpcode(buffer.dtype), address.offset, address.pointer, code);
  });
}

/** Accumulators and loaded values share these. */
const vectorRegisters = 14;

function printRegisterRun(context: Context, run: readonly Store[]): readonly Code[] {
  if (run.length === 1) return run.map((store) => printStore(context, store));
  const { module, scope } = context;
  const locals = new Map<string, Local>();
  return shareLoads(run, vectorRegisters).flatMap(({ store, keep, kept, release }) => {
    const codes: Code[] = keep.map((expr) => {
      const local = scope.locals.take(valueTypeOf(expr.dtype, expr.lanes));
      locals.set(kept.get(expr)!, local);
      return module.set(
        local.index,
        inStatement(context, [expr], () => context.print(expr)),
      );
    });
    const known = new Map([...kept].map(([expr, key]) => [expr, locals.get(key)!]));
    codes.push(scope.inFrame({ known }, () => printStore(context, store)));
    for (const key of release) {
      scope.locals.give(locals.get(key)!);
      locals.delete(key);
    }
    return codes;
  });
}

function printLet(printer: Printer, { variable, value, body }: Let): Code {
  const { context } = printer;
  const { module, scope } = context;
  const known = value.dtype === 'index' && value.lanes === 1 ? affine(linearOf(context, value)) : undefined;
  // A sum of loop indices takes part in addresses as the sum that it is; a constant needs no local at all.
  if (known && known.terms.size === 0) {
    return printStmt(printer, substituteStmt(body, new Map([[variable, int(known.constant)]])));
  }
  const type = valueTypeOf(variable.dtype, variable.lanes);
  return scope.inFrame({}, () => {
    const local = scope.hold(type);
    const code = inStatement(context, [value], () => context.print(value));
    scope.bind(variable, { depth: scope.frame().depth, local, ...(known ? { linear: known } : {}) });
    return module.block([module.set(local.index, code), printStmt(printer, body)]);
  });
}

/** Sums that are worth repeating in every address that uses them. */
const affine = (sum: Linear): Linear | undefined =>
  sum.terms.size <= 4 && [...sum.terms.values()].every((term) => term.atoms.every((atom) => atom.simple))
    ? sum
    : undefined;

function printAlloc(printer: Printer, { buffer, body }: Alloc): Code {
  const { context, bases, stack } = printer;
  const { scope } = context;
  const size = elementsOf(buffer);
  switch (buffer.memory) {
    case 'register':
      return scope.inFrame({}, () => {
        const type = valueTypeOf(buffer.dtype, buffer.lanes ?? 1);
        context.registers.set(
          buffer,
          Array.from({ length: size }, () => scope.hold(type)),
        );
        const code = printStmt(printer, body);
        context.registers.delete(buffer);
        return code;
      });
    case 'stack': {
      const bytes = size * bytesOf(buffer.dtype);
      bases.set(buffer, constantLinear(stack.take(bytes)));
      const code = printStmt(printer, body);
      bases.delete(buffer);
      stack.give(bytes);
      return code;
    }
    case 'argument':
    case 'shared':
      throw new IrError(`${buffer.memory} memory ${buffer.name} cannot be allocated in WebAssembly`);
  }
}

/** Room for every element, at the bounds of its sizes. */
function elementsOf(buffer: Buffer): number {
  const strides = stridesOf(buffer);
  const last = buffer.shape.reduce((sum, extent, axis) => {
    const size = boundsOf(extent).max;
    const stride = boundsOf(strides[axis]!).max;
    return sum + Math.max(0, size - 1) * stride;
  }, 0);
  if (!Number.isFinite(last)) throw new IrError(`local buffer ${buffer.name} has no constant size`);
  return last + 1;
}

const runsOnce = (stmt: Stmt): boolean => stmt.kind === 'loop' && constantOf(stmt.extent) === 1;

/** Loops directly inside, not counting those of one turn. */
function innerLoops(stmt: Stmt): number {
  const isReal = (stmt.kind === 'loop' && !runsOnce(stmt)) || stmt.kind === 'while';
  return isReal ? 1 : innerStmts(stmt).reduce((sum, inner) => sum + innerLoops(inner), 0);
}

function printLoop(printer: Printer, loop: Loop): Code {
  const { context } = printer;
  const { module, scope } = context;
  if (loop.as === 'block' || loop.as === 'thread' || loop.as === 'vector') {
    throw new IrError(`a ${loop.as} loop over ${loop.index.name} in a kernel for WebAssembly`);
  }
  const count = constantOf(loop.extent);
  if (count !== undefined && count <= 0) return module.block([]);
  if (count === 1) {
    return printStmt(printer, substituteStmt(loop.body, new Map([[loop.index, int(0)]])));
  }
  return scope.inFrame({}, () => {
    const limit = count === undefined ? limitOf(context, loop.extent) : undefined;
    const end = (): Code => (limit ? module.get(limit.local.index, 'i32') : module.i32(count ?? 0));
    const code = printTurns(printer, loop, end);
    if (!limit) return code;
    const surely = boundsOf(loop.extent).min > 0;
    const guarded = surely ? code : module.if(module.op('i32.gt_s', end(), module.i32(0)), code);
    return limit.set === undefined ? guarded : module.block([limit.set, guarded]);
  });
}

/** The extent in a local, without a new one if it is a parameter. */
function limitOf(context: Context, extent: Expr): { readonly local: Local; readonly set?: Code } {
  const { module, scope } = context;
  if (extent.kind === 'var') {
    const { local } = scope.binding(extent);
    if (local) return { local };
  }
  const local = scope.hold('i32');
  return {
    local,
    set: module.set(
      local.index,
      inStatement(context, [extent], () => context.print(extent)),
    ),
  };
}

function printTurns(printer: Printer, { index, body }: Loop, end: () => Code): Code {
  const { module } = printer.context;
  return inLoop(printer, body, index, (label, counter) => {
    const next = module.op('i32.add', module.get(counter.index, 'i32'), module.i32(1));
    return module.branch(label, module.op('i32.lt_s', module.tee(counter.index, next, 'i32'), end()));
  });
}

function inLoop(printer: Printer, body: Stmt, index: Var, again: (label: string, counter: Local) => Code): Code {
  const { context, labels } = printer;
  const { module, scope } = context;
  const before: Code[] = [];
  const afterEachTurn: Code[] = [];
  const inner = innerLoops(body);
  const counter = scope.hold('i32');
  const label = `loop${labels.next++}`;
  const loop = {
    index,
    innermost: inner === 0,
    single: inner === 1,
    started: scope.locals.now(),
    before,
    afterEachTurn,
  };
  return scope.inFrame({ loop }, () => {
    scope.bind(index, { depth: scope.frame().depth, local: counter });
    const turn = printStmt(printer, body);
    return module.block([
      ...before,
      module.set(counter.index, module.i32(0)),
      module.loop(label, module.block([turn, ...afterEachTurn, again(label, counter)])),
    ]);
  });
}

function printWhile(printer: Printer, { condition, body }: While): Code {
  const { context, labels } = printer;
  const { module, scope } = context;
  const label = `loop${labels.next++}`;
  const inner = innerLoops(body);
  const before: Code[] = [];
  const loop = {
    innermost: inner === 0,
    single: inner === 1,
    started: scope.locals.now(),
    before,
    afterEachTurn: [],
  };
  return scope.inFrame({ loop }, () => {
    const test = inStatement(context, [condition], () => context.print(condition));
    const turn = scope.inFrame({}, () => printStmt(printer, body));
    return module.block([...before, module.loop(label, module.if(test, module.block([turn, module.branch(label)])))]);
  });
}
