// The function that runs a model: the steps of its program, with pointers into inputs, outputs, weights and arena.

import type { Expr, Var } from '../../ir/expr.ts';
import { bool, constantOf } from '../../ir/expr-make.ts';
import type { Buffer } from '../../ir/kernel.ts';
import { block } from '../../ir/kernel-walk.ts';
import type { Call, If, Let, Loop, Program, Step } from '../../ir/program.ts';
import type { CallTable } from './calls.ts';
import { type Dialect, errorNames } from './dialect.ts';
import type { Helpers } from './helpers.ts';
import type { Interface } from './interface.ts';
import { functionNames } from './names.ts';
import { pointerTo } from './pointers.ts';
import { functionContext } from './print-function.ts';
import { type FunctionContext, prepare, printBlock } from './print-stmt.ts';
import { checks } from './print-table.ts';
import type { Access, Printer } from './printer.ts';
import { letsIn, programCanFail, usedBy } from './step-uses.ts';
import { prefix, within, writer } from './text.ts';
import { valueType } from './types.ts';
import { addresses, usesOf } from './uses.ts';

export interface RunOptions {
  readonly dialect: Dialect;
  readonly helpers: Helpers;
  readonly weightsPointer: string;
  readonly arenaAlignment: number;
  readonly external: boolean;
  readonly weightsBytes: number;
}

export function printRun(program: Program, model: Interface, calls: CallTable, options: RunOptions): string {
  const out = writer();
  const used = usedBy(program, model, calls);
  const given = program.dims.filter((dim) => used.has(dim));
  const variables = new Map<Var, string>();
  const places = addresses();
  const names = functionNames();
  for (const dim of given) variables.set(dim, names.fresh(dim.name));
  const leave = (code: string): string => `return ${code};`;
  const { dialect, helpers } = options;
  const uses = usesOf(block([]), places);
  const base = functionContext({ dialect, helpers, out, leave }, names, places, uses, variables, new Map());
  const access = (buffer: Buffer, printer?: Printer): Access => {
    const pointer = pointerTo(buffer, false, program, model, (offset) =>
      printer ? printer.print(offset) : prepare([offset], context).print(offset),
    );
    return { kind: 'pointer', pointer, byUser: true };
  };
  const context: FunctionContext = { ...base, environment: { ...base.environment, access } };
  const run: RunContext = { program, model, calls, options, context, used };

  printBlock(`int ${model.name}_run(const ${model.name}_io *io, void *arena) {`, context, () => {
    printEntry(run);
    printSteps(program.body, run);
    for (const { kind, field, value } of model.dimensions) {
      if (kind === 'given') continue;
      out.line(`io->dims->${field} = (int64_t)${within(prepare([value], context).print(value), 1)};`);
    }
    out.line('return LAP_OK;');
  });
  return out.text();
}

interface RunContext {
  readonly program: Program;
  readonly model: Interface;
  readonly calls: CallTable;
  readonly options: RunOptions;
  readonly context: FunctionContext;
  readonly used: ReadonlySet<Var>;
}

/** Checks what the caller gave, and names what the steps use. */
function printEntry(run: RunContext): void {
  const { program, model, calls, options, context, used } = run;
  const { out, names, variables } = context;
  const usesArena = [...program.places.values()].some(({ kind }) => kind === 'arena');
  const bytes = constantOf(program.arenaBytes);
  for (const line of checks(model, ({ field }) => `io->dims->${field}`).split('\n')) {
    if (line !== '') out.line(line.trim());
  }
  if (usesArena && bytes !== 0) {
    const missing = bytes === undefined ? '' : 'arena == NULL || ';
    out.line(`if (${missing}(uintptr_t)arena % ${options.arenaAlignment} != 0) return LAP_E_ARENA;`);
    out.line('unsigned char *const memory = (unsigned char *)arena;');
    out.line('(void)memory;');
  } else {
    out.line('(void)arena;');
  }
  if (options.weightsBytes > 0) {
    if (options.external) {
      const alignment = options.arenaAlignment;
      out.line(`if (io->weights == NULL || (uintptr_t)io->weights % ${alignment} != 0) return LAP_E_WEIGHTS;`);
    }
    out.line(`const unsigned char *const weights = ${options.weightsPointer};`);
    out.line('(void)weights;');
  }
  if (model.inputs.length + model.outputs.length === 0) out.line('(void)io;');
  if (calls.functions.some(({ canFail }) => canFail) || programCanFail(program.body)) out.line('int status = LAP_OK;');
  for (const { value, field } of model.dimensions) {
    const name = value.kind === 'var' ? variables.get(value) : undefined;
    if (name) out.atStart(1, `const ptrdiff_t ${name} = (ptrdiff_t)io->dims->${field};`);
  }
  // Values found in one step may be read in any later one, also after the If or Loop that found them.
  for (const variable of letsIn(program.body)) {
    if (!used.has(variable) || variables.has(variable)) continue;
    const name = names.fresh(variable.name);
    out.line(`${valueType(variable.dtype)} ${name} = 0;`);
    variables.set(variable, name);
  }
}

