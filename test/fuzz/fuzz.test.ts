// A small part of the fuzzing, always the same cases: `npm run fuzz` runs more of them, and others.

import assert from 'node:assert/strict';
import { runCampaign } from './campaign.ts';
import { randomGraph } from './graphs/graph.ts';
import { illegal } from './illegal.ts';
import { judgeIllegal } from './judge.ts';
import { engineMix } from './mix.ts';
import { generators } from './operators/index.ts';
import { startOracle } from './oracle.ts';

const seed = 1;

// The first WebAssembly of a process waits for its compiler to load.
describe('random cases', function () {
  this.timeout(120_000);
  const oracle = startOracle();
  after(() => oracle.close());

  for (const [name, make] of Object.entries(generators)) {
    it(`of one operator agree with ONNX Runtime (${name})`, async () => {
      const engines = engineMix(seed, { 'js-checked': 0.2, wasm: 0.1, 'wasm-strict': 0.1 });
      const { bug } = await runCampaign(make, { oracle, seed, runs: 10, engines });
      assert.equal(bug, undefined);
    });
  }

  it('of graphs agree with ONNX Runtime', async () => {
    const engines = engineMix(seed, { 'js-checked': 0.2, wasm: 0.2, 'wasm-strict': 0.2, 'js-strict': 0.1 });
    const { bug } = await runCampaign(randomGraph, { oracle, seed, runs: 60, engines });
    assert.equal(bug, undefined);
  });

  it('that are illegal end in an error that says where', async () => {
    const engines = () => ['js-checked'] as const;
    for (const [name, make] of Object.entries(generators)) {
      const options = { oracle, seed, runs: 5, engines, judge: judgeIllegal };
      const { bug } = await runCampaign(illegal(make), options);
      assert.equal(bug, undefined, name);
    }
  });
});
