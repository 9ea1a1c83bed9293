// npm run fuzz -- [--minutes N] [--seed S] [--op NAME] [--graphs] [--illegal] [--engines js,wasm] [--runs N] [--verbose]
// Random legal cases of every operator, or random small graphs, against ONNX Runtime, until the time is over.

import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.ts';
import type { EngineName } from './engines.ts';
import { randomGraph } from './graphs/graph.ts';
import { illegal } from './illegal.ts';
import { judgeIllegal } from './judge.ts';
import { engineMix } from './mix.ts';
import { generators } from './operators/index.ts';
import { startOracle } from './oracle.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    op: { type: 'string', multiple: true },
    runs: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '1000000' },
    engines: { type: 'string' },
    graphs: { type: 'boolean', default: false },
    illegal: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

const end = performance.now() + Number(values.minutes) * 60_000;
const seed = Number(values.seed);
const all = values.graphs ? { graphs: randomGraph } : generators;
const chosen = Object.entries(all).filter(([name]) => values.op?.includes(name) ?? true);
const oracle = startOracle();
const totals = { passed: 0, skipped: 0, unsupported: 0, bugs: 0 };
const sum = (table: ReadonlyMap<string, number>): number => [...table.values()].reduce((a, b) => a + b, 0);

for (let round = 0; performance.now() < end && round < Number(values.rounds); round++) {
  for (const [name, make] of chosen) {
    if (performance.now() >= end) break;
    const result = await runCampaign(values.illegal ? illegal(make) : make, {
      ...(values.illegal ? { judge: judgeIllegal } : {}),
      oracle,
      seed: seed + round,
      runs: Number(values.runs),
      milliseconds: end - performance.now(),
      engines: values.engines ? () => values.engines!.split(',') as EngineName[] : engineMix(seed + round),
    });
    totals.passed += result.passed;
    totals.skipped += sum(result.skipped);
    totals.unsupported += sum(result.unsupported);
    if (result.bug !== undefined) {
      totals.bugs++;
      console.log(
        `\n=== ${name} (${values.graphs ? '--graphs' : `--op ${name}`} --seed ${seed + round} --runs ${values.runs})\n${result.bug.slice(0, 2500)}\n`,
      );
    }
    if (values.verbose) {
      console.log(
        `${name}: ${result.passed} passed, ${sum(result.skipped)} skipped, ${sum(result.unsupported)} unsupported`,
      );
      for (const [reason, times] of result.skipped) console.log(`  ${times} skipped: ${reason}`);
      for (const [reason, times] of result.unsupported) console.log(`  ${times} unsupported: ${reason}`);
    }
  }
}
oracle.close();
console.log(
  `seed ${seed}: ${totals.passed} passed, ${totals.skipped} without an answer of ONNX Runtime, ` +
    `${totals.unsupported} unsupported by us, ${totals.bugs} bugs`,
);
process.exitCode = totals.bugs > 0 ? 4 : 0;
