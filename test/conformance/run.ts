// npm run conformance: runs ONNX cases on a target, compares the results with the list of what is not supported, and
// fails where they differ.
//   npm run conformance -- [--target host] [--part node --part models ...] [--every N] [--jobs N] [--sanitize]
// With --every only each Nth case runs, always the same ones.

import { parseArgs } from 'node:util';
import { summarize } from '../../src/test-runner/summary.ts';
import { runSuite, sampleOf, suiteCases, surprises, unknownNames } from './suite.ts';

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: 'host' },
    part: { type: 'string', multiple: true, default: ['node', 'simple', 'pytorch-operator', 'pytorch-converted'] },
    every: { type: 'string', default: '1' },
    jobs: { type: 'string' },
    sanitize: { type: 'boolean', default: false },
  },
});
const { target, part, jobs, sanitize } = values;
const all = suiteCases(part);
if (all) {
  const cases = sampleOf(all, Number(values.every));
  const results = await runSuite(cases, target, { sanitize, ...(jobs === undefined ? {} : { jobs: Number(jobs) }) });
  const wrong = [...surprises(results, target), ...unknownNames(all).map((name) => `${name}: there is no such case`)];
  for (const line of wrong) console.log(line);
  const { passed, total } = summarize(results);
  console.log(`${target}: ${passed} of ${total} cases pass, ${total - passed} do not, ${wrong.length} surprises`);
  if (wrong.length > 0) process.exitCode = 1;
}
