// The ONNX node cases in the evaluator. `npm run conformance -- --target host` (or wasm) runs them as C (or WebAssembly).

import * as assert from 'node:assert/strict';
import { runSuite, suiteCases, surprises, unknownNames } from './suite.ts';

describe('the ONNX node cases', function () {
  this.timeout(20 * 60_000);

  for (const target of ['js']) {
    it(`pass on ${target}, but those that are listed`, async function () {
      const cases = suiteCases(['node']);
      if (!cases) return this.skip();
      const results = await runSuite(cases, target);
      assert.deepEqual(surprises(results, target), []);
    });
  }

  it('have every name that is listed', function () {
    const cases = suiteCases(['node']);
    if (!cases) return this.skip();
    assert.deepEqual(unknownNames(cases), []);
  });
});
