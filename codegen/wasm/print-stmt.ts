// Statements.

import { boundsOf } from '../../ir/bounds.ts';
import { IrError, int } from '../../ir/expr-make.ts';
import type { Alloc, Buffer, Let, Stmt, Store } from '../../ir/kernel.ts';
import { stridesOf, substituteStmt } from '../../ir/kernel-walk.ts';
import { addressOf, linearOf, positionOf } from './address.ts';
import type { Code } from './binaryen.ts';
import { type Context, recordError, registerOf } from './context.ts';
import { inStatement } from './hoist.ts';
import type { Linear } from './linear.ts';
import type { Local } from './locals.ts';
import { type LoopPrinter, printLoop, printWhile } from './print-loop.ts';
import { splatScalar, storeVector } from './print-vector-memory.ts';
import { bytesOf, storeOpcode, valueTypeOf } from './representation.ts';
import { registerRuns, shareLoads } from './share-loads.ts';
import type { Stack } from './stack.ts';

export interface Printer extends LoopPrinter {
  readonly bases: Map<Buffer, Linear>;
  readonly stack: Stack;
}

export function printStmt(printer: Printer, stmt: Stmt): Code {
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
      bases.set(buffer, stack.take(bytes));
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
