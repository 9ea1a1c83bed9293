// npm run conformance: runs ONNX cases on a target, compares the results with the list of what is not supported, and
// fails where they differ.
//   npm run conformance -- [--target host] [--part node --part models ...] [--jobs N] [--sanitize]

import { parseArgs } from 'node:util';
import { summarize } from '../../src/test-runner/summary.ts';
import { runSuite, suiteCases, surprises, unknownNames } from './suite.ts';

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: 'host' },
    part: { type: 'string', multiple: true, default: ['node', 'simple', 'pytorch-operator', 'pytorch-converted'] },
    jobs: { type: 'string' },
    sanitize: { type: 'boolean', default: false },
  },
});
const { target, part, jobs, sanitize } = values;
const cases = suiteCases(part);
if (cases) {
  const results = await runSuite(cases, target, { sanitize, ...(jobs === undefined ? {} : { jobs: Number(jobs) }) });
  const wrong = [...surprises(results, target), ...unknownNames(cases).map((name) => `${name}: there is no such case`)];
  for (const line of wrong) console.log(line);
  const { passed, total } = summarize(results);
  console.log(`${target}: ${passed} of ${total} cases pass, ${total - passed} do not, ${wrong.length} surprises`);
  if (wrong.length > 0) process.exitCode = 1;
}
