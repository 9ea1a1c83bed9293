// --functions: operators that another file defines.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { makeModel, node, port } from '../onnx/make-model.ts';
import { lapidary, makeFolder, removeFolder } from './lapidary.ts';

const domain = 'com.example';
const domains = { [domain]: 1 };

describe('lapidary --functions', function () {
  this.timeout(60_000);
  const folder = makeFolder();
  after(() => removeFolder(folder));
  const model = path.join(folder, 'model.onnx');
  const library = path.join(folder, 'functions.onnx');
  fs.writeFileSync(
    model,
    makeModel({
      input: [port('x', [2])],
      output: [port('y', [2])],
      node: [node('Fancy', ['x'], ['y'], {}, { domain })],
      domains,
    }),
  );
  const opsetImport = [{ domain: '', version: 17 }];
  const fancy = { name: 'Fancy', domain, input: ['a'], output: ['b'], node: [node('Neg', ['a'], ['b'])], opsetImport };
  fs.writeFileSync(library, makeModel({ functions: [fancy], domains }));

  it('is what a model with an operator of its own needs', () => {
    const { code, stderr } = lapidary('inspect', model);
    assert.equal(code, 1);
    assert.match(stderr, /operator Fancy of domain "com\.example" \(opset 1\) is not supported.*--functions <file>/s);
    const { code: fine, stdout } = lapidary('inspect', model, '--functions', library);
    assert.equal(fine, 0);
    assert.match(stdout, /1 {2}com\.example\.Fancy *\n/);
  });

  it('names a file that is there', () => {
    const { code, stderr } = lapidary('inspect', model, '--functions', path.join(folder, 'none.onnx'));
    assert.equal(code, 1);
    assert.match(stderr, /none\.onnx: There is no such file/);
  });
});

describe('lapidary ops', () => {
  it('says what is left out, and why', () => {
    assert.match(
      lapidary('ops', 'EPContext').stdout,
      /Left out:\n {2}EPContext \(com\.microsoft\): it holds a program/,
    );
  });
});
