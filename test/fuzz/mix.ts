// Which engines a case runs on: the evaluator always, the others as often as they are cheap.

import { randomNumbers } from './draw.ts';
import type { EngineName } from './engines.ts';

export type Shares = Readonly<Partial<Record<EngineName, number>>>;

/** A program of C takes a hundred times as long as the evaluator. */
const usual: Shares = {
  'js-checked': 0.2,
  wasm: 0.3,
  'js-strict': 0.05,
  'wasm-strict': 0.15,
  c: 0.03,
  'c-strict': 0.02,
  'c-plain': 0.01,
};

export function engineMix(seed: number, shares: Shares = usual): () => readonly EngineName[] {
  const random = randomNumbers(seed);
  const entries = Object.entries(shares) as readonly (readonly [EngineName, number])[];
  return () => ['js', ...entries.filter(([, share]) => random() < share).map(([name]) => name)];
}
