// A kernel whose outermost statements include loops that threads can share: a function for each of these statements.

import type { Kernel, Stmt } from '../../ir/kernel.ts';
import type { Helper, Helpers } from '../clike/helpers.ts';
import { functionNames } from '../clike/names.ts';
import { type Parameters, type PrintOptions, parametersOf } from '../clike/parameters.ts';
import { functionContext, printFunction, type Signature } from '../clike/print-function.ts';
import { prepare, printBlock } from '../clike/print-stmt.ts';
import { writer } from '../clike/text.ts';
import { type Addresses, usesOf } from '../clike/uses.ts';
import { grainOf, isShared } from '../parallel-parts.ts';

/**
 * Operations that are worth handing to a thread, some three microseconds. Starting a job costs less than one, but what a
 * thread reads next may then lie in the cache of another core.
 */
const portion = 100_000;

/** A function for each part, and one that calls them in turn, its loops through the parallel-for. */
export function printParts(
  kernel: Kernel,
  parts: readonly Stmt[],
  options: PrintOptions,
  places: Addresses,
): Signature {
  const { dialect, helpers, name } = options;
  const names = functionNames(['parallel']);
  const uses = usesOf(kernel.body, places);
  const parameters = parametersOf(kernel, uses, options, names.fresh);
  const out = writer();
  const { variables, buffers } = parameters;
  const leave = (code: string): string => `return ${code};`;
  const context = functionContext({ dialect, helpers, out, leave }, names, places, uses, variables, buffers);
  const canFail = uses.fails || uses.checks;
  const before: string[] = [];
  const nameOf = (position: number, list: readonly number[], offset: number): string =>
    parameters.names[offset + list.indexOf(position)]!;
  const argumentsOf = ({ params, dims }: Signature): readonly string[] => [
    ...params.map((position) => nameOf(position, parameters.params, 0)),
    ...dims.map((position) => nameOf(position, parameters.dims, parameters.params.length)),
  ];

  const declarations = ['lap_parallel *parallel', ...parameters.declarations];
  printBlock(
    `${dialect.kernelQualifiers} ${canFail ? 'int' : 'void'} ${name}(${declarations.join(', ')}) {`,
    context,
    () => {
      if (canFail) out.line('int status = LAP_OK;');
      for (const [index, part] of parts.entries()) {
        const partName = `${name}_part${index + 1}`;
        const partKernel = { ...kernel, body: part };
        const partOptions = { ...options, name: partName };
        if (!isShared(part)) {
          const serial = printFunction(partKernel, partOptions, places);
          before.push(serial.text);
          const call = `${partName}(${argumentsOf(serial).join(', ')})`;
          out.line(serial.canFail ? `if ((status = ${call}) != LAP_OK) return status;` : `${call};`);
          continue;
        }
        const shared = printFunction(partKernel, partOptions, places, part);
        const thunk = printThunk(partName, shared, parameters, argumentsOf(shared), helpers);
        before.push(shared.text, thunk.text);
        printBlock('{', context, () => {
          const count = prepare([part.extent], context).print(part.extent).text;
          out.line(`struct ${partName}_arguments arguments = {${thunk.initial}};`);
          const grain = grainOf(part, portion);
          const forEach = helpers.use(forEachHelper);
          out.line(`${forEach}(parallel, ${partName}_thread, &arguments, ${count}, ${grain});`);
          if (shared.canFail) out.line('if (arguments.status != LAP_OK) return arguments.status;');
        });
      }
      if (canFail) out.line('return status;');
    },
  );
  return { text: before.join('') + out.text(), params: parameters.params, dims: parameters.dims, canFail };
}

/** Carries the arguments of a part through the parallel-for's `void *`. */
function printThunk(name: string, part: Signature, all: Parameters, used: readonly string[], helpers: Helpers) {
  const fields = used.map((argument) => {
    const declaration = all.declarations[all.names.indexOf(argument)]!;
    return `  ${declaration.replace(/\*\w+ (\w+)$/, '*$1')};\n`;
  });
  const status = part.canFail ? '  int status;\n' : '';
  const call = `${name}(${[...used.map((argument) => `its->${argument}`), 'begin', 'end'].join(', ')})`;
  const run = part.canFail
    ? `  const int status = ${call};\n  if (status != LAP_OK) ${helpers.use(reportHelper)}(&its->status, status);\n`
    : `  ${call};\n`;
  const text =
    `struct ${name}_arguments {\n${fields.join('')}${status}${fields.length + status.length === 0 ? '  char none;\n' : ''}};\n` +
    `static void ${name}_thread(void *pointer, ptrdiff_t begin, ptrdiff_t end) {\n` +
    `  struct ${name}_arguments *const its = pointer;\n${run}}\n`;
  const initial = [...used, ...(part.canFail ? ['LAP_OK'] : []), ...(fields.length + status.length === 0 ? ['0'] : [])];
  return { text, initial: initial.join(', ') };
}

/** Threads may report at the same time; any of the errors will do. */
const reportHelper: Helper = {
  name: 'lap_report',
  text:
    'static inline void lap_report(int *status, int code) {\n#if defined(__GNUC__)\n' +
    '  __atomic_store_n(status, code, __ATOMIC_RELAXED);\n#else\n  *status = code;\n#endif\n}\n',
};

const forEachHelper: Helper = {
  name: 'lap_for_each',
  text:
    'static void lap_for_each(lap_parallel *parallel, lap_body *body, void *context, ptrdiff_t count, ptrdiff_t grain) {\n' +
    '  if (parallel != NULL && count >= 2 * grain) parallel->for_each(parallel, body, context, count, grain);\n' +
    '  else if (count > 0) body(context, 0, count);\n}\n',
};
