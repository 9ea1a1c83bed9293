// A kernel whose outermost statements include loops that threads can share: a function for each statement, and one that
// runs them in turn, sharing the loops that are long enough.

import type { Expr, Var } from '../../ir/expr.ts';
import { add, sub, variable } from '../../ir/expr-make.ts';
import type { Kernel, Loop, Stmt } from '../../ir/kernel.ts';
import { letIn, loop, substituteStmt } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { grainOf, isShared } from '../parallel-parts.ts';
import type { Code, ModuleBuilder, ValueType } from './binaryen.ts';
import { createContext } from './create-context.ts';
import { inStatement } from './hoist.ts';
import { type KernelOptions, printKernel } from './print-kernel.ts';
import { createScope } from './scope.ts';
import { hasWorkers, type Job, readArgument, writeArgument } from './threads.ts';

/** Operations that are worth handing to a thread: some ten microseconds. */
const portion = 200_000;

export interface SharedLoops {
  readonly job: Job;
  /** The functions of (begin, end) that run a range of each loop. */
  readonly names: string[];
  /** Most operands that a job takes. */
  operands: number;
}

/** Gives the bytes of stack that a thread needs. */
export function printParts(
  module: ModuleBuilder,
  kernel: Kernel,
  parts: readonly Stmt[],
  name: string,
  options: KernelOptions,
  shared: SharedLoops,
): number {
  const parameters = [...kernel.params, ...kernel.dims].map((): ValueType => 'i32');
  const operands = (): readonly Code[] => parameters.map((type, position) => module.get(position, type));
  const calls: ((extent: (value: Expr) => Code) => Code)[] = [];
  let stackBytes = 0;
  for (const [position, part] of parts.entries()) {
    const partName = `${name}_${position}`;
    if (!isShared(part)) {
      stackBytes = Math.max(stackBytes, printKernel(module, { ...kernel, body: part }, partName, options));
      calls.push(() => module.call(partName, operands()));
      continue;
    }
    stackBytes = Math.max(stackBytes, printKernel(module, rangeOf(kernel, part), partName, options));
    const number = shared.names.length;
    shared.names.push(`${partName}_range`);
    shared.operands = Math.max(shared.operands, parameters.length);
    printRange(module, partName, `${partName}_range`, parameters.length, shared.job);
    calls.push((extent) => shareOrCall(shared.job, partName, part, number, operands, () => extent(part.extent)));
  }
  printCalls(module, kernel, name, calls);
  return stackBytes;
}

/** The iterations from `begin` to `end` of a loop, which become two more sizes of the kernel. */
function rangeOf(kernel: Kernel, { index, extent, body }: Loop): Kernel {
  const [begin, end] = [variable('begin', 'index', { min: 0 }), variable('end', 'index', { min: 0 })];
  const turn = variable('turn', 'index', { extent: sub(end, begin) });
  // It keeps its bounds, on which proofs about accesses rest.
  const own = variable(index.name, 'index', { extent });
  const inside = substituteStmt(body, new Map<Var, Expr>([[index, own]]));
  return { ...kernel, dims: [...kernel.dims, begin, end], body: loop(turn, letIn(own, add(begin, turn), inside)) };
}

/** A function of (begin, end) that takes the other operands from the job. */
function printRange(module: ModuleBuilder, partName: string, name: string, operands: number, job: Job): void {
  const given = Array.from({ length: operands }, (_, position) => readArgument(job, position));
  const call = module.call(partName, [...given, module.get(0, 'i32'), module.get(1, 'i32')]);
  module.function(name, ['i32', 'i32'], undefined, [], call);
}

function shareOrCall(
  job: Job,
  partName: string,
  part: Loop,
  number: number,
  operands: () => readonly Code[],
  extent: () => Code,
): Code {
  const { module } = job;
  const grain = grainOf(part, portion);
  const alone = module.call(partName, [...operands(), module.i32(0), extent()]);
  const isLong = module.op('i32.gt_s', extent(), module.i32(grain));
  const write = operands().map((operand, position) => writeArgument(job, position, operand));
  const call = module.call('share', [module.i32(number), extent(), module.i32(grain)]);
  return module.if(
    module.op('i32.and', module.op('i32.ne', hasWorkers(job), module.i32(0)), isLong),
    module.block([...write, call]),
    alone,
  );
}

function printCalls(
  module: ModuleBuilder,
  kernel: Kernel,
  name: string,
  calls: readonly ((extent: (value: Expr) => Code) => Code)[],
): void {
  const scope = createScope(
    module,
    [...kernel.params, ...kernel.dims].map((): ValueType => 'i32'),
  );
  const context = createContext(
    module,
    scope,
    ({ name: buffer }) => {
      throw new Error(`${buffer} is read for the extent of a loop`);
    },
    false,
  );
  for (const [position, dim] of kernel.dims.entries()) {
    scope.bind(dim, { depth: 0, local: { index: kernel.params.length + position, type: 'i32' } });
  }
  const extent = (value: Expr): Code => {
    const simple = simplify(value);
    return inStatement(context, [simple], () => context.print(simple));
  };
  const body = scope.inFrame({}, () => module.block(calls.map((call) => call(extent))));
  module.function(
    name,
    [...kernel.params, ...kernel.dims].map((): ValueType => 'i32'),
    undefined,
    scope.locals.types(),
    body,
  );
}
