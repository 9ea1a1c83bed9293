// A bounded piece of fuzzing: so many cases of one generator from one seed. The same order always runs the same cases.

import { type CampaignResult, runCampaign } from './campaign.ts';
import type { FuzzCase } from './case.ts';
import type { EngineName } from './engines.ts';
import { randomGraph } from './graphs/graph.ts';
import { illegal } from './illegal.ts';
import { judge, judgeIllegal } from './judge.ts';
import { engineMix } from './mix.ts';
import { generators } from './operators/index.ts';
import type { Oracle } from './oracle.ts';

export type OrderKind = 'operators' | 'graphs' | 'illegal';

/** Plain data, so that it can be sent to another process. */
export interface Order {
  readonly kind: OrderKind;
  /** The generator; `graphs` has only one. */
  readonly name: string;
  readonly seed: number;
  readonly runs: number;
  /** The engines of every case; a mix by chance where absent. */
  readonly engines?: readonly EngineName[];
}

export const generatorNames = (kind: OrderKind): readonly string[] =>
  kind === 'graphs' ? ['graphs'] : Object.keys(generators);

export function runOrder(order: Order, oracle: Oracle, begin?: (fuzzCase: FuzzCase) => void): Promise<CampaignResult> {
  const { kind, name, seed, runs, engines } = order;
  const legal = kind === 'graphs' ? randomGraph : generators[name]!;
  return runCampaign(kind === 'illegal' ? illegal(legal) : legal, {
    oracle,
    seed,
    runs,
    judge: kind === 'illegal' ? judgeIllegal : judge,
    engines: engines ? () => engines : engineMix(seed),
    ...(begin ? { begin } : {}),
  });
}

/** How to run an order again. */
export const commandOf = ({ kind, name, seed, runs }: Order): string =>
  [
    'npm run fuzz --',
    ...(kind === 'graphs' ? ['--graphs'] : ['--op', `"${name}"`]),
    ...(kind === 'illegal' ? ['--illegal'] : []),
    `--seed ${seed} --runs ${runs}`,
  ].join(' ');
