// A program as a module: one function for each kernel, and `run`, which takes the symbolic sizes and calls them in order.
// `run` returns 0 or the number of the first error. Loops over data are in the kernels only, since engines optimise a
// function from its second call on.

import type { Expr, Var } from '../../ir/expr.ts';
import { IrError } from '../../ir/expr-make.ts';
import { contains } from '../../ir/expr-walk.ts';
import type { Buffer, Kernel } from '../../ir/kernel.ts';
import { canFail } from '../../ir/kernel-walk.ts';
import type { Call, Loop, Program, Step } from '../../ir/program.ts';
import { callsOf } from '../../ir/program-print.ts';
import { simplify } from '../../ir/simplify.ts';
import { parallelParts } from '../parallel-parts.ts';
import { linearOf } from './address.ts';
import { type Code, type Features, type ModuleBuilder, newModule, type ValueType } from './binaryen.ts';
import { type Context, errorGlobal, recordError } from './context.ts';
import { createContext } from './create-context.ts';
import { inStatement } from './hoist.ts';
import { jobBaseOf, type Layout, layoutOf, memoryPages } from './layout.ts';
import { legalizeKernel } from './legalize.ts';
import type { Linear } from './linear.ts';
import type { Local } from './locals.ts';
import { addressOfPlace, placeOf } from './places.ts';
import { printKernel } from './print-kernel.ts';
import { printParts, type SharedLoops } from './print-parts.ts';
import { valueTypeOf } from './representation.ts';
import { createScope, type Scope } from './scope.ts';
import { jobBytes, mostThreads, printThreads, stackGlobal } from './threads.ts';

export interface ModuleOptions {
  readonly features: Features;
  /** Multiply-add with one rounding is allowed. */
  readonly contract: boolean;
  /** Put the weights into a data segment. */
  readonly embedWeights: boolean;
}

export interface GeneratedModule {
  readonly bytes: Uint8Array;
  readonly layout: Layout;
}

export async function generateModule(program: Program, options: ModuleOptions): Promise<GeneratedModule> {
  const module = await newModule(options.features);
  const { threads = false } = options.features;
  const job = { module, base: jobBaseOf(program) };
  const shared: SharedLoops = { job, names: [], operands: 0 };
  // Without threads the stack lies right behind the control words.
  const stackBase = threads ? { global: stackGlobal } : layoutOf(program, noStack).stackBase;
  const names = new Map<Kernel, string>();
  let stackBytes = 0;
  for (const { kernel } of callsOf(program.body)) {
    if (names.has(kernel)) continue;
    const name = `kernel${names.size}`;
    names.set(kernel, name);
    const legal = legalizeKernel(kernel);
    const kernelOptions = { contract: options.contract, stackBase };
    // What fails says so in a global of its thread.
    const parts = threads && !canFail(kernel) ? parallelParts(legal.body) : undefined;
    const needed = parts
      ? printParts(module, legal, parts, name, kernelOptions, shared)
      : printKernel(module, legal, name, kernelOptions);
    stackBytes = Math.max(stackBytes, needed);
  }
  const layout = layoutOf(
    program,
    threads ? { stackBytes, threads: mostThreads, jobBytes: jobBytes(shared.operands) } : { ...noStack, stackBytes },
  );
  printRun(module, program, layout, names, options.contract);
  module.global(errorGlobal, 0);
  module.exportFunction('run', 'run');
  if (threads) {
    module.global(stackGlobal, layout.stackBase);
    printThreads(job, shared.names);
  }
  printMemory(module, program, layout, options);
  return { bytes: module.emit(), layout };
}

const noStack = { stackBytes: 0, threads: 1, jobBytes: 0 };

function printMemory(module: ModuleBuilder, program: Program, layout: Layout, options: ModuleOptions): void {
  const segments =
    options.embedWeights && program.weights.length > 0 ? [{ offset: layout.weightsBase, bytes: program.weights }] : [];
  const { initial, maximum } = memoryPages(layout);
  if (options.features.threads) module.sharedMemory(initial, maximum, segments);
  else module.memory(initial, maximum, segments);
}

interface RunPrinter {
  readonly module: ModuleBuilder;
  readonly context: Context;
  readonly scope: Scope;
  readonly program: Program;
  readonly names: ReadonlyMap<Kernel, string>;
  readonly addressOf: (buffer: Buffer) => Expr;
  readonly labels: { next: number };
}

