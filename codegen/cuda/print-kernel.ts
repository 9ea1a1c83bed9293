// A kernel as __global__ functions, and the function on the host that starts them one after the other.

import type { Kernel } from '../../ir/kernel.ts';
import type { KernelFunction } from '../clike/calls.ts';
import type { Helper } from '../clike/helpers.ts';
import { legalizeKernel } from '../clike/legalize.ts';
import { functionNames } from '../clike/names.ts';
import { type Parameters, type PrintOptions, parametersOf } from '../clike/parameters.ts';
import { functionContext, printFunction, type Signature } from '../clike/print-function.ts';
import { type FunctionContext, prepare, printBlock } from '../clike/print-stmt.ts';
import { writer } from '../clike/text.ts';
import { addresses, dropUnusedLets, usesOf } from '../clike/uses.ts';
import { hostDialect } from './dialects.ts';
import { type Launch, launchesOf } from './launches.ts';

/** Where the run keeps the address of its error code, and the stream. */
const [errors, stream] = ['errors', 'stream'];

export function printKernel(kernel: Kernel, options: PrintOptions): KernelFunction {
  const { helpers, name } = options;
  const places = addresses();
  const legal = legalizeKernel(kernel);
  const body = dropUnusedLets(legal.body, places);
  const launches = launchesOf(body);
  const parts = launches.map((launch, index) => {
    const partName = launches.length === 1 ? `${name}_kernel` : `${name}_kernel${index + 1}`;
    return {
      name: partName,
      launch,
      ...printFunction({ ...legal, body: launch.body }, { ...options, name: partName }, places),
    };
  });

  const uses = usesOf(body, places);
  const names = functionNames();
  const parameters = parametersOf(legal, uses, { ...options, dialect: hostDialect }, names.fresh);
  const { variables, buffers, params, dims } = parameters;
  const out = writer();
  const leave = (): string => 'return;';
  const settings = { dialect: hostDialect, helpers, out, leave };
  const context = functionContext(settings, names, places, uses, variables, buffers);
  const canFail = parts.some((part) => part.canFail);
  const after = [...(canFail ? [errors] : []), stream];
  const declarations = [...parameters.declarations, ...(canFail ? [`int *${errors}`] : []), `cudaStream_t ${stream}`];
  printBlock(`static void ${name}(${declarations.join(', ')}) {`, context, () => {
    for (const part of parts) printLaunch(part.name, part.launch, argumentsOf(part, parameters), context);
  });
  const text = [...parts.map((part) => part.text), out.text()].join('\n');
  return { name, text, params, dims, canFail, returnsCode: false, before: [], after };
}

function argumentsOf(part: Signature, all: Parameters): readonly string[] {
  return [
    ...part.params.map((position) => all.names[all.params.indexOf(position)]!),
    ...part.dims.map((position) => all.names[all.params.length + all.dims.indexOf(position)]!),
    ...(part.canFail ? [errors] : []),
  ];
}

function printLaunch(
  name: string,
  { blocks, threads }: Launch,
  values: readonly string[],
  context: FunctionContext,
): void {
  const start = (grid: string): string => `LAP_LAUNCH(${[name, grid, threads, 0, stream, ...values].join(', ')});`;
  if (blocks === undefined || blocks.kind === 'const') {
    context.out.line(start(blocks === undefined ? '1' : String(Math.min(Number(blocks.value), mostBlocks))));
    return;
  }
  printBlock('{', context, () => {
    const count = context.names.fresh('blocks');
    context.out.line(`const ptrdiff_t ${count} = ${prepare([blocks], context).print(blocks).text};`);
    context.out.line(`if (${count} > 0) ${start(`${context.environment.helpers.use(gridHelper)}(${count})`)}`);
  });
}

/** Where there are more blocks than a grid can have, they take turns. */
const mostBlocks = 2 ** 31 - 1;

const gridHelper: Helper = {
  name: 'lap_grid',
  text:
    'static inline unsigned lap_grid(ptrdiff_t blocks) {\n' +
    `  return blocks > ${mostBlocks} ? ${mostBlocks}u : (unsigned)blocks;\n}\n`,
};
