// Help, versions, and words that do not exist.

import * as assert from 'node:assert/strict';
import { lapidary } from './lapidary.ts';

const commands = ['compile', 'run', 'test', 'bench', 'inspect', 'targets', 'ops'];

describe('lapidary --help', function () {
  this.timeout(60_000);

  it('lists the commands, with examples and exit codes', () => {
    const { code, stdout, stderr } = lapidary('--help');
    assert.equal(code, 0);
    assert.equal(stderr, '');
    for (const command of commands) assert.match(stdout, new RegExp(`^ {2}${command} `, 'm'));
    assert.match(stdout, /Examples:\n {2}lapidary compile/);
    assert.match(stdout, /Exit codes: 0 ok, 1 the model, 2 usage, 3 a tool failed, 4 results differ, 70/);
  });

  for (const command of commands) {
    it(`shows options and examples of ${command}`, () => {
      const { code, stdout, stderr } = lapidary(command, '--help');
      assert.equal(code, 0);
      assert.equal(stderr, '');
      assert.match(stdout, new RegExp(`Usage: lapidary ${command}`));
      assert.match(stdout, new RegExp(`Examples:\n {2}lapidary ${command}`));
    });
  }

  it('prints the version of the package', () => {
    const { code, stdout } = lapidary('--version');
    assert.equal(code, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });

  it('is what a call without a command shows, as a usage error', () => {
    const { code, stdout, stderr } = lapidary();
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /Usage: lapidary/);
  });
});

describe('words that do not exist', function () {
  this.timeout(60_000);

  it('gives the command that was probably meant', () => {
    const { code, stdout, stderr } = lapidary('compil', 'model.onnx');
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /unknown command 'compil'\n\(Did you mean compile\?\)/);
  });

  it('gives the option that was probably meant', () => {
    const { code, stderr } = lapidary('compile', 'model.onnx', '-o', 'out', '--taget', 'wasm');
    assert.equal(code, 2);
    assert.match(stderr, /unknown option '--taget'\n\(Did you mean --target\?\)/);
  });

  it('gives the target that was probably meant', () => {
    const { code, stderr } = lapidary('compile', 'model.onnx', '-o', 'out', '--target', 'wams');
    assert.equal(code, 2);
    assert.equal(stderr, 'error: There is no target "wams". Did you mean "wasm"?\n');
  });

  it('refuses values that an option cannot have', () => {
    const base = ['compile', 'model.onnx', '-o', 'out'];
    const wrong: readonly (readonly [string, string, RegExp])[] = [
      ['--dim', 'batch', /Expected NAME=SIZE/],
      ['--dim', 'batch=many', /"many" is not a size/],
      ['--dim', 'batch=-1', /"-1" is not a size/],
      ['--shape', 'x=1x-3', /"-3" is not a size/],
      ['--math', 'quick', /Allowed choices are fast, strict/],
      ['--weights', 'inside', /Expected embed or external/],
      ['--emit', 'cc', /Nothing is called "cc"\. Did you mean "c"\?/],
    ];
    for (const [option, value, message] of wrong) {
      const { code, stderr } = lapidary(...base, option, value);
      assert.equal(code, 2, `${option} ${value}`);
      assert.match(stderr, message);
    }
  });
});
