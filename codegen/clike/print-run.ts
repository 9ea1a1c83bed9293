// The function that runs a model: the steps of its program, with pointers into inputs, outputs, weights and arena.

import type { DType } from '../../ir/dtype.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { bool, constantOf } from '../../ir/expr-make.ts';
import { loadsOf } from '../../ir/expr-walk.ts';
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
import { exprCanFail, exprsOf, letsIn, usedBy } from './step-uses.ts';
import { prefix, primary, type Text, within, writer } from './text.ts';
import { valueType } from './types.ts';
import { addresses, usesOf } from './uses.ts';

export interface RunOptions {
  readonly dialect: Dialect;
  readonly helpers: Helpers;
  readonly weightsPointer: string;
  readonly arenaAlignment: number;
  /** Whether the caller gives the weights. */
  readonly external: boolean;
  readonly weightsBytes: number;
  /** Parameters after the arena. */
  readonly parameters: readonly string[];
  /** Lines that name the memory of the arena; `used` where some buffer lies there. */
  arenaLines(used: boolean): readonly string[];
  /** What a run ends with: an expression, the error code. */
  readonly result: string;
  /** Fetches an element from where the buffers are, if the run cannot read there; records an error of that. */
  readonly read?: (element: DType, at: Text) => Text;
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
    const { read } = options;
    const fetch = read && { read: (at: Text): Text => read(buffer.dtype, at) };
    return { kind: 'pointer', pointer, byUser: true, ...fetch };
  };
  const context: FunctionContext = { ...base, environment: { ...base.environment, access } };
  const run: RunContext = { program, model, calls, options, context, used };

  const parameters = [`const ${model.name}_io *io`, 'void *arena', ...options.parameters];
  printBlock(`int ${model.name}_run(${parameters.join(', ')}) {`, context, () => {
    printEntry(run);
    printSteps(program.body, run);
    for (const { kind, field, value } of model.dimensions) {
      if (kind === 'given') continue;
      out.line(`io->dims->${field} = (int64_t)${within(prepare([value], context).print(value), 1)};`);
    }
    out.line(`return ${options.result};`);
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
  for (const line of checks(model, ({ field }) => `io->dims->${field}`).split('\n')) {
    if (line !== '') out.line(line.trim());
  }
  for (const line of options.arenaLines(usesArena && constantOf(program.arenaBytes) !== 0)) out.line(line);
  if (options.weightsBytes > 0) {
    if (options.external) {
      const alignment = options.arenaAlignment;
      out.line(`if (io->weights == NULL || (uintptr_t)io->weights % ${alignment} != 0) return LAP_E_WEIGHTS;`);
    }
    out.line(`const unsigned char *const weights = ${options.weightsPointer};`);
    out.line('(void)weights;');
  }
  if (model.inputs.length + model.outputs.length === 0) out.line('(void)io;');
  const records = calls.functions.some(({ returnsCode }) => returnsCode) || stepsCanFail(program.body, run);
  if (records) out.line('int status = LAP_OK;');
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
        const condition = printTest(step.condition, run);
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

/** A condition; where finding it can fail, the run ends before anything depends on it. */
function printTest(condition: Expr, run: RunContext): Text {
  const { context } = run;
  const text = prepare([condition], context).print(condition);
  if (!canFail(condition, run)) return text;
  const name = context.names.fresh('test');
  context.out.line(`const int ${name} = ${text.text};`);
  context.out.line(leaveOnError);
  return primary(name);
}

const leaveOnError = 'if (status != LAP_OK) return status;';

const canFail = (expr: Expr, { options }: RunContext): boolean =>
  exprCanFail(expr) || (options.read !== undefined && loadsOf(expr).length > 0);

const stepsCanFail = (steps: readonly Step[], run: RunContext): boolean =>
  exprsOf(steps).some((expr) => canFail(expr, run));

function printCall(call: Call, run: RunContext): void {
  const { program, model, calls, context } = run;
  const { name, params, dims, returnsCode, before, after } = calls.functionOf(call);
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
    if (sizes.some((size) => canFail(size, run))) context.out.line(leaveOnError);
    const text = `${name}(${[...before, ...pointers, ...values, ...after].join(', ')})`;
    context.out.line(returnsCode ? `if ((status = ${text}) != LAP_OK) return status;` : `${text};`);
  });
}

/** Locals that only one call needs stay in a block of their own. */
function printGroup(roots: readonly Expr[], context: FunctionContext, print: (printer: Printer) => void): void {
  if (roots.every((root) => root.kind === 'const' || root.kind === 'var' || context.environment.isSize(root)))
    print(prepare(roots, context));
  else printBlock('{', context, () => print(prepare(roots, context)));
}

function printLet({ variable, value }: Let, run: RunContext): void {
  const { context, used } = run;
  if (!used.has(variable)) return;
  printGroup([value], context, (printer) => {
    context.out.line(`${context.variables.get(variable)} = ${printer.print(value).text};`);
    if (canFail(value, run)) context.out.line(leaveOnError);
  });
}

function printIf({ condition, then, otherwise }: If, run: RunContext): void {
  const { context } = run;
  const test = printTest(condition, run);
  printBlock(`if (${test.text}) {`, context, () => printSteps(then, run));
  if (otherwise.length > 0) printBlock('else {', context, () => printSteps(otherwise, run));
}

function printLoop({ index, count, condition, body }: Loop, run: RunContext): void {
  const { context } = run;
  const { names, out, variables } = context;
  printBlock('{', context, () => {
    const end = count ? names.fresh('count') : undefined;
    if (count && end) out.line(`const ptrdiff_t ${end} = ${prepare([count], context).print(count).text};`);
    if (count && canFail(count, run)) out.line(leaveOnError);
    const name = names.fresh(index.name);
    variables.set(index, name);
    printBlock(`for (ptrdiff_t ${name} = 0; ${end ? `${name} < ${end}` : ''}; ${name}++) {`, context, () => {
      const test = condition ?? bool(true);
      if (constantOf(test) !== 1) {
        out.line(`if (${prefix('!', printTest(test, run)).text}) break;`);
      }
      printSteps(body, run);
    });
  });
}
