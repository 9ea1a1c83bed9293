// lapidary run: outputs as .npy files, and inputs that do not fit.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { readNpy, writeNpy } from '../../src/npy.ts';
import { digitImage, digits, filesIn, lapidary, makeFolder, removeFolder } from './lapidary.ts';
import { tensorBytes, writeModel } from './models.ts';

const hasCompiler = ['cc', 'gcc', 'clang'].some((name) => spawnSync(name, ['--version']).status === 0);
const targets = ['js', 'wasm', ...(hasCompiler ? ['host', 'c'] : [])];

const valuesOf = (file: string): readonly number[] => {
  const { bytes } = readNpy(new Uint8Array(fs.readFileSync(file)), file);
  return [...new Float32Array(bytes.slice().buffer)];
};

describe('lapidary run', function () {
  this.timeout(120_000);
  let folder = '';
  beforeEach(() => {
    folder = makeFolder();
  });
  afterEach(() => removeFolder(folder));

  for (const target of targets) {
    it(`reads a three with target ${target}`, () => {
      const args = ['--input', `image=${digitImage}`, '-o', folder, '--target', target];
      const { code, stdout, stderr } = lapidary('run', digits, ...args);
      assert.equal(code, 0, stderr);
      assert.equal(stdout, `${path.join(folder, 'scores.npy')} float32[1, 10]\n`);
      const scores = valuesOf(path.join(folder, 'scores.npy'));
      assert.equal(scores.indexOf(Math.max(...scores)), 3);
    });
  }

  it('takes ONNX tensors, and sizes from them', () => {
    const model = writeModel(folder, { shape: ['n'] });
    fs.writeFileSync(path.join(folder, 'x.pb'), tensorBytes([1, -2, 3, 4]));
    const out = path.join(folder, 'out');
    const { code, stdout } = lapidary(
      ...['run', model, '--input', `x=${path.join(folder, 'x.pb')}`, '-o', out, '--target', 'js', '--json'],
    );
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), [
      { output: 'y', file: path.join(out, 'y.npy'), dtype: 'float32', shape: [4] },
    ]);
    assert.deepEqual(valuesOf(path.join(out, 'y.npy')), [-1, 2, -3, -4]);
  });

  it('writes outputs with dangerous names under harmless ones', () => {
    const model = writeModel(folder, { output: '../../escape' });
    fs.writeFileSync(path.join(folder, 'x.pb'), tensorBytes([1, 2, 3]));
    const out = path.join(folder, 'out');
    const { code } = lapidary(
      ...['run', model, '--input', `x=${path.join(folder, 'x.pb')}`, '-o', out, '--target', 'js'],
    );
    assert.equal(code, 0);
    assert.deepEqual(filesIn(out), ['output_0.npy']);
  });

  it('refuses inputs that are missing, unknown, given twice or not there', () => {
    const x = path.join(folder, 'x.pb');
    fs.writeFileSync(x, tensorBytes([1, 2, 3]));
    const model = writeModel(folder);
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [[], /No value is given for input "x"\./],
      [['--input', `xx=${x}`], /the model has no input "xx"\. Did you mean "x"\?/],
      [['--input', x], /expected NAME=FILE/],
      [['--input', `x=${x}`, '--input', `x=${x}`], /"x" is given twice/],
      [['--input', `x=${x}.no`], /there is no file .*x\.pb\.no/],
      [['--input', `x=${folder}`], /there is no file/],
    ];
    for (const [args, message] of wrong) {
      const { code, stderr } = lapidary('run', model, ...args, '-o', path.join(folder, 'out'), '--target', 'js');
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
      assert.equal(fs.existsSync(path.join(folder, 'out')), false);
    }
  });

  for (const target of targets) {
    it(`refuses inputs of another shape or type with target ${target}`, () => {
      const model = writeModel(folder);
      const short = path.join(folder, 'short.pb');
      fs.writeFileSync(short, tensorBytes([1, 2]));
      const integers = path.join(folder, 'integers.npy');
      fs.writeFileSync(integers, writeNpy({ dtype: 'int32', dims: [3], bytes: new Uint8Array(12) }));
      const args = ['run', model, '-o', path.join(folder, 'out'), '--target', target];
      const shape = lapidary(...args, '--input', `x=${short}`);
      assert.equal(shape.code, 2, shape.stderr);
      assert.equal(shape.stderr, 'error: input "x" is float32[2], expected float32[3].\n');
      const type = lapidary(...args, '--input', `x=${integers}`);
      assert.equal(type.code, 2, type.stderr);
      assert.equal(type.stderr, 'error: input "x" is int32[3], expected float32[3].\n');
    });
  }

  it('refuses a file that is no tensor', () => {
    const model = writeModel(folder);
    const file = path.join(folder, 'x.npy');
    fs.writeFileSync(file, Buffer.from('\x93NUMPY', 'latin1'));
    const { code, stderr } = lapidary('run', model, '--input', `x=${file}`, '-o', path.join(folder, 'out'));
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^error: --input x=.*x\.npy: .*: Not a \.npy file/);
  });
});
