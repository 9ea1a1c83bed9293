// Writes the list of what is not supported from what fails now, on all targets that the list speaks of; what it says of
// other parts stays:
//   node --import=tsx test/conformance/update.ts [--part node --part models ...] [--target js --target wasm ...]
// Read the difference before you commit it: a case that has come onto the list is a step back.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import type { CaseResult } from '../../src/test-runner/run-case.ts';
import { summarize, summaryLine } from '../../src/test-runner/summary.ts';
import { type NotYet, notYet } from './not-yet.ts';
import { runSuite, suiteCases } from './suite.ts';

const { values } = parseArgs({
  options: {
    part: {
      type: 'string',
      multiple: true,
      default: ['node', 'simple', 'pytorch-operator', 'pytorch-converted', 'graphs', 'models'],
    },
    target: { type: 'string', multiple: true, default: ['js', 'wasm', 'host'] },
    jobs: { type: 'string' },
  },
});

const file = path.join(import.meta.dirname, 'not-yet.ts');
const cases = suiteCases(values.part) ?? [];
const failures = new Map<string, Map<string, string[]>>();
for (const target of values.target) {
  const jobs = values.jobs === undefined ? {} : { jobs: Number(values.jobs) };
  const results = await runSuite(cases, target, jobs);
  console.log(`${target}: ${summaryLine(summarize(results))}`);
  for (const result of results) {
    if (result.status === 'pass') continue;
    const byReason = failures.get(result.name) ?? new Map<string, string[]>();
    const reason = reasonOf(result);
    byReason.set(reason, [...(byReason.get(reason) ?? []), target]);
    failures.set(result.name, byReason);
  }
}
fs.writeFileSync(file, printList(entries()));

/** Names of nodes and of outputs, and numbers of elements, do not tell reasons apart. */
function reasonOf({ message }: CaseResult): string {
  return message
    .split('\n')[0]!
    .replace(/^(\S+) "[^"]*": /, '$1: ')
    .replace(/^output "[^"]*": \d+ of \d+ elements differ.*/, 'the result differs')
    .slice(0, 160);
}

/** Cases with the same reason on the same targets are one entry. */
function entries(): readonly NotYet[] {
  const groups = new Map<string, { readonly reason: string; readonly cases: string[]; readonly targets: string[] }>();
  for (const [name, byReason] of failures) {
    for (const [reason, targets] of byReason) {
      const key = `${reason}\0${targets.join()}`;
      const group = groups.get(key) ?? { reason, cases: [], targets };
      group.cases.push(name);
      groups.set(key, group);
    }
  }
  const made = [...groups.values()].map(
    ({ targets, ...entry }): NotYet => (targets.length === values.target.length ? entry : { ...entry, targets }),
  );
  return [...others(), ...made].sort((a, b) => (a.reason < b.reason ? -1 : 1));
}

/** What is listed of the parts that were not run. */
function others(): readonly NotYet[] {
  return notYet.flatMap(({ cases: names, ...entry }) => {
    const kept = names.filter((name) => !values.part.includes(name.split('/')[0]!));
    return kept.length > 0 ? [{ ...entry, cases: kept }] : [];
  });
}

function printList(list: readonly NotYet[]): string {
  const head = fs.readFileSync(file, 'utf8').split('export const notYet')[0]!;
  const body = list.map(({ reason, cases: names, targets }) => {
    const only = targets ? `    targets: [${targets.map(quote).join(', ')}],\n` : '';
    const lines = names.map((name) => `      ${quote(name)},\n`).join('');
    return `  {\n    reason: ${quote(reason)},\n${only}    cases: [\n${lines}    ],\n  },\n`;
  });
  return `${head}export const notYet: readonly NotYet[] = [\n${body.join('')}];\n`;
}

function quote(text: string): string {
  return text.includes("'") ? JSON.stringify(text) : `'${text.replaceAll('\\', '\\\\')}'`;
}
