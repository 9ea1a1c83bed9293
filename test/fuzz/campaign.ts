// Runs many cases of one generator, counts what became of them, and shrinks the first that shows a bug.

import fc from 'fast-check';
import type { FuzzCase } from './case.ts';
import { describeCase } from './describe.ts';
import { type Draw, drawn } from './draw.ts';
import type { EngineName } from './engines.ts';
import { judge, type Verdict } from './judge.ts';
import type { Oracle } from './oracle.ts';

export interface CampaignOptions {
  readonly oracle: Oracle;
  readonly seed: number;
  readonly runs: number;
  /** The engines for the next case. */
  engines(): readonly EngineName[];
  /** `judge` where absent. */
  readonly judge?: typeof judge;
  /** Told of each case before it runs. */
  readonly begin?: (fuzzCase: FuzzCase) => void;
}

/** So many cases at most are tried to make a failing one smaller. */
const mostShrinks = 200;

/** Plain data, so that it can be sent to another process. */
export interface CampaignResult {
  readonly passed: number;
  /** Reasons and how often each was given. */
  readonly skipped: ReadonlyMap<string, number>;
  readonly unsupported: ReadonlyMap<string, number>;
  /** The shrunk case and what is wrong with it. */
  readonly bug?: string;
}

export async function runCampaign(make: (draw: Draw) => FuzzCase, options: CampaignOptions): Promise<CampaignResult> {
  const counts = { passed: 0, skipped: new Map<string, number>(), unsupported: new Map<string, number>() };
  let bug: { readonly fuzzCase: FuzzCase; readonly verdict: Verdict } | undefined;
  let names: readonly EngineName[] = [];
  let shrinks = 0;
  const property = fc.asyncProperty(drawn(make), async (fuzzCase) => {
    if (bug && shrinks++ >= mostShrinks) return true;
    // While a case shrinks it runs where it failed.
    if (!bug) names = options.engines();
    options.begin?.(fuzzCase);
    const verdict = await (options.judge ?? judge)(fuzzCase, options.oracle, names);
    if (verdict.kind === 'bug') {
      bug = { fuzzCase, verdict };
      return false;
    }
    if (!bug) count(counts, verdict);
    return true;
  });
  const { seed, runs } = options;
  await fc.check(property, { seed, numRuns: runs });
  return { ...counts, ...(bug ? { bug: `${describeCase(bug.fuzzCase)}\n${describeVerdict(bug.verdict)}` } : {}) };
}

const describeVerdict = (verdict: Verdict): string =>
  verdict.kind === 'bug' ? `${verdict.engine}: ${verdict.message}` : verdict.kind;

function count(
  counts: { passed: number; skipped: Map<string, number>; unsupported: Map<string, number> },
  verdict: Exclude<Verdict, { readonly kind: 'bug' }>,
): void {
  if (verdict.kind === 'pass') {
    counts.passed++;
    return;
  }
  const table = verdict.kind === 'skip' ? counts.skipped : counts.unsupported;
  const reason = general(verdict.reason);
  table.set(reason, (table.get(reason) ?? 0) + 1);
}

/** Messages about different numbers and names are one reason. */
const general = (message: string): string =>
  message
    .split('\n')[0]!
    .replace(/"[^"]*"/g, '"…"')
    .replace(/-?\d+(\.\d+)?/g, '#')
    .replace(/\[[#, x]*\]|\{[#, ]*\}/g, '[…]')
    .slice(0, 240);
