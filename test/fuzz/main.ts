// npm run fuzz -- [--rounds N | --minutes N] [--runs N] [--seed S] [--op NAME] [--graphs] [--illegal]
//   [--engines js,wasm] [--jobs N] [--verbose]
// Random cases against ONNX Runtime: legal ones of every operator, illegal ones, or small graphs. A round has `runs` cases
// of each generator; the same seed, rounds and runs are always the same cases. With minutes, rounds go on until the end.

import * as os from 'node:os';
import { parseArgs } from 'node:util';
import type { CampaignResult } from './campaign.ts';
import { runOrders } from './crew.ts';
import type { EngineName } from './engines.ts';
import { commandOf, generatorNames, type Order, type OrderKind } from './order.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    rounds: { type: 'string' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    op: { type: 'string', multiple: true },
    runs: { type: 'string', default: '50' },
    engines: { type: 'string' },
    jobs: { type: 'string', default: `${os.availableParallelism()}` },
    graphs: { type: 'boolean', default: false },
    illegal: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

const limits = { secondsForCase: 120, megabytes: 2000 };
const seed = Number(values.seed);
const kind: OrderKind = values.graphs ? 'graphs' : values.illegal ? 'illegal' : 'operators';
const rounds = values.rounds ? Number(values.rounds) : values.minutes ? Number.POSITIVE_INFINITY : 1;

function* allOrders(): Generator<Order> {
  const names = generatorNames(kind).filter((name) => kind === 'graphs' || (values.op?.includes(name) ?? true));
  const engines = values.engines ? { engines: values.engines.split(',') as EngineName[] } : {};
  for (let round = 0; round < rounds && names.length > 0; round++) {
    for (const name of names) yield { kind, name, seed: seed + round, runs: Number(values.runs), ...engines };
  }
}

const totals = { passed: 0, skipped: 0, unsupported: 0, bugs: 0 };
const sum = (table: ReadonlyMap<string, number>): number => [...table.values()].reduce((a, b) => a + b, 0);

function onResult(order: Order, { passed, skipped, unsupported, bug }: CampaignResult): void {
  totals.passed += passed;
  totals.skipped += sum(skipped);
  totals.unsupported += sum(unsupported);
  if (bug !== undefined) {
    totals.bugs++;
    console.log(`\n=== ${order.name} (${commandOf(order)})\n${bug.slice(0, 2500)}\n`);
  }
  if (!values.verbose) return;
  console.log(`${order.name}: ${passed} passed, ${sum(skipped)} skipped, ${sum(unsupported)} unsupported`);
  for (const [reason, times] of skipped) console.log(`  ${times} skipped: ${reason}`);
  for (const [reason, times] of unsupported) console.log(`  ${times} unsupported: ${reason}`);
}

const minutes = values.minutes === undefined ? Number.POSITIVE_INFINITY : Number(values.minutes);
const done = await runOrders(allOrders(), {
  ...limits,
  jobs: Number(values.jobs),
  deadline: performance.now() + minutes * 60_000,
  onResult,
});
console.log(
  `seed ${seed}: ${done} orders, ${totals.passed} passed, ${totals.skipped} without an answer of ONNX Runtime, ` +
    `${totals.unsupported} unsupported by us, ${totals.bugs} bugs`,
);
process.exitCode = totals.bugs > 0 ? 4 : 0;
