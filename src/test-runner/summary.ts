// Counts results, and groups what is unsupported by reason.

import type { CaseResult } from './run-case.ts';

export interface Summary {
  readonly total: number;
  readonly passed: number;
  /** Wrong results and errors. */
  readonly failed: number;
  readonly unsupported: number;
}

export function summarize(results: readonly CaseResult[]): Summary {
  const count = (...statuses: readonly string[]): number =>
    results.filter(({ status }) => statuses.includes(status)).length;
  return {
    total: results.length,
    passed: count('pass'),
    failed: count('fail', 'error'),
    unsupported: count('unsupported'),
  };
}

export const summaryLine = ({ passed, failed, unsupported }: Summary): string =>
  `${passed} passed, ${failed} failed, ${unsupported} unsupported`;

/** Reasons with the number of cases that they stop, the most frequent first. Names of nodes do not tell reasons apart. */
export function unsupportedReasons(results: readonly CaseResult[]): readonly (readonly [string, number])[] {
  const reasons = new Map<string, number>();
  for (const { status, message } of results) {
    if (status !== 'unsupported') continue;
    const reason = message.split('\n')[0]!.replace(/^(\S+) "[^"]*": /, '$1: ');
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return [...reasons].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
