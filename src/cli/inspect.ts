// lapidary inspect: what is in a model, what it costs, and all that is unsupported in it.

import type { Command } from 'commander';
import { ModelError } from '../errors.ts';
import { type Amount, type Inspection, inspect } from '../inspect.ts';
import { findTarget } from './find-target.ts';
import { addModelOptions, compileOptions, type ModelOptions, targetOption } from './options.ts';
import { readModel } from './read-model.ts';
import { formatBytes, formatCount, formatTable, plural, printable } from './table.ts';

interface Options extends ModelOptions {
  readonly target?: string;
  readonly json: boolean;
}

const after = `
Examples:
  lapidary inspect model.onnx
  lapidary inspect model.onnx --dim batch=1 --json

Exit code 1 if the model cannot be compiled; what is in the way is then listed, all of it.`;

export const inspectCommand = (command: Command): Command =>
  addModelOptions(
    command
      .description('Shows what is in a model and what it costs, or all reasons why it cannot be compiled.')
      .argument('<model>', 'an ONNX file')
      .addOption(targetOption('also find what only this target does not support'))
      .option('--json', 'print JSON', false),
  )
    .addHelpText('after', after)
    .action(async (file: string, options: Options) => {
      const model = readModel(file, options);
      const target = options.target === undefined ? undefined : findTarget(options.target);
      const found = await inspect(model.bytes, { ...compileOptions(options), modelFile: file }, target);
      process.stdout.write(options.json ? `${JSON.stringify(found, undefined, 2)}\n` : describe(found));
      if (found.problems.length > 0) throw new ModelError(found.problems);
    });

function describe(found: Inspection): string {
  const opsets = Object.entries(found.opsets).map(([domain, version]) => `${printable(domain)} ${version}`);
  return [
    `model ${printable(found.name)}, IR version ${found.irVersion}, opset ${opsets.join(', ')}`,
    found.producer === '' ? '' : `, made by ${printable(found.producer)}`,
    '\n\n',
    section('inputs', found.inputs.map(portRow)),
    section('outputs', found.outputs.map(portRow)),
    section(
      'open dimensions',
      found.dims.map(({ name, max }) => [printable(name), max === null ? 'any size' : `at most ${max}`]),
    ),
    section(
      'operators',
      found.operators.map(({ name, domain, count, known }) => [
        formatCount(count),
        domain === 'ai.onnx' ? printable(name) : `${printable(domain)}.${printable(name)}`,
        known ? '' : 'not supported',
      ]),
    ),
    found.cost ? section('cost', costRows(found)) : `${plural(found.problems.length, 'problem')}\n`,
  ].join('');
}

const portRow = ({ name, type }: Inspection['inputs'][number]): readonly string[] => [printable(name), type];

const section = (title: string, rows: readonly (readonly string[])[]): string =>
  rows.length === 0 ? '' : `${title}\n${formatTable(rows, '  ')}\n`;

function costRows({ cost, parameters }: Inspection): readonly (readonly string[])[] {
  if (!cost) return [];
  return [
    ['multiply-adds', amount(cost.multiplyAdds, formatCount)],
    ['other float operations', amount(cost.otherFloatOperations, formatCount)],
    ['parameters', formatCount(parameters)],
    ['weights', formatBytes(cost.weightsBytes)],
    ['arena', amount(cost.arenaBytes, formatBytes)],
    ['arena, lower bound', amount(cost.arenaLowerBoundBytes, formatBytes)],
    ['kernels', `${cost.kernels}`],
    ['kernel calls', `${cost.calls}`],
  ];
}

/** Formulas may be very long; --json has them whole. */
function amount(value: Amount, format: (value: number) => string): string {
  if (typeof value === 'number') return format(value);
  return value.length > 100 ? 'depends on the open dimensions (--json has the formula; --dim fixes them)' : value;
}
