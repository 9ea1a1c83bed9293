// lapidary ops: the table of operators, made from their declarations.

import type { Command } from 'commander';
import { type OperatorEntry, operatorTable } from '../ops-table.ts';
import { formatTable, plural } from './table.ts';

const after = `
Examples:
  lapidary ops
  lapidary ops Conv
  lapidary ops --json`;

export const opsCommand = (command: Command): Command =>
  command
    .description('Lists the supported operators: domain, newest version, and the element types of each input.')
    .argument('[part]', 'only operators whose name contains this')
    .option('--json', 'print JSON', false)
    .addHelpText('after', after)
    .action((part: string | undefined, { json }: { readonly json: boolean }) => {
      const wanted = (part ?? '').toLowerCase();
      const rows = operatorTable().filter(({ name }) => name.toLowerCase().includes(wanted));
      if (json) {
        process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
        return;
      }
      const lines = rows.map((row) => [row.name, row.domain, `${row.since}`, row.meaning, inputsOf(row)]);
      process.stdout.write(formatTable([['operator', 'domain', 'since', 'meaning', 'inputs'], ...lines]));
      process.stderr.write(`${plural(rows.length, 'operator')}\n`);
    });

const inputsOf = ({ inputs }: OperatorEntry): string =>
  inputs.map(({ name, types }) => `${name}: ${types.join(' | ')}`).join('; ');
