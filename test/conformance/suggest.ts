// Entries for the list of what is not supported, from results: the names grouped by reason.

import type { CaseResult } from '../../src/test-runner/run-case.ts';

export function printSuggestions(results: readonly CaseResult[]): void {
  const groups = new Map<string, string[]>();
  for (const { name, status, message } of results) {
    if (status === 'pass') continue;
    // Names of nodes and numbers of elements do not tell reasons apart.
    const reason = message.split('\n')[0]!.replace(/^(\S+) "[^"]*": /, '$1: ');
    const group = groups.get(reason) ?? [];
    group.push(name);
    groups.set(reason, group);
  }
  for (const [reason, cases] of groups)
    console.log(`  {\n    reason: ${JSON.stringify(reason)},\n    cases: ${JSON.stringify(cases)},\n  },`);
}
