// The limits of a fuzz run, with children that break them.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { CampaignResult } from './campaign.ts';
import { type CrewLimits, runOrders } from './crew.ts';
import { describeCase } from './describe.ts';
import { startOracle } from './oracle.ts';
import { type Order, runOrder } from './order.ts';

const order = (name: string, seed = 1): Order => ({ kind: 'operators', name, seed, runs: 4, engines: ['js'] });
const roomy: CrewLimits = { jobs: 1, secondsForCase: 30, megabytes: 1000, deadline: Number.POSITIVE_INFINITY };

describe('the limits of a fuzz run', function () {
  this.timeout(60_000);
  let folder = '';
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lapidary-crew-'));
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  /** Runs two orders on children that do this when told the first, and answer the second. */
  async function runBroken(first: string, limits: Partial<CrewLimits>) {
    const childFile = path.join(folder, `${first.length}.mjs`);
    const passed =
      "process.send({ kind: 'result', result: { passed: 1, skipped: new Map(), unsupported: new Map() } })";
    const script = `process.on('message', ({ seed }) => {
      process.send({ kind: 'case', description: 'the broken case' });
      if (seed === 1) { ${first} } else ${passed};
    });`;
    fs.writeFileSync(childFile, script);
    const results: CampaignResult[] = [];
    const onResult = (_: Order, result: CampaignResult) => void results.push(result);
    const orders = [order('Add', 1), order('Add', 2)].values();
    const done = await runOrders(orders, { ...roomy, ...limits, childFile, onResult });
    return { done, bugs: results.map(({ bug }) => bug) };
  }

  it('report a case that does not end, and go on with the next order', async () => {
    assert.deepEqual(await runBroken('for (;;);', { secondsForCase: 1 }), {
      done: 2,
      bugs: ['the broken case\nthe case took more than 1 s', undefined],
    });
  });

  it('report a case that takes too much memory', async () => {
    const grow = 'globalThis.kept = new Uint8Array(400 << 20).fill(1); setInterval(() => 0, 1000);';
    const { done, bugs } = await runBroken(grow, { megabytes: 300 });
    assert.deepEqual([done, bugs[0]], [2, 'the broken case\nthe case took more than 300 MB']);
  });

  it('report a case that takes its process down', async () => {
    const { done, bugs } = await runBroken('process.exit(7);', {});
    assert.deepEqual([done, bugs[0]], [2, 'the broken case\nthe process ended with exit code 7']);
  });

  it('give up what runs when the time is over', async () => {
    const { done } = await runBroken('for (;;);  ', { deadline: performance.now() + 1000 });
    assert.equal(done, 0);
  });
});

describe('an order', function () {
  this.timeout(60_000);
  const oracle = startOracle();
  after(() => oracle.close());

  it('runs the same cases each time', async () => {
    const casesOf = async (given: Order): Promise<readonly string[]> => {
      const cases: string[] = [];
      await runOrder(given, oracle, (fuzzCase) => cases.push(describeCase(fuzzCase)));
      return cases;
    };
    const first = await casesOf(order('Conv'));
    assert.equal(first.length, 4);
    assert.deepEqual(await casesOf(order('Conv')), first);
    assert.notDeepEqual(await casesOf(order('Conv', 2)), first);
  });
});
