// lapidary test: cases found, judged and counted.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { lapidary, makeFolder, removeFolder } from './lapidary.ts';
import { writeCase } from './models.ts';

describe('lapidary test', function () {
  this.timeout(120_000);
  let folder = '';
  beforeEach(() => {
    folder = makeFolder();
  });
  afterEach(() => removeFolder(folder));

  it('finds cases at any depth and passes them', () => {
    writeCase(path.join(folder, 'a'), [1, 2], [-1, -2]);
    writeCase(path.join(folder, 'deep/er/b'), [1, 2], [-1, -2]);
    const { code, stdout, stderr } = lapidary('test', folder, '--target', 'js');
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '2 passed, 0 failed, 0 unsupported\n');
  });

  it('takes a case itself', () => {
    writeCase(path.join(folder, 'one'), [1, 2], [-1, -2]);
    const { code, stdout } = lapidary('test', path.join(folder, 'one'), '--target', 'wasm', '--list');
    assert.equal(code, 0);
    assert.equal(stdout, 'pass one\n1 passed, 0 failed, 0 unsupported\n');
  });

  it('says what differs, and exits with 4', () => {
    writeCase(path.join(folder, 'good'), [1, 2], [-1, -2]);
    writeCase(path.join(folder, 'bad'), [1, 2, 4], [-1, -2, -3]);
    writeCase(path.join(folder, 'strange'), [1], [1], 'Frobnicate');
    const { code, stdout, stderr } = lapidary('test', folder, '--target', 'js', '--jobs', '1');
    assert.equal(code, 4);
    assert.equal(stderr, '');
    assert.deepEqual(stdout.split('\n').slice(0, 2), [
      'fail bad: output "y": 1 of 3 elements differ, the first: [2] is -4, expected -3',
      'unsupported × 1: Frobnicate: operator Frobnicate of the ONNX standard domain (opset 17) is not supported.',
    ]);
    assert.match(stdout, /\n1 passed, 1 failed, 1 unsupported\n$/);
  });

  it('writes results as JSON', () => {
    writeCase(path.join(folder, 'bad'), [1, 4], [-1, -3]);
    const file = path.join(folder, 'results.json');
    assert.equal(lapidary('test', folder, '--target', 'js', '--json', file).code, 4);
    assert.deepEqual(JSON.parse(fs.readFileSync(file, 'utf8')), {
      summary: { total: 1, passed: 0, failed: 1, unsupported: 0 },
      cases: [
        {
          name: 'bad',
          folder: path.join(folder, 'bad'),
          status: 'fail',
          message: 'output "y": 1 of 2 elements differ, the first: [1] is -4, expected -3',
          maxAbs: 1,
          maxRel: 1 / 3,
          maxUlp: 4194304,
        },
      ],
    });
    const piped = lapidary('test', folder, '--target', 'js', '--json', '-');
    assert.equal(JSON.parse(piped.stdout).summary.failed, 1);
  });

  it('takes tolerances', () => {
    writeCase(path.join(folder, 'near'), [100], [-100.01]);
    assert.equal(lapidary('test', folder, '--target', 'js').code, 0);
    assert.equal(lapidary('test', folder, '--target', 'js', '--rtol', '1e-6').code, 4);
    assert.equal(lapidary('test', folder, '--target', 'js', '--rtol', '0', '--atol', '0.1').code, 0);
  });

  it('runs only the cases that are asked for', () => {
    writeCase(path.join(folder, 'first'), [1], [-1]);
    writeCase(path.join(folder, 'second'), [1], [-2]);
    assert.equal(lapidary('test', folder, '--target', 'js', '--filter', 'fir').code, 0);
    const none = lapidary('test', folder, '--target', 'js', '--filter', 'third');
    assert.equal(none.code, 2);
    assert.equal(none.stderr, `error: No test cases with "third" in their names in ${folder}.\n`);
  });

  it('refuses a folder that is not there', () => {
    const { code, stderr } = lapidary('test', path.join(folder, 'no'), '--target', 'js');
    assert.equal(code, 2);
    assert.match(stderr, /^error: There is no folder .*no\.\n$/);
  });
});
