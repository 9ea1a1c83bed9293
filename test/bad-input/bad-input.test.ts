// Every case ends within 5 s in its exit code, with a message and without a stack, and writes nothing.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { type BadCase, type Ending, runCases } from './case.ts';
import { externalDataCases } from './external-data.ts';
import { fileCases } from './files.ts';
import { graphCases } from './graphs.ts';
import { nodeCases } from './nodes.ts';
import { shapeCases } from './shapes.ts';
import { sizeCases } from './sizes.ts';
import { usageCases } from './usage.ts';

const corpus = {
  'bad files': fileCases,
  'bad graphs': graphCases,
  'bad nodes': nodeCases,
  'bad shapes': shapeCases,
  'bad sizes': sizeCases,
  'bad external data': externalDataCases,
  'bad usage': usageCases,
};

describe('the corpus of bad input', function () {
  this.timeout(300_000);

  it('has at least 60 cases, each with a name of its own', () => {
    const cases = Object.values(corpus).flat();
    assert.ok(cases.length >= 60, `${cases.length}`);
    assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
  });

  for (const [kind, cases] of Object.entries(corpus)) {
    describe(kind, () => {
      let folder = '';
      let endings: ReadonlyMap<BadCase, Ending> = new Map();
      before(async () => {
        folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lapidary-bad-'));
        endings = await runCases(cases, folder);
      });
      after(() => fs.rmSync(folder, { recursive: true, force: true }));
      for (const bad of cases) it(bad.name, () => expectEnding(bad, endings.get(bad)!));
    });
  }
});

function expectEnding({ code = 1, message }: BadCase, ending: Ending): void {
  const { stderr } = ending;
  assert.equal(ending.code, code, stderr);
  if (typeof message === 'string') assert.equal(stderr, `error: ${message}\n`);
  else assert.match(stderr, message);
  assert.doesNotMatch(stderr, /\n\s+at |bug of Lapidary/);
  assert.ok(stderr.startsWith('error: '), stderr);
  assert.ok(ending.seconds <= 5, `took ${ending.seconds.toFixed(1)} s`);
  assert.deepEqual(ending.written, []);
}