function printSteps(steps: readonly Step[], run: RunContext): void {
  for (const step of steps) {
    switch (step.kind) {
      case 'call':
        printCall(step, run);
        break;
      case 'let':
        printLet(step, run);
        break;
      case 'check': {
        if (constantOf(step.condition) === 1) break;
        const condition = prepare([step.condition], run.context).print(step.condition);
        run.context.out.line(`if (${prefix('!', condition).text}) return ${errorNames[step.code]};`);
        break;
      }
      case 'if':
        printIf(step, run);
        break;
      case 'loop':
        printLoop(step, run);
        break;
    }
  }
}

function printCall(call: Call, run: RunContext): void {
  const { program, model, calls, context } = run;
  const { name, params, dims, canFail, parallel } = calls.functionOf(call);
  const sizes = dims.map((position) => call.dims[position]!);
  const offsets = params.flatMap((position) => {
    const place = program.places.get(call.arguments[position]!);
    return place && place.kind !== 'constant' ? [place.offset] : [];
  });
  printGroup([...offsets, ...sizes], context, (printer) => {
    const pointers = params.map((position) => {
      const buffer = call.arguments[position]!;
      const place = program.places.get(buffer);
      const writable = place?.kind === 'arena' || place?.kind === 'output';
      return pointerTo(buffer, writable, program, model, printer.print).text;
    });
    const values = sizes.map((size) => within(printer.print(size), 5));
    const text = `${name}(${[...(parallel ? ['io->parallel'] : []), ...pointers, ...values].join(', ')})`;
    context.out.line(canFail ? `if ((status = ${text}) != LAP_OK) return status;` : `${text};`);
  });
}

/** Locals that only one call needs stay in a block of their own. */
function printGroup(roots: readonly Expr[], context: FunctionContext, print: (printer: Printer) => void): void {
  if (roots.every((root) => root.kind === 'const' || root.kind === 'var' || context.environment.isSize(root)))
    print(prepare(roots, context));
  else printBlock('{', context, () => print(prepare(roots, context)));
}

function printLet({ variable, value }: Let, { context, used }: RunContext): void {
  if (!used.has(variable)) return;
  printGroup([value], context, (printer) => {
    context.out.line(`${context.variables.get(variable)} = ${printer.print(value).text};`);
    if (programCanFail([{ kind: 'let', variable, value }])) context.out.line('if (status != LAP_OK) return status;');
  });
}

function printIf({ condition, then, otherwise }: If, run: RunContext): void {
  const { context } = run;
  const test = prepare([condition], context).print(condition);
  printBlock(`if (${test.text}) {`, context, () => printSteps(then, run));
  if (otherwise.length > 0) printBlock('else {', context, () => printSteps(otherwise, run));
}

function printLoop({ index, count, condition, body }: Loop, run: RunContext): void {
  const { context } = run;
  const { names, out, variables } = context;
  printBlock('{', context, () => {
    const end = count ? names.fresh('count') : undefined;
    if (count && end) out.line(`const ptrdiff_t ${end} = ${prepare([count], context).print(count).text};`);
    const name = names.fresh(index.name);
    variables.set(index, name);
    printBlock(`for (ptrdiff_t ${name} = 0; ${end ? `${name} < ${end}` : ''}; ${name}++) {`, context, () => {
      const test = condition ?? bool(true);
      if (constantOf(test) !== 1) {
        out.line(`if (${prefix('!', prepare([test], context).print(test)).text}) break;`);
      }
      printSteps(body, run);
    });
  });
}
