// lapidary ops: the table of operators, made from their declarations.

import type { Command } from 'commander';
import { type LeftOut, leftOut } from '../ops/left-out.ts';
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
      const missing = leftOut.filter(({ name }) => name.toLowerCase().includes(wanted));
      if (missing.length > 0) process.stdout.write(`\nLeft out:\n${missing.map(describeLeftOut).join('')}`);
      process.stderr.write(`${plural(rows.length, 'operator')}\n`);
    });

const describeLeftOut = ({ name, domain, reason }: LeftOut): string => `  ${name} (${domain}): ${reason}\n`;

const inputsOf = ({ inputs }: OperatorEntry): string =>
  inputs.map(({ name, types }) => `${name}: ${types.join(' | ')}`).join('; ');
