// A kernel as one function: i32 pointers for its buffers, then its sizes. Nothing is returned; errors go to a global.

import { IrError } from '../../ir/expr-make.ts';
import type { Buffer, Kernel, Stmt } from '../../ir/kernel.ts';
import type { Code, ModuleBuilder, ValueType } from './binaryen.ts';
import type { Context } from './context.ts';
import { createContext } from './create-context.ts';
import { atomLinear, constantLinear, type Linear } from './linear.ts';
import type { Local } from './locals.ts';
import { type Printer, printStmt } from './print-stmt.ts';
import { createScope } from './scope.ts';
import { createStack } from './stack.ts';

export interface KernelOptions {
  readonly contract: boolean;
  /** Where the stack area begins; in a global where each thread has its own. */
  readonly stackBase: number | { readonly global: string };
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
  const { stackBase } = options;
  const stack = createStack(
    typeof stackBase === 'number' ? constantLinear(stackBase) : globalLinear(context, stackBase.global),
  );
  const print = (stmt: Stmt): Code => printStmt(printer, stmt);
  const printer: Printer = { context, bases, stack, labels: { next: 0 }, print };
  const body = scope.inFrame({}, () => print(kernel.body));
  module.function(name, parameters, undefined, scope.locals.types(), body);
  return stack.most();
}

const pointerLinear = ({ module }: Context, key: string, local: Local): Linear =>
  atomLinear({ key, depth: 0, nonNegative: true, simple: true, code: () => module.get(local.index, local.type) });

const globalLinear = ({ module }: Context, name: string): Linear =>
  atomLinear({ key: name, depth: 0, nonNegative: true, simple: false, code: () => module.getGlobal(name, 'i32') });
