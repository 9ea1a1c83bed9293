// A small part of the fuzzing, always the same cases: `npm run fuzz` runs more of them, and others.

import assert from 'node:assert/strict';
import { runCampaign } from './campaign.ts';
import { engineMix } from './mix.ts';
import { generators } from './operators/index.ts';
import { startOracle } from './oracle.ts';

const seed = 1;
const runs = 10;

describe('random cases of one operator', () => {
  const oracle = startOracle();
  after(() => oracle.close());
  for (const [name, make] of Object.entries(generators)) {
    it(`agree with ONNX Runtime (${name})`, async () => {
      const engines = engineMix(seed, { wasm: 0.1, 'wasm-strict': 0.1 });
      const { bug } = await runCampaign(make, { oracle, seed, runs, milliseconds: 15_000, engines });
      assert.equal(bug, undefined);
    });
  }
});
