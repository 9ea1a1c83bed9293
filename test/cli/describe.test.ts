// lapidary inspect, ops, targets and bench: what they say of models and of themselves.

import * as assert from 'node:assert/strict';
import { digits, lapidary, makeFolder, removeFolder } from './lapidary.ts';
import { writeModel } from './models.ts';

describe('lapidary inspect', function () {
  this.timeout(60_000);
  let folder = '';
  beforeEach(() => {
    folder = makeFolder();
  });
  afterEach(() => removeFolder(folder));

  it('shows inputs, outputs, operators and costs', () => {
    const { code, stdout, stderr } = lapidary('inspect', digits);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^model digits, IR version 8, opset ai\.onnx 17, made by "lapidary digits example"\n/);
    assert.match(stdout, /inputs\n {2}image {2}float32\[1, 1, 28, 28\]\n/);
    assert.match(stdout, /outputs\n {2}scores {2}float32\[1, 10\]\n/);
    assert.match(stdout, / 2 {2}Conv\n/);
    assert.match(stdout, /multiply-adds +\d{3},\d{3}\n/);
  });

  it('gives the same as JSON', () => {
    const { code, stdout } = lapidary('inspect', digits, '--json');
    assert.equal(code, 0);
    const found = JSON.parse(stdout);
    assert.deepEqual(found.inputs, [{ name: 'image', type: 'float32[1, 1, 28, 28]' }]);
    assert.deepEqual(found.operators[0], { name: 'Conv', domain: 'ai.onnx', count: 2, known: true });
    assert.deepEqual(found.problems, []);
    assert.equal(found.parameters, 9122);
    assert.ok(found.cost.arenaBytes >= found.cost.arenaLowerBoundBytes);
  });

  it('says what is unsupported, and still shows what is in the model', () => {
    const { code, stdout, stderr } = lapidary('inspect', writeModel(folder, { op: 'Frobnicate' }));
    assert.equal(code, 1);
    assert.match(stdout, /1 {2}Frobnicate {2}not supported\n/);
    assert.match(stderr, /^error: Frobnicate "only": /);
  });

  it('keeps names from doing anything to the terminal', () => {
    const { code, stdout } = lapidary('inspect', writeModel(folder, { input: 'a\u001b[31m\nb\u202e' }));
    assert.equal(code, 0);
    assert.match(stdout, /"a\\u001b\[31m\\nb\\u202e" {2}float32\[3\]/);
  });

  it('shows open sizes, and amounts that depend on them', () => {
    const { code, stdout } = lapidary('inspect', writeModel(folder, { shape: ['n', 4] }), '--max', 'n=7');
    assert.equal(code, 0);
    assert.match(stdout, /x {2}float32\[n, 4\]/);
    assert.match(stdout, /open dimensions\n {2}n {2}at most 7\n/);
  });
});

describe('lapidary ops and targets', function () {
  this.timeout(60_000);

  it('lists operators with domain, version and types', () => {
    const { code, stdout } = lapidary('ops', 'matmul', '--json');
    assert.equal(code, 0);
    const matmul = JSON.parse(stdout).find(({ name }: { name: string }) => name === 'MatMul');
    assert.equal(matmul.domain, 'ai.onnx');
    assert.equal(matmul.since, 13);
    assert.deepEqual(matmul.inputs[0], { name: 'A', types: ['numeric'] });
    assert.match(lapidary('ops').stdout, /^operator +domain +since +meaning +inputs\n/);
  });

  it('lists targets with language and vector width', () => {
    const names = JSON.parse(lapidary('targets', '--json').stdout).map(({ name }: { name: string }) => name);
    for (const name of ['host', 'c', 'wasm', 'x86-64-v3', 'aarch64', 'cortex-m4'])
      assert.ok(names.includes(name), name);
    assert.match(lapidary('targets').stdout, /^target +language +vector +for\nhost /);
  });
});

describe('lapidary bench', function () {
  this.timeout(120_000);

  it('gives times and sizes of WebAssembly', () => {
    const { code, stdout, stderr } = lapidary('bench', digits, '--target', 'wasm', '--runs', '20', '--json');
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout);
    assert.equal(result.runs, 20);
    assert.ok(result.minUs > 0 && result.minUs <= result.medianUs && result.medianUs <= result.p90Us);
    assert.ok(result.arenaBytes >= result.arenaLowerBoundBytes);
    assert.ok(result.weightsBytes > 30_000 && result.codeBytes > 1000);
  });

  it('asks for sizes that are open', () => {
    const folder = makeFolder();
    const { code, stderr } = lapidary('bench', writeModel(folder, { shape: ['n'] }), '--target', 'wasm');
    removeFolder(folder);
    assert.equal(code, 2);
    assert.match(stderr, /The sizes "n" are open\. Give them with --dim NAME=SIZE, or inputs with --data\./);
  });
});
