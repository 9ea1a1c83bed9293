// lapidary targets: what can be compiled for.

import type { Command } from 'commander';
import { targets } from '../../codegen/index.ts';
import { formatTable } from './table.ts';

const after = `
Examples:
  lapidary targets
  lapidary targets --json`;

export const targetsCommand = (command: Command): Command =>
  command
    .description('Lists the targets of `lapidary compile`.')
    .option('--json', 'print JSON', false)
    .addHelpText('after', after)
    .action(({ json }: { readonly json: boolean }) => {
      const rows = Object.values(targets).map(({ name, language, description, features, lanes }) => ({
        name,
        language,
        description,
        features: [...features],
        vectorLanes: lanes.float32 ?? 1,
      }));
      if (json) process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
      else {
        const lines = rows.map((row) => [row.name, row.language, `${row.vectorLanes} × float32`, row.description]);
        process.stdout.write(formatTable([['target', 'language', 'vector', 'for'], ...lines]));
      }
    });
