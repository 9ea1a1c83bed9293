// Loops: `do { … } while (++i < n)` behind a test that there is a turn at all, with what does not change before them and
// what moves along at their end.

import { boundsOf } from '../../ir/bounds.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { constantOf, IrError, int } from '../../ir/expr-make.ts';
import type { Loop, Stmt, While } from '../../ir/kernel.ts';
import { innerStmts, substituteStmt } from '../../ir/kernel-walk.ts';
import type { Code } from './binaryen.ts';
import type { Context } from './context.ts';
import { inStatement } from './hoist.ts';
import type { Local } from './locals.ts';

export interface LoopPrinter {
  readonly context: Context;
  readonly labels: { next: number };
  readonly print: (stmt: Stmt) => Code;
}

const runsOnce = (stmt: Stmt): boolean => stmt.kind === 'loop' && constantOf(stmt.extent) === 1;

/** Loops directly inside, not counting those of one turn. */
function innerLoops(stmt: Stmt): number {
  const isReal = (stmt.kind === 'loop' && !runsOnce(stmt)) || stmt.kind === 'while';
  return isReal ? 1 : innerStmts(stmt).reduce((sum, inner) => sum + innerLoops(inner), 0);
}

export function printLoop(printer: LoopPrinter, loop: Loop): Code {
  const { context } = printer;
  const { module, scope } = context;
  if (loop.as === 'block' || loop.as === 'thread' || loop.as === 'vector') {
    throw new IrError(`a ${loop.as} loop over ${loop.index.name} in a kernel for WebAssembly`);
  }
  const count = constantOf(loop.extent);
  if (count !== undefined && count <= 0) return module.block([]);
  if (count === 1) {
    return printer.print(substituteStmt(loop.body, new Map([[loop.index, int(0)]])));
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

function printTurns(printer: LoopPrinter, { index, body }: Loop, end: () => Code): Code {
  const { module } = printer.context;
  return inLoop(printer, body, index, (label, counter) => {
    const next = module.op('i32.add', module.get(counter.index, 'i32'), module.i32(1));
    return module.branch(label, module.op('i32.lt_s', module.tee(counter.index, next, 'i32'), end()));
  });
}

function inLoop(printer: LoopPrinter, body: Stmt, index: Var, again: (label: string, counter: Local) => Code): Code {
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
    const turn = printer.print(body);
    return module.block([
      ...before,
      module.set(counter.index, module.i32(0)),
      module.loop(label, module.block([turn, ...afterEachTurn, again(label, counter)])),
    ]);
  });
}

export function printWhile(printer: LoopPrinter, { condition, body }: While): Code {
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
    const turn = scope.inFrame({}, () => printer.print(body));
    return module.block([...before, module.loop(label, module.if(test, module.block([turn, module.branch(label)])))]);
  });
}
