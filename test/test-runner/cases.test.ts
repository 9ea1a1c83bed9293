// Test cases on disk: found, read, run, and survived.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { tensorIn } from '../../src/execute/executable.ts';
import { readCase } from '../../src/test-runner/case-data.ts';
import { findCases } from '../../src/test-runner/cases.ts';
import { runCases } from '../../src/test-runner/pool.ts';
import { defaultTolerance, runCase } from '../../src/test-runner/run-case.ts';
import { unsupportedReasons } from '../../src/test-runner/summary.ts';
import { makeFolder, removeFolder } from '../cli/lapidary.ts';
import { tensorBytes, writeCase, writeModel } from '../cli/models.ts';

const settings = { target: 'js', execute: {}, tolerance: defaultTolerance };

describe('test cases', () => {
  let folder = '';
  beforeEach(() => {
    folder = makeFolder();
  });
  afterEach(() => removeFolder(folder));

  it('are folders with a model and data, in the order of their names', () => {
    writeCase(path.join(folder, 'b'), [1], [-1]);
    writeCase(path.join(folder, 'a/c'), [1], [-1]);
    writeModel(path.join(folder, 'without-data'));
    assert.deepEqual(
      findCases(folder).map(({ name }) => name),
      ['a/c', 'b'],
    );
  });

  it('are found through links, but not for ever', () => {
    writeCase(path.join(folder, 'real/case'), [1], [-1]);
    fs.symlinkSync(path.join(folder, 'real'), path.join(folder, 'again'));
    fs.symlinkSync(folder, path.join(folder, 'real', 'circle'));
    assert.equal(findCases(folder).length, 1);
  });

  it('have inputs and outputs by name', () => {
    writeCase(path.join(folder, 'case'), [1, 2], [-1, -2]);
    const { sets } = readCase(path.join(folder, 'case'));
    assert.equal(sets.length, 1);
    assert.deepEqual(
      [...sets[0]!.inputs, ...sets[0]!.outputs].map((value) => [value.name, tensorIn(value).dims]),
      [
        ['x', [2]],
        ['y', [2]],
      ],
    );
  });

  it('may have several data sets, each of which must pass', async () => {
    const test = { name: 'case', folder: path.join(folder, 'case') };
    writeCase(test.folder, [1], [-1]);
    const second = path.join(test.folder, 'test_data_set_1');
    fs.mkdirSync(second);
    fs.writeFileSync(path.join(second, 'input_0.pb'), tensorBytes([5]));
    fs.writeFileSync(path.join(second, 'output_0.pb'), tensorBytes([5]));
    const { status, message } = await runCase(test, settings);
    assert.equal(status, 'fail');
    assert.equal(message, 'test_data_set_1, output "y": 1 of 1 elements differ, the first: [0] is -5, expected 5');
  });

  it('that cannot be read are errors or unsupported, never the end', async () => {
    const test = { name: 'case', folder: path.join(folder, 'case') };
    writeCase(test.folder, [1], [-1]);
    fs.writeFileSync(path.join(test.folder, 'model.onnx'), 'not a model');
    assert.equal((await runCase(test, settings)).status, 'unsupported');
  });

  it('run on several processes, with an answer for each', async function () {
    this.timeout(60_000);
    for (const name of ['a', 'b', 'c', 'd', 'e']) writeCase(path.join(folder, name), [1], [name === 'c' ? 1 : -1]);
    const seen: string[] = [];
    const results = await runCases(findCases(folder), settings, {
      jobs: 2,
      timeoutSeconds: 50,
      onResult: ({ name }) => seen.push(name),
    });
    assert.deepEqual(
      results.map(({ name, status }) => `${name} ${status}`),
      ['a pass', 'b pass', 'c fail', 'd pass', 'e pass'],
    );
    assert.deepEqual(seen.sort(), ['a', 'b', 'c', 'd', 'e']);
  });

  it('that take too long are stopped, and the others go on', async function () {
    this.timeout(60_000);
    for (const name of ['a', 'b']) writeCase(path.join(folder, name), [1], [-1]);
    const results = await runCases(findCases(folder), settings, {
      jobs: 1,
      timeoutSeconds: 0.01,
      onResult: () => undefined,
    });
    assert.deepEqual(
      results.map(({ status, message }) => `${status}: ${message}`),
      Array.from({ length: 2 }, () => 'error: it took more than 0.01 s and was stopped'),
    );
  });
});

describe('reasons', () => {
  it('are grouped over the names of nodes', () => {
    const result = { folder: '', status: 'unsupported' as const, maxAbs: null, maxRel: null, maxUlp: null };
    const reasons = unsupportedReasons([
      { ...result, name: 'a', message: 'Foo "one": is not supported.\nBar "x": neither' },
      { ...result, name: 'b', message: 'Bar "x": is not supported.' },
      { ...result, name: 'c', message: 'Foo "two": is not supported.' },
    ]);
    assert.deepEqual(reasons, [
      ['Foo: is not supported.', 2],
      ['Bar: is not supported.', 1],
    ]);
  });
});