function printRun(
  module: ModuleBuilder,
  program: Program,
  layout: Layout,
  names: ReadonlyMap<Kernel, string>,
  contract: boolean,
): void {
  const parameters = program.dims.map((): ValueType => 'i32');
  const scope = createScope(module, parameters);
  for (const [index, dim] of program.dims.entries()) scope.bind(dim, { depth: 0, local: { index, type: 'i32' } });
  const addressOf = (buffer: Buffer): Expr => addressOfPlace(placeOf(program, buffer), layout);
  const baseOf = (buffer: Buffer): Linear => linearOf(context, addressOf(buffer));
  const context = createContext(module, scope, baseOf, contract);
  const printer: RunPrinter = { module, context, scope, program, names, addressOf, labels: { next: 0 } };
  bindVariables(program.body, scope);
  const body = scope.inFrame({}, () =>
    module.block(
      [
        module.setGlobal(errorGlobal, module.i32(0)),
        printSteps(printer, program.body),
        ...storeComputed(printer, layout),
        module.getGlobal(errorGlobal, 'i32'),
      ],
      'i32',
    ),
  );
  module.function('run', parameters, 'i32', scope.locals.types(), body);
}

/** Sizes that the run finds out, for whoever reads the outputs. */
const storeComputed = ({ module, context, program }: RunPrinter, layout: Layout): readonly Code[] =>
  program.computedDims.map((dim, position) =>
    module.store('i32.store', layout.controlBase + 4 * position, module.i32(0), context.print(dim)),
  );

/** Variables of steps are known until the end of the run, also those that a branch or a loop has set. */
function localOf({ scope }: RunPrinter, variable: Var): Local {
  const { local } = scope.binding(variable);
  if (!local) throw new IrError(`${variable.name} has no local`);
  return local;
}

function bindVariables(steps: readonly Step[], scope: Scope): void {
  const bind = (variable: Var): void => {
    if (!scope.isBound(variable)) scope.bind(variable, { depth: 0, local: scope.hold(valueTypeOf(variable.dtype, 1)) });
  };
  for (const step of steps) {
    switch (step.kind) {
      case 'let':
        bind(step.variable);
        break;
      case 'if':
        bindVariables(step.then, scope);
        bindVariables(step.otherwise, scope);
        break;
      case 'loop':
        bind(step.index);
        bindVariables(step.body, scope);
        break;
      case 'call':
      case 'check':
        break;
    }
  }
}

const evaluated = ({ context }: RunPrinter, expr: Expr): Code =>
  inStatement(context, [expr], () => context.print(expr));

/** Leaves the run with the error that has been recorded, if any. */
const leaveOnError = ({ module }: RunPrinter): Code =>
  module.if(module.getGlobal(errorGlobal, 'i32'), module.returns(module.getGlobal(errorGlobal, 'i32')));

const mayFail = (expr: Expr): boolean => contains(expr, (node) => node.kind === 'call' && node.callee === 'fail');

function printSteps(printer: RunPrinter, steps: readonly Step[]): Code {
  return printer.module.block(steps.map((step) => printer.scope.inFrame({}, () => printStep(printer, step))));
}

function printStep(printer: RunPrinter, step: Step): Code {
  const { module } = printer;
  switch (step.kind) {
    case 'call':
      return printCall(printer, step);
    case 'let': {
      const set = module.set(localOf(printer, step.variable).index, evaluated(printer, step.value));
      return mayFail(step.value) ? module.block([set, leaveOnError(printer)]) : set;
    }
    case 'check':
      return module.if(
        module.op('i32.eqz', evaluated(printer, step.condition)),
        module.block([recordError(module, step.code), module.returns(module.getGlobal(errorGlobal, 'i32'))]),
      );
    case 'if':
      return module.if(
        evaluated(printer, step.condition),
        printSteps(printer, step.then),
        step.otherwise.length > 0 ? printSteps(printer, step.otherwise) : undefined,
      );
    case 'loop':
      return printLoop(printer, step);
  }
}

function printCall(printer: RunPrinter, { kernel, arguments: buffers, dims }: Call): Code {
  const { module, names, addressOf } = printer;
  const operands = [...buffers.map(addressOf), ...dims].map((expr) => evaluated(printer, simplify(expr)));
  const call = module.call(names.get(kernel)!, operands);
  return canFail(kernel) ? module.block([call, leaveOnError(printer)]) : call;
}

function printLoop(printer: RunPrinter, { index, count, condition, body }: Loop): Code {
  const { module, scope, labels } = printer;
  const label = `loop${labels.next++}`;
  const counter = localOf(printer, index);
  const limit = count && scope.hold('i32');
  const turn = (): Code => module.get(counter.index, 'i32');
  const within = limit && module.op('i32.lt_s', turn(), module.get(limit.index, 'i32'));
  const holds = condition && evaluated(printer, condition);
  const test = within && holds ? module.if(within, holds, module.i32(0)) : (within ?? holds ?? module.i32(1));
  return module.block([
    ...(count && limit ? [module.set(limit.index, evaluated(printer, count))] : []),
    module.set(counter.index, module.i32(0)),
    module.loop(
      label,
      module.if(
        test,
        module.block([
          printSteps(printer, body),
          module.set(counter.index, module.op('i32.add', turn(), module.i32(1))),
          module.branch(label),
        ]),
      ),
    ),
  ]);
}
